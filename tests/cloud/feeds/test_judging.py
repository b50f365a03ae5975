"""What an answer means, and how long to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.feeds.judging import MAX_WAIT_SECONDS, judge, narrowed, wait_seconds
from cloud.feeds.models import Verdict


@pytest.mark.parametrize(
    ("verdict", "statuses"),
    [
        (Verdict.TAKEN, [200, 201, 202, 204]),
        (Verdict.REFUSED, [400, 409, 413, 422]),
        (Verdict.FAILED, [500, 502, 504]),
        (Verdict.AWAY, [301, 302, 401, 403, 404, 410, 429, 503]),
    ],
)
def test_only_a_judgement_of_the_content_refuses_a_record(verdict: Verdict, statuses: list[int]) -> None:
    assert {judge(status).verdict for status in statuses} == {verdict}


def test_a_pause_is_asked_for_in_seconds_and_bounded() -> None:
    assert judge(429, "7").pause_seconds == 7
    assert judge(503, "99999999").pause_seconds == 3600
    assert judge(503, "Fri, 27 Nov 2026 07:00:00 GMT").pause_seconds is None
    assert judge(503, "²").pause_seconds is None


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_the_wait_grows_to_its_bound(failures: int, jitter: float) -> None:
    assert 0 <= wait_seconds(failures, jitter) <= wait_seconds(failures + 1, jitter) <= MAX_WAIT_SECONDS


@given(st.integers(1, 100), st.integers(1, 100), st.sampled_from(list(Verdict)), st.integers(0, 50))
def test_what_is_narrowed_comes_to_one_record_and_no_less(
    limit: int, sent: int, verdict: Verdict, failures: int
) -> None:
    sent = min(limit, sent)
    assert 1 <= narrowed(limit, sent, verdict, failures) <= limit
    if verdict is Verdict.REFUSED and sent > 1:
        assert narrowed(limit, sent, verdict, failures) < sent
