"""Tells a receiver which records were erased here, so that it erases them too, until it has heard.

What was erased is told by id alone, and to every receiver of such records, whether it had come to them or not: what was
under way at that moment may have arrived.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from cloud.db.pool import Pool
from cloud.feeds import repository, webhook, xapi
from cloud.feeds.models import Feed, Format, Message, Outcome, Verdict
from cloud.feeds.sending import Sender


class ErasureTelling:
    """Tells erasures of any feed."""

    def __init__(self, pool: Pool, sender: Sender) -> None:
        self._pool = pool
        self._sender = sender

    async def tell(self, feed: Feed, record_ids: Sequence[str]) -> Outcome:
        """Tell a batch; return `TAKEN` when each was heard or is kept as refused, else what stopped it."""
        outcome = await self._sender.send(_message(feed, record_ids))
        if outcome.verdict is Verdict.TAKEN:
            await self._note("erasures_told", feed=feed.feed, record_ids=list(record_ids))
            return outcome
        if outcome.verdict is not Verdict.REFUSED:
            return outcome
        if len(record_ids) == 1:
            await self._note("erasure_refused", feed=feed.feed, record_id=record_ids[0], reason=outcome.reason)
            return Outcome(Verdict.TAKEN, outcome.reason)
        for record_id in record_ids:
            outcome = await self.tell(feed, [record_id])
            if outcome.verdict is not Verdict.TAKEN:
                break
        return outcome

    async def _note(self, query: str, **values: object) -> None:
        async with self._pool.connection() as connection:
            await repository.note(connection, query, **values)


def _message(feed: Feed, record_ids: Sequence[str]) -> Message:
    if feed.format is Format.XAPI:
        return xapi.erasure(feed, record_ids)
    return webhook.erasure(feed, record_ids, int(time.time()))
