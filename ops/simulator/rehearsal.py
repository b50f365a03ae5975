"""A scenario in virtual time: real engine, real tables, real follower of incidents, real planning of messages.

Evidence is made up second by second and given to the status engine as its snapshot; everything after that is what runs
in production, on a database whose `clock_timestamp()` shows the scenario's time. Nothing is sent to anybody.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import psycopg
from msgspec import Struct
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.config import Database, Settings
from cloud.db import migrate, open_pool
from cloud.incidents.keeper import IncidentKeeper
from cloud.incidents.models import Severity
from cloud.inventory.service import import_folder
from cloud.notifications.duty import NotificationDuty
from cloud.notifications.models import Contact, Plan, Policy, Step
from cloud.roster.planning import Bell, Calendar, DayKind, DayRule, Entry, Lesson, lessons
from cloud.status import repository
from cloud.status.settling import Hearing, evaluate
from ops.embedded import EmbeddedPostgres
from ops.simulator import district_folder
from ops.simulator.district import generate, grow
from ops.simulator.expectations import Difference, Expectations, Seen, differences
from ops.simulator.outcome import outcome
from ops.simulator.records import District
from ops.simulator.roster_folder import TOPICS
from ops.simulator.scenario import KillService, Scenario
from ops.simulator.school_day import BELLS, MID_LESSON, SHANGHAI, Phase
from ops.simulator.virtual import VirtualDistrict, part_of, touched

DATES = {
    "school": date(2026, 11, 24),
    "exam": date(2026, 11, 25),
    "make-up-saturday": date(2026, 11, 28),
    "holiday": date(2026, 11, 30),
}
AWAY_SECONDS = 10
"""How long the cloud takes to start again."""
FIGURES_SECONDS = 15
SETTLED_SECONDS = 40
"""All agents are started and heard."""
ON_DUTY = Plan(
    contacts={"duty": Contact("duty", ())},
    policies=(Policy(frozenset({Severity.P1, Severity.P2, Severity.P3}), (Step(timedelta(), ("duty",)),)),),
)

_VIRTUAL_CLOCK = """
CREATE SCHEMA virtual;
CREATE TABLE virtual.moment (at timestamptz NOT NULL);
INSERT INTO virtual.moment VALUES (now());
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM virtual.moment';
"""


class Rehearsed(Struct, frozen=True, kw_only=True):
    """What one scenario came to."""

    scenario: str
    expected: Expectations
    seen: Seen
    differences: list[Difference]


async def rehearse_all(stories: Sequence[tuple[str, Scenario]]) -> list[Rehearsed]:
    """Play scenarios one after the other, each in a database of its own on a private server."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bellwether-scenarios-") as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101, the server's user has to enter it
        with EmbeddedPostgres(Path(folder), durable=False) as server:
            for number, (name, scenario) in enumerate(stories):
                assert scenario.expect is not None
                with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"scenario_{number}")))
                dsn = server.dsn_of(f"scenario_{number}")
                migrate(dsn)
                seen = await rehearse(dsn, scenario)
                found.append(
                    Rehearsed(
                        scenario=name,
                        expected=scenario.expect,
                        seen=seen,
                        differences=differences(scenario.expect, seen),
                    )
                )
    return found


async def rehearse(dsn: str, scenario: Scenario) -> Seen:
    """Play a scenario that says what is expected in an empty, migrated database."""
    assert scenario.expect is not None
    whole = grow(generate(), scenario.grow)
    schools = touched(scenario, whole)
    district = part_of(whole, schools)
    clock = MID_LESSON if scenario.school_clock == "real" else scenario.school_clock
    start = datetime.combine(DATES[scenario.day], time.fromisoformat(clock), SHANGHAI).astimezone(UTC)
    _prepare(dsn, district, scenario)
    virtual = make_conninfo(dsn, options="-c search_path=virtual,public,pg_catalog")
    async with open_pool(virtual, max_size=2, name="rehearsal") as pool, pool.connection() as connection:
        await connection.set_autocommit(True)
        keeper = IncidentKeeper(virtual, pool)
        duty = NotificationDuty(Settings(database=Database(dsn=virtual)), pool)
        world = VirtualDistrict(district, schools, start)
        steps = scenario.taken()
        board = await repository.board(connection)
        hearing = Hearing.begin(start)
        away_until = 0
        for second in range(int(scenario.expect.at_seconds) + 1):
            now = start + timedelta(seconds=second)
            while steps and steps[0][0] <= second:
                _, step = steps.pop(0)
                world.take(step)
                if isinstance(step, KillService):
                    away_until = second + AWAY_SECONDS
            seen = world.look(second)
            if second < away_until:
                continue
            if second == away_until:
                board, hearing = await repository.board(connection), Hearing.begin(now)
            hearing = hearing.listen(seen.heard_at, now)
            board, changes = evaluate(seen, board, quiet=hearing.is_quiet(now))
            due = second % FIGURES_SECONDS == 0
            if changes or due:
                await connection.execute("UPDATE virtual.moment SET at = %s", [now])
            if changes:
                await repository.write(connection, changes)
                await keeper.catch_up()
            if due:
                await keeper.figure(now)
                await duty.write_due(ON_DUTY, now)
        since = start + timedelta(seconds=SETTLED_SECONDS)
        return await outcome(connection, scenario.expect, start, since)


def _prepare(dsn: str, district: District, scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        district_folder.write(district, Path(folder))
        import_folder(dsn, Path(folder))
    with psycopg.connect(dsn) as connection:
        connection.execute(_VIRTUAL_CLOCK)
        cursor = connection.cursor()
        for room in district.classrooms:
            cursor.execute(
                "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
                " VALUES (%s, %s, %s, %s, %s, '3', %s)",
                [_class(room.classroom), room.classroom, room.school, room.name, room.name_en, room.classroom],
            )
        cursor.executemany(
            "INSERT INTO lessons (lesson, school, school_class, classroom, topic, teacher, day, period, starts_at,"
            " ends_at, exam) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            list(_lessons(district, DATES[scenario.day], scenario.day)),
        )


def _lessons(district: District, day: date, name: str) -> Iterator[Lesson]:
    """Yield the lessons of a day by the rules of the timetable, from the bells that the simulated schools ring."""
    stages = {school.school: school.stage for school in district.schools}
    bells = {
        (stage, period.lesson): Bell(_clock(period.begins), _clock(period.ends))
        for stage, periods in BELLS.items()
        for period in periods
        if period.phase is Phase.LESSON
    }
    rules = [DayRule(school, None, DayKind.SCHOOL, plan=stage) for school, stage in stages.items()]
    special = {
        "exam": (DayKind.EXAM, None),
        "make-up-saturday": (DayKind.ADJUSTED, 1),
        "holiday": (DayKind.HOLIDAY, None),
    }
    if name in special:
        kind, as_weekday = special[name]
        rules.append(DayRule(None, day, kind, as_weekday=as_weekday))
    entries = [
        Entry(
            room.school, _class(room.classroom), weekday, period, TOPICS[period % len(TOPICS)], None, room.classroom,
            day, day,
        )
        for room in district.classrooms
        for weekday in range(1, 6)
        for plan, period in bells
        if plan == stages[room.school]
    ]  # fmt: skip
    return lessons(entries, Calendar(rules), bells, SHANGHAI)


def _class(classroom: str) -> str:
    return classroom.replace("-c", "-k")


def _clock(seconds: int) -> time:
    return time(seconds // 3600, seconds // 60 % 60)
