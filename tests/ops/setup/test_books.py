"""The judgement of a soak."""

from __future__ import annotations

import pytest

from ops.setup.books import problems

CLOSED = {"produced": 10, "stored": 7, "held": 2, "thinned": 1, "quarantined": 0, "lost": 0}


def test_closed_books_are_good():
    assert problems({"ledger": CLOSED}) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lost": 3}, "3 items are lost"),
        ({"duplicated": 2}, "2 items are stored twice"),
        ({"stored": 0}, "nothing was stored"),
    ],
)
def test_open_books_are_named(change, problem):
    assert problems({"ledger": {**CLOSED, **change}}) == [problem]
