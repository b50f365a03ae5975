"""A simple publisher for the tests of ingest: it seals segments as an agent would and holds them until a receipt."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from protocols.blocks import pack
from protocols.codec import MSGPACK, decode_down, encode
from protocols.events import Event
from protocols.receipts import Outcome, Receipt, Welcome
from protocols.samples import Sample
from protocols.segments import Books, Segment
from protocols.status import Position, Presence, Role, Status
from protocols.topics import DownChannel, Lane, down_topic, segment_topic, status_topic

BOOT = "11111111-2222-3333-4444-555555555555"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def until_rows(rows: Callable[[str], list[tuple[Any, ...]]], query: str, expected: list[tuple[Any, ...]]) -> None:
    """Ask again and again until the database says so."""
    deadline = time.monotonic() + 120
    while (found := rows(query)) != expected:
        assert time.monotonic() < deadline, f"{query}: {found}"
        time.sleep(0.02)


@dataclass
class Ledger:
    """The publisher's own books, in items."""

    produced: int = 0
    confirmed: int = 0
    rejected: int = 0


@dataclass
class Publisher:
    """One agent, by hand: `seal`, `publish`, and what the cloud answered."""

    agent: str
    host: str = "127.0.0.1"
    port: int = 0
    epoch: str = field(default_factory=lambda: secrets.token_hex(8))
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    session: int = 1
    boot: str = BOOT
    low: int = 1
    seq: int = 0
    held: dict[tuple[str, int], tuple[Segment, bytes]] = field(default_factory=dict)
    receipts: dict[tuple[str, int], tuple[Outcome, str]] = field(default_factory=dict)
    credits: list[int] = field(default_factory=list)
    welcomes: list[Welcome] = field(default_factory=list)
    books: Ledger = field(default_factory=Ledger)
    _client: Any = None
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def seal(self, samples: list[Sample], events: list[Event] | None = None, **changes: Any) -> Segment:
        """Seal the items into the next segment and hold it."""
        self.seq += 1
        count = len(samples) + len(events or []) + len(changes.get("records", []))
        self.books.produced += count
        values: dict[str, Any] = {
            "agent": self.agent,
            "epoch": self.epoch,
            "seq": self.seq,
            "low": self.low,
            "boot": self.boot,
            "sealed_at_ms": now_ms(),
            "sealed_monotonic_ms": time.monotonic_ns() // 1_000_000,
            "books": Books(
                produced_items=self.books.produced,
                confirmed_items=self.books.confirmed,
                rejected_items=self.books.rejected,
                held_items=self.books.produced - self.books.confirmed - self.books.rejected,
            ),
            "blocks": pack(samples),
            "events": events or [],
        }
        segment = Segment(**(values | changes))
        self.held[segment.epoch, segment.seq] = (segment, encode(segment))
        return segment

    def connect(self) -> Publisher:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"{self.agent}.{self.instance}", protocol=mqtt.MQTTv5
        )
        client.on_message = self._on_message
        client.username_pw_set(self.agent)
        client.max_inflight_messages_set(20)
        will = Status(agent=self.agent, presence=Presence.OFFLINE, session=self.session, instance=self.instance)
        client.will_set(status_topic(self.agent), encode(will), qos=1, retain=True, properties=_properties())
        subscribed = threading.Event()
        client.on_subscribe = lambda *_: subscribed.set()
        client.on_connect = lambda c, *_: c.subscribe(down_topic(self.agent, DownChannel.RECEIPT), qos=1)
        client.connect(self.host, self.port, keepalive=120, clean_start=True)
        client.loop_start()
        assert subscribed.wait(120)
        self._client = client
        return self

    def disconnect(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def die(self) -> None:
        """Close the socket without a goodbye, so that the broker sends the will."""
        self._client.loop_stop()
        self._client._sock_close()

    def birth(self, **changes: Any) -> Status:
        values: dict[str, Any] = {
            "agent": self.agent,
            "presence": Presence.ONLINE,
            "session": self.session,
            "instance": self.instance,
            "role": Role.GATEWAY,
            "software": "test",
            "host": "test-host",
            "boot": self.boot,
            "sent_at_ms": now_ms(),
            "monotonic_ms": time.monotonic_ns() // 1_000_000,
            "position": Position(epoch=self.epoch, next_seq=self.seq + 1, low=self.low),
            "books": Books(produced_items=self.books.produced, confirmed_items=self.books.confirmed),
        }
        status = Status(**(values | changes))
        self._client.publish(status_topic(self.agent), encode(status), qos=1, retain=True, properties=_properties())
        return status

    def publish(self, *segments: Segment, lane: Lane = Lane.LIVE) -> None:
        # All are looked up before the first is sent: what is receipted is held no longer.
        for payload in [self.held[segment.epoch, segment.seq][1] for segment in segments]:
            self.publish_bytes(payload, lane=lane)

    def publish_bytes(self, payload: bytes, *, lane: Lane = Lane.LIVE, content_type: str = MSGPACK) -> None:
        self._client.publish(segment_topic(self.agent, lane), payload, qos=1, properties=_properties(content_type))

    def publish_held(self, lane: Lane = Lane.LIVE) -> None:
        """Send everything without a receipt again, as an agent does after a time-out."""
        for _, payload in list(self.held.values()):
            self.publish_bytes(payload, lane=lane)

    def wait_for_receipts(self, *segments: Segment, timeout: float = 120) -> list[tuple[Outcome, str]]:
        keys = [(segment.epoch, segment.seq) for segment in segments]
        with self._changed:
            assert self._changed.wait_for(lambda: all(key in self.receipts for key in keys), timeout), (
                f"no receipt for {[key for key in keys if key not in self.receipts][:3]}"
            )
        return [self.receipts[key] for key in keys]

    def wait_for_words(self, count: int, timeout: float = 120) -> None:
        """Wait until so many receipts came in all, whatever they name."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.credits) >= count, timeout), "no receipt"

    def wait_for_welcomes(self, count: int = 1, timeout: float = 120) -> Welcome:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.welcomes) >= count, timeout), "no welcome"
        return self.welcomes[-1]

    def _on_message(self, _client: Any, _userdata: Any, message: Any) -> None:
        down = decode_down(message.payload, message.properties.ContentType)
        with self._changed:
            if isinstance(down, Receipt):
                self.credits.append(down.credit)
                for receipt in down.segments:
                    key = (receipt.epoch, receipt.seq)
                    self.receipts[key] = (receipt.outcome, receipt.reason)
                    if (held := self.held.pop(key, None)) is not None:
                        if receipt.outcome is Outcome.REJECTED:
                            self.books.rejected += held[0].items
                        else:
                            self.books.confirmed += held[0].items
            else:
                self.welcomes.append(down)
            self._changed.notify_all()


def _properties(content_type: str = MSGPACK) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = content_type
    return properties
