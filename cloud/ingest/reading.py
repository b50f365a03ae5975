"""From an arrival to a segment, or to the reason why not. Pure: no database, no clock.

A payload that does not decode may still name its epoch and seq; then the agent is told `rejected` and lets go, because
sending the same bytes again cannot help. The identity is looked for leniently, in bytes already bounded by the codec.
"""

from __future__ import annotations

from typing import Any

import msgspec
import zstandard

from cloud.ingest.models import Arrival, BlockReading, Reading, Refusal, RefusalReason
from protocols.blocks import kind_of
from protocols.codec import (
    JSON_ALIASES,
    MAX_DECODED_BYTES,
    MAX_PAYLOAD_BYTES,
    MSGPACK,
    DecodeError,
    decode_segment,
)
from protocols.identity import Epoch, Seq
from protocols.segments import Segment, content_hash

LATEST_MS = 253_402_300_799_000
"""The end of the year 9999: no later time can be shown, and no earlier clock error needs more."""


class _Identity(msgspec.Struct):
    epoch: Epoch
    seq: Seq


_msgpack_identity = msgspec.msgpack.Decoder(_Identity)
_json_identity = msgspec.json.Decoder(_Identity)


def read(arrival: Arrival) -> Reading | Refusal:
    """Decode and check one arrival. Does not know which agents exist."""
    digest = content_hash(arrival.payload)
    try:
        segment = decode_segment(arrival.payload, arrival.content_type)
    except DecodeError as error:
        epoch, seq = _find_identity(arrival)
        return Refusal(arrival, digest, error.reason, error.detail[:500], epoch, seq)
    reading = Reading(arrival, segment, digest, _blocks(segment))
    if segment.agent != arrival.agent:
        return refuse(reading, RefusalReason.AGENT_MISMATCH, f"sent as {segment.agent!r}")
    if (problem := _impossible_time(reading)) is not None:
        return refuse(reading, RefusalReason.TIME_OUT_OF_RANGE, problem)
    return reading


def refuse(reading: Reading, reason: RefusalReason, detail: str) -> Refusal:
    """Turn a segment that could be read into one for quarantine."""
    segment = reading.segment
    return Refusal(
        reading.arrival, reading.content_hash, reason, detail[:500], segment.epoch, segment.seq, segment.items
    )


def _blocks(segment: Segment) -> tuple[BlockReading, ...]:
    blocks: list[Any] = segment.blocks
    return tuple(
        BlockReading(block, kind_of(block), block.observed_times_ms(), block.monotonic_times_ms()) for block in blocks
    )


def _impossible_time(reading: Reading) -> str | None:
    # Each delta is bounded by its type, their sum is not; a time that Python cannot show blocks every reader.
    segment = reading.segment
    for block in reading.blocks:
        for name, times in (("observed_at_ms", block.observed_ms), ("monotonic_ms", block.monotonic_ms)):
            if min(times) < 0 or max(times) > LATEST_MS:
                return f"{name} of a {block.kind.value} block lies outside 1970 to 9999"
    if any(event.observed_at_ms > LATEST_MS or event.monotonic_ms > LATEST_MS for event in segment.events):
        return "an event lies after the year 9999"
    for record in segment.records:
        if max(record.observed_at_ms, record.accepted_at_ms, record.monotonic_ms) > LATEST_MS:
            return f"record {record.record_id} lies after the year 9999"
    if segment.sealed_at_ms > LATEST_MS:
        return "sealed_at_ms lies after the year 9999"
    return None


def _find_identity(arrival: Arrival) -> tuple[str | None, int | None]:
    if len(arrival.payload) > MAX_PAYLOAD_BYTES:
        return None, None
    try:
        if arrival.content_type == MSGPACK:
            size = zstandard.get_frame_parameters(arrival.payload).content_size
            if size > MAX_DECODED_BYTES:
                return None, None
            plain = zstandard.ZstdDecompressor().decompress(arrival.payload, max_output_size=MAX_DECODED_BYTES)
            identity = _msgpack_identity.decode(plain)
        elif arrival.content_type in JSON_ALIASES:
            identity = _json_identity.decode(arrival.payload)
        else:
            return None, None
    except (msgspec.DecodeError, zstandard.ZstdError, UnicodeDecodeError, RecursionError):
        return None, None
    return identity.epoch, identity.seq
