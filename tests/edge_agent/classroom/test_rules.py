"""The pure rules of a class, tried with whatever Hypothesis thinks of."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.classroom.boards import board
from edge_agent.classroom.leases import granted, remaining_ms
from edge_agent.classroom.lessons import LessonPlan
from edge_agent.classroom.live import LiveClass
from edge_agent.classroom.seats import FRESH_MS, Cause, Mark, Wanted, seat
from edge_agent.classroom.values import Answered, LeaseKind, QuestionClosed, QuestionOpened
from protocols.desired import ReportedTerminal
from protocols.records import Attended
from protocols.roster import Lesson, Pupil

NOW = 1_795_000_000_000
moments = st.integers(NOW - 10**7, NOW + 10**7)


@given(
    seconds=st.integers(1, 7200),
    lesson_ends=st.none() | moments,
    moved_end=st.none() | moments,
    passed_ms=st.integers(0, 10**7),
    wall_jump_ms=st.integers(-(10**7), 10**7),
    rebooted=st.booleans(),
)
def test_a_lease_is_never_longer_than_asked_nor_past_the_lesson(
    seconds, lesson_ends, moved_end, passed_ms, wall_jump_ms, rebooted
):
    lease = granted(
        school_class="c", lease="0" * 16, kind=LeaseKind.LOCK, seconds=seconds, lesson="l",
        lesson_ends_at_ms=lesson_ends, now_ms=NOW, monotonic_ms=1000, boot="boot-1",
    )  # fmt: skip
    assert 0 <= lease.ends_at_ms - NOW <= seconds * 1000
    assert lesson_ends is None or lease.ends_at_ms <= max(NOW, lesson_ends)
    now = NOW + passed_ms + wall_jump_ms
    left = remaining_ms(
        lease,
        now_ms=now,
        monotonic_ms=5 if rebooted else 1000 + passed_ms,
        boot="boot-2" if rebooted else "boot-1",
        lesson_ends_at_ms=moved_end,
    )
    assert 0 <= left <= lease.ends_at_ms - NOW
    if moved_end is not None:
        assert now + left <= max(now, moved_end)
    if not rebooted:
        assert left <= max(0, seconds * 1000 - passed_ms)  # whatever the wall clock did
    elif now < NOW:
        assert left == 0


attempts = st.lists(
    st.tuples(st.sampled_from(["p-1", "p-2", "p-3", "guest"]), st.integers(1, 4), st.sampled_from("ABCX"), moments),
    max_size=30,
)


@given(attempts=attempts, seed=st.randoms(), twice=st.integers(0, 5))
def test_a_board_counts_the_last_attempts_whatever_order_they_came_in(attempts, seed, twice):
    made = [
        Answered(
            school_class="c", question="q", lesson="l", record_id=f"{n:032x}", person=person, response=response,
            attempt=attempt, observed_at_ms=at, accepted_at_ms=NOW + n,
        )
        for n, (person, attempt, response, at) in enumerate(attempts)
    ]  # fmt: skip
    arriving = [*made, *made[:twice]]
    seed.shuffle(arriving)
    live = LiveClass("c")
    live.apply(
        QuestionOpened(
            school_class="c", question="q", lesson="l", prompt="", options=["", "", ""], opened_at_ms=NOW, correct="B"
        )
    )
    for one in arriving:
        live.apply(one)
    roster = [Pupil(person=f"p-{n}", number=n) for n in (1, 2, 3)]
    shown = board("c", live.questions[-1], roster, {"p-3"}, NOW)
    last: dict[str, Answered] = {}
    for one in sorted(made, key=lambda one: (one.attempt, one.observed_at_ms, one.record_id)):
        last[one.person] = one
    counts = Counter(one.response for one in last.values())
    assert {one.letter: one.count for one in shown.options} == {letter: counts[letter] for letter in "ABC"}
    assert shown.other == counts["X"]
    assert shown.answered == len(last)
    assert shown.correct == counts["B"]
    assert shown.total == len(last) + len(shown.missing)
    assert {one.person for one in shown.missing} == {"p-1", "p-2"} - set(last)
    again = LiveClass("c")
    for fact in live.facts():
        again.apply(fact)
    assert board("c", again.questions[-1], roster, {"p-3"}, NOW) == shown


def test_an_answer_after_the_close_counts_and_is_marked_late():
    live = LiveClass("c")
    live.apply(
        QuestionOpened(school_class="c", question="q", lesson=None, prompt="", options=["", ""], opened_at_ms=NOW)
    )
    live.apply(QuestionClosed(school_class="c", question="q", closed_at_ms=NOW + 10))
    for n, at in enumerate((NOW + 5, NOW + 15)):
        live.apply(
            Answered(
                school_class="c", question="q", lesson=None, record_id=f"{n:032x}", person=f"p-{n}", response=" a ",
                attempt=1, observed_at_ms=at, accepted_at_ms=at,
            )
        )  # fmt: skip
    shown = board("c", live.questions[-1], None, (), NOW + 20)
    assert [(one.person, one.late) for one in shown.answers] == [("p-0", False), ("p-1", True)]
    assert shown.options[0].count == 2
    assert (shown.total, shown.correct) == (None, None)


def lesson(key: str, starts: int, ends: int) -> Lesson:
    return Lesson(lesson=key, school_class="c", topic="", starts_at_ms=starts, ends_at_ms=ends, period=1)


def test_a_lesson_begins_at_its_bell_and_is_over_at_its_end():
    plan = LessonPlan([lesson("second", 200, 300), lesson("first", 100, 150)])
    asked = {now: plan.at("c", now) for now in (99, 100, 149, 150, 299, 300)}
    assert {now: one.now and one.now.lesson for now, one in asked.items()} == {
        99: None, 100: "first", 149: "first", 150: None, 299: "second", 300: None,
    }  # fmt: skip
    assert asked[150].next is not None
    assert asked[150].next.lesson == "second"
    assert asked[300].next is None
    assert [plan.next_bell_ms(now) for now in (0, 100, 250, 300)] == [100, 150, 300, None]
    assert plan.at("another", 100).now is None


PUPIL = Pupil(person="p-1", number=1)
WANTED = Wanted(content_token="c", roster_token="r", app_version="1", configuration_token="k")


def said(**changes: object) -> ReportedTerminal:
    fine: dict[str, object] = {
        "terminal": "t-1", "seen_at_ms": NOW - 5000, "present": True, "app_version": "1", "content_token": "c",
        "configuration_token": "k", "roster_token": "r", "missing_bytes": 0, "unsent": 0, "battery_ratio": 0.8,
        "storage_free_bytes": 9_000_000_000,
    }  # fmt: skip
    return ReportedTerminal(**(fine | changes))  # type: ignore[arg-type]


def seen(heard: ReportedTerminal | None, wanted: Wanted = WANTED, attendance: Attended | None = None, **known):
    return seat(PUPIL, heard, wanted, now_ms=NOW, attendance=attendance, **({"terminal": "t-1"} | known))


def test_the_worst_cause_is_the_one_that_is_shown():
    waiting = {"unsent": 3, "oldest_unsent_at_ms": NOW - 31_000}
    cases = {
        Cause.UNSENT_STUCK: seen(said(**waiting), attendance=Attended.ABSENT),
        Cause.AWAY: seen(said(present=False), attendance=Attended.EXCUSED),
        Cause.NO_DEVICE: seen(None, terminal=None),
        Cause.UNREACHABLE: seen(said(present=False)),
        Cause.NOT_SEEN: seen(None),
        Cause.SENDING: seen(said(unsent=1, oldest_unsent_at_ms=NOW - 500, battery_ratio=0.1)),
        Cause.WORK_UNKNOWN: seen(said(unsent=None, content_token="old")),
        Cause.CONTENT_MISSING: seen(said(content_token="old", missing_bytes=12_300_000, app_version="0")),
        Cause.OUTDATED: seen(said(app_version="0", battery_ratio=0.1)),
        Cause.BATTERY_LOW: seen(said(battery_ratio=0.1, storage_free_bytes=1)),
        Cause.STORAGE_LOW: seen(said(storage_free_bytes=1)),
        Cause.PARTLY_UNKNOWN: seen(said(roster_token=None)),
        Cause.READY: seen(said()),
    }
    assert {cause: one.cause for cause, one in cases.items()} == {cause: cause for cause in Cause}
    assert seen(said(battery_ratio=0.1), charging=True).cause is Cause.READY
    assert seen(said(present=False, unsent=1)).cause is Cause.UNSENT_STUCK
    assert seen(said(seen_at_ms=NOW - FRESH_MS - 1)).cause is Cause.NOT_SEEN


def test_work_is_safe_unsafe_or_unknown():
    assert seen(said()).safe is True
    assert seen(said(unsent=1)).safe is False
    assert seen(said(unsent=1), attendance=Attended.ABSENT).safe is False
    assert seen(said(present=False)).safe is None  # it may have made more since
    assert seen(said(unsent=None)).safe is None
    assert seen(None).safe is None
    assert seen(None, attendance=Attended.ABSENT).safe is True  # nobody waits for it at the bell


def optional(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | values


terminals = st.builds(
    ReportedTerminal,
    terminal=st.just("t-1"),
    seen_at_ms=moments,
    present=st.booleans(),
    app_version=optional(st.sampled_from("12")),
    content_token=optional(st.sampled_from("cd")),
    configuration_token=optional(st.sampled_from("kl")),
    roster_token=optional(st.sampled_from("rs")),
    missing_bytes=optional(st.integers(0, 10**9)),
    unsent=optional(st.integers(0, 9)),
    oldest_unsent_at_ms=optional(moments),
    battery_ratio=optional(st.floats(0, 1)),
    storage_free_bytes=optional(st.integers(0, 10**11)),
)


@given(
    terminal=st.none() | terminals, attendance=st.none() | st.sampled_from(Attended), charging=optional(st.booleans())
)
def test_good_is_shown_only_of_what_was_said_and_is_as_wanted(terminal, attendance, charging):
    shown = seen(terminal, attendance=attendance, charging=charging)
    if shown.mark is Mark.GOOD:
        assert terminal is not None
        assert terminal.present
        assert shown.safe is True
        parts = (shown.reachable, shown.content, shown.work, shown.software, shown.power)
        assert all(one.mark is Mark.GOOD for one in parts)
    if terminal is None or terminal.unsent:
        assert shown.mark is not Mark.GOOD
    assert shown.sentence
