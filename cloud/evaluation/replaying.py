"""What the replay route and command ask for: evaluation's own consumer, beside the one that follows the records."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cloud.evaluation.taking import EvaluationService
from cloud.records.consuming import Consumer


def _consumer(request: Request) -> Consumer:
    return Consumer(request.app.state.rooms.pool, EvaluationService())


Refused = Annotated[Consumer, Depends(_consumer)]
"""Tries refused records again; two at once wait for each other."""
