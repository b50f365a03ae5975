"""When a device may be asked again."""

from __future__ import annotations

import pytest

from edge_agent.collectors.snmp.breaker import BASE_SECONDS, CAP_SECONDS, REFUSED_SECONDS, Breaker, Condition
from edge_agent.collectors.snmp.session import Failure


def test_a_new_device_may_be_asked_at_once():
    assert Breaker().allows(0.0)


def test_silence_doubles_the_wait_up_to_a_minute():
    breaker, now, waits = Breaker(), 100.0, []
    for _ in range(6):
        breaker = breaker.after(Failure.TIMEOUT, now, chance=1.0)
        assert not breaker.allows(breaker.not_before - 0.001)
        assert breaker.allows(breaker.not_before)
        waits.append(breaker.not_before - now)
        now = breaker.not_before
    assert waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_refusal_waits_the_longest_at_once():
    breaker = Breaker().after(Failure.REFUSED, 100.0, chance=1.0)
    assert (breaker.condition, breaker.not_before) == (Condition.REFUSES, 100.0 + REFUSED_SECONDS)


@pytest.mark.parametrize("failure", [None, Failure.ERROR, Failure.TOO_BIG])
def test_any_answer_closes_it(failure: Failure | None):
    breaker = Breaker().after(Failure.NETWORK, 100.0, chance=1.0).after(failure, 200.0, chance=1.0)
    assert (breaker.condition, breaker.failures, breaker.since) == (Condition.ANSWERS, 0, 200.0)
    assert breaker.allows(200.0)


def test_chance_spreads_devices_that_failed_together():
    soonest = Breaker().after(Failure.TIMEOUT, 0.0, chance=0.0).not_before
    latest = Breaker().after(Failure.TIMEOUT, 0.0, chance=1.0).not_before
    assert (soonest, latest) == (0.75 * BASE_SECONDS, BASE_SECONDS)


def test_years_of_silence_do_not_overflow():
    breaker = Breaker(condition=Condition.SILENT, failures=1_000_000)
    assert breaker.after(Failure.TIMEOUT, 0.0, chance=1.0).not_before == CAP_SECONDS


def test_since_is_the_beginning_of_the_condition_and_not_its_latest_proof():
    breaker = Breaker().after(Failure.TIMEOUT, 100.0, chance=1.0).after(Failure.TIMEOUT, 110.0, chance=1.0)
    assert breaker.since == 100.0
