"""Stories of a school's network in virtual time that are too particular for a file, and what holds in every one.

The others are files: `ops/simulator/scenarios`, played by `tests/ops/simulator/test_rehearsal.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.incidents.following import apply, decide
from cloud.incidents.models import Books, IncidentKind, LoggedChange, Opens, Reopens
from cloud.status.models import (
    AgentEvidence,
    Change,
    DeviceEvidence,
    LinkEvidence,
    Settled,
    Snapshot,
    StatusKind,
    StatusWord,
    Thing,
    VantageEvidence,
)
from cloud.status.roots import DEVICE_FRESH
from cloud.status.settling import Hearing, evaluate
from cloud.status.vantage import MONITOR

START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
LINE = Thing(StatusKind.LINK, "s01-wan")
GATEWAY = Thing(StatusKind.GATEWAY, "s01-gw")


@dataclass
class World:
    """Schools that are polled as real ones are: lines every 10 s, heartbeats every 30 s, devices every 60 s."""

    schools: int = 1
    switches: int = 3
    rooms: int = 2
    dead: set[str] = field(default_factory=set)
    """Keys of lines, agents and devices that are dead now."""
    seconds: int = 0
    quiet: bool = False
    deaf: bool = False
    """Nothing at all reaches the centre."""
    core: str = "sees"
    """What becomes of the centre's vantage: `sees`, `silent`, or `cut`, when it finds every line dead."""
    probing: bool = True
    """Whether schools look at their lines themselves."""
    board: dict[tuple[StatusKind, str], Settled] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    books: Books = field(default_factory=Books)
    opened: list[Thing] = field(default_factory=list)
    _heard: dict[str, datetime] = field(default_factory=dict)
    _looks: dict[str, VantageEvidence] = field(default_factory=dict)
    _hearing: Hearing | None = None
    _last: Snapshot = field(default=Snapshot(START, None, (), ()))
    _devices: dict[str, tuple[datetime, bool]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def parents_of(self, device: str) -> tuple[str, ...]:
        school, name = device.split("-")
        if name == "rt1":
            return ()
        if name == "sw01":
            return (f"{school}-rt1",)
        return (f"{school}-sw01",)

    def devices(self, school: str) -> list[str]:
        return [f"{school}-rt1", *(f"{school}-sw{number:02d}" for number in range(1, self.switches + 1))]

    def run(self, seconds: int) -> None:
        """Let time pass, second by second."""
        for _ in range(seconds):
            self.seconds += 1
            snapshot = self._look()
            self._hearing = (self._hearing or Hearing(self.now)).listen(snapshot.heard_at, self.now)
            quiet = self.quiet or self._hearing.is_quiet(self.now)
            self.board, changes = evaluate(snapshot, self.board, quiet=quiet)
            self.log += changes
            for change in changes:
                self._follow(change)

    def restart_of_the_cloud(self, seconds: int) -> None:
        """The cloud is away for a while, and begins with a quiet minute, hearing everybody again."""
        self.seconds += seconds
        hearing = Hearing.begin(self.now)
        for _ in range(60):
            self.quiet = hearing.is_quiet(self.now)
            self.run(1)
        self.quiet = False

    def _look(self) -> Snapshot:
        links, agents, devices = [], [], []
        if self.deaf:
            return replace(self._last, at=self.now)
        for number in range(1, self.schools + 1):
            school = f"s{number:02d}"
            line = f"{school}-wan"
            links.append(LinkEvidence(line, self._school_end(line), self._centre_end(line), "Carrier"))
            for agent, kind in self._agents(school):
                silent = {agent, line} & self.dead
                if not silent and (self.seconds % 30 == 0 or agent not in self._heard):
                    self._heard[agent] = self.now
                agents.append(AgentEvidence(agent, kind, line, self._heard[agent], None, school))
            for device in self.devices(school):
                if self.seconds % 60 == crc32(device.encode()) % 60 and not {f"{school}-gw", line} & self.dead:
                    path = {device, *self._path(device)}
                    self._devices[device] = (self.now, not path & self.dead)
                looked_at, reachable = self._devices.get(device, (None, None))
                devices.append(DeviceEvidence(device, f"{school}-gw", self.parents_of(device), looked_at, reachable))
        self._last = Snapshot(self.now, self.now, tuple(links), tuple(agents), tuple(devices))
        return self._last

    def _agents(self, school: str) -> list[tuple[str, StatusKind]]:
        rooms = [(f"{school}-c{number:02d}", StatusKind.CLASSROOM) for number in range(1, self.rooms + 1)]
        return [(f"{school}-gw", StatusKind.GATEWAY), *rooms]

    def _path(self, device: str) -> list[str]:
        found: list[str] = []
        for parent in self.parents_of(device):
            found += [parent, *self._path(parent)]
        return found

    def _centre_end(self, line: str) -> VantageEvidence:
        if self.core != "silent":
            self._looks[line] = self._seen(well=line not in self.dead and self.core == "sees")
        return self._looks[line]

    def _school_end(self, line: str) -> VantageEvidence:
        if not self.probing or {line, line.replace("-wan", "-gw")} & self.dead:
            return VantageEvidence()
        return self._seen(well=True)

    def _seen(self, *, well: bool) -> VantageEvidence:
        at = self.now - timedelta(seconds=self.seconds % 10)
        return VantageEvidence(at, well, 0.0, at, 0.0 if well else 1.0, 0.002 if well else None)

    def _follow(self, change: Change) -> None:
        logged = LoggedChange(
            1, Thing(change.kind, change.key), change.previous, change.status, change.changed_at, change.reason,
            change.evidence, change.root,
        )  # fmt: skip
        for action in decide(self.books, logged):
            if isinstance(action, Opens | Reopens):
                self.opened.append(action.root)
            apply(self.books, action, len(self.opened))

    def word(self, kind: StatusKind, key: str) -> str:
        return self.board[kind, key].status.value

    def roots_of(self, keys: Collection[str]) -> set[Thing | None]:
        return {settled.root for (_, key), settled in self.board.items() if key in keys}


@pytest.fixture
def storm() -> World:
    world = World(switches=35, rooms=15)
    world.run(130)
    assert {world.word(*place) for place in world.board} == {"up"}
    return world


@pytest.mark.parametrize("later", range(0, 60, 7))
def test_a_switch_that_dies_with_all_behind_it_is_the_only_cause_whoever_was_polled_first(later: int) -> None:
    world = World(switches=8)
    world.run(180 + later)
    world.dead.add("s01-sw01")
    world.run(300)
    cause = Thing(StatusKind.DEVICE, "s01-sw01")
    assert world.opened == [cause]
    assert world.roots_of([f"s01-sw{number:02d}" for number in range(2, 9)]) == {cause}


def blind_and_back(world: World, *, unknown: bool) -> None:
    """See 43 lines, be blind for some minutes and see again: one blind spot, no line ever called down."""
    world.run(200)
    assert world.opened == [MONITOR]
    assert [(one.kind, one.reason) for one in world.books.open.values()] == [
        (IncidentKind.BLIND_SPOT, "monitoring_blind")
    ]
    assert {world.word(StatusKind.LINK, f"s{number:02d}-wan") for number in range(1, 44)} == (
        {"unknown"} if unknown else {"up"}
    )
    world.core, world.deaf = "sees", False
    world.run(130)
    assert world.opened == [MONITOR]
    assert world.books.open == {}
    assert {world.word(*place) for place in world.board} == {"up"}
    assert not [change for change in world.log if change.status in (StatusWord.DOWN, StatusWord.UNREACHABLE)]


@pytest.mark.parametrize(
    ("core", "deaf", "probing"),
    [
        ("silent", False, False),
        ("cut", False, True),
        ("sees", True, True),
    ],
)
def test_a_blind_monitor_is_one_blind_spot_and_not_one_for_every_line(core: str, deaf: bool, probing: bool) -> None:
    world = World(schools=43, switches=0, rooms=1, probing=probing)
    world.run(70)
    world.core, world.deaf = core, deaf
    blind_and_back(world, unknown=deaf or not probing)


def test_every_line_cut_at_once_is_an_outage_and_no_blindness() -> None:
    world = World(schools=6)
    world.run(130)
    world.dead |= {f"s{number:02d}-wan" for number in range(1, 7)}
    world.run(300)
    assert set(world.books.open) == {Thing(StatusKind.PROVIDER, "Carrier")}
    assert world.word(*MONITOR) == "up"


def test_a_line_cut_while_the_monitor_was_blind_gets_its_incident_when_it_sees_again() -> None:
    world = World(schools=6, probing=False)
    world.run(130)
    world.core = "silent"
    world.run(100)
    world.dead.add("s01-wan")
    world.run(200)
    world.core = "sees"
    world.run(100)
    assert world.opened == [MONITOR, LINE]


def test_a_restart_of_the_cloud_changes_nothing() -> None:
    world = World(schools=3)
    world.run(130)
    said = len(world.log)
    world.restart_of_the_cloud(600)
    world.run(200)
    assert len(world.log) == said
    assert world.opened == []


def test_a_device_with_two_ways_is_out_only_when_both_are() -> None:
    class Ring(World):
        def parents_of(self, device: str) -> tuple[str, ...]:
            if device.endswith("sw03"):
                return ("s01-sw01", "s01-sw02")
            return super().parents_of(device) if not device.endswith("sw02") else ("s01-rt1",)

        def _path(self, device: str) -> list[str]:
            if device.endswith("sw03"):
                return ["s01-sw01"] if {"s01-sw01", "s01-sw02"} <= self.dead else []
            return super()._path(device)

    world = Ring(switches=3)
    world.run(180)
    world.dead.add("s01-sw01")
    world.run(240)
    assert world.word(StatusKind.DEVICE, "s01-sw03") == "up"
    world.dead.add("s01-sw02")
    world.run(240)
    assert world.word(StatusKind.DEVICE, "s01-sw03") == "unreachable"
    assert world.board[StatusKind.DEVICE, "s01-sw03"].root is not None


def test_every_unreachable_thing_names_a_root_that_is_out_itself(storm: World) -> None:
    storm.dead |= {"s01-sw01", "s01-c03"}
    storm.run(200)
    storm.dead.add("s01-wan")
    storm.run(200)
    for settled in storm.board.values():
        if settled.status is StatusWord.UNREACHABLE:
            assert settled.root is not None
            root = storm.board[settled.root]
            assert root.status is StatusWord.DOWN
            assert root.root is None


BREAKABLE = ("s01-wan", "s01-gw", "s01-c01", "s01-c02", "s01-rt1", "s01-sw01", "s01-sw02", "s01-sw03", "s02-wan")


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(BREAKABLE), st.integers(1, 90)), max_size=8))
def test_no_incident_is_without_something_down_and_nothing_unreachable_without_a_root(
    toggles: list[tuple[str, int]],
) -> None:
    world = World(schools=2)
    world.run(70)
    for key, seconds in [*toggles, ("", 0)]:
        world.dead ^= {key} - {""}
        for _ in range(0, seconds, 3):
            world.run(3)
            for root, incident in world.books.open.items():
                assert world.board[root].status is incident.status
                assert incident.status not in (StatusWord.UP, StatusWord.UNREACHABLE)
            for settled in world.board.values():
                if settled.status is StatusWord.UNREACHABLE:
                    assert settled.root is not None
                    cause = world.board[settled.root]
                    back_lately = world.now - cause.since <= DEVICE_FRESH
                    assert back_lately or {cause.status, cause.beneath} & {StatusWord.DOWN, StatusWord.UNREACHABLE}
