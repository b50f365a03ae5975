"""The arithmetic of resumable transfers, against sets of single bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.ranges import Span, Unsatisfiable, content_range, joined, missing, requested

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def bytes_of(ranges: list[tuple[int, int]] | list[Span]) -> set[int]:
    return {byte for start, end in ranges for byte in range(start, end)}


@given(spans)
def test_joined_spans_hold_the_same_bytes_sorted_and_apart(some):
    result = joined(some)
    assert bytes_of(result) == bytes_of(some)
    assert all(one.end < other.start for one, other in itertools.pairwise(result))
    assert joined(result) == result


@given(spans, st.integers(0, 60), st.integers(1, 16))
def test_missing_is_every_byte_not_held_in_whole_grains(held, size, grain):
    left = missing(held, size, grain=grain)
    absent = set(range(size)) - bytes_of(held)
    assert absent <= bytes_of(left) <= set(range(size))
    assert all(span.start % grain == 0 and (span.end % grain == 0 or span.end == size) for span in left)
    touched = {byte // grain for byte in absent}
    assert {byte // grain for byte in bytes_of(left)} == touched


@given(spans, st.integers(0, 60), st.integers(1, 16))
def test_sending_what_is_missing_makes_it_whole(held, size, grain):
    assert missing([*held, *missing(held, size, grain=grain)], size, grain=grain) == []


def test_a_content_range_names_its_span_and_the_whole_size():
    assert content_range("bytes 0-9/20") == (Span(0, 10), 20)


@pytest.mark.parametrize("header", ["bytes 5-4/20", "bytes 0-20/20", "bytes 0-9/*", "items 0-9/20", "bytes 0-9", ""])
def test_a_content_range_that_names_none_is_refused(header):
    with pytest.raises(ValueError):
        content_range(header)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=50-5000", (50, 100)),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        ("", None),
    ],
)
def test_a_range_is_one_span_or_the_whole(header, span):
    assert requested(header, 100) == span


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_behind_the_end_is_told(header):
    with pytest.raises(Unsatisfiable):
        requested(header, 100)
