"""What agents tell of neighbours, from their events to the answer of the API."""

from __future__ import annotations

import uuid

import httpx
import psycopg

from cloud.topology.repository import Told, note
from protocols.events import AttributeValue, Event
from protocols.samples import Kind
from tests.cloud.district import SmallDistrict, minutes_ago


def told(district: SmallDistrict, type_: str, thing: str, minutes: float, **attributes: AttributeValue) -> Told:
    at = minutes_ago(minutes)
    kind = Kind.DEVICE if type_ == "neighbours.read" else Kind.PORT
    ms = int(at.timestamp() * 1000)
    event = Event(
        event_id=uuid.uuid4().hex,
        type=type_,
        kind=kind,
        thing=thing,
        observed_at_ms=ms,
        monotonic_ms=1,
        attributes=attributes,
    )
    return Told(district.agent_id("s01-gw"), event, at)


async def store(district: SmallDistrict, *events: Told) -> None:
    async with await psycopg.AsyncConnection.connect(district.dsn) as connection, connection.cursor() as cursor:
        await note(cursor, events)


async def edges(api: httpx.AsyncClient) -> list[tuple[str, str, list[str], str | None]]:
    answer = (await api.get("/api/v1/topology", params={"school": "s01"})).json()
    return [(one["state"], one["device"], one["ports"], one["neighbour"]) for one in answer["edges"]]


async def test_declared_seen_moved_to_another_port_and_gone(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.execute("UPDATE devices SET parent_port = 'ge2' WHERE device = 's01-sw01'")
    assert await edges(api) == [("unknown", "s01-rt1", [], "s01-sw01")]
    whole: dict[str, AttributeValue] = {"reading": "a" * 32, "whole": True, "protocols": "lldp"}
    switch = {"reading": "a" * 32, "protocol": "lldp", "chassis": "x", "remote_port": "ge24", "system_name": "s01-sw01"}
    stranger = switch | {"chassis": "y", "system_name": "SOHO-AP"}
    await store(
        district,
        told(district, "neighbours.read", "s01-rt1", 60, **whole),
        told(district, "neighbour.seen", "s01-rt1/ge2", 60, **switch),
        told(district, "neighbour.seen", "s01-rt1/ge1", 60, **stranger),
    )
    assert await edges(api) == [("confirmed", "s01-rt1", ["ge2"], "s01-sw01"), ("line", "s01-rt1", ["ge1"], None)]
    await store(
        district,
        told(district, "neighbour.gone", "s01-rt1/ge2", 50, **switch),
        told(district, "neighbour.seen", "s01-rt1/ge3", 50, **switch),
        told(district, "neighbours.read", "s01-rt1", 50, **whole | {"whole": False}),
    )
    assert (await edges(api))[0] == ("other_port", "s01-rt1", ["ge3"], "s01-sw01")
    # The agent started anew and tells all that there is: nothing, of what was told before.
    await store(district, told(district, "neighbours.read", "s01-rt1", 40, **whole | {"reading": "b" * 32}))
    assert await edges(api) == [("missing", "s01-rt1", [], "s01-sw01")]


async def test_an_older_word_that_comes_late_changes_nothing(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    old: dict[str, AttributeValue] = {"reading": "a" * 32, "protocols": "lldp"}
    seen = {"reading": "a" * 32, "protocol": "lldp", "chassis": "x", "remote_port": "ge24", "system_name": "s01-sw01"}
    await store(district, told(district, "neighbours.read", "s01-rt1", 10, **old | {"reading": "b" * 32}))
    await store(
        district,
        told(district, "neighbour.seen", "s01-rt1/ge2", 30, **seen),
        told(district, "neighbours.read", "s01-rt1", 30, **old),
    )
    assert await edges(api) == [("missing", "s01-rt1", [], "s01-sw01")]
    answer = (await api.get("/api/v1/topology")).json()
    assert answer["counts"]["missing"] == answer["drift"] == 1
    read = next(one for one in answer["devices"] if one["device"] == "s01-rt1")
    assert read["protocols"] == "lldp"
    assert (await api.get("/api/v1/topology", params={"school": "s99"})).status_code == 404
