"""The board's benchmark, with few pupils: its books close."""

from __future__ import annotations

import pytest

from ops.benchmarks import board

pytestmark = [pytest.mark.broker, pytest.mark.slow]


def test_the_board_benchmark_counts_every_answer(monkeypatch):
    monkeypatch.setattr(board, "PUPILS", 5)
    monkeypatch.setattr(board, "QUESTIONS", 2)
    said: list[str] = []
    result = board.run(said.append)
    assert (result.lost, result.duplicated, result.figures["answers"]) == (0, 0, 20)
    assert result.p95_seconds is not None
    assert result.p95_seconds > 0
    assert len(said) == 4
