"""What apps hand in and what they are told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocols.identity import Milliseconds
from protocols.records import AnyFact, RecordId, Reference

MAX_RECORDS = 500


class RecordBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record as an app says it. `observed_at_ms` is the app's clock when the fact was made."""

    record_id: RecordId
    observed_at_ms: Milliseconds
    fact: AnyFact
    subject: Reference | None = None
    terminal: Reference | None = None
    school_class: Reference | None = None
    lesson: Reference | None = None


class BatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/records: all of it is taken, or nothing and an error."""

    records: Annotated[list[RecordBody], Meta(min_length=1, max_length=MAX_RECORDS)]


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a batch: every record of it is on the agent's disk."""

    stored: int
    known: int
    """Records of the batch that had been taken before; they changed nothing."""
