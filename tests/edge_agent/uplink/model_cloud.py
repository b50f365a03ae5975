"""A cloud that keeps the delivery contract in memory, on a real broker: welcomes, stores once, receipts. For tests of
the edge alone.

It runs paho's own thread, so that it goes on while the event loop under test is busy or being stopped.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from ops.embedded.mosquitto import CLOUD_USER
from protocols.blocks import unpack
from protocols.codec import MSGPACK, decode_segment, decode_status, encode
from protocols.receipts import Outcome, Receipt, SegmentReceipt, Verdict, Welcome
from protocols.samples import Sample
from protocols.segments import Books, Segment, content_hash
from protocols.status import Presence, Status
from protocols.topics import (
    SEGMENTS_FILTER,
    STATUS_FILTER,
    DownChannel,
    Lane,
    down_topic,
    parse_segment_topic,
)


class Items(Counter[str]):
    """Counts by name, for a test that looks while the client's thread stores: a look goes over what was there then."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().keys()))

    def values(self) -> Any:
        return list(super().values())


@dataclass
class Known:
    """What the model remembers of one agent."""

    stored: dict[tuple[str, int], bytes] = field(default_factory=dict)
    items: Items = field(default_factory=Items)
    order: list[tuple[Lane, int]] = field(default_factory=list)
    duplicates: int = 0
    conflicts: int = 0
    statuses: list[Status] = field(default_factory=list)
    session: int = 0
    instance: str = ""
    online: bool = False
    books: Books = field(default_factory=Books)

    @property
    def stored_items(self) -> int:
        return sum(self.items.values())


class ModelCloud:
    """Answers births and segments of any agent. Its switches may be thrown from the test at any time."""

    def __init__(self, host: str, port: int, *, credit: int = 8) -> None:
        self.credit = credit
        self.welcoming = True
        self.receipting = True
        self.lose_receipts = 0
        self.reject = False
        self.clock_offset_ms = 0
        self.agents: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._address = (host, port)
        client = Client(CallbackAPIVersion.VERSION2, client_id="model-cloud", protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(CLOUD_USER)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def start(self) -> None:
        self._client.connect(*self._address, clean_start=True)
        self._client.loop_start()
        assert self._subscribed.wait(60), "the model cloud could not subscribe"

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __getitem__(self, agent: str) -> Known:
        with self._lock:
            return self.agents.setdefault(agent, Known())

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe([(SEGMENTS_FILTER, SubscribeOptions(qos=1)), (STATUS_FILTER, SubscribeOptions(qos=1))])

    def _on_subscribe(self, *_: Any) -> None:
        self._subscribed.set()

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        content_type, payload = getattr(message.properties, "ContentType", MSGPACK), bytes(message.payload)
        if "/up/" in message.topic:
            topic = parse_segment_topic(message.topic)
            self._segment(topic.lane, decode_segment(payload, content_type), payload)
        else:
            self._status(decode_status(payload, content_type))

    def _status(self, status: Status) -> None:
        known = self[status.agent]
        known.statuses.append(status)
        if status.presence is Presence.OFFLINE:
            if status.session == known.session and status.instance == known.instance:
                known.online = False
            return
        if known.online and status.instance != known.instance:
            self._welcome(status, Verdict.DUPLICATE_AGENT, 0)
            return
        known.online, known.session, known.instance = True, status.session, status.instance
        assert status.position is not None
        assert status.books is not None
        known.books = status.books
        high = max((seq for epoch, seq in known.stored if epoch == status.position.epoch), default=0)
        old_copy = high >= status.position.next_seq
        self._welcome(status, Verdict.RESTART_EPOCH if old_copy else Verdict.ACCEPTED, high)

    def _welcome(self, status: Status, verdict: Verdict, high_seq: int) -> None:
        if self.welcoming:
            welcome = Welcome(
                agent=status.agent,
                session=status.session,
                verdict=verdict,
                cloud_time_ms=self._now_ms(),
                credit=self.credit,
                high_seq=high_seq,
            )
            self._say(status.agent, welcome)

    def _segment(self, lane: Lane, segment: Segment, payload: bytes) -> None:
        known, identity = self[segment.agent], (segment.epoch, segment.seq)
        outcome, digest = Outcome.STORED, content_hash(payload)
        if self.reject:
            outcome = Outcome.REJECTED
        elif identity in known.stored:
            if known.stored[identity] != digest:
                known.conflicts += 1
            known.duplicates += 1
            outcome = Outcome.DUPLICATE
        else:
            known.stored[identity] = digest
            known.order.append((lane, segment.seq))
            known.items.update(_names(segment))
        if not self.receipting:
            return
        if self.lose_receipts:
            self.lose_receipts -= 1
            return
        one = SegmentReceipt(
            epoch=segment.epoch, seq=segment.seq, outcome=outcome, reason="test" if self.reject else ""
        )
        receipt = Receipt(agent=segment.agent, cloud_time_ms=self._now_ms(), credit=self.credit, segments=[one])
        self._say(segment.agent, receipt)

    def _say(self, agent: str, message: Receipt | Welcome) -> None:
        self.say(agent, DownChannel.RECEIPT, encode(message))

    def say(self, agent: str, channel: DownChannel, payload: bytes, content_type: str = MSGPACK) -> None:
        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = content_type
        self._client.publish(down_topic(agent, channel), payload, qos=1, properties=properties)

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.clock_offset_ms


def _name(sample: Sample) -> str:
    # Its content too: a link's counters and its delays are two samples, and may well be of one millisecond.
    return f"{sample.thing}@{sample.observed_at_ms}#{zlib.crc32(msgspec.msgpack.encode(sample)):08x}"


def _names(segment: Segment) -> list[str]:
    """Name every item, so that losing one and storing another twice cannot cancel out."""
    samples = [_name(sample) for block in segment.blocks for sample in unpack(block)]
    return samples + [event.event_id for event in segment.events]
