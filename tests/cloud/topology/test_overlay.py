"""The overlay: what is said of edges that are declared, seen, both, or neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from cloud.topology.models import Declared, Edge, EdgeState, Sighting, counted, overlay

AT = datetime(2026, 11, 27, 9, tzinfo=UTC)
ROUTER = Declared("s07-rt1", address="10.7.0.1", protocols="lldp", chassis="02:00:00:00:00:01", system_name="R1")
SWITCH = Declared("s07-sw01", "一楼交换机", None, "10.7.0.2", "s07-rt1", "ge3", "lldp", "02:00:00:00:00:02", "SW-1F")
SECOND = replace(
    SWITCH, device="s07-sw02", name="二楼", address="10.7.0.3", chassis="02:00:00:00:00:03", system_name="SW-2F"
)
AP = Declared("s07-ap01", "三楼无线", None, "10.7.0.9", "s07-sw01")


def seen(device: str, port: str, **said: str) -> Sighting:
    texts = {"protocol": "lldp", "chassis": "", "remote_port": "eth0"} | said
    return Sighting(device=device, port=port, since=AT, told_at=AT, **texts)


def edge_of(edges: list[Edge], neighbour: str) -> Edge:
    return next(edge for edge in edges if edge.neighbour == neighbour)


def states(edges: list[Edge]) -> list[tuple[str, str, str | None]]:
    return [(edge.state.value, edge.device, edge.neighbour) for edge in edges]


def test_what_both_ends_tell_is_one_confirmed_edge():
    told = [
        seen("s07-rt1", "ge3", chassis=SWITCH.chassis, remote_port="ge24"),
        seen("s07-sw01", "ge24", chassis=ROUTER.chassis, remote_port="ge3"),
    ]
    (edge,) = overlay([ROUTER, SWITCH], told, set())
    assert (edge.state, edge.ports, edge.neighbour_ports) == (EdgeState.CONFIRMED, ["ge3"], ["ge24"])
    assert edge.seen_by == ["s07-rt1", "s07-sw01"]


def test_another_port_than_declared_is_drift():
    (edge,) = overlay([ROUTER, SWITCH], [seen("s07-rt1", "ge4", chassis=SWITCH.chassis)], set())
    assert (edge.state, edge.ports, edge.declared_port) == (EdgeState.OTHER_PORT, ["ge4"], "ge3")


def test_a_device_seen_elsewhere_has_moved():
    devices = [ROUTER, SWITCH, SECOND, AP]
    told = [
        seen("s07-rt1", "ge3", chassis=SWITCH.chassis),
        seen("s07-rt1", "ge3", chassis=SECOND.chassis),
        seen("s07-sw02", "ge7", chassis="02:00:00:00:00:09", system_name="s07-ap01.school.example"),
    ]
    edges = overlay(devices, told, set())
    moved = edge_of(edges, "s07-ap01")
    assert (moved.state, moved.device, moved.declared_parent) == (EdgeState.MOVED, "s07-sw02", "s07-sw01")
    assert counted(edges)["undeclared"] == 0, "what explains a move is not told twice"


def test_a_declared_device_that_its_parent_does_not_see_is_missing():
    assert states(overlay([ROUTER, SWITCH], [], set())) == [("missing", "s07-rt1", "s07-sw01")]


def test_the_silence_of_devices_that_tell_nothing_proves_nothing():
    mute = [replace(ROUTER, protocols=""), replace(SWITCH, protocols="")]
    assert states(overlay(mute, [], set())) == [("unknown", "s07-rt1", "s07-sw01")]


def test_a_router_is_not_missing_at_the_core_beyond_a_provider_s_line():
    devices = [Declared("core", protocols="lldp"), replace(ROUTER, school="s07", parent="core")]
    assert states(overlay(devices, [], set())) == [("unknown", "core", "s07-rt1")]


def test_what_the_inventory_does_not_know_is_undeclared_but_at_a_line_s_port():
    told = [
        seen("s07-sw01", "ge9", system_name="SOHO-AP", protocol="lldp"),
        seen("s07-sw01", "ge9", system_name="SOHO-AP", protocol="cdp", chassis="SOHO-AP"),
        seen("s07-rt1", "wan", system_name="PROVIDER-7"),
    ]
    edges = overlay([ROUTER, replace(SWITCH, parent=None)], told, {("s07-rt1", "wan")})
    assert [(edge.state.value, edge.device, edge.system_name) for edge in edges] == [
        ("undeclared", "s07-sw01", "SOHO-AP"),
        ("line", "s07-rt1", "PROVIDER-7"),
    ]
    assert edges[0].protocols == ["cdp", "lldp"]


def test_a_name_or_address_that_two_devices_have_matches_neither():
    twins = [ROUTER, replace(SWITCH, system_name="H3C"), replace(SECOND, system_name="H3C", address=SWITCH.address)]
    told = [seen("s07-rt1", "ge3", system_name="H3C", address=SWITCH.address)]
    assert [edge.state for edge in overlay(twins, told, set()) if edge.neighbour is None] == [EdgeState.UNDECLARED]
