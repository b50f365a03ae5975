"""One device, one port, one classroom: what each is and what stands around it."""

from __future__ import annotations

from datetime import timedelta

import httpx

from tests.cloud.district import SmallDistrict, minutes_ago, now


async def test_a_device_tells_its_ports_its_children_and_what_happened(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.logged("device", "s01-rt1", "down", minutes_ago(5))
    thing_id = district.thing_id("device", "s01-rt1", "s01-gw")
    moment = now()
    times = {"observed_at": moment, "corrected_at": moment, "received_at": moment}
    row = {"thing_id": thing_id, "agent_id": district.agent_id("s01-gw"), "reachable": True, "cpu_ratio": 0.5}
    district.insert("device_current", {**row, **times})
    one = (await api.get("/api/v1/devices/s01-rt1")).json()
    assert (one["school"], one["kind"], one["status"], one["reachable"]) == ("s01", "router", "down", True)
    assert [port["port"] for port in one["ports"]] == ["s01-rt1/ge1"]
    assert [child["device"] for child in one["children"]] == ["s01-sw01"]
    assert one["status_changes"][0]["status"] == "down"
    assert (await api.get("/api/v1/devices/s09-rt1")).status_code == 404


async def test_a_port_with_slashes_in_its_name_has_its_own_page(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.execute("INSERT INTO ports VALUES ('s01-sw01', 'GigabitEthernet0/0/1', 9, 'room 3', 1000000000)")
    for path in ("GigabitEthernet0/0/1", "GigabitEthernet0%2F0%2F1"):
        one = (await api.get(f"/api/v1/devices/s01-sw01/ports/{path}")).json()
        assert (one["port"], one["alias"], one["link"]) == ("s01-sw01/GigabitEthernet0/0/1", "room 3", None)
    assert (await api.get("/api/v1/devices/s01-rt1/ports/ge1")).json()["link"] == "s01-wan"
    assert (await api.get("/api/v1/devices/s01-rt1/ports/ge9")).status_code == 404


async def test_series_of_anything_are_drawn_with_their_gaps(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    thing_id = district.thing_id("device", "s01-sw01", "s01-gw")
    start = now().replace(second=0, microsecond=0) - timedelta(minutes=10)
    for number in (0, 1, 2, 6, 7, 8):
        at = start + timedelta(seconds=60 * number + 5)
        row = {"thing_id": thing_id, "agent_id": district.agent_id("s01-gw"), "observed_at": at, "corrected_at": at}
        district.insert("device_samples", {**row, "resolution_seconds": 0, "reachable": True, "cpu_ratio": 0.25})
    query = {"metric": "cpu_ratio,reachable", "from": start.isoformat(), "to": now().isoformat(), "step": "60"}
    found = (await api.get("/api/v1/series/device/s01-sw01", params=query)).json()
    values = [value for _, value in found["series"][0]["points"]]
    assert values[:9] == [0.25, 0.25, 0.25, None, None, None, 0.25, 0.25, 0.25]
    assert (found["series"][1]["metric"], found["series"][1]["unit"]) == ("reachable", "bool")
    never = (await api.get("/api/v1/series/port/s01-sw01/ge1", params={"metric": "in_bps"})).json()
    assert {value for _, value in never["series"][0]["points"]} == {None}
    wrong = await api.get("/api/v1/series/device/s01-sw01", params={"metric": "in_bps"})
    assert wrong.status_code == 422
    assert "cpu_ratio" in wrong.json()["errors"][0]["allowed"]


async def test_a_classroom_tells_its_agent_and_terminals(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.status("classroom", "s01-c01", "up")
    district.terminal("s01-c01-t01", present=True)
    one = (await api.get("/api/v1/classrooms/s01-c01")).json()
    assert (one["school"], one["agent"], one["status"], one["lessons"]) == ("s01", "s01-c01", "up", [])
    assert one["terminals"]["up"] == 1
    assert one["agent_row"]["agent"] == "s01-c01"
    assert (await api.get("/api/v1/classrooms/s09-c01")).status_code == 404
