"""A school whose line, disk and roster fail in the middle of things: the centre has every fact, and has it once."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from edge_agent.agent import Agent
from edge_agent.clock import SystemClock
from edge_agent.config import AgentConfig, AgentSection, LanSection, UplinkSection
from edge_agent.jobs import Drivers
from edge_agent.terminal_client.client import TerminalClient
from protocols.records import RecordBody
from protocols.status import Role
from tests.faults.school import Line, Room, Services, film, line_to, room_at

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.db, pytest.mark.timeout(1800)]

MEBIBYTE = 1024 * 1024


async def until(condition: Callable[[], Awaitable[object]], what: str, seconds: float = 180.0) -> Any:
    """Ask again until the answer is a true one; return it."""
    deadline = time.monotonic() + seconds
    while not (found := await condition()):
        assert time.monotonic() < deadline, f"did not happen in {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)
    return found


def made(subject: str, fact: dict[str, Any], *, school_class: str, at_ms: int | None = None) -> dict[str, Any]:
    """Return a record as an app makes it."""
    return {
        "record_id": secrets.token_hex(16),
        "observed_at_ms": at_ms or time.time_ns() // 1_000_000,
        "subject": subject,
        "school_class": school_class,
        "fact": fact,
    }


async def post(room: Room, *records: dict[str, Any]) -> None:
    """Hand records to an agent, which has them on disk when this returns."""
    (await room.lan.post("/v1/records", json={"records": list(records)})).raise_for_status()


async def stored(services: Services, records: list[dict[str, Any]]) -> None:
    """Return when the centre has all of these records, each once; nothing else came under their ids."""
    ids = [one["record_id"] for one in records]

    async def there() -> bool:
        found = await asyncio.to_thread(
            services.rows, "SELECT record_id, outcome FROM records WHERE record_id = ANY(%s)", ids
        )
        assert {outcome for _, outcome in found} <= {"stored", "duplicate"}
        return Counter(record_id for record_id, outcome in found if outcome == "stored") == Counter(ids)

    await until(there, f"{len(ids)} records are at the centre")


@pytest.fixture
async def api(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=services.url, timeout=60) as client:
        yield client


async def test_an_agent_killed_at_each_stage_of_an_import_serves_the_file_whole_and_fetches_little_twice(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, blob = take_agent(), film(6 * MEBIBYTE, 1)
    services.add_class(f"{agent}-k", agent, ["p-import-1"])
    async with line_to(services) as line, room_at(services, line, tmp_path, agent) as room:
        content = room.process.folder / "content"
        await room.start()
        line.narrow(24_000_000)
        sha256 = await services.push(api, blob, f"{agent}-k")
        await until(lambda: came(line, 2 * MEBIBYTE), "a third of it came")
        await asyncio.to_thread(room.process.kill)  # in the middle of the fetch
        assert list((content / "partial").iterdir())
        await room.start()
        assert await room.blob(sha256) is None, "nothing is served before it is whole"
        whole = content / "blobs" / sha256[:2] / f"{sha256}.{len(blob)}"
        await until(lambda: there(whole), "it is whole")
        await asyncio.to_thread(room.process.kill)  # named, and told to nobody yet
        whole.rename(content / "partial" / whole.name)  # as if the power had gone just before it got its name
        before = line.http.bytes_down_total
        await room.start()
        assert await until(lambda: room.blob(sha256), "it is served") == blob
        assert line.http.bytes_down_total - before < MEBIBYTE // 4, "what was there is not fetched again"
        assert line.http.bytes_down_total < 1.3 * len(blob)

        damaged = bytearray(whole.read_bytes())
        damaged[3 * MEBIBYTE] ^= 1
        await asyncio.to_thread(room.process.kill)
        whole.write_bytes(damaged)  # a sector rots
        await room.start()
        await until(lambda: heals(room, sha256, blob), "the rotten file was fetched anew")


async def came(line: Line, size_bytes: int) -> bool:
    return line.http.bytes_down_total > size_bytes


async def there(path: Path) -> bool:
    return path.exists()


async def heals(room: Room, sha256: str, blob: bytes) -> bool:
    """Read a file; a damaged one may break off, and is never wrong."""
    try:
        content = await room.blob(sha256)
    except httpx.TransportError:
        return False
    assert content is None or content == blob
    return content == blob


async def test_a_disk_restored_from_yesterday_loses_and_doubles_nothing_and_the_content_heals(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, school_class = take_agent(), "yesterday-k"
    services.add_class(school_class, agent, ["p-y1"])
    answers = [
        made("p-y1", {"type": "answer", "question": f"q-{number}", "response": "A"}, school_class=school_class)
        for number in range(60)
    ]
    async with line_to(services) as line, room_at(services, line, tmp_path / "now", agent) as room:
        await room.start()
        old = await services.push(api, film(300_000, 2), school_class)
        await post(room, *answers[:20])
        await stored(services, answers[:20])
        await until(lambda: room.blob(old), "the first film")
        await asyncio.to_thread(room.process.stop)
        shutil.copytree(room.process.folder, tmp_path / "yesterday")
        await room.start()
        new = await services.push(api, film(300_000, 3), school_class)
        await post(room, *answers[20:40])
        await stored(services, answers[20:40])
        await until(lambda: room.blob(new), "the second film")
        await asyncio.to_thread(room.process.kill)
        shutil.rmtree(room.process.folder)
        shutil.copytree(tmp_path / "yesterday", room.process.folder)
        await room.start()
        await post(room, *answers[10:])  # an app that is not sure sends again
        await stored(services, answers)
        for sha256 in (old, new):
            await until(lambda sha256=sha256: room.blob(sha256), "both films are there again")  # type: ignore[misc]


async def test_an_erasure_ordered_during_a_cut_reaches_everything_that_was_kept_and_what_comes_late(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, school_class, gone, stays = take_agent(), "erasure-k", "p-gone", "p-stays"
    services.add_class(school_class, agent, [gone, stays])
    services.add_lesson("erasure-l", school_class)
    early, late, others = (film(40_000, seed) for seed in (4, 5, 6))

    def answers(question: str) -> list[dict[str, Any]]:
        fact = {"type": "answer", "question": question, "response": "B"}
        return [made(person, fact, school_class=school_class) for person in (gone, stays)]

    def work(person: str, blob: bytes) -> dict[str, Any]:
        part = {"sha256": hashlib.sha256(blob).hexdigest(), "size_bytes": len(blob)}
        return made(
            person, {"type": "submission", "assignment": "erasure-hw", "parts": [part]}, school_class=school_class
        )

    async with line_to(services) as line, room_at(services, line, tmp_path, agent) as room:
        await room.start()
        body = {"title": "一", "due_at": "2030-01-01T00:00:00Z", "audience": {"classes": [school_class]}}
        (await api.put("/api/v1/homework/assignments/erasure-hw", json=body)).raise_for_status()
        before = [*answers("q-1"), work(gone, early), work(stays, others)]
        for blob in (early, others):
            await hand_in(room, blob)
        await post(room, *before)
        await stored(services, before)
        await until(lambda: at_the_centre(api, early), "the attachment is at the centre")
        await until(lambda: kept(services, gone, 2), "the services took what was made")

        await line.cut()
        during = [*answers("q-2"), work(gone, late)]
        await post(room, *during)
        await hand_in(room, late)
        ordered = await api.post("/api/v1/privacy/erasures", json={"person": gone, "reason": "the guardian asked"})
        erasure = ordered.raise_for_status().json()["erasure"]
        await until(lambda: kept(services, gone, 0), "the services forgot")
        assert not await at_the_centre(api, early)
        assert await room.blob(hashlib.sha256(early).hexdigest()) is not None, "the edge cannot know yet"

        await line.heal()
        await until(lambda: applied(api, erasure), "the agent confirmed", 150)
        for blob in (early, late):
            assert await room.blob(hashlib.sha256(blob).hexdigest()) is None
        assert await room.blob(hashlib.sha256(others).hexdigest()) == others
        others_of = [one for one in [*before, *during] if one["subject"] == stays]
        await stored(services, others_of)
        ids = [one["record_id"] for one in [*before, *during] if one["subject"] == gone]
        blank = await until(lambda: erased(services, ids), "what came late is blank as well")
        assert all((subject, fact) == (None, {}) for subject, fact in blank)
        assert await kept(services, gone, 0)
        assert await kept(services, stays, 3)
        assert services.rows("SELECT name, retired_at IS NULL FROM people WHERE person = %s", gone) == [("", False)]


async def hand_in(room: Room, blob: bytes) -> None:
    (await room.lan.put(f"/v1/blobs/{hashlib.sha256(blob).hexdigest()}", content=blob)).raise_for_status()


async def at_the_centre(api: httpx.AsyncClient, blob: bytes) -> bool:
    path = f"/api/v1/content/blobs/{hashlib.sha256(blob).hexdigest()}/missing"
    return (await api.get(path, params={"size_bytes": len(blob)})).json()["missing"] == []


async def kept(services: Services, person: str, count: int) -> bool:
    """Tell whether the services' own tables hold so many facts about a person."""
    statement = (
        "SELECT (SELECT count(*) FROM teaching_facts WHERE person = %s)"
        " + (SELECT count(*) FROM homework_submissions WHERE person = %s)"
    )
    return await asyncio.to_thread(services.rows, statement, person, person) == [(count,)]


async def applied(api: httpx.AsyncClient, erasure: str) -> bool:
    return bool((await api.get(f"/api/v1/privacy/erasures/{erasure}")).json()["agents_applied"])


async def erased(services: Services, ids: list[str]) -> list[tuple[Any, ...]] | None:
    found = await asyncio.to_thread(
        services.rows,
        "SELECT subject, fact FROM records WHERE record_id = ANY(%s) AND outcome = 'erased'",
        ids,
    )
    return found if len(found) == len(ids) else None


async def test_a_roster_changed_while_the_school_is_offline_loses_no_answer(
    services: Services, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, here, elsewhere = take_agent(), "roster-k1", "roster-k2"
    pupils = [f"p-roster-{number}" for number in range(1, 5)]
    services.add_class(here, agent, pupils)
    services.add_class(elsewhere, take_agent(), [])
    services.add_lesson("roster-l", here)
    async with line_to(services) as line, room_at(services, line, tmp_path, agent) as room:
        await room.start()
        await until(lambda: seats(room, here, 4), "the roster is there")
        await line.cut()
        moved, left = pupils[2:]
        services.rows("UPDATE enrolments SET retired_at = now() WHERE person = ANY(%s)", [moved, left])
        services.rows("UPDATE enrolments SET ends_on = current_date - 30 WHERE person = %s", left)
        services.enrol(elsewhere, moved, 1)
        services.tell_roster()
        question = {"question": "roster-q", "options": ["", ""], "correct": "A"}
        (await room.lan.post(f"/v1/classes/{here}/questions", json=question)).raise_for_status()
        answers = [
            made(pupil, {"type": "answer", "question": "roster-q", "response": "A"}, school_class=here)
            for pupil in pupils
        ]
        await post(room, *answers)
        board = await room.answers(f"/v1/classes/{here}/board")
        assert (board["answered"], board["missing"]) == (4, []), "offline, the old roster is in force"
        await line.heal()
        await stored(services, answers)
        await until(lambda: seats(room, here, 2), "the new roster is there")

        async def settled() -> bool:
            taken = await asyncio.to_thread(
                services.rows, "SELECT person FROM teaching_facts WHERE object = 'roster-q' AND type = 'answer'"
            )
            refused = await asyncio.to_thread(
                services.rows, "SELECT reason FROM record_refusals WHERE record_id = %s", answers[3]["record_id"]
            )
            return sorted(person for (person,) in taken) == pupils[:3] and refused == [("not_enrolled",)]

        await until(settled, "three answers count, that of the one who had left is refused with its reason")


async def seats(room: Room, school_class: str, pupils: int) -> bool:
    found = await room.answers(f"/v1/classes/{school_class}")
    return found is not None and len(found["seats"]) == pupils


async def test_answers_pass_a_line_that_media_fill(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, school_class = take_agent(), "media-k"
    services.add_class(school_class, agent, ["p-media"])
    async with line_to(services) as line, room_at(services, line, tmp_path, agent) as room:
        await room.start()
        line.narrow(16_000_000)
        sha256 = await services.push(api, film(24 * MEBIBYTE, 7), school_class)
        await hand_in(room, film(8 * MEBIBYTE, 8))
        await until(lambda: came(line, MEBIBYTE), "the film is on its way")
        waits: list[float] = []
        while not await room.blob(sha256) and len(waits) < 6:
            answer = made("p-media", {"type": "answer", "question": "q", "response": "A"}, school_class=school_class)
            began = time.monotonic()
            await post(room, answer)
            await stored(services, [answer])
            waits.append(time.monotonic() - began)
        assert len(waits) >= 3, "the line was not full long enough to say anything"
        assert max(waits) < 5, waits


async def test_fifty_devices_that_rejoin_in_one_second_hand_in_everything_once(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    agent, school_class = take_agent(), "rejoin-k"
    pupils = [f"p-rejoin-{number}" for number in range(50)]
    services.add_class(school_class, agent, pupils)
    async with line_to(services) as line, room_at(services, line, tmp_path, agent) as room:
        await room.start()
        sha256 = await services.push(api, film(MEBIBYTE, 9), school_class)
        await until(lambda: room.blob(sha256), "the agent has the film")
        await asyncio.to_thread(room.process.kill)
        await line.cut()
        async with AsyncExitStack() as devices:
            clients = [
                TerminalClient(
                    f"{agent}-t{number:02d}",
                    tmp_path / f"device-{number}",
                    await devices.enter_async_context(httpx.AsyncClient(base_url=room.url, timeout=60)),
                    person=pupil,
                )
                for number, pupil in enumerate(pupils)
            ]
            told = [await client.answer(f"rejoin-{number}", "A") for client in clients for number in range(4)]
            await room.start()
            running = [asyncio.create_task(client.run()) for client in clients]

            async def safe() -> bool:
                return all(not client.waiting().unsent and client.store.path(sha256).is_file() for client in clients)

            await until(safe, "every device has handed in and has the film")
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for client in clients:
                client.close()
        await line.heal()
        await stored(services, [{"record_id": record_id} for record_id in told])


async def test_two_teachers_who_grade_one_paper_offline_are_one_grade_and_one_conflict(
    services: Services, api: httpx.AsyncClient, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    rooms = [take_agent(), take_agent()]
    services.add_class("grading-k", rooms[0], ["p-graded"])
    body = {"title": "作文", "due_at": "2030-01-01T00:00:00Z", "audience": {"classes": ["grading-k"]}}
    (await api.put("/api/v1/homework/assignments/grading-hw", json=body)).raise_for_status()
    paper = made("p-graded", {"type": "submission", "assignment": "grading-hw"}, school_class="grading-k")
    async with line_to(services) as line, AsyncExitStack() as running:
        first, second = [await running.enter_async_context(room_at(services, line, tmp_path, agent)) for agent in rooms]
        await first.start()
        await second.start()
        await post(first, paper)
        await stored(services, [paper])
        await line.cut()
        grades = []
        for room, score in ((first, 80.0), (second, 90.0)):
            judged = {"type": "grade", "submission": paper["record_id"], "base_version": 0, "score": score}
            grades.append(made("p-graded", judged, school_class="grading-k"))
            del grades[-1]["subject"]
            await post(room, grades[-1])
        await line.heal()
        await stored(services, grades)

        async def judged_twice() -> bool:
            papers = (await api.get("/api/v1/homework/assignments/grading-hw/papers")).json()
            version = papers["items"][0]["versions"][0]
            there = [one["score"] for one in (version["grade"], *version["conflicts"]) if one is not None]
            return bool(version["grade_version"] == 1 and papers["conflicts"] == 1 and sorted(there) == [80.0, 90.0])

        await until(judged_twice, "one judgement is in force, the other waits for a person")


HOURS = 24
SKEW_MS = 3 * 3_600_000


async def test_a_school_day_with_a_cut_of_24_hours_misses_and_doubles_no_fact_though_a_clock_is_wrong(
    services: Services, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    """The day lies behind the agents' start, as outboxes carry it; their clocks are wrong from the beginning."""
    rooms = {take_agent(): skew_ms for skew_ms in (0, SKEW_MS, -SKEW_MS)}
    lessons: list[tuple[str, str, list[str]]] = []
    for agent in rooms:
        school_class, pupils = f"day-{agent}", [f"p-{agent}-{number}" for number in range(8)]
        services.add_class(school_class, agent, pupils)
        for hour in range(1, HOURS, 4):
            lesson = f"{school_class}-{hour}"
            services.add_lesson(lesson, school_class, (-60 * hour, -60 * hour + 40))
            lessons.append((lesson, agent, pupils))
    async with line_to(services) as line, AsyncExitStack() as running:
        await line.cut()
        agents = {
            agent: await running.enter_async_context(agent_with_clock(services, line, tmp_path, agent, skew_ms))
            for agent, skew_ms in rooms.items()
        }
        answers: list[dict[str, Any]] = []
        for position, (lesson, agent, pupils) in enumerate(lessons):
            hour = int(lesson.rpartition("-")[2])
            at_ms = time.time_ns() // 1_000_000 - hour * 3_600_000 + 600_000 + rooms[agent]  # by the room's own clock
            facts = [
                made(pupil, {"type": "answer", "question": f"q-{number}", "response": "A"},
                     school_class=f"day-{agent}", at_ms=at_ms)
                for pupil in pupils
                for number in range(2)
            ]  # fmt: skip
            records = msgspec.convert(facts, list[RecordBody])
            taking = agents[agent].records
            stamped = [taking.stamped(body) for body in records]
            await taking.take(stamped)
            if position % 3 == 0:
                await taking.take(stamped)  # an app that heard no answer sends again
            answers += facts
        assert not await asyncio.to_thread(
            services.rows, "SELECT 1 FROM records WHERE record_id = ANY(%s)", [one["record_id"] for one in answers]
        )
        await line.heal()
        await stored(services, answers)

        async def told() -> bool:
            found = await asyncio.to_thread(
                services.rows,
                "SELECT lesson, count(*), count(DISTINCT person) FROM teaching_facts"
                " WHERE starts_with(lesson, 'day-') GROUP BY lesson",
            )
            return sorted(found) == sorted((lesson, 16, 8) for lesson, _, _ in lessons)

        await until(told, "every answer belongs to the lesson in which it was given, by whatever clock")


@asynccontextmanager
async def agent_with_clock(
    services: Services, line: Line, folder: Path, agent: str, skew_ms: int
) -> AsyncIterator[Agent]:
    """Run an agent in this process, whose wall clock is wrong from before it ever heard of the centre."""
    config = AgentConfig(
        agent=AgentSection(id=agent, role=Role.CLASSROOM, data_dir=folder / agent),
        uplink=UplinkSection(host="127.0.0.1", port=line.mqtt.port, reconnect_max_seconds=2.0),
        lan=LanSection(listen="127.0.0.1:0", mdns=False),
    )
    running = Agent(config, Drivers(clock=WrongClock(skew_ms)))
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


class WrongClock(SystemClock):
    """This machine's clocks, the wall clock so many milliseconds off."""

    def __init__(self, skew_ms: int) -> None:
        super().__init__()
        self._skew_ms = skew_ms

    def wall_ms(self) -> int:
        return super().wall_ms() + self._skew_ms
