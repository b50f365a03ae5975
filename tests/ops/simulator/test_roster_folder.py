"""The simulated district's classes are a roster that the product takes, with a lesson whenever one looks."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from cloud.inventory.service import import_folder
from cloud.roster.service import import_roster, import_timetable
from ops.simulator.district import CLASSROOMS, STUDENT_TERMINALS, TEACHER_TERMINALS, generate
from ops.simulator.district_folder import write
from ops.simulator.roster_folder import ROSTER, TIMETABLE, TOPICS, classes_of, write_roster
from ops.simulator.school_day import MID_LESSON, SHANGHAI, SchoolClock


def test_every_pupil_and_teacher_is_in_a_class_of_the_own_school() -> None:
    classes = classes_of(generate())
    assert len(classes) == CLASSROOMS
    assert len({pupil.terminal for one in classes for pupil in one.pupils}) == STUDENT_TERMINALS
    assert all(len(one.teachers) == len(TOPICS) for one in classes)
    assert all(terminal.school == one.room.school for one in classes for terminal in (*one.teachers, *one.pupils))
    titles = Counter((one.room.school, one.title) for one in classes)
    assert max(titles.values()) == 1
    assert {one.grade for one in classes} == set(range(1, 13))


@pytest.mark.db
@pytest.mark.parametrize("clock", ["2026-11-27 10:00", "2026-11-29 00:12"])
def test_it_is_imported_without_a_fault_and_a_lesson_is_running_in_every_class(
    database: str, tmp_path: Path, clock: str
) -> None:
    district = generate()
    write(district, tmp_path / "district")
    import_folder(database, tmp_path / "district")
    for minutes in (0, 30):
        now = datetime.fromtimestamp(
            datetime.fromisoformat(clock).replace(tzinfo=SHANGHAI).timestamp() + 60 * minutes, SHANGHAI
        )
        write_roster(district, tmp_path, now.date(), SchoolClock.placed(MID_LESSON, now.timestamp()))
        roster = import_roster(database, tmp_path / ROSTER, now=now, retire=True)
        lessons = import_timetable(database, tmp_path / TIMETABLE, "Asia/Shanghai", now=now, retire=True)
        assert (roster.warnings, lessons.warnings) == ([], [])
        with psycopg.connect(database) as connection:
            running = connection.execute(
                "SELECT count(DISTINCT school_class) FROM lessons"
                " WHERE starts_at <= %s AND ends_at > %s AND retired_at IS NULL",
                [now, now],
            )
            assert running.fetchone() == (CLASSROOMS,)
            people = connection.execute("SELECT kind, count(*) FROM people GROUP BY kind ORDER BY kind")
            assert people.fetchall() == [("pupil", STUDENT_TERMINALS), ("teacher", TEACHER_TERMINALS)]
