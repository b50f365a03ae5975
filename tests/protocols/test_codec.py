"""The codec: what goes in comes out, and nothing hostile gets in or does harm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from protocols import codec
from protocols.blocks import BLOCK_TYPES, metric_names, pack, unpack
from protocols.events import EVENT_TYPES, Event
from protocols.samples import SAMPLE_TYPES, Kind, LinkSample, Sample, TerminalSample, Vantage
from protocols.segments import Books, Segment, content_hash

TIMES = st.integers(0, 2**50)
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


def _segment(**fields: object) -> Segment:
    defaults: dict[str, object] = {
        "agent": "s01-gw",
        "epoch": "0123456789abcdef",
        "seq": 7,
        "low": 3,
        "boot": "boot-1",
        "sealed_at_ms": 1_800_000_000_000,
        "sealed_monotonic_ms": 60_000,
        "books": Books(produced_items=9, confirmed_items=5, held_items=4),
    }
    return Segment(**(defaults | fields))  # type: ignore[arg-type]


def _terminal(thing: str = "s01-t1", **fields: Any) -> TerminalSample:
    return TerminalSample(thing=thing, observed_at_ms=5, monotonic_ms=5, present=True, **fields)


def _event(thing: str = "s01-sw01", **fields: Any) -> Event:
    defaults: dict[str, Any] = {"type": "port.changed", "kind": Kind.PORT, "observed_at_ms": 5, "monotonic_ms": 5}
    return Event(**({"event_id": "0" * 32, "thing": thing} | defaults | fields))


LINKS = st.builds(
    LinkSample,
    thing=KEYS,
    observed_at_ms=TIMES,
    monotonic_ms=TIMES,
    vantage=st.sampled_from(Vantage),
    in_bps=st.none() | st.integers(0, 10**13),
    loss_ratio=st.none() | st.floats(0, 1),
    rtt_seconds=st.none() | st.floats(0, 1e6),
    oper_up=st.none() | st.booleans(),
)
TERMINALS = st.builds(
    TerminalSample,
    thing=KEYS,
    observed_at_ms=TIMES,
    monotonic_ms=TIMES,
    present=st.booleans(),
    battery_ratio=st.none() | st.floats(0, 1),
    app_version=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=64),
)


@given(st.lists(LINKS | TERMINALS, min_size=1, max_size=40))
def test_samples_survive_packing_encoding_and_back(samples: list[Sample]) -> None:
    segment = codec.decode_segment(codec.encode(_segment(blocks=pack(samples))))
    returned = [sample for block in segment.blocks for sample in unpack(block)]
    for kind in (Kind.LINK, Kind.TERMINAL):
        assert [s for s in returned if s.kind is kind] == [s for s in samples if s.kind is kind]
    assert segment.items == len(samples)


@given(st.lists(LINKS, min_size=1, max_size=5))
def test_json_of_the_same_schema_is_read_to_the_same_value(samples: list[LinkSample]) -> None:
    segment = _segment(blocks=pack(samples))
    assert codec.decode_segment(codec.encode_json(segment), "application/json") == segment


def test_samples_of_another_resolution_go_to_another_block() -> None:
    blocks = pack([_terminal(), _terminal(resolution_seconds=300), _terminal()])
    assert [(len(block), block.resolution_seconds) for block in blocks] == [(2, 0), (1, 300)]


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_with_a_reason(payload: bytes) -> None:
    for content_type in (codec.MSGPACK, codec.JSON, "text/plain", ""):
        with pytest.raises(codec.DecodeError) as caught:
            codec.decode_segment(payload, content_type)
        assert caught.value.reason in codec.DecodeReason


@given(st.data())
def test_every_truncation_is_refused(data: st.DataObject) -> None:
    payload = codec.encode(_segment(blocks=pack([_terminal()])))
    cut = data.draw(st.integers(0, len(payload) - 1))
    with pytest.raises(codec.DecodeError):
        codec.decode_segment(payload[:cut])


def _compressed(value: object) -> bytes:
    return zstandard.compress(msgspec.msgpack.encode(value))


def _raw(**changes: object) -> dict[str, object]:
    raw: dict[str, object] = msgspec.to_builtins(_segment(blocks=pack([_terminal(), _terminal()])))
    return raw | changes


def test_a_zstd_bomb_is_refused_before_it_unfolds() -> None:
    bomb = zstandard.compress(bytes(1 << 30), level=19)
    assert len(bomb) < codec.MAX_PAYLOAD_BYTES
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode_segment(bomb)
    assert caught.value.reason is codec.DecodeReason.TOO_LARGE


def test_a_frame_that_hides_its_size_is_refused() -> None:
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    with pytest.raises(codec.DecodeError, match="does not declare its size"):
        codec.decode_segment(stream.compress(bytes(1000)) + stream.flush())


def test_bytes_behind_the_frame_are_refused() -> None:
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode_segment(codec.encode(_segment()) + b"more")
    assert caught.value.reason is codec.DecodeReason.BAD_COMPRESSION


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "Invalid enum value 2"),
        ({"agent": "S01/gw"}, "matching regex"),
        ({"seq": 0}, ">= 1"),
        ({"seq": -(2**63)}, ">= 1"),
        ({"gossip": []}, "unknown field `gossip`"),
        ({"blocks": [{"kind": "weather"}]}, "weather"),
        ({"blocks": [{"kind": "terminal", "thing": []}]}, "length >= 1"),
        ({"books": None}, "Expected `object`"),
        ({"blocks": [{"kind": "terminal", "thing": ["t"], "resolution_seconds": 65_836}]}, "<= 3600"),
        ({"books": {"produced_items": 2**48 + 1}}, "<= 281474976710656"),
    ],
)
def test_what_is_not_of_the_schema_is_refused_with_its_place(changes: dict[str, object], message: str) -> None:
    with pytest.raises(codec.DecodeError, match=message) as caught:
        codec.decode_segment(_compressed(_raw(**changes)))
    assert caught.value.reason is codec.DecodeReason.BAD_SCHEMA


@pytest.mark.parametrize("battery", [[1.5, 0.5], [float("nan"), 0.5], [float("inf"), 0.5], ["full", 0.5], [0.5]])
def test_a_value_out_of_range_or_a_short_column_is_refused(battery: list[object]) -> None:
    raw = _raw()
    raw["blocks"][0]["battery_ratio"] = battery  # type: ignore[index]
    with pytest.raises(codec.DecodeError, match="battery_ratio") as caught:
        codec.decode_segment(_compressed(raw))
    assert caught.value.reason is codec.DecodeReason.BAD_SCHEMA


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": pack([_terminal(app_version="1.0"), _terminal(app_version="1.\0")])}, "'app_version' holds a NUL"),
        ({"blocks": pack([_terminal(thing="s01\0")])}, "'thing' holds a NUL"),
        ({"events": [_event(thing="s01\0")]}, "event 0+ holds a NUL"),
        ({"events": [_event(), _event(event_id="A" * 32)]}, "event id 'A+' is not hex"),
        ({"events": [_event(event_id="0" * 31)]}, "length >= 32"),
        ({"events": [_event(), _event(type="port changed")]}, "event type 'port changed' is no type"),
        ({"events": [_event(type="port.changed\n")]}, "is no type"),
        ({"events": [_event(attributes={"reason": "\0"})]}, "holds a NUL"),
        ({"events": [_event(attributes={"\0": 1})]}, "holds a NUL"),
        ({"events": [_event(attributes={"reason": "长" * 1025})]}, "length <= 1024"),
        ({"events": [_event(attributes={"ratio": float("nan")})]}, "holds nan, which JSON cannot say"),
        ({"boot": "b\0"}, "boot holds a NUL"),
    ],
)
def test_what_no_database_can_hold_is_refused_on_both_sides(changes: dict[str, Any], message: str) -> None:
    for refuse in (codec.encode_checked, lambda segment: codec.decode_segment(codec.encode(segment))):
        with pytest.raises(codec.DecodeError, match=message) as caught:
            refuse(_segment(**changes))
        assert caught.value.reason is codec.DecodeReason.BAD_SCHEMA


def test_deeply_nested_payloads_are_refused() -> None:
    with pytest.raises(codec.DecodeError):
        codec.decode_segment(b"[" * 100_000, codec.JSON)
    with pytest.raises(codec.DecodeError):
        codec.decode_segment(zstandard.compress(b"\x91" * 1_000_000))


def test_a_message_too_large_to_send_is_not_encoded() -> None:
    noise = [_terminal(thing=content_hash(str(i).encode()).hex() * 4) for i in range(12_000)]
    with pytest.raises(codec.PayloadTooLarge):
        codec.encode(_segment(blocks=pack(noise)))


def test_every_kind_has_its_block_with_the_catalogues_metrics() -> None:
    assert set(BLOCK_TYPES) == set(SAMPLE_TYPES) == set(Kind)
    for kind, block_type in BLOCK_TYPES.items():
        assert set(metric_names(kind)) < set(block_type.__struct_fields__)


def test_metric_names_end_in_a_unit_or_say_a_fact() -> None:
    units = ("_bps", "_per_second", "_total", "_seconds", "_ratio", "_bytes", "_celsius", "_dbm")
    facts = {
        *("oper_up", "admin_up", "reachable", "success", "present", "charging", "clock_synchronised"),
        *("vantage", "reason", "status_code", "app_version", "content_token"),
        *("terminals_present", "terminals_known", "checkins", "battery_low", "wifi_weak"),
    }
    for kind in Kind:
        for name in metric_names(kind):
            assert name.endswith(units) or name in facts, name


def test_every_event_type_can_be_sent() -> None:
    events = [
        Event(event_id="0" * 32, type=name, kind=Kind.HOST, thing="s01-gw", observed_at_ms=1, monotonic_ms=1)
        for name in EVENT_TYPES
    ]
    assert codec.decode_segment(codec.encode(_segment(events=events))).events == events


def test_a_message_has_the_same_bytes_whatever_its_thread_encoded_before() -> None:
    messages = [_segment(blocks=pack([_terminal(thing=f"t{i}") for i in range(count)])) for count in (1, 3000, 2, 400)]
    expected = [
        zstandard.ZstdCompressor(level=codec.COMPRESSION_LEVEL).compress(msgspec.msgpack.encode(message))
        for message in messages
    ]
    with ThreadPoolExecutor(4) as threads:
        encoded = list(threads.map(codec.encode, messages * 20))
    assert encoded == expected * 20
