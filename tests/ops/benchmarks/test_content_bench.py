"""The content benchmark with a small school: every range is right, and the line carries the resource once."""

from __future__ import annotations

import pytest

from ops.benchmarks import content

pytestmark = pytest.mark.slow


def test_a_small_school_reads_a_resource_that_crossed_the_line_once(monkeypatch):
    monkeypatch.setattr(content, "SIZE_BYTES", 3_000_000)
    monkeypatch.setattr(content, "ROOMS", 1)
    monkeypatch.setattr(content, "TERMINALS", 20)
    monkeypatch.setattr(content, "READS", 4)
    result = content.run(lambda _line: None)
    assert (result.lost, result.duplicated, result.figures["ranges_read"]) == (0, 0, 80)
    assert result.figures["blob_bytes_sent"] == 3_000_000
    assert isinstance(result.figures["line_ratio"], float)
    assert 1.0 < result.figures["line_ratio"] <= content.MOST_LINE_RATIO
