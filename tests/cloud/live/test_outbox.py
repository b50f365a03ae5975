"""What a slow browser has pending stays small and new."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cloud.live.outbox import Delta, Outbox


def encode(rows: list[int]) -> bytes:
    return json.dumps(rows).encode()


@given(st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(), min_size=1), max_size=40))
def test_a_browser_that_never_reads_holds_one_row_per_thing_and_the_newest(changes: list[dict[str, int]]) -> None:
    outbox = Outbox()
    newest: dict[str, int] = {}
    for number, rows in enumerate(changes):
        outbox.put("overview", str(number).encode())
        outbox.join("link", Delta(rows, encode))
        newest |= rows
        assert len(outbox) <= 1 + 5
    taken = dict(outbox.take())
    if changes:
        assert taken["overview"] == str(len(changes) - 1).encode()
        assert sorted(json.loads(taken["link"])) == sorted(newest.values())
    assert outbox.take() == []


def test_what_everybody_gets_alike_is_encoded_once() -> None:
    encoded: list[list[int]] = []

    def count(rows: list[int]) -> bytes:
        encoded.append(rows)
        return encode(rows)

    delta = Delta({"a": 1}, count)
    outboxes = [Outbox() for _ in range(20)]
    for outbox in outboxes:
        outbox.join("link", delta)
    assert {outbox.take()[0] for outbox in outboxes} == {("link", b"[1]")}
    assert len(encoded) == 1
