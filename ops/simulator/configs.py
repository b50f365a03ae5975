"""The config of every agent of the district, made from the inventory: what a technician would write by hand.

Intervals are chosen so that all 698 agents fit beside the centre on two cores: links every 5 to 10 s, everything else
every minute. Secrets in here open nothing: the devices are simulated or listen on loopback.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import (
    AgentConfig,
    AgentSection,
    DeviceSection,
    DnsProbe,
    HostSection,
    HttpProbe,
    LinkSection,
    Secret,
    SpoolSection,
    TerminalsSection,
    UplinkSection,
)
from ops.simulator.district import CORE_AGENT, CORE_DEVICE
from ops.simulator.records import Agent, Device, District, Link
from protocols.samples import Vantage
from protocols.status import Role

SIMULATED_COMMUNITY = "simulated"
CENTRE_ADDRESS = "10.0.0.1"
PORTAL = "portal.district.example"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are measured and sealed, in seconds."""

    link: float = 10.0
    core_link: float = 5.0
    device: float = 60.0
    host: float = 60.0
    probe: float = 60.0
    gateway_seal: float = 5.0
    classroom_seal: float = 15.0


class ConfigMaker:
    """Makes configs; `port_of` gives the loopback port at which each school (or the centre, "") finds the broker."""

    def __init__(self, district: District, agents_folder: Path, port_of: Mapping[str, int], pace: Pace) -> None:
        self._folder = agents_folder
        self._port_of = port_of
        self._pace = pace
        self._links = {link.school: link for link in district.links}
        self._devices: dict[str, list[Device]] = defaultdict(list)
        for device in district.devices:
            self._devices[device.agent].append(device)
        self._router_address = {device.device: device.address for device in district.devices if device.kind == "router"}

    def config(self, agent: Agent) -> AgentConfig:
        """Return the config of one agent."""
        return AgentConfig(
            agent=AgentSection(id=agent.agent, role=Role(agent.role), data_dir=self._folder / agent.agent),
            uplink=UplinkSection(host="127.0.0.1", port=self._port_of[agent.school], reconnect_max_seconds=15.0),
            spool=SpoolSection(
                seal_seconds=self._pace.classroom_seal if agent.role == "classroom" else self._pace.gateway_seal
            ),
            host=HostSection(interval_seconds=self._pace.host),
            terminals=TerminalsSection(classroom=agent.classroom or None),
            devices=tuple(self._device(device) for device in self._devices[agent.agent]),
            links=self._link_sections(agent),
            probes=self._probes(agent),
        )

    def _device(self, device: Device) -> DeviceSection:
        return DeviceSection(
            id=device.device,
            address=device.address,
            community=Secret(SIMULATED_COMMUNITY),
            interval_seconds=self._pace.device,
        )

    def _link_sections(self, agent: Agent) -> tuple[LinkSection, ...]:
        if agent.role == "gateway":
            link = self._links[agent.school]
            return (self._link(link, Vantage.SCHOOL, link.school_device, link.school_port, CENTRE_ADDRESS),)
        if agent.agent == CORE_AGENT:
            return tuple(
                self._link(
                    link, Vantage.CENTRE, CORE_DEVICE, link.centre_port, self._router_address[link.school_device]
                )
                for link in self._links.values()
            )
        return ()

    def _link(self, link: Link, vantage: Vantage, device: str, port: str, probe_address: str) -> LinkSection:
        return LinkSection(
            id=link.link,
            vantage=vantage,
            device=device,
            port=port,
            probe_address=probe_address,
            speed_bps=link.contracted_bps,
            interval_seconds=self._pace.core_link if vantage is Vantage.CENTRE else self._pace.link,
        )

    def _probes(self, agent: Agent) -> tuple[DnsProbe | HttpProbe, ...]:
        if agent.role != "gateway":
            return ()
        return (
            DnsProbe(name="dns", server=CENTRE_ADDRESS, question=PORTAL, interval_seconds=self._pace.probe),
            HttpProbe(name="portal", url=f"https://{PORTAL}/", interval_seconds=self._pace.probe),
        )
