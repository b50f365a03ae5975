"""Delivers one feed: the next records, at least once, none passed over.

The place moves only after the receiver has taken the records or one of them has been kept as refused, so a crash at any
moment repeats records and loses none. A batch that is refused, or that the receiver keeps breaking on, is narrowed to
the one record it is about. A record that the receiver merely breaks on is given up only while it takes others: when
nothing is taken, it is the receiver that is ill, and everything waits. No connection to the database is held while a
receiver takes its time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import structlog

from cloud.db.pool import Pool
from cloud.feeds import repository, webhook, xapi
from cloud.feeds.erasing import ErasureTelling
from cloud.feeds.judging import NARROW_AFTER, narrowed, wait_seconds
from cloud.feeds.models import MAX_BATCH_RECORDS, Feed, Format, Message, Outcome, Verdict
from cloud.feeds.sending import Sender
from cloud.records.consuming import StoredRecord, horizon

PROBES = 5
"""How many later records are tried before a receiver is taken for ill."""
UNREADABLE = "unreadable"

_log = structlog.get_logger(__name__)

Wait = Callable[[int], float]
"""Seconds to wait after so many failures in a row."""


class Delivery:
    """Takes feeds forward, one step at a time."""

    def __init__(
        self, pool: Pool, sender: Sender, *, wait: Wait = lambda failures: wait_seconds(failures, random.random())
    ) -> None:
        self._pool = pool
        self._sender = sender
        self._erasures = ErasureTelling(pool, sender)
        self._wait = wait
        self._horizon = 0

    async def step(self, name: str) -> float | None:
        """Send at most one batch of a feed; return how long to wait for the next step, None when the feed is at rest.

        0 means that there may be more, infinity that nothing is left until something new is stored.
        """
        async with self._pool.connection() as connection:
            feed = await repository.find(connection, name)
            if feed is None or feed.state != "running":
                return None
            if feed.left_seconds is not None and feed.left_seconds > 0:
                return feed.left_seconds
            erased = await repository.next_erasures(connection, name, MAX_BATCH_RECORDS)
            again = await repository.asked_again(connection, name)
            highest = await repository.highest_place(connection)
        # After a failure they take turns: a receiver that breaks on what is erased must not miss what is new.
        if erased and (feed.failures % 2 == 0 or (again is None and highest <= feed.place)):
            return await self._tell_erased(feed, erased)
        if again is not None:
            return await self._send_again(feed, again)
        # One horizon serves all feeds until they have reached it: ingest waits while another is found.
        if self._horizon <= feed.place and highest > feed.place:
            self._horizon = await horizon(self._pool) or 0
        if self._horizon <= feed.place:
            return float("inf")
        return await self._send_next(feed, self._horizon)

    async def _tell_erased(self, feed: Feed, record_ids: Sequence[str]) -> float:
        outcome = await self._erasures.tell(feed, record_ids)
        if outcome.verdict is not Verdict.TAKEN:
            return await self._wait_after(feed, outcome)
        async with self._pool.connection() as connection:
            await repository.note(connection, "feed_well", feed=feed.feed, batch_records=feed.batch_records)
        return 0.0

    async def _send_next(self, feed: Feed, upto: int) -> float:
        async with self._pool.connection() as connection:
            found = await repository.next_records(
                connection, feed, after=feed.place, upto=upto, limit=feed.batch_records
            )
        if not found:
            await self._advance(feed, upto, delivered=0)
            return 0.0
        if not isinstance(found[0], StoredRecord):
            await self._give_up(feed, *found[0], UNREADABLE)
            return 0.0
        batch: list[StoredRecord] = []
        for one in found:
            if not isinstance(one, StoredRecord):  # has its turn when it is the first
                break
            batch.append(one)
        outcome = await self._sender.send(self._message(feed, batch))
        if outcome.verdict is Verdict.TAKEN:
            whole = len(batch) == len(found) < feed.batch_records
            await self._advance(feed, upto if whole else batch[-1].place, delivered=len(batch))
            return 0.0
        return await self._not_taken(feed, batch, outcome, upto)

    async def _not_taken(self, feed: Feed, batch: Sequence[StoredRecord], outcome: Outcome, upto: int) -> float:
        head = batch[0]
        if len(batch) == 1 and outcome.verdict is Verdict.REFUSED:
            await self._give_up(feed, head.place, head.record_id, outcome.reason)
            return 0.0
        failures = feed.failures if outcome.verdict is Verdict.REFUSED else feed.failures + 1
        breaks = len(batch) == 1 and outcome.verdict is Verdict.FAILED and failures >= NARROW_AFTER
        if breaks and await self._others_are_taken(feed, head, upto):
            await self._give_up(feed, head.place, head.record_id, outcome.reason)
            return 0.0
        wait = 0.0
        if outcome.verdict is not Verdict.REFUSED:
            wait = self._wait(failures) if outcome.pause_seconds is None else outcome.pause_seconds
        if failures == 1:
            _log.warning("feed_unwell", feed=feed.feed, reason=outcome.reason)
        await self._unwell(
            feed,
            batch_records=narrowed(feed.batch_records, len(batch), outcome.verdict, failures),
            failures=failures,
            reason=outcome.reason,
            wait=wait,
        )
        return wait

    async def _others_are_taken(self, feed: Feed, head: StoredRecord, upto: int) -> bool:
        """Return whether the receiver takes a later record, and still not this one."""
        async with self._pool.connection() as connection:
            later = await repository.next_records(connection, feed, after=head.place, upto=upto, limit=PROBES)
        for one in later:
            if isinstance(one, StoredRecord):
                tried = await self._sender.send(self._message(feed, [one]))
                if tried.verdict is Verdict.TAKEN:
                    once_more = await self._sender.send(self._message(feed, [head]))
                    return once_more.verdict in (Verdict.FAILED, Verdict.REFUSED)
                if tried.verdict is Verdict.AWAY:
                    return False
        return False

    async def _send_again(self, feed: Feed, again: StoredRecord | tuple[int, str]) -> float:
        """Send one refused record once more, alone; refused again it stays, with its newest reason."""
        if not isinstance(again, StoredRecord):
            await self._keep_refusal(feed, again[1], UNREADABLE)
            return 0.0
        outcome = await self._sender.send(self._message(feed, [again]))
        if outcome.verdict is Verdict.TAKEN:
            async with self._pool.connection() as connection, connection.transaction():
                await repository.note(connection, "settle_refusal", feed=feed.feed, record_id=again.record_id)
                await _move(connection, feed, feed.place, delivered=1)
            return 0.0
        if outcome.verdict is not Verdict.AWAY:
            await self._keep_refusal(feed, again.record_id, outcome.reason)
            return 0.0
        return await self._wait_after(feed, outcome)

    async def _wait_after(self, feed: Feed, outcome: Outcome) -> float:
        wait = self._wait(feed.failures + 1) if outcome.pause_seconds is None else outcome.pause_seconds
        await self._unwell(
            feed, batch_records=feed.batch_records, failures=feed.failures + 1, reason=outcome.reason, wait=wait
        )
        return wait

    def _message(self, feed: Feed, records: Sequence[StoredRecord]) -> Message:
        if feed.format is Format.XAPI:
            return xapi.message(feed, records)
        return webhook.message(feed, records, int(time.time()))

    async def _advance(self, feed: Feed, place: int, *, delivered: int) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await _move(connection, feed, place, delivered=delivered)
            if delivered:
                more = min(feed.batch_records * 2, MAX_BATCH_RECORDS)
                await repository.note(connection, "feed_well", feed=feed.feed, batch_records=more)
        if delivered and feed.failures:
            _log.info("feed_well", feed=feed.feed)

    async def _give_up(self, feed: Feed, place: int, record_id: str, reason: str) -> None:
        _log.warning("feed_record_refused", feed=feed.feed, record_id=record_id, reason=reason)
        async with self._pool.connection() as connection, connection.transaction():
            await repository.keep_refusal(connection, feed.feed, record_id, reason)
            await _move(connection, feed, place, delivered=0)
            await repository.note(
                connection,
                "feed_unwell",
                feed=feed.feed,
                batch_records=min(feed.batch_records * 2, MAX_BATCH_RECORDS),
                failures=0,
                problem=reason,
                wait_seconds=0.0,
            )

    async def _keep_refusal(self, feed: Feed, record_id: str, reason: str) -> None:
        async with self._pool.connection() as connection, connection.transaction():
            await repository.keep_refusal(connection, feed.feed, record_id, reason)

    async def _unwell(self, feed: Feed, *, batch_records: int, failures: int, reason: str, wait: float) -> None:
        async with self._pool.connection() as connection:
            await repository.note(
                connection,
                "feed_unwell",
                feed=feed.feed,
                batch_records=batch_records,
                failures=failures,
                problem=reason,
                wait_seconds=wait,
            )


async def _move(connection: repository.Connection, feed: Feed, place: int, *, delivered: int) -> None:
    await repository.note(
        connection,
        "advance_feed",
        feed=feed.feed,
        created_at=feed.created_at,
        place=place,
        delivered=delivered,
    )
