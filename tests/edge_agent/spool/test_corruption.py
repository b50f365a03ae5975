"""One story per way in which a spool can be damaged. The agent starts anyway, keeps what it can, and says what it
lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from edge_agent.spool import Spool, SpoolError, SpoolLimits
from edge_agent.spool.inspection import inspect_spool
from protocols.codec import decode_segment
from protocols.events import Event
from protocols.receipts import Outcome, SegmentReceipt
from protocols.topics import Lane
from tests.edge_agent.spool.makers import AGENT, SetClock, events, host_samples, tokens

pytestmark = pytest.mark.faults

PAGE_BYTES = 4096


class Victim:
    """A spool file that is opened, closed and damaged in between."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.db"
        self.clock = SetClock()
        self.random = Random(9)
        self.executor = ThreadPoolExecutor(1)
        self.seed = 0
        self.spool = self.another()

    def another(self) -> Spool:
        self.seed += 1
        return Spool(
            self.path,
            agent=AGENT,
            clock=self.clock,
            executor=self.executor,
            limits=SpoolLimits(max_bytes=4 * 1024 * 1024, min_free_bytes=0),
            token_hex=tokens(self.seed),
        )

    async def filled(self, segments: int = 6, size_bytes: int = 6_000) -> None:
        """Hold so many segments of one event each."""
        await self.spool.start()
        for _ in range(segments):
            await self.spool.append(events(self.clock, 1, self.random, size_bytes))

    async def reopened(self) -> None:
        self.spool = self.another()
        await self.spool.start()

    async def told(self) -> list[Event]:
        """Return the events of damage that wait to be sent."""
        segments = await self.spool.next_segments(1000)
        found = [event for segment in segments for event in decode_segment(segment.payload).events]
        return [event for event in found if event.type == "spool.damaged"]

    async def held_own(self) -> int:
        """Return how many of the test's own events are still held."""
        segments = await self.spool.next_segments(1000)
        found = [event for segment in segments for event in decode_segment(segment.payload).events]
        return sum(event.type == "port.changed" for event in found)

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as db:
            db.execute(statement)
            db.commit()

    def damage(self, offset: int, size: int = 200) -> None:
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(b"\xa5" * size)


@pytest.fixture
async def victim(tmp_path: Path) -> AsyncIterator[Victim]:
    victim = Victim(tmp_path)
    yield victim
    await victim.spool.stop()
    victim.executor.shutdown()


async def test_a_bit_flips_in_a_held_segment(victim: Victim) -> None:
    """The segment alone is set aside, kept, counted and told; those around it go out as if nothing had been."""
    await victim.filled(4)
    await victim.spool.stop()
    victim.sql(
        "UPDATE segments SET payload = CAST(substr(payload, 1, 99) || x'00' || substr(payload, 101) AS BLOB)"
        " WHERE seq = 2"
    )
    await victim.reopened()
    segments = await victim.spool.next_segments(10)
    assert [segment.identity.seq for segment in segments] == [1, 3, 4, 5]
    books = victim.spool.books()
    assert (books.produced_items, books.damaged_items, books.held_items) == (5, 1, 4)
    (event,) = await victim.told()
    assert event.attributes["seq"] == 2
    (aside,) = inspect_spool(victim.path).set_aside
    assert (aside.seq, aside.items, aside.reason) == (2, 1, "checksum")


async def test_a_damaged_segment_turns_out_to_have_arrived(victim: Victim) -> None:
    """It was sent before it rotted here; the receipt moves it from damaged to confirmed."""
    await victim.filled(2)
    victim.sql("UPDATE segments SET checksum = 0 WHERE seq = 1")
    await victim.spool.next_segments(10)
    epoch = victim.spool.position().epoch
    await victim.spool.confirm([SegmentReceipt(epoch=epoch, seq=1, outcome=Outcome.DUPLICATE)])
    books = victim.spool.books()
    assert (books.damaged_items, books.confirmed_items) == (0, 1)
    assert inspect_spool(victim.path).set_aside == []


async def test_the_columns_beside_a_payload_are_covered_too(victim: Victim) -> None:
    """A wrong item count would unbalance the books for ever: the checksum knows it."""
    await victim.filled(2)
    await victim.spool.stop()
    victim.sql("UPDATE segments SET items = 7 WHERE seq = 1")
    await victim.reopened()
    assert 1 not in [segment.identity.seq for segment in await victim.spool.next_segments(10)]
    books = victim.spool.books()
    assert (books.produced_items, books.damaged_items, books.held_items) == (3, 1, 2)


async def test_the_file_is_overwritten_with_rubbish(victim: Victim) -> None:
    """Nothing can be read: the file is kept under another name, a new epoch begins, and the loss is told uncounted."""
    await victim.filled(4)
    epoch = victim.spool.position().epoch
    await victim.spool.stop()
    victim.path.write_bytes(b"this is not a database, " * 2000)
    await victim.reopened()
    assert victim.spool.position().epoch != epoch
    (event,) = await victim.told()
    assert event.attributes["items"] is None
    (kept,) = inspect_spool(victim.path).damaged_files
    assert (victim.path.parent / kept).read_bytes().startswith(b"this is not a database")
    await victim.spool.append(events(victim.clock, 1, victim.random))


async def test_a_page_of_the_table_is_destroyed_while_the_agent_is_down(victim: Victim) -> None:
    """What can be read moves to a new file under its old identity; what cannot is counted in the old epoch's books."""
    await victim.filled(40)
    epoch = victim.spool.position().epoch
    await victim.spool.stop()
    pages = victim.path.stat().st_size // PAGE_BYTES
    victim.damage((pages - 3) * PAGE_BYTES, 3 * PAGE_BYTES)
    await victim.reopened()
    held = await victim.held_own()
    old = next(one for one in inspect_spool(victim.path).epochs if one.epoch == epoch)
    assert 0 < held < 40
    assert old.books.produced_items == 40
    assert old.books.held_items == held
    assert old.books.damaged_items == 40 - held
    assert {one.identity.epoch for one in await victim.spool.next_segments(100)} >= {epoch}
    seqs = [one.identity.seq for one in await victim.spool.next_segments(100) if one.identity.epoch == epoch]
    assert len(seqs) == len(set(seqs)) == held


async def test_the_schema_page_is_destroyed_while_the_agent_runs(victim: Victim) -> None:
    """The next use finds out; the spool begins anew by itself and the append that found out is stored."""
    await victim.filled(4)
    victim.spool._store.file.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    victim.spool._store.file.db.execute("PRAGMA shrink_memory")
    victim.damage(0, PAGE_BYTES)
    for _ in range(3):
        await victim.spool.append(host_samples(victim.clock, 1, victim.random))
    live = [one for one in await victim.spool.next_segments(100) if one.lane is Lane.LIVE]
    assert sum(one.items for one in live) == 3
    assert len(await victim.told()) == 1


async def test_the_write_ahead_log_is_cut_short(victim: Victim, tmp_path: Path) -> None:
    """A power cut tears the log: SQLite drops the torn transaction, and only what was never answered for is gone."""
    await victim.filled(10)
    log = tmp_path / "spool.db-wal"
    torn = log.read_bytes()[: log.stat().st_size * 2 // 3]
    main = victim.path.read_bytes()
    await victim.spool.stop()
    victim.path.write_bytes(main)
    log.write_bytes(torn)
    (tmp_path / "spool.db-shm").unlink(missing_ok=True)
    await victim.reopened()
    held = await victim.held_own()
    assert victim.spool.books().held_items == held
    assert victim.spool.position().next_seq == held + 1


async def test_the_file_is_emptied(victim: Victim, tmp_path: Path) -> None:
    """A zero-byte file is a new spool: a new epoch, so that no seq is ever used twice."""
    await victim.filled(3)
    epoch = victim.spool.position().epoch
    await victim.spool.stop()
    victim.path.write_bytes(b"")
    (tmp_path / "spool.db-wal").unlink(missing_ok=True)
    await victim.reopened()
    assert victim.spool.position().epoch != epoch
    assert victim.spool.position().next_seq == 1


async def test_a_file_of_a_later_version_is_not_touched(victim: Victim) -> None:
    """Refused with a hint to update, not taken for damage."""
    await victim.filled(1)
    await victim.spool.stop()
    victim.sql("PRAGMA user_version = 99")
    with pytest.raises(SpoolError, match="layout 99"):
        await victim.another().start()
    with closing(sqlite3.connect(victim.path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)
        assert db.execute("SELECT COUNT(*) FROM segments").fetchone() == (1,)
    victim.sql("PRAGMA user_version = 2")
