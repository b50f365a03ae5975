"""Two committers share one store's memory of agents and things; neither pulls it from under the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from cloud.ingest import store as store_module
from cloud.ingest.models import Arrival, Reading
from cloud.ingest.reading import read
from cloud.ingest.store import Store
from protocols.codec import MSGPACK, encode
from protocols.receipts import Outcome
from protocols.samples import HostSample
from protocols.topics import Lane
from tests.cloud.ingest.publisher import Publisher, now_ms

pytestmark = pytest.mark.db


class Overtaken(Store):
    """A store in which the other committer does something just after this one has looked everything up."""

    async def meanwhile(self) -> None:
        """Nothing, if not said otherwise."""

    async def _insert_identities(self, *arguments: Any) -> Any:
        await self.meanwhile()
        return await super()._insert_identities(*arguments)


def host_reading(publisher: Publisher, thing: str) -> Reading:
    segment = publisher.seal([HostSample(thing=thing, observed_at_ms=now_ms(), monotonic_ms=1, cpu_ratio=0.5)])
    item = read(Arrival(publisher.agent, Lane.LIVE, "t", MSGPACK, encode(segment), now_ms()))
    assert isinstance(item, Reading)
    return item


async def outcomes(store: Store, batch: Sequence[Reading]) -> list[Outcome]:
    await store.start()
    try:
        return [fate.outcome for fate in (await store.commit(batch)).fates]
    finally:
        await store.stop()


async def test_an_agent_retired_in_mid_batch_is_stored_to_the_end_of_it(inventory: str) -> None:
    class Retiring(Overtaken):
        async def meanwhile(self) -> None:
            with psycopg.connect(inventory) as connection:
                connection.execute("UPDATE agents SET retired_at = now() WHERE agent = 's01-a1'")
            self._agents_at = -store_module.AGENTS_FRESH_SECONDS
            await self._refresh_agents({"s01-a2"})

    agent = Publisher("s01-a1")
    batch = [host_reading(agent, "s01-a1")]
    store = Retiring(inventory)
    assert await outcomes(store, batch) == [Outcome.STORED]
    assert await outcomes(Store(inventory), [host_reading(agent, "s01-a1")]) == [Outcome.REJECTED]


async def test_a_memory_of_things_that_is_full_is_emptied_behind_the_batches_that_use_it(
    inventory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MAX_CACHED_THINGS", 1)

    class Forgetting(Overtaken):
        async def meanwhile(self) -> None:
            async with self._pool.connection() as connection:
                await self._resolve(connection, [host_reading(Publisher("s01-a2"), thing) for thing in ("x", "y", "z")])

    batch = [host_reading(Publisher("s01-a1"), thing) for thing in ("a", "b")]
    assert await outcomes(Forgetting(inventory), batch) == [Outcome.STORED, Outcome.STORED]
