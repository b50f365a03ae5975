"""Encoding: MessagePack through msgspec, compressed with zstd, at most 128 KiB; plain JSON is accepted too.

The MQTT content-type property says which. Every decoding failure is a `DecodeError` with a stable reason code, the one
under which the payload goes to quarantine. Decompression is bounded before it starts, so a small frame cannot fill the
memory (RFC 8878 §3.1.1.1.4).
"""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
import zstandard

from protocols import blocks, events, records
from protocols.desired import Nudge
from protocols.receipts import DownMessage, Receipt, Welcome
from protocols.segments import Segment
from protocols.status import Status

MAX_PAYLOAD_BYTES = 128 * 1024
MAX_DECODED_BYTES = 4 * 1024 * 1024

MSGPACK = "application/vnd.bellwether.v1+msgpack+zstd"
JSON = "application/vnd.bellwether.v1+json"
JSON_ALIASES = frozenset({JSON, "application/json"})

COMPRESSION_LEVEL = 3
_KEPT_CONTEXT_BYTES = 16 * 1024
"""Messages up to this size share their thread's zstd context, whose memory grows with the largest (0.5 MB at this)."""

Message = Segment | Status | Receipt | Welcome | Nudge
T = TypeVar("T")


class DecodeReason(StrEnum):
    """Why a payload cannot be read; the quarantine's reason codes."""

    TOO_LARGE = "too_large"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    BAD_COMPRESSION = "bad_compression"
    BAD_SCHEMA = "bad_schema"


class DecodeError(ValueError):
    """A payload that cannot be read; never worth a retry."""

    def __init__(self, reason: DecodeReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class PayloadTooLarge(ValueError):
    """A message of more than 128 KiB encoded: split it before spooling."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"encoded message has {size_bytes} bytes, the limit is {MAX_PAYLOAD_BYTES}")
        self.size_bytes = size_bytes


_encoder = msgspec.msgpack.Encoder()
_json_encoder = msgspec.json.Encoder()
_decoders: dict[Any, tuple[msgspec.msgpack.Decoder[Any], msgspec.json.Decoder[Any]]] = {
    message: (msgspec.msgpack.Decoder(message), msgspec.json.Decoder(message))
    for message in (Segment, Status, DownMessage, Nudge)
}


class _Contexts(threading.local):
    """A zstd context per thread: threads must not share one, and making it takes longer than a small message itself."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)


_contexts = _Contexts()


def _compress(plain: bytes) -> bytes:
    small = len(plain) <= _KEPT_CONTEXT_BYTES
    compressor = _contexts.compressor if small else zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)
    return compressor.compress(plain)


def encode(message: Message) -> bytes:
    """Return the message as compressed MessagePack.

    Raises:
        PayloadTooLarge: more than 128 KiB; nothing of it may be spooled.
    """
    payload = _compress(_encoder.encode(message))
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(len(payload))
    return payload


def encode_checked(segment: Segment) -> bytes:
    """Return a segment's bytes, having read them back as the cloud will: nothing is spooled that it could not read.

    Raises:
        PayloadTooLarge: more than 128 KiB, or more than the cloud decompresses. DecodeError: out of schema or range.
    """
    plain = _encoder.encode(segment)
    if len(plain) > MAX_DECODED_BYTES:
        raise PayloadTooLarge(len(plain))
    try:
        _refuse_unsayable(_decoders[Segment][0].decode(plain))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError(DecodeReason.BAD_SCHEMA, str(error)) from error
    payload = _compress(plain)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(len(payload))
    return payload


def encode_json(message: Message) -> bytes:
    """Return the message as JSON, for people and for devices without MessagePack."""
    return _json_encoder.encode(message)


def decode_segment(payload: bytes, content_type: str = MSGPACK) -> Segment:
    """Read and validate a segment.

    Raises:
        DecodeError: unreadable, out of schema or out of range, columns uneven, a text with a NUL.
    """
    segment: Segment = _decode(payload, content_type, Segment)
    _refuse_unsayable(segment)
    return segment


def decode_status(payload: bytes, content_type: str = MSGPACK) -> Status:
    """Read and validate a birth, heartbeat or will.

    Raises:
        DecodeError: unreadable or out of schema.
    """
    status: Status = _decode(payload, content_type, Status)
    return status


def decode_down(payload: bytes, content_type: str = MSGPACK) -> DownMessage:
    """Read and validate a receipt or welcome.

    Raises:
        DecodeError: unreadable or out of schema.
    """
    message: DownMessage = _decode(payload, content_type, DownMessage)
    return message


def decode_nudge(payload: bytes, content_type: str = MSGPACK) -> Nudge:
    """Read and validate a nudge.

    Raises:
        DecodeError: unreadable or out of schema.
    """
    nudge: Nudge = _decode(payload, content_type, Nudge)
    return nudge


def _decode(payload: bytes, content_type: str, message: Any) -> Any:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise DecodeError(DecodeReason.TOO_LARGE, f"{len(payload)} bytes, the limit is {MAX_PAYLOAD_BYTES}")
    msgpack_decoder, json_decoder = _decoders[message]
    try:
        if content_type == MSGPACK:
            return msgpack_decoder.decode(_decompress(payload))
        if content_type in JSON_ALIASES:
            return json_decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(DecodeReason.BAD_SCHEMA, str(error)) from error
    raise DecodeError(DecodeReason.UNKNOWN_CONTENT_TYPE, repr(content_type[:80]))


def _refuse_unsayable(segment: Segment) -> None:
    """Refuse what the types let through."""
    if "\0" in segment.boot:
        raise DecodeError(DecodeReason.BAD_SCHEMA, "boot holds a NUL character")
    for block in segment.blocks:
        if (problem := blocks.problem_of(block)) is not None:
            raise DecodeError(DecodeReason.BAD_SCHEMA, problem)
    if (problem := events.problem_of(segment.events)) is not None:
        raise DecodeError(DecodeReason.BAD_SCHEMA, problem)
    if (problem := records.problem_of(segment.records)) is not None:
        raise DecodeError(DecodeReason.BAD_SCHEMA, problem)


def _decompress(payload: bytes) -> bytes:
    try:
        size_bytes = zstandard.get_frame_parameters(payload).content_size
        if size_bytes == zstandard.CONTENTSIZE_UNKNOWN:
            raise DecodeError(DecodeReason.BAD_COMPRESSION, "the zstd frame does not declare its size")
        if size_bytes > MAX_DECODED_BYTES:
            raise DecodeError(
                DecodeReason.TOO_LARGE, f"{size_bytes} bytes decompressed, the limit is {MAX_DECODED_BYTES}"
            )
        return zstandard.ZstdDecompressor().decompress(
            payload, max_output_size=MAX_DECODED_BYTES, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise DecodeError(DecodeReason.BAD_COMPRESSION, str(error)) from error
