"""A centre's side of desired state for tests: a key, documents signed with it."""

from __future__ import annotations

from base64 import b64encode

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from protocols.desired import (
    SIGNED_PREFIX,
    Body,
    Document,
    DocumentKind,
    Erasures,
    SignedDocument,
    TerminalTargets,
    Tombstone,
)
from protocols.roster import Roster, SchoolClass, Timetable

AGENT = "s07-gw"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = KEY.public_key().public_bytes_raw()
PUBLIC_KEY_TEXT = b64encode(PUBLIC_KEY).decode()


def roster(*titles: str) -> Roster:
    """A roster of classes with these titles."""
    return Roster(classes=[SchoolClass(school_class=f"s07-c{i:02}", title=title) for i, title in enumerate(titles, 1)])


def timetable() -> Timetable:
    """An empty week."""
    return Timetable(time_zone="Asia/Shanghai", from_day="2026-09-07", to_day="2026-09-13", lessons=[])


def erasures(*subjects: str) -> Erasures:
    """One tombstone per subject, with an id made of its number."""
    return Erasures(
        tombstones=[
            Tombstone(erasure=f"{i:032x}", subject=subject, ordered_at_ms=1_000)
            for i, subject in enumerate(subjects, 1)
        ]
    )


def kind_of(body: Body) -> DocumentKind:
    """The kind that a body belongs to."""
    return DocumentKind(str(body.__struct_config__.tag))


def signed(
    body: Body,
    serial: int = 1,
    *,
    agent: str = AGENT,
    kind: DocumentKind | None = None,
    key: Ed25519PrivateKey = KEY,
) -> SignedDocument:
    """A document as the centre hands it out."""
    document = Document(agent=agent, kind=kind or kind_of(body), serial=serial, made_at_ms=1_000 + serial, body=body)
    payload = msgspec.json.encode(document)
    return SignedDocument(key_id="centre-1", payload=payload, signature=key.sign(SIGNED_PREFIX + payload))


TARGETS = TerminalTargets(app_version="3.2.1", configuration_token="c1")
