"""What a batch leaves in the database, and two committers that share one store's memory of agents and things."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from cloud.ingest import store as store_module
from cloud.ingest.models import Arrival, Reading
from cloud.ingest.reading import read
from cloud.ingest.store import Store
from protocols.codec import MSGPACK, encode
from protocols.events import AttributeValue, Event
from protocols.receipts import Outcome
from protocols.samples import HostSample, Kind
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


def neighbour_event(type_: str, kind: Kind, thing: str, **attributes: AttributeValue) -> Event:
    return Event(
        event_id=uuid.uuid4().hex,
        type=type_,
        kind=kind,
        thing=thing,
        observed_at_ms=now_ms(),
        monotonic_ms=1,
        attributes={"reading": "a" * 32, **attributes},
    )


async def test_neighbours_of_a_segment_are_kept_with_it_and_once(inventory: str) -> None:
    agent = Publisher("s01-a1")
    told = [
        neighbour_event("neighbour.seen", Kind.PORT, "sw1/Gi0/1", protocol="lldp", chassis="x", remote_port="Gi0/24"),
        # Whatever another version may send: what is no text or no number is no reason to refuse the segment.
        neighbour_event("neighbour.seen", Kind.PORT, "sw1/Gi0/2", protocol="lldp", chassis=7, remote_port=None),
        neighbour_event("neighbour.gone", Kind.DEVICE, "sw1"),
        neighbour_event("neighbours.read", Kind.DEVICE, "sw1", whole=True, protocols="lldp", endpoints=-1),
    ]
    segment = agent.seal([], told)
    item = read(Arrival(agent.agent, Lane.EVENTS, "t", MSGPACK, encode(segment), now_ms()))
    assert isinstance(item, Reading)
    assert await outcomes(Store(inventory), [item]) == [Outcome.STORED]
    assert await outcomes(Store(inventory), [item]) == [Outcome.DUPLICATE]
    with psycopg.connect(inventory) as connection:
        kept = connection.execute("SELECT port, chassis, remote_port, present FROM neighbours ORDER BY port").fetchall()
        assert kept == [("Gi0/1", "x", "Gi0/24", True), ("Gi0/2", "7", "", True)]
        assert connection.execute("SELECT device, protocols, endpoints FROM neighbour_readings").fetchall() == [
            ("sw1", "lldp", 0)
        ]
