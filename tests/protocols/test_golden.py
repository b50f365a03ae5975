"""Golden bytes: messages of wire version 1 as they were first written must be read for ever.

`python -m tests.protocols.test_golden` writes files that are missing; a committed file is never rewritten, because an
agent in a school may still send exactly these bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from protocols import codec
from protocols.asyncapi import render
from protocols.blocks import pack
from protocols.events import Event
from protocols.receipts import Outcome, Receipt, SegmentReceipt, Verdict, Welcome
from protocols.samples import (
    ClassroomSample,
    DeviceSample,
    HostSample,
    Kind,
    LinkSample,
    PortSample,
    ProbeSample,
    TerminalSample,
    Vantage,
)
from protocols.segments import Books, Segment, content_hash
from protocols.status import LaneHeld, Position, Presence, Role, Status
from protocols.topics import Lane

GOLDEN = Path(__file__).parent / "golden"
NOW = 1_795_000_000_000
TIME: dict[str, Any] = {"observed_at_ms": NOW, "monotonic_ms": 86_400_000}
BOOKS = Books(
    produced_items=120, confirmed_items=100, rejected_items=2, thinned_items=5, damaged_items=1, held_items=12
)

SEGMENT = Segment(
    agent="s07-gw",
    epoch="00f1e2d3c4b5a697",
    seq=42,
    low=40,
    boot="5d7e0d53-6f0c-4d5c-9f1e-2f6f0a3f7a11",
    sealed_at_ms=NOW + 5_000,
    sealed_monotonic_ms=86_405_000,
    books=BOOKS,
    blocks=pack(
        [
            LinkSample(
                thing="s07-wan", vantage=Vantage.SCHOOL, in_bps=412_345_678, out_bps=98_765_432, oper_up=True, **TIME
            ),
            LinkSample(thing="s07-wan", vantage=Vantage.CENTRE, loss_ratio=0.05, rtt_seconds=0.0042, **TIME),
            PortSample(thing="s07-sw01/GigabitEthernet0/0/1", in_octets_total=2**60, admin_up=True, **TIME),
            DeviceSample(thing="s07-sw01", reachable=True, uptime_seconds=4_294_967.29, **TIME),
            ProbeSample(thing="s07-gw/dns", success=False, reason="timeout", **TIME),
            HostSample(thing="s07-gw", cpu_ratio=0.031, clock_offset_seconds=-0.25, **TIME),
            TerminalSample(thing="s07-c03-t12", present=True, battery_ratio=0.57, app_version="4.2.1", **TIME),
            ClassroomSample(thing="s07-c03", terminals_present=38, terminals_known=45, **TIME),
            TerminalSample(thing="s07-c03-t12", present=True, resolution_seconds=300, **TIME),
        ]
    ),
    events=[
        Event(
            event_id="0123456789abcdef0123456789abcdef",
            type="counter.reset",
            kind=Kind.PORT,
            thing="s07-sw01/GigabitEthernet0/0/1",
            attributes={"reason": "discontinuity", "if_index": 5},
            **TIME,
        )
    ],
)
STATUS = Status(
    agent="s07-gw",
    presence=Presence.ONLINE,
    session=17,
    instance="0011223344556677",
    role=Role.GATEWAY,
    software="bellwether 0.1.0",
    host="gateway",
    boot="5d7e0d53-6f0c-4d5c-9f1e-2f6f0a3f7a11",
    sent_at_ms=NOW,
    monotonic_ms=86_400_000,
    position=Position(epoch="00f1e2d3c4b5a697", next_seq=43, low=40),
    books=BOOKS,
    held=[LaneHeld(lane=Lane.BACKLOG, segments=3, items=12, size_bytes=4_096, oldest_at_ms=NOW - 60_000)],
    skew_seconds=-0.012,
)
RECEIPT = Receipt(
    agent="s07-gw",
    cloud_time_ms=NOW,
    credit=8,
    segments=[
        SegmentReceipt(epoch="00f1e2d3c4b5a697", seq=42, outcome=Outcome.STORED),
        SegmentReceipt(epoch="00f1e2d3c4b5a697", seq=41, outcome=Outcome.REJECTED, reason="bad_schema"),
    ],
)
WELCOME = Welcome(
    agent="s07-gw", session=17, verdict=Verdict.ACCEPTED, cloud_time_ms=NOW, credit=8, high_seq=42, detail=""
)

MESSAGES: dict[str, codec.Message] = {
    "segment": SEGMENT,
    "status": STATUS,
    "receipt": RECEIPT,
    "welcome": WELCOME,
}
READERS = {
    "segment": codec.decode_segment,
    "status": codec.decode_status,
    "receipt": codec.decode_down,
    "welcome": codec.decode_down,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_bytes_of_wire_version_1_are_still_read(name: str) -> None:
    assert READERS[name]((GOLDEN / f"v1-{name}.msgpack.zst").read_bytes(), codec.MSGPACK) == MESSAGES[name]
    assert READERS[name]((GOLDEN / f"v1-{name}.json").read_bytes(), codec.JSON) == MESSAGES[name]


def test_the_content_hash_is_part_of_the_contract() -> None:
    payload = (GOLDEN / "v1-segment.msgpack.zst").read_bytes()
    assert content_hash(payload).hex() == (GOLDEN / "v1-segment.hash").read_text().strip()


def test_the_asyncapi_document_is_up_to_date() -> None:
    committed = Path(__file__).parents[2] / "docs" / "asyncapi.json"
    assert committed.read_text() == render(), "run: python -m protocols.asyncapi > docs/asyncapi.json"


def write_missing() -> None:
    """Write the golden files that do not exist yet."""
    GOLDEN.mkdir(exist_ok=True)
    for name, message in MESSAGES.items():
        for path, payload in (
            (GOLDEN / f"v1-{name}.msgpack.zst", codec.encode(message)),
            (GOLDEN / f"v1-{name}.json", codec.encode_json(message) + b"\n"),
        ):
            if not path.exists():
                path.write_bytes(payload)
    digest = GOLDEN / "v1-segment.hash"
    if not digest.exists():
        digest.write_text(content_hash((GOLDEN / "v1-segment.msgpack.zst").read_bytes()).hex() + "\n")


if __name__ == "__main__":
    write_missing()
