"""The arithmetic of resumable transfers: which bytes are there, which are missing, what headers ask for. Pure.

A span is `(start, end)` in bytes, `end` exclusive. Sets of spans are kept sorted, disjoint and not touching, so that
two of them are equal exactly when they hold the same bytes. Sources: RFC 9110 §14 (Range, Content-Range).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from protocols.content import CHUNK_BYTES

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Span(NamedTuple):
    """Bytes from `start` up to and without `end`."""

    start: int
    end: int


class Unsatisfiable(ValueError):
    """A range that begins behind the last byte."""


def joined(spans: Iterable[tuple[int, int]]) -> list[Span]:
    """Return the same bytes as sorted spans that neither overlap nor touch; empty spans vanish."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, end))
        else:
            result.append(Span(start, end))
    return result


def missing(held: Sequence[tuple[int, int]], size_bytes: int, *, grain: int = CHUNK_BYTES) -> list[Span]:
    """Return what is not held of `size_bytes`, widened to whole grains; the last grain may be shorter."""
    gaps: list[Span] = []
    place = 0
    for start, end in [*joined(held), Span(size_bytes, size_bytes)]:
        if place < min(start, size_bytes):
            upper = -(-min(start, size_bytes) // grain) * grain
            gaps.append(Span(place // grain * grain, min(upper, size_bytes)))
        place = max(place, end)
    return joined(gaps)


def content_range(header: str) -> tuple[Span, int]:
    """Return the span and the whole size that a `Content-Range: bytes a-b/total` names.

    Raises ValueError, for people, when it names none.
    """
    match = _CONTENT_RANGE.fullmatch(header.strip())
    if match is None:
        raise ValueError(f"{header[:80]!r} is not `bytes first-last/total`")
    first, last, total = (int(group) for group in match.groups())
    if not first <= last < total:
        raise ValueError(f"{header!r} does not lie inside {total} bytes")
    return Span(first, last + 1), total


def requested(header: str, size_bytes: int) -> Span | None:
    """Return the one span that a `Range` header asks for of `size_bytes`.

    None stands for the whole: for another unit, several ranges and what cannot be read, as RFC 9110 §14.2 allows.

    Raises:
        Unsatisfiable: the range begins behind the last byte.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size_bytes - int(match[2])), size_bytes
    else:
        start = int(match[1])
        end = size_bytes if match[2] == "" else min(int(match[2]) + 1, size_bytes)
        if match[2] and int(match[2]) < start:
            return None
    if start >= size_bytes:
        raise Unsatisfiable(f"{header!r} begins behind the last of {size_bytes} bytes")
    return Span(start, end)
