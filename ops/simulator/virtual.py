"""The district in virtual time: what the centre's status engine would see, second by second. No I/O, no clock.

Only schools that a scenario touches have agents and devices here; every line is there, since providers are judged by
shares. Agents are heard every 30 s, lines looked at every 5 s from the centre and every 10 s from the school, devices
every minute, each at its own second; a cut is told at once by the broker's will, a black hole by nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zlib import crc32

from cloud.status.models import (
    AgentEvidence,
    DeviceEvidence,
    LinkEvidence,
    Snapshot,
    StatusKind,
    VantageEvidence,
)
from ops.simulator.configs import Pace
from ops.simulator.records import Agent, Device, District, Link
from ops.simulator.scenario import (
    AnyStep,
    BlackHole,
    Cut,
    Degrade,
    Heal,
    KillAgent,
    PowerOffGateway,
    PowerOnGateway,
    Scenario,
    StartAgent,
    SwitchOffDevice,
    SwitchOnDevice,
)

HEARTBEAT_SECONDS = 30
RECONNECT_SECONDS = 15
RTT_SECONDS = 0.002
PACE = Pace()


@dataclass(slots=True)
class _Heard:
    """What the centre knows of one agent."""

    heard_at: datetime | None = None
    offline_at: datetime | None = None
    alive: bool = True
    back_at: int = 0


@dataclass(slots=True)
class VirtualDistrict:
    """The state of lines, agents and devices; `start` is the moment of second 0."""

    district: District
    schools: Collection[str]
    start: datetime
    cut: set[str] = field(default_factory=set)
    holes: set[str] = field(default_factory=set)
    loss: dict[str, float] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    unpowered: set[str] = field(default_factory=set)
    dark: set[str] = field(default_factory=set)
    _links: dict[str, LinkEvidence] = field(default_factory=dict)
    _ways: dict[str, frozenset[str]] = field(default_factory=dict)
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _looked: dict[str, tuple[datetime, bool]] = field(default_factory=dict)

    def take(self, step: AnyStep) -> None:
        """Do what a step says; services of the centre are not in here."""
        links = [link.link for link in self.district.links]
        match step:
            case Cut():
                self.cut.update(step.chosen(links))
            case BlackHole():
                self.holes.update(step.chosen(links))
            case Degrade():
                self.loss.update(dict.fromkeys(step.chosen(links), step.loss_ratio))
            case Heal():
                for link in step.chosen(links):
                    self.cut.discard(link)
                    self.holes.discard(link)
                    self.loss.pop(link, None)
            case KillAgent():
                self.killed.update(step.agents)
            case StartAgent():
                self.killed.difference_update(step.agents)
            case PowerOffGateway():
                self.unpowered.update(one.partition("-")[0] for one in step.gateways)
            case PowerOnGateway():
                self.unpowered.difference_update(one.partition("-")[0] for one in step.gateways)
            case SwitchOffDevice():
                self.dark.update(step.devices)
            case SwitchOnDevice():
                self.dark.difference_update(step.devices)

    def look(self, second: int) -> Snapshot:
        """Return what has reached the centre by a second."""
        now = self.start + timedelta(seconds=second)
        links = tuple(self._link(link, second, now) for link in self.district.links)
        agents = tuple(
            self._agent(agent, f"{agent.school}-wan", second, now)
            for agent in self.district.agents
            if agent.school in self.schools
        )
        devices = tuple(
            self._device(device, second, now) for device in self.district.devices if device.school in self.schools
        )
        # The centre's own agent reports in every round of its links, whatever becomes of the schools.
        heard = now - timedelta(seconds=second % PACE.core_link)
        return Snapshot(now, heard, links, agents, devices)

    def _reaches(self, school: str, agent: str) -> bool:
        line = f"{school}-wan"
        return not ({line} & (self.cut | self.holes) or agent in self.killed or school in self.unpowered)

    def _link(self, link: Link, second: int, now: datetime) -> LinkEvidence:
        key, known = link.link, self._links.get(link.link)
        if known is None:
            known = LinkEvidence(key, provider=link.provider)
        elif second % PACE.core_link:
            return known
        if second % PACE.link == 0 and self._reaches(link.school, f"{link.school}-gw"):
            known = replace(known, school=self._end(key, now))
        known = self._links[key] = replace(known, centre=self._end(key, now))
        return known

    def _end(self, link: str, now: datetime) -> VantageEvidence:
        if link in self.cut or link in self.holes:
            return VantageEvidence(now, False, 0.0, now, 1.0, None)
        loss = self.loss.get(link, 0.0)
        return VantageEvidence(now, True, loss, now, loss, RTT_SECONDS)

    def _agent(self, agent: Agent, line: str, second: int, now: datetime) -> AgentEvidence:
        known = self._heard.setdefault(agent.agent, _Heard(heard_at=now))
        reaches = self._reaches(agent.school, agent.agent)
        if known.alive and not reaches:
            known.alive = False
            if line not in self.holes:
                known.offline_at = now
        elif not known.alive and reaches:
            known.alive = True
            known.back_at = second + 1 + crc32(agent.agent.encode()) % RECONNECT_SECONDS
        back = known.alive and second >= known.back_at
        if back and (second == known.back_at or second % HEARTBEAT_SECONDS == crc32(agent.agent.encode()) % 30):
            known.heard_at, known.offline_at = now, None
        kind = StatusKind.GATEWAY if agent.role == "gateway" else StatusKind.CLASSROOM
        return AgentEvidence(agent.agent, kind, line, known.heard_at, known.offline_at, agent.school)

    def _device(self, device: Device, second: int, now: datetime) -> DeviceEvidence:
        due = (second - crc32(device.device.encode())) % int(PACE.device) == 0
        if due and self._reaches(device.school, device.agent):
            self._looked[device.device] = (now, not self.dark & self._way(device))
        looked_at, reachable = self._looked.get(device.device, (None, None))
        parents = (device.parent,) if device.parent else ()
        return DeviceEvidence(device.device, device.agent, parents, looked_at, reachable)

    def _way(self, device: Device) -> frozenset[str]:
        if device.device not in self._ways:
            parents = {one.device: one.parent for one in self.district.devices if one.school == device.school}
            way = [device.device]
            while (parent := parents.get(way[-1], "")) in parents:
                way.append(parent)
            self._ways[device.device] = frozenset(way)
        return self._ways[device.device]


def touched(scenario: Scenario, district: District) -> set[str]:
    """Return the schools that steps and expectations name; all of them when a step names all lines."""
    named: set[str] = {growth.school for growth in scenario.grow}
    for step in scenario.steps:
        if getattr(step, "links", None) == "all":
            return {school.school for school in district.schools}
        for name in ("links", "agents", "gateways", "devices"):
            named |= {key.partition("-")[0] for key in getattr(step, name, ())}
    if scenario.expect is not None:
        named |= {one.thing.split()[1].partition("-")[0] for one in scenario.expect.statuses}
    return named & {school.school for school in district.schools}


def part_of(district: District, schools: Collection[str]) -> District:
    """Return all schools and lines, and of these schools everything."""
    devices = [one for one in district.devices if one.school in schools or one.kind in ("router", "core")]
    kept = {one.device for one in devices}
    return replace(
        district,
        classrooms=[one for one in district.classrooms if one.school in schools],
        agents=[one for one in district.agents if one.school in schools or one.role in ("gateway", "core")],
        devices=devices,
        ports=[one for one in district.ports if one.device in kept],
        terminals=[one for one in district.terminals if one.school in schools],
    )
