"""A record on its way into the database."""

from __future__ import annotations

from dataclasses import dataclass

from protocols.records import Record


@dataclass(frozen=True, slots=True)
class Arrived:
    """One arrival of a record; times in microseconds since 2000, as binary COPY takes them."""

    record: Record
    agent_id: int
    observed_at: int
    accepted_at: int
    corrected_at: int
    received_at: int
