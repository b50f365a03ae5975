"""Routes of desired."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["desired"])
