"""Erasures, purposes and accesses as the API shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cloud.http.schemas import Document, Moment, Page

PERSON_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$"
PersonKey = Annotated[str, Field(pattern=PERSON_PATTERN, examples=["p3f9a0c1d2e4b5a69788"])]
RecordKey = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class ErasureOrder(BaseModel):
    """What is to be forgotten."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    person: PersonKey
    """The person's reference."""
    reason: str = Field(min_length=3, max_length=500, examples=["the guardian withdrew consent on 2026-11-20"])
    """Why, for the audit; no name in it."""
    records: list[RecordKey] = Field(default=[], max_length=1000)
    """Single records; empty: everything about the person, also what arrives later."""


class Erasure(Document):
    """One order and how far it has come."""

    erasure: str
    """Id of the order and of its tombstone."""
    person: str
    """The person's reference."""
    records: list[str]
    """Single records; empty: everything."""
    reason: str
    """Why."""
    ordered_by: str
    """Who ordered it."""
    ordered_at: Moment
    """When it was ordered."""
    done_at: Moment | None = None
    """When the centre had forgotten; null while it has not."""
    erased_records: int
    """Records that the centre blanked."""
    blobs: list[str]
    """Files that were removed, as nothing else needs them."""
    agents_told: int
    """Agents whose desired state carries the tombstone."""
    agents_applied: int
    """Agents that have confirmed it."""


class ErasureList(Page):
    """Orders, newest first."""

    items: list[Erasure]
    """The page."""


class Purpose(Document):
    """Why a type of record is collected and how long it is kept."""

    type: str = Field(examples=["answer"])
    """The record type."""
    purpose: str = Field(examples=["shows the class board and finds what is not yet understood"])
    """What its fields are collected for."""
    kept_days: int = Field(examples=[1200])
    """Days until it expires."""


class PurposeList(Document):
    """Every registered type."""

    items: list[Purpose]
    """One entry per type."""


class Access(Document):
    """One look at a person's records."""

    at: Moment
    """When."""
    who: str
    """Who looked."""
    purpose: str
    """What for."""
    route: str
    """By which route."""


class AccessList(Document):
    """Who looked at a person's records, newest first."""

    items: list[Access]
    """At most as many as asked for."""
