"""What apps hand in and what they are told."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocols.records import RecordBody

MAX_RECORDS = 500


class BatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST /v1/records: all of it is taken, or nothing and an error."""

    records: Annotated[list[RecordBody], Meta(min_length=1, max_length=MAX_RECORDS)]


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a batch: every record of it is on the agent's disk."""

    stored: int
    known: int
    """Records of the batch that had been taken before; they changed nothing."""
