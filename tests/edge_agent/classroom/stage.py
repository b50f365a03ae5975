"""A school to test classes with: its documents, a clock that tests set, and everything around `Classrooms` for real."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_agent.classroom import Classrooms
from edge_agent.classroom.journal import Journal
from edge_agent.classroom.viewing import Viewing
from edge_agent.health import AgentStatus
from edge_agent.records import Intake
from edge_agent.spool import Spool
from edge_agent.terminals import CheckIn, CheckInBody, PresenceRules, Terminals
from edge_agent.vault import Vault
from protocols.codec import decode_segment
from protocols.content import Content, Manifest
from protocols.desired import Body, DocumentKind, TerminalTargets, content_token
from protocols.records import Answer, AnyFact, Record, RecordBody
from protocols.roster import Lesson, Pupil, Roster, SchoolClass, Timetable

NOON_MS = 1_795_000_000_000
CLASS = "s07-g3c2"
LESSON = "s07-g3c2-20261123-3"
PUPILS = 6
MANIFEST = Manifest(manifest="m-1", token="a" * 32, title="圆的面积", resources=[], classes=[CLASS])
CONTENT_TOKEN = content_token([MANIFEST.token])


class SetClock:
    """Clocks that stand still until a test moves them."""

    def __init__(self) -> None:
        self.boot = "boot-1"
        self.wall = NOON_MS
        self.monotonic = 5_000_000

    def wall_ms(self) -> int:
        return self.wall

    def monotonic_ms(self) -> int:
        return self.monotonic

    def pass_seconds(self, seconds: float) -> None:
        self.wall += round(seconds * 1000)
        self.monotonic += round(seconds * 1000)


class Documents:
    """A mirror that tests write."""

    def __init__(self, *bodies: Body) -> None:
        self.bodies = {DocumentKind(str(body.__struct_config__.tag)): body for body in bodies}

    def body(self, kind: DocumentKind) -> Body | None:
        return self.bodies.get(kind)

    def token(self, kind: DocumentKind) -> str | None:
        return f"{kind.value}-1" if kind in self.bodies else None


def pupils(number: int = PUPILS) -> list[Pupil]:
    return [
        Pupil(person=f"p-{n:02}", number=n, row=1 + (n - 1) // 3, column=1 + (n - 1) % 3, terminal=f"t-{n:02}")
        for n in range(1, number + 1)
    ]


def lesson(*, minutes_left: float = 20, key: str = LESSON) -> Lesson:
    ends = NOON_MS + round(minutes_left * 60_000)
    return Lesson(
        lesson=key, school_class=CLASS, topic="数学", starts_at_ms=ends - 45 * 60_000, ends_at_ms=ends, period=3
    )


def timetable(*lessons: Lesson) -> Timetable:
    return Timetable(
        time_zone="Asia/Shanghai", from_day="2026-11-23", to_day="2026-11-27", lessons=list(lessons or [lesson()])
    )


def roster(number: int = PUPILS) -> Roster:
    one = SchoolClass(school_class=CLASS, title="三年级（2）班", title_en="Grade 3 Class 2", pupils=pupils(number))
    return Roster(classes=[one])


def documents(*lessons: Lesson) -> Documents:
    return Documents(
        roster(),
        timetable(*lessons),
        Content(manifests=[MANIFEST]),
        TerminalTargets(app_version="3.2.1", configuration={"volume": 3}, configuration_token="cfg-7"),
    )


def fine() -> CheckInBody:
    """What a device says that is as it should be."""
    return CheckInBody(
        battery_ratio=0.8,
        charging=False,
        storage_free_bytes=9_000_000_000,
        app_version="3.2.1",
        content_token=CONTENT_TOKEN,
        configuration_token="cfg-7",
        roster_token="roster-1",
        missing_bytes=0,
        unsent=0,
    )


@dataclass
class Stage:
    """One agent's rooms for classes."""

    clock: SetClock
    mirror: Documents
    spool: Spool
    records: Intake
    terminals: Terminals
    rooms: Classrooms
    viewing: Viewing

    def check_in(self, checkin: CheckIn) -> None:
        self.terminals.check_in(checkin)

    async def status(self) -> AgentStatus:
        raise AssertionError("no test asks for it")

    async def say(self, person: str, fact: AnyFact, **envelope: object) -> Record:
        """Hand in a record as an app does."""
        said: dict[str, object] = {
            "record_id": secrets.token_hex(16), "observed_at_ms": self.clock.wall, "subject": person,
            "school_class": CLASS, "lesson": LESSON,
        }  # fmt: skip
        record = self.records.stamped(RecordBody(fact=fact, **(said | envelope)))  # type: ignore[arg-type]
        await self.records.take([record])
        return record

    async def answer(self, number: int, response: str, question: str = "q-1", attempt: int = 1) -> Record:
        return await self.say(f"p-{number:02}", Answer(question=question, response=response, attempt=attempt))

    async def steps(self) -> list[tuple[str, str | None]]:
        """Every lesson event in the spool, in order: its step and what it is about."""
        segments = [decode_segment(one.payload) for one in await self.spool.next_segments(1000)]
        facts = [record.fact for segment in segments for record in segment.records if record.type == "lesson_event"]
        return [(fact.step.value, fact.object) for fact in facts]  # type: ignore[union-attr]


@asynccontextmanager
async def staged(folder: Path, mirror: Documents | None = None, clock: SetClock | None = None) -> AsyncIterator[Stage]:
    """Open the rooms; opened again in the same folder they are an agent that was restarted."""
    clock = clock or SetClock()
    mirror = documents() if mirror is None else mirror
    with ThreadPoolExecutor(1) as executor:
        spool = Spool(folder / "spool.db", agent="s07-gw", clock=clock, executor=executor)
        records = Intake(spool.append, clock, executor, folder / "records.db")
        terminals = Terminals(PresenceRules(), clock, lambda _reading: None)
        journal = Journal(folder / "classroom.sealed", Vault(folder).cipher())
        rooms = Classrooms(records=records, mirror=mirror, clock=clock, executor=executor, journal=journal)
        records.observe(rooms.took)
        terminals.listen(rooms.heard)
        await spool.start()
        await records.start()
        await terminals.start()
        await rooms.start()
        yield Stage(clock, mirror, spool, records, terminals, rooms, Viewing(rooms, terminals))
        await rooms.stop()
        await terminals.stop()
        await records.stop()
        await spool.stop()
