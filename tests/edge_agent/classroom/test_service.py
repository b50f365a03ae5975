"""Live classes over a real spool: questions, leases and attendance, also over a restart and an erasure."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from edge_agent.classroom.errors import NotNow, UnknownClass, UnknownQuestion
from edge_agent.classroom.journal import Journal
from edge_agent.classroom.values import LeaseKind, QuestionClosed
from edge_agent.spool import SpoolFull
from edge_agent.terminals import CheckIn
from edge_agent.vault import Vault
from protocols.desired import DocumentKind, Erasures, Tombstone
from protocols.records import Answer, Attendance, Attended
from tests.edge_agent.classroom.stage import (
    CLASS,
    CONTENT_TOKEN,
    LESSON,
    NOON_MS,
    Documents,
    SetClock,
    documents,
    fine,
    lesson,
    roster,
    staged,
    timetable,
)

OPTIONS = ["3", "4", "5", "6"]


async def ask(stage, question="q-1", **more):
    asked = {"prompt": "2 + 2 = ?", "options": OPTIONS, "correct": "B"} | more
    return await stage.rooms.open_question(CLASS, question=question, **asked)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_answer_is_on_the_board_when_its_app_is_told_that_it_is_durable(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        await stage.answer(1, "B")
        await stage.answer(2, "a")
        await stage.answer(1, "C", attempt=2)
        await stage.answer(3, "B", question="q-of-another")
        shown = stage.viewing.board(CLASS)
    assert [one.count for one in shown.options] == [1, 0, 1, 0]
    assert (shown.answered, shown.total, shown.correct, shown.lesson) == (2, 6, 0, LESSON)
    assert [one.number for one in shown.missing] == [3, 4, 5, 6]
    assert [(one.person, one.attempts) for one in shown.answers] == [("p-01", 2), ("p-02", 1)]


async def test_a_restarted_agent_shows_the_same_board_and_takes_the_rest_of_the_answers(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        await asyncio.gather(*(stage.answer(n, "AB"[n % 2]) for n in range(1, 5)))
        before = stage.viewing.board(CLASS)
    async with staged(tmp_path) as stage:
        assert stage.viewing.board(CLASS) == before
        await stage.answer(5, "B")
        assert stage.viewing.board(CLASS).answered == 5


async def test_what_is_torn_off_the_journals_end_costs_no_more_than_that(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        await stage.answer(1, "A")
        await stage.answer(2, "A")
    file = tmp_path / "classroom.sealed"
    file.write_bytes(file.read_bytes()[:-3])
    async with staged(tmp_path) as stage:
        assert [one.person for one in stage.viewing.board(CLASS).answers] == ["p-01"]
    file.write_bytes(b"\0\0\0\5hello" + file.read_bytes())
    async with staged(tmp_path) as stage:
        assert stage.viewing.board(CLASS).question is None


def test_a_journal_that_the_disk_refuses_holds_whole_frames_only(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j", Vault(tmp_path).cipher())
    journal.rewrite([])
    fact = QuestionClosed(school_class=CLASS, question="q", closed_at_ms=NOON_MS)
    journal.append([fact])
    whole = journal.size_bytes

    def refuses(descriptor, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.classroom.journal.os.write", refuses)
        with pytest.raises(OSError, match="No space"):
            journal.append([fact])
    journal.append([fact])
    assert journal.size_bytes == 2 * whole
    assert journal.read() == [fact, fact]
    journal.close()


def kept(folder):
    """Everything that the journal holds, as text; unsealed, for on the disk nobody can read it."""
    assert b"p-0" not in (folder / "classroom.sealed").read_bytes()
    return repr(Journal(folder / "classroom.sealed", Vault(folder).cipher()).read())


async def test_a_disk_that_refuses_at_the_start_costs_no_lesson_and_is_written_when_it_does_not(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.classroom.journal.replace_durably", _no_disk)
        async with staged(tmp_path) as stage:
            await ask(stage)
            assert stage.viewing.board(CLASS).question == "q-1"
            patch.undo()
            await stage.answer(1, "A")
    async with staged(tmp_path) as stage:
        assert stage.viewing.board(CLASS).answered == 1


def _no_disk(*_):
    raise OSError(30, "Read-only file system")


async def test_another_question_closes_the_open_one_and_all_is_told(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        asked = await ask(stage, question=None)
        assert asked.question.startswith("q-")
        await stage.rooms.close_question(CLASS, asked.question)
        await stage.rooms.close_question(CLASS, asked.question)
        with pytest.raises(UnknownQuestion):
            await stage.rooms.close_question(CLASS, "q-9")
        assert await stage.steps() == [
            ("question_opened", "q-1"),
            ("question_closed", "q-1"),
            ("question_opened", asked.question),
            ("question_closed", asked.question),
        ]
        assert stage.viewing.state(CLASS).question is None


async def test_the_same_question_again_in_a_lesson_goes_on_and_in_another_lesson_begins_anew(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        await stage.answer(1, "A")
        await stage.rooms.close_question(CLASS, "q-1")
        await ask(stage)
        assert stage.viewing.board(CLASS).answered == 1
        stage.mirror.bodies[DocumentKind.TIMETABLE] = timetable(lesson(key="another"))
        stage.rooms.mirrored(DocumentKind.TIMETABLE)
        await ask(stage)
        assert stage.viewing.board(CLASS).answered == 0
        await stage.answer(2, "A")  # made in the lesson before
        assert stage.viewing.board(CLASS).answered == 0


async def test_nothing_is_opened_that_the_spool_does_not_take(tmp_path, monkeypatch):
    async with staged(tmp_path) as stage:

        async def full(_records):
            raise SpoolFull("no room")

        monkeypatch.setattr(stage.records, "_append", full)
        with pytest.raises(SpoolFull):
            await ask(stage)
        with pytest.raises(SpoolFull):
            await stage.rooms.hold(CLASS, LeaseKind.LOCK, 60)
        assert stage.viewing.board(CLASS).question is None
        assert stage.viewing.state(CLASS).lease is None


async def test_a_lease_ends_by_itself_and_its_end_is_told_even_if_the_disk_is_full_then(tmp_path, monkeypatch):
    async with staged(tmp_path) as stage:
        held = await stage.rooms.hold(CLASS, LeaseKind.LOCK, 60)
        append = stage.records._append

        async def full(_records):
            raise SpoolFull("no room")

        monkeypatch.setattr(stage.records, "_append", full)
        stage.clock.pass_seconds(60)
        stage.rooms._wake.set()
        assert stage.viewing.state(CLASS).lease is None  # before the timer has seen it
        await until(lambda: stage.rooms.live(CLASS).lease is None)
        monkeypatch.setattr(stage.records, "_append", append)
        stage.rooms._wake.set()
        async with asyncio.timeout(30):
            while len(await stage.steps()) < 2:
                await asyncio.sleep(0.01)
        assert await stage.steps() == [("locked", f"lock:{held.lease}"), ("released", f"lock:{held.lease}")]


async def test_a_lease_ends_with_the_lesson_at_the_latest(tmp_path):
    async with staged(tmp_path, documents(lesson(minutes_left=2))) as stage:
        held = await stage.rooms.hold(CLASS, LeaseKind.ATTENTION, 600)
        assert held.ends_at_ms == NOON_MS + 120_000
        stage.mirror.bodies[DocumentKind.TIMETABLE] = timetable(lesson(minutes_left=1))
        stage.rooms.mirrored(DocumentKind.TIMETABLE)
        stage.clock.pass_seconds(59)
        assert stage.rooms.lease(CLASS) is not None
        stage.clock.pass_seconds(1)
        assert stage.rooms.lease(CLASS) is None


async def test_a_lease_is_renewed_under_its_id_replaced_by_the_other_kind_and_released(tmp_path):
    async with staged(tmp_path) as stage:
        first = await stage.rooms.hold(CLASS, LeaseKind.LOCK, 60)
        stage.clock.pass_seconds(30)
        again = await stage.rooms.hold(CLASS, LeaseKind.LOCK, 60)
        assert (again.lease, again.ends_at_ms) == (first.lease, NOON_MS + 90_000)
        other = await stage.rooms.hold(CLASS, LeaseKind.ATTENTION, 60)
        await stage.rooms.release(CLASS)
        with pytest.raises(NotNow):
            await stage.rooms.release(CLASS)
        assert await stage.steps() == [
            ("locked", f"lock:{first.lease}"),
            ("released", f"lock:{first.lease}"),
            ("locked", f"attention:{other.lease}"),
            ("released", f"attention:{other.lease}"),
        ]


async def test_a_restart_makes_a_lease_no_longer_whatever_the_wall_clock_says(tmp_path):
    clock = SetClock()
    async with staged(tmp_path, clock=clock) as stage:
        await stage.rooms.hold(CLASS, LeaseKind.LOCK, 300)
    clock.monotonic += 100_000
    clock.wall -= 50_000
    async with staged(tmp_path, clock=clock) as stage:
        lease = stage.rooms.lease(CLASS)
        assert lease is not None
        assert stage.rooms.lease_remaining_ms(lease) == 200_000
        stage.clock.monotonic += 200_000
        stage.rooms._wake.set()
        await until(lambda: stage.rooms.live(CLASS).lease is None)
        assert (await stage.steps())[-1] == ("released", f"lock:{lease.lease}")


async def test_a_pupil_marked_absent_is_not_locked_not_missed_and_not_waited_for(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        await stage.rooms.hold(CLASS, LeaseKind.LOCK, 60)
        stage.check_in(CheckIn("t-01", fine()))
        assert stage.viewing.desired("t-01").lease is not None
        await stage.say("p-01", Attendance(state=Attended.ABSENT))
        assert stage.viewing.desired("t-01").lease is None
        shown = stage.viewing.board(CLASS)
        assert (shown.total, [one.number for one in shown.missing]) == (5, [2, 3, 4, 5, 6])
        await stage.say("p-01", Attendance(state=Attended.LATE), observed_at_ms=NOON_MS + 1)
        await stage.say("p-01", Attendance(state=Attended.ABSENT), observed_at_ms=NOON_MS - 1)
        assert stage.viewing.state(CLASS).seats[0].attendance is Attended.LATE


async def test_the_class_counts_what_is_not_safe_and_what_nobody_knows(tmp_path):
    async with staged(tmp_path) as stage:
        stage.check_in(CheckIn("t-01", fine()))
        stage.check_in(CheckIn("t-02", structs.replace(fine(), unsent=2, oldest_unsent_at_ms=NOON_MS - 60_000)))
        stage.check_in(CheckIn("spare", structs.replace(fine(), holder="p-03")))
        state = stage.viewing.state(CLASS)
        assert [one.cause.value for one in state.seats] == [
            "ready", "unsent_stuck", "ready", "not_seen", "not_seen", "not_seen",
        ]  # fmt: skip
        assert (state.not_safe, state.not_known) == (1, 3)
        assert state.seats[2].terminal == "spare"
        assert state.wanted.content_token == CONTENT_TOKEN
        stage.check_in(CheckIn("t-01", structs.replace(fine(), holder="p-06")))
        assert [one.terminal for one in stage.viewing.state(CLASS).seats][::5] == [None, "t-01"]


async def test_a_terminal_is_told_what_its_holder_has_now_and_never_the_right_answer(tmp_path):
    async with staged(tmp_path) as stage:
        assert stage.viewing.desired("t-99").school_class is None
        told = stage.viewing.desired("t-02")
        assert (told.person, told.school_class, told.question) == ("p-02", CLASS, None)
        assert told.lesson is not None
        assert (told.content.token, told.app_version, told.configuration) == (CONTENT_TOKEN, "3.2.1", {"volume": 3})
        await ask(stage)
        told = stage.viewing.desired("t-02")
        assert told.question is not None
        assert told.question.options == OPTIONS
        assert not hasattr(told.question, "correct")


async def test_a_class_without_a_timetable_is_opened_by_its_teacher_and_ends_by_itself(tmp_path):
    async with staged(tmp_path, Documents(roster())) as stage:
        assert stage.viewing.taught().classes[0].now is None
        opened = await stage.rooms.open_lesson(CLASS, "数学", 600)
        with pytest.raises(NotNow):
            await stage.rooms.open_lesson(CLASS, "语文", 600)
        with pytest.raises(UnknownClass):
            await stage.rooms.open_lesson("s07-g9c9", "", 600)
        await stage.rooms.hold(CLASS, LeaseKind.LOCK, 7200)
        now = stage.viewing.state(CLASS).lesson
        assert now is not None
        assert now.opened_here
    stage.clock.pass_seconds(600)
    async with staged(tmp_path, Documents(roster()), stage.clock) as stage:
        await until(lambda: stage.rooms.live(CLASS).opened is None and stage.rooms.live(CLASS).lease is None)
        async with asyncio.timeout(30):
            while len(await stage.steps()) < 4:
                await asyncio.sleep(0.01)
        told = await stage.steps()
        assert [told[0], told[1][0]] == [("started", None), "locked"]
        assert {step for step, _ in told[2:]} == {"released", "ended"}
        assert opened.ends_at_ms == NOON_MS + 600_000


async def test_without_any_roster_a_class_is_whoever_answers(tmp_path):
    async with staged(tmp_path, Documents()) as stage:
        with pytest.raises(UnknownClass):
            stage.viewing.state("club")
        await stage.rooms.open_lesson("club", "", 600)
        await stage.rooms.open_question("club", question="q-1", prompt="", options=["", ""], correct=None)
        await stage.say("p-77", Answer(question="q-1", response="A"), school_class=None, lesson=None)
        shown = stage.viewing.board("club")
        assert (shown.answered, shown.total) == (1, None)
        assert [one.person for one in stage.viewing.state("club").seats] == ["p-77"]


async def test_an_erasure_reaches_board_and_journal_also_one_that_came_while_the_agent_was_away(tmp_path):
    async with staged(tmp_path) as stage:
        await ask(stage)
        one = await stage.answer(1, "A")
        await stage.answer(2, "B")
        await stage.answer(3, "B")
        await stage.say("p-02", Attendance(state=Attended.LATE))
    tombstones = [Tombstone(erasure="0" * 32, subject="p-02", ordered_at_ms=NOON_MS)]
    mirror = documents()
    mirror.bodies[DocumentKind.ERASURE] = Erasures(tombstones=tombstones)
    async with staged(tmp_path, mirror) as stage:
        assert [one.person for one in stage.viewing.board(CLASS).answers] == ["p-01", "p-03"]
        assert "p-02" not in kept(tmp_path)
        assert "p-01" in kept(tmp_path)
        more = structs.replace(tombstones[0], subject="p-01", records=[one.record_id])
        mirror.bodies[DocumentKind.ERASURE] = Erasures(tombstones=[*tombstones, more])
        stage.rooms.mirrored(DocumentKind.ERASURE)
        assert [one.person for one in stage.viewing.board(CLASS).answers] == ["p-03"]
        await until(lambda: "p-01" not in kept(tmp_path))


async def test_yesterdays_questions_are_forgotten(tmp_path):
    clock = SetClock()
    async with staged(tmp_path, clock=clock) as stage:
        await ask(stage)
        await stage.answer(1, "A")
    clock.pass_seconds(13 * 3600)
    async with staged(tmp_path, clock=clock) as stage:
        assert stage.viewing.board(CLASS).question is None
