"""Requests that come together are committed together; each is answered for itself."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edge_agent.clock import SystemClock
from edge_agent.records import Intake, RecordConflict
from edge_agent.spool import SpoolFull
from protocols.records import Answer, Record


class Disk:
    """Remembers each commit; refuses those that hold a named answer, and waits while it is held."""

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def append(self, records: Sequence[Record]) -> None:
        await self.flowing.wait()
        if any(response(one) == "too much" for one in records):
            raise SpoolFull("no room")
        self.commits.append([one.record_id for one in records])


def response(record: Record) -> str:
    assert isinstance(record.fact, Answer)
    return record.fact.response


def record(said: str = "A", record_id: str | None = None) -> Record:
    return Record(
        record_id=record_id or secrets.token_hex(16),
        observed_at_ms=1,
        accepted_at_ms=2,
        monotonic_ms=3,
        subject="p-1",
        fact=Answer(question="q-1", response=said),
    )


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def intake(tmp_path: Path, disk: Disk) -> AsyncIterator[Intake]:
    with ThreadPoolExecutor(1) as executor:
        intake = Intake(disk.append, SystemClock(), executor, tmp_path / "records.db")
        await intake.start()
        yield intake
        await intake.stop()


async def together(intake: Intake, disk: Disk, *batches: Sequence[Record]) -> list[Any]:
    """Take batches that all come while another one is being committed."""
    disk.flowing.clear()
    first = asyncio.create_task(intake.take([record()]))
    await asyncio.sleep(0.05)
    tasks = [asyncio.create_task(intake.take(batch)) for batch in batches]
    await asyncio.sleep(0.05)
    disk.flowing.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_comes_during_a_commit_goes_into_the_next_together(intake: Intake, disk: Disk) -> None:
    done = await together(intake, disk, *([record()] for _ in range(50)))
    assert {one.stored for one in done} == {1}
    assert [len(commit) for commit in disk.commits] == [1, 50]


async def test_one_id_in_two_requests_at_once_is_stored_once(intake: Intake, disk: Disk) -> None:
    one = record()
    first, second, other = await together(intake, disk, [one], [one], [record("B", one.record_id)])
    assert (first.stored, first.known, second.stored, second.known) == (1, 0, 0, 1)
    assert isinstance(other, RecordConflict)
    assert sum(commit.count(one.record_id) for commit in disk.commits) == 1


async def test_a_conflict_takes_nothing_of_its_batch_and_leaves_the_others_alone(intake: Intake, disk: Disk) -> None:
    known = record()
    await intake.take([known])
    innocent = record()
    bad, good = await together(intake, disk, [innocent, record("B", known.record_id)], [record()])
    assert isinstance(bad, RecordConflict)
    assert bad.position == 1
    assert good.stored == 1
    assert not any(innocent.record_id in commit for commit in disk.commits)
    assert (await intake.take([innocent])).stored == 1


async def test_a_batch_that_the_disk_refuses_does_not_take_the_others_with_it(intake: Intake, disk: Disk) -> None:
    fine, full, also_fine = await together(intake, disk, [record()], [record("too much")], [record()])
    assert (fine.stored, also_fine.stored) == (1, 1)
    assert isinstance(full, SpoolFull)
