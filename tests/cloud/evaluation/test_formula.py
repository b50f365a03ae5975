"""Values do not depend on order, missing is never zero, and too little coverage gives no number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.evaluation import formula
from cloud.evaluation.formula import Tally
from cloud.evaluation.models import Aggregation, Bounds, Direction

START = datetime(2026, 9, 1, tzinfo=UTC)
VALUES = st.floats(-1000, 1000).map(lambda value: round(value, 2))
ITEMS = st.lists(
    st.tuples(VALUES, st.integers(0, 10_000_000).map(lambda seconds: START + timedelta(seconds=seconds))), min_size=1
)
SCALES = st.tuples(VALUES, VALUES).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Bounds(*sorted(pair)))
SCALED = st.dictionaries(st.sampled_from("abcdefghij"), st.floats(0, 100), max_size=10)


@given(ITEMS, st.randoms(), st.sampled_from(Aggregation), SCALES, st.sampled_from(Direction))
def test_the_order_of_evidence_never_matters(items, random, aggregation, scale, direction) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)
    first, second = (formula.evaluate(Tally.of(some), aggregation, scale, direction) for some in (items, shuffled))
    assert first == second
    assert first == formula.evaluate(Tally.of(items), aggregation, scale, direction)


@given(ITEMS, ITEMS)
def test_tallies_of_parts_add_up_to_the_whole(one, other) -> None:
    whole = Tally.of(one + other)
    joined = Tally.joined([Tally.of(one), Tally.of(other)])
    assert (joined.n, joined.maximum, joined.last, joined.last_at) == (
        whole.n, whole.maximum, whole.last, whole.last_at
    )  # fmt: skip
    assert joined.total == pytest.approx(whole.total, abs=1e-6)


@given(ITEMS, st.sampled_from(Aggregation), SCALES)
def test_a_scaled_value_is_within_0_and_100_and_directions_mirror(items, aggregation, scale) -> None:
    up, down = (formula.evaluate(Tally.of(items), aggregation, scale, direction) for direction in Direction)
    assert 0 <= up.scaled <= 100
    assert up.scaled + down.scaled == pytest.approx(100, abs=1e-3)
    assert up.winsorised == (not scale.holds(up.counted))


@given(SCALED, st.sets(st.sampled_from("klmnopq")))
def test_an_absent_indicator_changes_no_mean_only_coverage(values, absent) -> None:
    expected = sorted(values)
    alone, beside = formula.group(expected, values), formula.group([*expected, *absent], values)
    assert beside.present == alone.present
    assert beside.coverage_ratio <= alone.coverage_ratio or not values
    assert beside.mean in (alone.mean, None)


@given(SCALED, st.sets(st.sampled_from("abcdefghijklmnopq"), min_size=1))
def test_below_60_percent_there_is_no_number(values, expected) -> None:
    group = formula.group(expected, values)
    assert (group.mean is None) == (group.present == 0 or group.present < 0.6 * len(expected))


@pytest.mark.parametrize(
    ("aggregation", "counted"), [("sum", 9.0), ("mean", 3.0), ("ratio", 3.0), ("max", 5.0), ("last", 1.0)]
)
def test_each_aggregation(aggregation: str, counted: float) -> None:
    tally = Tally.of([(3.0, START), (5.0, START + timedelta(1)), (1.0, START + timedelta(2))])
    assert formula.aggregate(tally, Aggregation(aggregation)) == counted


def test_what_lies_beyond_the_scale_is_cut_to_it() -> None:
    tally = Tally.of([(30.0, START)])
    value = formula.evaluate(tally, Aggregation.SUM, Bounds(0, 20), Direction.LOWER)
    assert (value.counted, value.cut, value.scaled, value.winsorised) == (30, 20, 0, True)


def test_change_compares_the_same_indicators_and_says_how_sure_it_is() -> None:
    assert formula.change([(50, 60), (40, 60), (70, 70)], 5) == formula.Change(3, 10.0, 11.547)
    assert formula.change([(50, 60), (40, 60)], 5) is None
    assert formula.change([(50, 60)], 1) is None


def test_a_group_of_fewer_than_30_pupils_has_no_median() -> None:
    assert formula.median(range(29)) is None
    assert formula.median(range(30)) == 14.5
