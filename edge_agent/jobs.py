"""From a config and drivers to what the scheduler runs: every target, how often, and the collectors that measure it."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from random import Random

from edge_agent.clock import Clock, SystemClock
from edge_agent.collectors import catalogue
from edge_agent.collectors.host_reading import HostReader
from edge_agent.collectors.pinger import Pinger
from edge_agent.collectors.probe import Measure
from edge_agent.collectors.reading import Reading
from edge_agent.collectors.snmp.session import SnmpDriver
from edge_agent.collectors.targets import DnsTarget, HttpTarget, Target, TcpTarget
from edge_agent.config.model import AgentConfig
from edge_agent.config.targets import device_targets, host_target, link_targets, probe_targets
from edge_agent.scheduler import Job


@dataclass(frozen=True, kw_only=True)
class Drivers:
    """An agent's ways to the world. None stands for the real one, made when it is first needed.

    `executor` does the spool's work, `connector` the blocking connects to the broker; an executor that is brought along
    is shared and outlives the agent.
    """

    clock: Clock = field(default_factory=SystemClock)
    snmp: SnmpDriver | None = None
    pinger: Pinger | None = None
    host: HostReader | None = None
    tcp: Measure[TcpTarget] | None = None
    dns: Measure[DnsTarget] | None = None
    http: Measure[HttpTarget] | None = None
    executor: Executor | None = None
    connector: Executor | None = None
    rng: Random = field(default_factory=Random)


@dataclass(frozen=True, slots=True)
class Planned:
    """A target, what it is called in status and logs, and how often it is measured."""

    name: str
    interval_seconds: float
    target: Target


def plan(config: AgentConfig) -> list[Planned]:
    """Return everything that a config says to measure."""
    host = host_target(config)
    return [
        Planned(f"host {host.agent}", config.host.interval_seconds, host),
        *(Planned(f"device {one.device}", one.interval_seconds, one) for one in device_targets(config)),
        *(Planned(f"link {one.link} {one.vantage.value}", one.interval_seconds, one) for one in link_targets(config)),
        *(Planned(f"probe {one.name}", interval_seconds, one) for one, interval_seconds in probe_targets(config)),
    ]


def make_collectors(config: AgentConfig, drivers: Drivers) -> catalogue.Collectors:
    """Return the collectors of one agent; nothing is opened or imported before a target needs it."""
    return catalogue.Collectors(
        drivers.clock,
        catalogue.Drivers(
            snmp=drivers.snmp,
            snmp_library=config.snmp.library,
            pinger=drivers.pinger,
            host=drivers.host,
            tcp=drivers.tcp,
            dns=drivers.dns,
            http=drivers.http,
        ),
    )


def make_jobs(config: AgentConfig, collectors: catalogue.Collectors) -> list[Job]:
    """Return what the scheduler runs."""
    return [_job(planned, collectors) for planned in plan(config)]


def _job(planned: Planned, collectors: catalogue.Collectors) -> Job:
    async def collect(deadline: float) -> Reading:
        return await collectors.collect(planned.target, deadline)

    return Job(planned.name, planned.interval_seconds, collect)
