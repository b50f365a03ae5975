"""The physical district: links that carry or do not, devices with cables between them, hosts that warm up in lessons.

Built from the inventory, so that what is measured is what was imported. The world knows nothing of agents, spools or
MQTT; `ops.simulator.drivers` puts the agents' senses on it. Scenarios change links, and nothing else in here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from ops.simulator.devices import SimulatedDevice, SimulatedPort
from ops.simulator.district import CORE_DEVICE
from ops.simulator.records import Device, District, Link, Port
from ops.simulator.school_day import Phase, SchoolClock, load_at, period_at
from ops.simulator.traffic import LINK_BPS_PER_TERMINAL, Traffic, link_delay, unit

PORTS_IN_USE = 0.6


class SimulatedLink:
    """The line between a school and the centre."""

    def __init__(self, record: Link, traffic: Traffic, now: Callable[[], float]) -> None:
        self.record = record
        self.traffic = traffic
        self.loss_ratio = 0.0
        self._now = now

    @property
    def carrying(self) -> bool:
        """Whether anything arrives at the other end."""
        return self.traffic.carrying

    def set(self, carrying: bool) -> None:
        """Cut or heal the line; both ends lose or regain light at once."""
        self.traffic.switch(carrying, self._now())

    def degrade(self, loss_ratio: float) -> None:
        """Lose a share of the packets (0 for a sound line); receivers count some of them as errors."""
        self.traffic.advance(self._now())
        self.loss_ratio = loss_ratio
        self.traffic.error_ratio = loss_ratio / 2

    def delay(self) -> tuple[float, float]:
        """Return round-trip time and jitter now, in seconds."""
        now = self._now()
        utilisation = min(1.0, self.traffic.down_bps(now) / self.record.contracted_bps)
        return link_delay(self.record.link, utilisation, now)


@dataclass(slots=True)
class Site:
    """A school with what is in it."""

    school: str
    stage: str
    link: SimulatedLink
    terminals: int
    devices: dict[str, SimulatedDevice] = field(default_factory=dict)


class World:
    """Every school's site, the centre's switch, and one clock for all of them."""

    def __init__(
        self, district: District, school_clock: SchoolClock, now: Callable[[], float], wall: Callable[[], float]
    ) -> None:
        self.school_clock = school_clock
        self.now = now
        self._wall_at_start = wall() - now()
        terminals: dict[str, int] = defaultdict(int)
        for terminal in district.terminals:
            terminals[terminal.school] += 1
        ports: dict[str, list[Port]] = defaultdict(list)
        for port in district.ports:
            ports[port.device].append(port)
        stages = {school.school: school.stage for school in district.schools}
        self.sites = {
            link.school: self._site(link, stages[link.school], terminals[link.school]) for link in district.links
        }
        for device in district.devices:
            if device.device != CORE_DEVICE:
                self.sites[device.school].devices[device.device] = self._device(device, ports[device.device])
        self._parents = {device.device: device.parent for device in district.devices}
        self._dark: set[str] = set()
        self.centre = self._centre(district, ports[CORE_DEVICE])
        self.addresses = {device.address: device.school for device in district.devices}

    def load(self, stage: str, now: float) -> float:
        """Return how busy schools of a stage are at a moment of the world's clock."""
        return load_at(self.school_clock.at_school(self._wall_at_start + now), stage)

    def phase(self, stage: str) -> Phase:
        """Return what goes on in schools of a stage now."""
        return period_at(self.school_clock.at_school(self._wall_at_start + self.now()), stage).phase

    def power(self, device: str, *, on: bool) -> None:
        """Switch a school's device on or off; what hangs on it answers only while its whole way is on."""
        (self._dark.discard if on else self._dark.add)(device)
        for site in self.sites.values():
            for name, simulated in site.devices.items():
                simulated.answering = not self._dark & self._way(name)

    def _way(self, device: str) -> set[str]:
        way = {device}
        while device := self._parents.get(device, ""):
            way.add(device)
        return way

    def links(self) -> dict[str, SimulatedLink]:
        """Return every link by its key."""
        return {site.link.record.link: site.link for site in self.sites.values()}

    def _site(self, link: Link, stage: str, terminals: int) -> Site:
        peak_bps = terminals * LINK_BPS_PER_TERMINAL * (0.7 + 0.6 * unit(f"{link.link}/appetite"))
        traffic = Traffic(link.link, lambda now: peak_bps * self.load(stage, now), self.now())
        return Site(link.school, stage, SimulatedLink(link, traffic, self.now), terminals)

    def _device(self, device: Device, ports: list[Port]) -> SimulatedDevice:
        site = self.sites[device.school]
        lan = self._lan_traffic(device, site)
        simulated = []
        for index, port in enumerate(ports, start=1):
            traffic, downwards, share = self._cable(device, port, index, len(ports), site, lan)
            simulated.append(SimulatedPort(index, port.port, port.alias, port.speed_bps, traffic, downwards, share))
        return SimulatedDevice(device.device, device.vendor, device.model, simulated, self.now)

    def _lan_traffic(self, device: Device, site: Site) -> Traffic:
        """Return what a device passes on inside the school: its part of the terminals' traffic, link up or down."""
        part = 0.25 + 0.5 * unit(f"{device.device}/part")
        peak_bps = site.terminals * LINK_BPS_PER_TERMINAL * 0.5 * part
        return Traffic(device.device, lambda now: peak_bps * self.load(site.stage, now), self.now(), up_share=0.3)

    def _cable(
        self, device: Device, port: Port, index: int, ports: int, site: Site, lan: Traffic
    ) -> tuple[Traffic | None, bool, float]:
        """Return what runs through a port: its traffic, whether *in* is downwards, and its share of it."""
        if (device.device, port.port) == (site.link.record.school_device, site.link.record.school_port):
            return site.link.traffic, True, 1.0
        if device.kind == "router":
            # The port towards the school stays up when the line is cut.
            return (lan, False, 1.0) if port.alias == "LAN" else (None, False, 0.0)
        if port.alias == "uplink" or ports == 1:
            return lan, True, 1.0
        if unit(f"{device.device}/{index}/used") > PORTS_IN_USE or port.speed_bps > 10**9:
            return None, False, 0.0
        return lan, False, 2 * unit(f"{device.device}/{index}/share") / (ports * PORTS_IN_USE)

    def _centre(self, district: District, ports: list[Port]) -> SimulatedDevice:
        links = {link.centre_port: self.sites[link.school].link for link in district.links}
        simulated = [
            SimulatedPort(index, port.port, port.alias, port.speed_bps, links[port.port].traffic, downwards=False)
            for index, port in enumerate(ports, start=1)
        ]
        core = next(device for device in district.devices if device.device == CORE_DEVICE)
        return SimulatedDevice(core.device, core.vendor, core.model, simulated, self.now)
