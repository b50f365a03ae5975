"""What each agent is to hold: a gateway its school, a classroom agent its room, always in the same order."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from cloud.roster.mirror import roster_for, timetable_for
from protocols.roster import Pupil, Roster, Timetable
from tests.cloud.district import SmallDistrict
from tests.cloud.schooling import with_classes

pytestmark = pytest.mark.db

DAY = date(2026, 11, 27)
ZONE = "Asia/Shanghai"


@pytest.fixture
def school(database: str, district: SmallDistrict) -> str:
    """A small district with classes, and lessons of s01 on three days."""
    with_classes(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO people (person, kind, source_id, name) VALUES ('p-t', 'teacher', 't', '乙')")
        connection.execute("INSERT INTO enrolments (school_class, person, role) VALUES ('s01-g3c1', 'p-t', 'teacher')")
        for days, period, school_class, room in (
            (0, 2, "s01-g3c1", "s01-c01"),
            (0, 1, "s01-g4c1", "s01-c02"),
            (13, 1, "s01-g3c1", "s01-c02"),
            (14, 1, "s01-g3c1", "s01-c01"),
        ):
            day = DAY + timedelta(days=days)
            connection.execute(
                "INSERT INTO lessons VALUES (%s, 's01', %s, %s, '数学', 'p-t', %s, %s,"
                " %s::date + time '08:00' * %s, %s::date + time '08:40' * %s, false)",
                [f"{school_class}.{day:%Y%m%d}.p{period}", school_class, room, day, period, day, period, day, period],
            )
    return database


async def _mirror(dsn: str, agent: str) -> tuple[Roster | None, Timetable | None]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return await roster_for(connection, agent), await timetable_for(connection, agent, DAY, time_zone=ZONE)


async def test_a_gateway_holds_its_whole_school(school: str) -> None:
    roster, timetable = await _mirror(school, "s01-gw")
    assert roster is not None
    assert timetable is not None
    assert [row.school_class for row in roster.classes] == ["s01-g3c1", "s01-g4c1"]
    assert roster.classes[0].pupils == [Pupil(person="p-s01-1", number=1, terminal="s01-c01-t02")]
    assert roster.classes[0].teachers == ["p-t"]
    assert [row.lesson for row in timetable.lessons] == [
        "s01-g4c1.20261127.p1",
        "s01-g3c1.20261127.p2",
        "s01-g3c1.20261210.p1",
    ]
    assert (timetable.from_day, timetable.to_day, timetable.time_zone) == ("2026-11-27", "2026-12-10", ZONE)


async def test_a_classroom_agent_holds_the_classes_of_its_room_and_what_is_taught_in_it(school: str) -> None:
    roster, timetable = await _mirror(school, "s01-c02")
    assert roster is not None
    assert timetable is not None
    assert [row.school_class for row in roster.classes] == ["s01-g4c1"]
    assert [row.lesson for row in timetable.lessons] == ["s01-g4c1.20261127.p1", "s01-g3c1.20261210.p1"]


async def test_the_core_and_strangers_hold_nothing(school: str) -> None:
    assert await _mirror(school, "core") == (None, None)
    assert await _mirror(school, "nobody") == (None, None)


async def test_who_has_left_or_not_begun_is_not_in_it(school: str) -> None:
    with psycopg.connect(school, autocommit=True) as connection:
        connection.execute("UPDATE enrolments SET ends_on = current_date - 3 WHERE person = 'p-s01-1'")
        connection.execute("UPDATE enrolments SET begins_on = current_date + 3 WHERE person = 'p-t'")
    roster, _ = await _mirror(school, "s01-gw")
    assert roster is not None
    assert (roster.classes[0].pupils, roster.classes[0].teachers) == ([], [])
