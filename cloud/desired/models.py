"""What the domain holds: documents as they are kept, and how a reported token compares with the desired one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from protocols.desired import TerminalTargets

DISTRICT = "*"
"""The scope of targets that stand for every school that has none of its own."""
Setting = str | int | float | bool


class SyncState(StrEnum):
    """Whether what was desired is in force, as far as the centre knows."""

    NONE = "none"
    SYNCED = "synced"
    PENDING = "pending"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentState:
    """One kind of one agent: desired and reported token, and what the agent says about it."""

    agent: str
    school: str | None
    kind: str
    desired: str | None
    made_at: datetime | None
    reported: str | None
    validity: str | None
    reason: str
    proved_at: datetime | None
    missing_bytes: int | None
    reported_at: datetime | None

    @property
    def state(self) -> SyncState:
        """Compare the tokens."""
        if self.desired is None:
            return SyncState.NONE
        if self.validity is None:
            return SyncState.UNKNOWN
        if self.validity == "invalid":
            return SyncState.INVALID
        holds = self.reported == self.desired and self.validity == "valid" and not self.missing_bytes
        return SyncState.SYNCED if holds else SyncState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What the terminals of a scope should run; a null version and an empty configuration ask for nothing."""

    scope: str
    app_version: str | None
    configuration: dict[str, Setting]
    set_at: datetime


def value_state(desired: str | None, reported: str | None) -> SyncState:
    """Compare a value that a terminal says of itself. Pure."""
    if desired is None:
        return SyncState.NONE
    if reported is None:
        return SyncState.UNKNOWN
    return SyncState.SYNCED if reported == desired else SyncState.PENDING


def targets_of(school: str, targets: Mapping[str, Targets]) -> TerminalTargets:
    """Return what terminals of a school should run: the school's own values before the district's. Pure."""
    chosen = [targets[scope] for scope in (DISTRICT, school) if scope in targets]
    configuration: dict[str, Setting] = {}
    version: str | None = None
    for one in chosen:
        configuration.update(one.configuration)
        version = one.app_version or version
    return TerminalTargets(
        app_version=version,
        configuration=configuration,
        configuration_token=configuration_token(configuration) if configuration else None,
    )


def configuration_token(configuration: Mapping[str, Setting]) -> str:
    """Return the token that a terminal reports once this configuration is in force."""
    return hashlib.sha256(msgspec.json.encode(configuration, order="sorted")).hexdigest()[:32]
