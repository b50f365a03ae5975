"""Records at rest: readable for the agent and for nobody else; a lost key costs those segments and not the agent."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
import zstandard
from structlog.testing import capture_logs

from edge_agent.cipher import Cipher
from edge_agent.errors import EdgeError, Retry
from edge_agent.records import Intake
from edge_agent.spool import Spool, SpoolLimits, SpoolUnwritable
from edge_agent.spool.inspection import inspect_spool
from edge_agent.spool.secrecy import MARK
from protocols.codec import decode_segment
from protocols.receipts import Outcome, SegmentReceipt
from protocols.records import Answer, Record, RecordBody
from protocols.topics import Lane
from tests.edge_agent.ciphers import cipher_of
from tests.edge_agent.spool.makers import AGENT, SetClock, events, host_samples, tokens

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SECRET = "the moon is made of basalt"


class Folder:
    """A data folder that is opened with one key or another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SetClock()
        self.executor = ThreadPoolExecutor(1)
        self.random = Random(3)
        self.spools: list[Spool] = []

    async def opened(self, cipher: Cipher | None) -> Spool:
        await self.closed()
        spool = Spool(
            self.path / "spool.db",
            agent=AGENT,
            clock=self.clock,
            executor=self.executor,
            limits=SpoolLimits(max_bytes=4 * 1024 * 1024, min_free_bytes=0),
            token_hex=tokens(len(self.spools)),
            cipher=cipher,
        )
        await spool.start()
        self.spools.append(spool)
        return spool

    async def closed(self) -> None:
        for spool in self.spools:
            await spool.stop()

    def answer(self) -> Record:
        return Record(
            record_id=self.random.randbytes(16).hex(),
            observed_at_ms=self.clock.wall,
            subject="p-0a1b",
            fact=Answer(question="q-17", response=SECRET),
            accepted_at_ms=self.clock.wall,
            monotonic_ms=self.clock.monotonic,
        )

    def sql(self, statement: str) -> list:
        with closing(sqlite3.connect(self.path / "spool.db")) as db, db:
            return db.execute(statement).fetchall()

    def holding(self, text: str) -> list[str]:
        """Return the files that hold a text, as it is or in a zstd frame."""
        files = [file for file in self.path.rglob("*") if file.is_file()]
        return [file.name for file in files if any(text.encode() in part for part in readable(file.read_bytes()))]


def readable(content: bytes) -> Iterator[bytes]:
    """Yield the bytes themselves and what every zstd frame among them says."""
    yield content
    at = content.find(ZSTD_MAGIC)
    while at >= 0:
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(content[at:])
        at = content.find(ZSTD_MAGIC, at + 1)


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    await folder.closed()
    folder.executor.shutdown()


async def answers(spool: Spool) -> list[str]:
    segments = [decode_segment(one.payload) for one in await spool.next_segments(1000)]
    facts = [record.fact for one in segments for record in one.records]
    return [fact.response for fact in facts if isinstance(fact, Answer)]


async def test_an_answers_text_is_in_no_file_of_the_data_folder(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    intake = Intake(spool.append, folder.clock, folder.executor, folder.path / "records.db", cipher_of())
    await intake.start()
    body = RecordBody(
        record_id="0" * 32,
        observed_at_ms=folder.clock.wall,
        subject="p-0a1b",
        fact=Answer(question="q-17", response=SECRET),
    )
    await intake.take([intake.stamped(body)], {body.record_id: f'{{"response":"{SECRET}"}}'.encode()})
    assert folder.holding(SECRET) == []
    assert [row[0][:4] for row in folder.sql("SELECT payload FROM segments WHERE lane = 2")] == [MARK]
    assert await answers(spool) == [SECRET]
    await intake.stop()
    await folder.closed()
    assert folder.holding(SECRET) == []


async def test_the_plain_segment_would_show_the_text(folder: Folder) -> None:
    """What the test above looks for would be there without the key: the proof is not an empty one."""
    spool = await folder.opened(None)
    await spool.append([folder.answer()])
    assert folder.holding(SECRET) != []


async def test_events_and_health_are_stored_as_they_are_sent(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    await spool.append([*events(folder.clock, 1, folder.random), *host_samples(folder.clock, 3, folder.random)])
    stored = [row[0] for row in folder.sql("SELECT payload FROM segments ORDER BY lane")]
    assert stored == [one.payload for one in await spool.next_segments(10)]


async def test_records_of_before_are_delivered_and_new_ones_sealed(folder: Folder) -> None:
    spool = await folder.opened(None)
    await spool.append([folder.answer()])
    await folder.closed()
    folder.sql("PRAGMA user_version = 1")
    spool = await folder.opened(cipher_of())
    await spool.append([folder.answer()])
    assert await answers(spool) == [SECRET, SECRET]
    assert [row[0][:4] == MARK for row in folder.sql("SELECT payload FROM segments ORDER BY seq")] == [False, True]
    assert folder.sql("PRAGMA user_version") == [(2,)]


async def test_a_lost_key_sets_those_segments_aside_and_the_agent_goes_on(folder: Folder) -> None:
    spool = await folder.opened(cipher_of(1))
    await spool.append([folder.answer(), folder.answer()])
    await spool.append(events(folder.clock, 1, folder.random))
    spool = await folder.opened(cipher_of(2))
    await spool.append([folder.answer()])
    segments = await spool.next_segments(100)
    assert [one.lane for one in segments] == [Lane.EVENTS, Lane.EVENTS, Lane.RECORDS]
    told = [event for one in segments for event in decode_segment(one.payload).events if event.type == "spool.damaged"]
    assert [event.attributes["items"] for event in told] == [2]
    assert "cannot be opened with this agent's key" in str(told[0].attributes["reason"])
    content = inspect_spool(folder.path / "spool.db")
    assert [(one.lane, one.items) for one in content.set_aside] == [("records", 2)]
    books = spool.books()
    assert books.damaged_items == 2
    assert books.produced_items == books.damaged_items + books.held_items


async def test_a_sealed_segment_without_any_key_is_set_aside_too(folder: Folder) -> None:
    await (await folder.opened(cipher_of())).append([folder.answer()])
    spool = await folder.opened(None)
    assert await answers(spool) == []
    (aside,) = inspect_spool(folder.path / "spool.db").set_aside
    assert aside.reason == "it is sealed, and this agent has no key"


async def test_sizes_are_of_what_is_stored(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    await spool.append([folder.answer()])
    ((stored,),) = folder.sql("SELECT SUM(LENGTH(payload)) FROM segments")
    (lane,) = [one for one in (await spool.stats()).held if one.lane is Lane.RECORDS]
    assert lane.size_bytes == stored
    (segment,) = await spool.next_segments(10)
    receipt = SegmentReceipt(epoch=segment.identity.epoch, seq=segment.identity.seq, outcome=Outcome.STORED)
    assert await spool.confirm([receipt]) == 1
    assert all(one.size_bytes == 0 for one in (await spool.stats()).held)


async def test_a_new_epoch_adopts_sealed_records(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    await spool.append([folder.answer()])
    epoch = spool.position().epoch
    await spool.restart_epoch()
    segments = [one for one in await spool.next_segments(10) if one.lane is Lane.RECORDS]
    assert [one.identity.epoch for one in segments] == [spool.position().epoch] != [epoch]
    assert decode_segment(segments[0].payload).epoch == spool.position().epoch
    assert folder.holding(SECRET) == []


@pytest.mark.faults
async def test_sealed_records_are_carried_over_from_a_damaged_file(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    for _ in range(40):
        await spool.append([folder.answer()])
    await folder.closed()
    pages = (folder.path / "spool.db").stat().st_size // 4096
    with (folder.path / "spool.db").open("r+b") as file:
        file.seek((pages - 2) * 4096)
        file.write(b"\xa5" * 2 * 4096)
    spool = await folder.opened(cipher_of())
    carried = await answers(spool)
    assert 0 < len(carried) < 40
    assert set(carried) == {SECRET}
    assert inspect_spool(folder.path / "spool.db").damaged_files != []
    assert folder.holding(SECRET) == []


class NoKeyNow(EdgeError):
    """The key file cannot be read at the moment."""

    retry = Retry.BACKOFF


async def test_without_the_key_for_a_while_records_wait_and_everything_else_goes_on(folder: Folder) -> None:
    spool = await folder.opened(cipher_of())
    await spool.append([folder.answer()])

    def refuse(_: bytes) -> bytes:
        raise NoKeyNow("permission denied")

    spool = await folder.opened(Cipher(refuse, refuse))
    with pytest.raises(SpoolUnwritable, match="permission denied"):
        await spool.append([folder.answer()])
    # Of one commit: the record is refused, the event is stored.
    refused, stored = await asyncio.gather(
        spool.append([folder.answer()]),
        spool.append(events(folder.clock, 1, folder.random)),
        return_exceptions=True,
    )
    assert isinstance(refused, SpoolUnwritable)
    assert stored is None
    with capture_logs() as said:
        for _ in range(3):
            assert [one.lane for one in await spool.next_segments(10)] == [Lane.EVENTS]
    assert [one["event"] for one in said] == []  # said when the first record was refused, and once
    spool = await folder.opened(cipher_of())
    assert await answers(spool) == [SECRET]
    assert spool.books().damaged_items == 0
