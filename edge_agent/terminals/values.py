"""What terminals say, and the rules by which an agent decides whether they are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from edge_agent.errors import EdgeError, Retry
from protocols.identity import Count, Milliseconds
from protocols.records import REFERENCE_PATTERN
from protocols.samples import Bytes, Dbm, Ratio

TERMINAL_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
"""What a terminal's key in the inventory looks like: `s07-c03-t12`."""


_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""Anybody on the school's network may check in; control characters of theirs reach neither a log nor the database."""

ShortText = Annotated[str, Meta(max_length=64, pattern=_PRINTABLE)]
ClassroomKey = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PRINTABLE)]
PersonKey = Annotated[str, Meta(min_length=1, max_length=63, pattern=REFERENCE_PATTERN)]


class CheckInBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a terminal says of itself, the body of its check-in; all of it optional.

    `classroom` is the room it is used in now, where one agent serves several; `holder` is who uses it (pseudonymous).
    `missing_bytes` is what it still lacks of the class's content. `unsent` counts records that no agent has on its
    disk yet, `oldest_unsent_at_ms` is when the oldest was made, by the agent's clock as the terminal knows it.
    """

    battery_ratio: Ratio | None = None
    charging: bool | None = None
    storage_free_bytes: Bytes | None = None
    wifi_rssi_dbm: Dbm | None = None
    app_version: ShortText | None = None
    content_token: ShortText | None = None
    classroom: ClassroomKey | None = None
    holder: PersonKey | None = None
    configuration_token: ShortText | None = None
    roster_token: ShortText | None = None
    missing_bytes: Bytes | None = None
    unsent: Count | None = None
    oldest_unsent_at_ms: Milliseconds | None = None


SILENT = CheckInBody()


@dataclass(frozen=True, slots=True)
class CheckIn:
    """One check-in of one terminal."""

    terminal: str
    body: CheckInBody = SILENT


@dataclass(frozen=True, slots=True)
class PresenceRules:
    """When a terminal counts as absent, how often it is sampled, how many are remembered.

    A terminal is absent once nothing was heard for `checkin_seconds * missed_checkins + grace_seconds`.
    """

    checkin_seconds: float = 30.0
    missed_checkins: int = 3
    grace_seconds: float = 5.0
    sample_seconds: float = 300.0
    summary_seconds: float = 60.0
    max_terminals: int = 2000

    @property
    def absent_after_ms(self) -> int:
        """The silence that makes a terminal absent, in milliseconds."""
        return round((self.checkin_seconds * self.missed_checkins + self.grace_seconds) * 1000)


class TooManyTerminals(EdgeError):
    """The agent remembers as many terminals as it may, and all of them are present."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "raise [terminals] max_terminals, or look for a program that invents terminal ids"
