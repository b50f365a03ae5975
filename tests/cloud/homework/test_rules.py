"""What counts of homework depends on what was made and when, never on the order of arrival; nothing is lost."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.homework.rules import (
    AFTER_OUTAGE,
    Counted,
    Judgement,
    Settlement,
    Standing,
    Timeliness,
    Version,
    counted,
    excuse,
    joined,
    standing,
)
from cloud.status.models import Outage

DUE = datetime(2026, 11, 27, 12, tzinfo=UTC)
minutes = st.integers(-600, 600).map(lambda number: DUE + timedelta(minutes=number))
versions = st.lists(st.builds(Version, st.uuids().map(str), minutes), max_size=6, unique_by=lambda one: one.record_id)
outages = st.lists(
    st.builds(
        lambda since, length: Outage(
            "s01-wan", "down", since, None if length is None else since + timedelta(minutes=length)
        ),
        minutes,
        st.none() | st.integers(1, 300),
    ),
    max_size=3,
)


@given(versions, outages, st.randoms())
def test_the_order_of_arrival_changes_nothing(made: list[Version], out: list[Outage], random) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    assert counted(made, DUE, out) == counted(shuffled, DUE, out)


@given(versions, outages)
def test_the_last_made_before_the_deadline_counts_else_the_last_made_late(
    made: list[Version], out: list[Outage]
) -> None:
    found = counted(made, DUE, out)
    if not made:
        assert found is None
        return
    assert found is not None
    in_time = [one.made_at for one in made if one.made_at <= DUE]
    if in_time:
        assert (found.timeliness, found.version.made_at) == (Timeliness.IN_TIME, max(in_time))
    elif found.timeliness is Timeliness.LATE:
        assert found.version.made_at == max(one.made_at for one in made)
        assert all(excuse(one.made_at, DUE, out) is None for one in made)
    else:
        assert found.evidence is not None
        assert found.evidence.since <= DUE
        assert found.evidence.until is None or found.version.made_at <= found.evidence.until + AFTER_OUTAGE


def test_an_outage_over_the_deadline_excuses_until_an_hour_after_its_end() -> None:
    out = Outage("s01-wan", "down", DUE - timedelta(minutes=30), DUE + timedelta(minutes=20))
    soon, later = Version("a", DUE + timedelta(minutes=70)), Version("b", DUE + timedelta(minutes=90))
    assert counted([soon, later], DUE, [out]) == Counted(soon, Timeliness.EXCUSED, out)
    assert counted([later], DUE, [out]) == Counted(later, Timeliness.LATE)
    long_over = Outage("s01-wan", "down", DUE - timedelta(hours=5), DUE - timedelta(hours=2))
    assert excuse(soon.made_at, DUE, [long_over]) is None


def test_changes_of_one_outage_are_one_outage() -> None:
    first = Outage("s01-wan", "down", DUE - timedelta(minutes=30), DUE + timedelta(minutes=5))
    second = Outage("s01-wan", "unreachable", DUE + timedelta(minutes=5), DUE + timedelta(minutes=60))
    whole = Outage("s01-wan", "down", DUE - timedelta(minutes=30), DUE + timedelta(minutes=60))
    assert excuse(DUE + timedelta(minutes=100), DUE, [second, first]) == whole
    other = Outage("s01-gw", "down", DUE + timedelta(minutes=5), None)
    assert excuse(DUE + timedelta(minutes=130), DUE, [first, second, other]) is None


@given(outages, st.randoms())
def test_joined_outages_of_a_thing_lie_apart_whatever_their_order(out: list[Outage], random) -> None:
    shuffled = list(out)
    random.shuffle(shuffled)
    found = joined(out)
    assert {(one.since, one.until) for one in joined(shuffled)} == {(one.since, one.until) for one in found}
    assert all(one.until is not None and one.until < two.since for one, two in itertools.pairwise(found))


judgements = st.lists(
    st.builds(
        Judgement,
        st.uuids().map(str),
        st.integers(0, 3),
        minutes,
        st.integers(1, 10**6),
        st.none() | st.builds(Settlement, st.booleans(), minutes.map(lambda at: at + timedelta(days=1))),
    ),
    max_size=7,
    unique_by=(lambda one: one.record_id, lambda one: one.place),
)


@given(judgements, st.randoms())
def test_no_judgement_is_lost_whatever_the_order(made: list[Judgement], random) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)
    found = standing(shuffled)
    assert found == standing(made)
    assert sorted([*found.versions, *found.conflicts, *found.dismissed]) == sorted(one.record_id for one in made)
    assert not any(one.settlement for one in made if one.record_id in found.conflicts)


def test_two_teachers_on_one_paper_are_one_grade_and_one_conflict_until_a_person_settles_it() -> None:
    first = Judgement("a", 0, DUE, 1)
    second = Judgement("b", 0, DUE, 2)
    assert standing([second, first]) == Standing(("a",), ("b",))
    later = DUE + timedelta(hours=1)
    chosen = Judgement("b", 0, DUE, 2, Settlement(True, later))
    assert standing([first, chosen]) == Standing(("a", "b"))
    dismissed = Judgement("b", 0, DUE, 2, Settlement(False, later))
    assert standing([first, dismissed]) == Standing(("a",), (), ("b",))
    on_the_chosen = Judgement("c", 2, later + timedelta(hours=1), 3)
    assert standing([on_the_chosen, first, chosen]) == Standing(("a", "b", "c"))


@given(st.permutations([("a", 0), ("b", 0), ("c", 1), ("d", 2)]))
def test_judgements_that_follow_each_other_do_so_in_any_order_of_arrival(arriving: list[tuple[str, int]]) -> None:
    found = standing([Judgement(key, base, DUE, place) for place, (key, base) in enumerate(arriving)])
    assert found.versions[1:] == ("c", "d")
    assert {found.versions[0], *found.conflicts} == {"a", "b"}
