"""Desired and reported state: what an agent and its terminals should have, and what they say they have.

The centre keeps one document per agent and kind. A document is signed (Ed25519 over `SIGNED_PREFIX` and the payload),
named by its token (the first 32 hex digits of the payload's SHA-256) and numbered: `serial` grows with every change,
and an agent never goes back to a lower one, so an old document that is replayed does nothing. "Synced" means that the
reported token is the desired one; a nudge over MQTT only says that it is worth asking. Documents travel over HTTP,
see `docs/protocol.md`.

Source of the idea: Apple's declarative status (valid, invalid, unknown, with reasons), RFC 8032 for the signature.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocols.content import Content
from protocols.identity import AgentId, Count, Milliseconds
from protocols.records import RecordId, Reference, Sha256, ShortText
from protocols.roster import Roster, Timetable
from protocols.samples import Bytes, Ratio
from protocols.segments import WIRE_VERSION

SIGNED_PREFIX = b"bellwether desired 1\n"
Token = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="Names one version of a document by its content")]


class DocumentKind(StrEnum):
    """What a document is about."""

    ROSTER = "roster"
    TIMETABLE = "timetable"
    CONTENT = "content"
    TERMINALS = "terminals"
    ERASURE = "erasure"


class TerminalTargets(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="terminals"):
    """What every terminal of the school should run: the app's version, its configuration, the token to report."""

    app_version: ShortText | None = None
    configuration: dict[str, str | int | float | bool] = {}
    configuration_token: ShortText | None = None


class Tombstone(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person whose records are to be forgotten, or single records when `records` names them; and their files."""

    erasure: RecordId
    subject: Reference
    ordered_at_ms: Milliseconds
    records: list[RecordId] = []
    blobs: list[Sha256] = []


class Erasures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="erasure"):
    """Every erasure of the school that an agent must have applied before it serves anything."""

    tombstones: list[Tombstone]


Body = Roster | Timetable | Content | TerminalTargets | Erasures


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signed payload: one kind of desired state of one agent."""

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    kind: DocumentKind
    serial: Annotated[int, Meta(ge=1, le=2**53)]
    made_at_ms: Milliseconds
    body: Body


class SignedDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A `Document` as JSON bytes with the centre's signature (64 bytes) by the key of that id."""

    key_id: ShortText
    payload: bytes
    signature: bytes


class DesiredTokens(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token of every document that the centre holds for an agent: the cheap question "is there anything new?"."""

    agent: AgentId
    tokens: dict[DocumentKind, Token]
    cloud_time_ms: Milliseconds


class Nudge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="nudge"):
    """On `down/config` or `down/content`: these documents changed; losing a nudge costs time, never truth."""

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    tokens: dict[DocumentKind, Token]


class Validity(StrEnum):
    """Whether what was desired is in force."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class ReportedDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One kind of an agent's reported state; `proved_at_ms` is when it was last found to hold on this machine."""

    kind: DocumentKind
    token: Token | None
    validity: Validity
    reason: ShortText = ""
    proved_at_ms: Milliseconds | None = None
    missing_bytes: Bytes | None = None


class ReportedTerminal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a terminal last said of itself, with the agent's clock when it said so. Null means it never said."""

    terminal: Reference
    seen_at_ms: Milliseconds
    present: bool
    holder: Reference | None = None
    app_version: ShortText | None = None
    content_token: ShortText | None = None
    configuration_token: ShortText | None = None
    roster_token: ShortText | None = None
    missing_bytes: Bytes | None = None
    unsent: Count | None = None
    oldest_unsent_at_ms: Milliseconds | None = None
    battery_ratio: Ratio | None = None
    storage_free_bytes: Bytes | None = None


class Reported(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An agent's whole report, replacing the one before; `erased` are the tombstones that it has applied."""

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    at_ms: Milliseconds
    documents: list[ReportedDocument]
    terminals: list[ReportedTerminal] = []
    erased: list[RecordId] = []


def token_of(payload: bytes) -> str:
    """Return the token of a document's payload."""
    return hashlib.sha256(payload).hexdigest()[:32]


def content_token(tokens: list[str]) -> str:
    """Return what a terminal reports once it holds every manifest of these tokens."""
    return hashlib.sha256("\n".join(sorted(tokens)).encode()).hexdigest()[:32]
