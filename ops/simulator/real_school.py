"""The school whose agents are real processes: `bellwether agent run`, real SNMP, real pings, real HTTP check-ins.

Its switches are recordings of real ones served by snmpsim, its server is this machine's own snmpd where there is one.
What the processes are told is written as the TOML files a technician would write, into the home's `agents/` folder.
A process that ends by itself is started again, as systemd would; one that a scenario killed stays dead until told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import structlog

from cloud.desired.keys import CentreKey
from ops.embedded.process import free_port
from ops.simulator.district import REAL_SCHOOL
from ops.simulator.records import Agent, District
from ops.simulator.snmp_agents import (
    H3C_E528,
    HUAWEI_S5720,
    RUIJIE_S5750,
    LocalSnmpd,
    PortTraffic,
    RecordedDevices,
    Recording,
    SnmpAgentFailed,
)
from protocols.status import LaneHeld

ROUTER, FIRST_SWITCH, SECOND_SWITCH, SERVER = (f"{REAL_SCHOOL}-{name}" for name in ("rt1", "sw01", "sw02", "srv1"))
RECORDINGS = (
    # ifIndex 6 of this S5720 is GigabitEthernet0/0/1, the port towards the centre.
    Recording(ROUTER, HUAWEI_S5720, (PortTraffic(6, 61_000_000, 11_000_000), PortTraffic(7, 12_000_000, 64_000_000))),
    Recording(
        FIRST_SWITCH, RUIJIE_S5750, (PortTraffic(1, 64_000_000, 12_000_000), PortTraffic(4, 3_000_000, 18_000_000))
    ),
    Recording(SECOND_SWITCH, H3C_E528, (PortTraffic(24, 22_000_000, 4_000_000),)),
)
RESTART_SECONDS = 2.0
STOP_SECONDS = 15.0
STATUS_SECONDS = 3.0


class _Spool(msgspec.Struct, frozen=True):
    held: list[LaneHeld] = []


class _Status(msgspec.Struct, frozen=True):
    """What is read of an agent's own account of itself."""

    spool: _Spool = _Spool()


_status = msgspec.json.Decoder(_Status)
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AgentProcess:
    """One agent of the real school and what became of its process."""

    agent: str
    config: Path
    log_path: Path
    process: asyncio.subprocess.Process | None = None
    wanted: bool = True
    watcher: asyncio.Task[None] | None = None
    restarts_total: int = 0
    lan_port: int = 0
    started: asyncio.Event = field(default_factory=asyncio.Event)


class RealSchool:
    """Processes of one school. `register` is told every process that is started, `trouble` what cannot be had here.

    `centre` is the address at which agents find the centre over HTTP, and its key.
    """

    def __init__(
        self,
        district: District,
        agents_folder: Path,
        logs_folder: Path,
        broker_port: int,
        register: Callable[[str, int], None],
        trouble: Callable[[str], None],
        centre: tuple[str, CentreKey] | None = None,
    ) -> None:
        self._centre = centre
        self._district = district
        self._folder = agents_folder
        self._logs = logs_folder
        self._broker_port = broker_port
        self._register = register
        self._trouble = trouble
        self._recorded: RecordedDevices | None = None
        self._snmpd: LocalSnmpd | None = None
        self._processes: dict[str, AgentProcess] = {}
        self._http = httpx.AsyncClient(timeout=STATUS_SECONDS, trust_env=False)

    @property
    def lan_ports(self) -> dict[str, int]:
        """The loopback port of each agent's LAN API."""
        return {agent: process.lan_port for agent, process in self._processes.items()}

    @property
    def running(self) -> int:
        """How many agent processes are alive."""
        return sum(each.process is not None and each.process.returncode is None for each in self._processes.values())

    async def start(self) -> None:
        """Start the SNMP agents, write the configs and start the agents' processes."""
        await asyncio.to_thread(self._start_snmp)
        for agent in self._district.agents:
            if agent.school == REAL_SCHOOL:
                self._processes[agent.agent] = self.prepare(agent)
        for process in self._processes.values():
            process.watcher = asyncio.create_task(self._keep_running(process), name=f"watch {process.agent}")

    async def stop(self) -> None:
        """SIGTERM to all, then wait; SIGKILL to what does not end."""
        for process in self._processes.values():
            process.wanted = False
            if process.watcher is not None:
                process.watcher.cancel()
        watchers = [process.watcher for process in self._processes.values() if process.watcher is not None]
        await asyncio.gather(*watchers, return_exceptions=True)
        await asyncio.gather(*(self._end(process) for process in self._processes.values()))
        await self._http.aclose()
        for program in (self._recorded, self._snmpd):
            if program is not None:
                await asyncio.to_thread(program.stop)

    async def held(self) -> list[LaneHeld]:
        """Return what the agents that answer hold on their disks, by their own word."""
        answers = await asyncio.gather(
            *(self._http.get(f"http://127.0.0.1:{port}/v1/status") for port in self.lan_ports.values()),
            return_exceptions=True,
        )
        return [
            lane
            for answer in answers
            if isinstance(answer, httpx.Response) and answer.is_success
            for lane in _status.decode(answer.content).spool.held
        ]

    def kill(self, agent: str) -> None:
        """SIGKILL an agent; it stays dead."""
        process = self._processes[agent]
        process.wanted = False
        if process.process is not None and process.process.returncode is None:
            process.process.send_signal(signal.SIGKILL)

    async def start_again(self, agent: str) -> None:
        """Start an agent that was killed."""
        process = self._processes[agent]
        if process.wanted:
            return
        process.wanted = True
        process.watcher = asyncio.create_task(self._keep_running(process), name=f"watch {agent}")

    async def _keep_running(self, process: AgentProcess) -> None:
        while process.wanted:
            with process.log_path.open("ab") as log:
                process.process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "ops.cli.main", "agent", "run", "--config", str(process.config),
                    stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            self._register(f"agent {process.agent}", process.process.pid)
            process.started.set()
            exit_code = await process.process.wait()
            if process.wanted:
                process.restarts_total += 1
                _log.warning("agent_process_ended", agent=process.agent, exit_code=exit_code)
                self._trouble(f"agent {process.agent} ended with exit code {exit_code}; see {process.log_path}")
                await asyncio.sleep(RESTART_SECONDS)

    async def _end(self, process: AgentProcess) -> None:
        if process.process is None or process.process.returncode is not None:
            return
        process.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.process.kill()
            await process.process.wait()

    # -- what the agents are told -----------------------------------------------------------------------------

    def _start_snmp(self) -> None:
        snmp = self._folder / "snmp"
        for name in ("recorded", "snmpd"):
            (snmp / name).mkdir(parents=True, exist_ok=True)
        recorded = RecordedDevices(snmp / "recorded", RECORDINGS)
        try:
            recorded.start()
        except SnmpAgentFailed as error:
            self._trouble(f"no recorded devices in {REAL_SCHOOL}: {error}")
        else:
            self._recorded = recorded
            self._register("snmpsim", recorded.pid or 0)
        if shutil.which("snmpd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") is None:
            return
        snmpd = LocalSnmpd(snmp / "snmpd")
        try:
            snmpd.start()
        except SnmpAgentFailed as error:
            self._trouble(f"the machine's snmpd does not serve as {SERVER}: {error}")
        else:
            self._snmpd = snmpd
            self._register("snmpd", snmpd.pid or 0)

    def prepare(self, agent: Agent) -> AgentProcess:
        """Write the config of an agent into its folder; nothing is started."""
        folder = self._folder / agent.agent
        folder.mkdir(parents=True, exist_ok=True)
        lan_port = free_port()
        config = folder / "agent.toml"
        config.write_text(self._toml(agent, folder, lan_port), encoding="utf-8")
        config.chmod(0o600)
        return AgentProcess(agent.agent, config, self._logs / f"agent-{agent.agent}.log", lan_port=lan_port)

    def _toml(self, agent: Agent, folder: Path, lan_port: int) -> str:
        text = f"""\
# Written by the simulator at every start.
[agent]
id = "{agent.agent}"
role = "{agent.role}"
data_dir = '{folder}'

[uplink]
host = "127.0.0.1"
port = {self._broker_port}
reconnect_max_seconds = 15

[lan]
listen = "127.0.0.1:{lan_port}"
mdns = false

[host]
interval_seconds = 30
"""
        if self._centre is not None:
            url, key = self._centre
            text += f"""
[centre]
url = "{url}"
token = "{key.agent_token(agent.agent)}"
public_key = "{key.public_text}"
"""
        if agent.role == "gateway":
            text += self._gateway_toml()
        return text

    def _gateway_toml(self) -> str:
        text = ""
        if self._recorded is not None:
            for device in (ROUTER, FIRST_SWITCH, SECOND_SWITCH):
                text += _device_toml(device, self._recorded.udp_port, community=device)
        if self._snmpd is not None:
            text += _device_toml(SERVER, self._snmpd.udp_port, self._snmpd.community.community) + "ports = []\n"
        link = next(link for link in self._district.links if link.school == REAL_SCHOOL)
        counters = f'device = "{link.school_device}"\nport = "{link.school_port}"\n' if self._recorded else ""
        return f"""{text}
[[links]]
id = "{link.link}"
vantage = "school"
{counters}probe_address = "127.0.0.1"
speed_bps = {link.contracted_bps}
interval_seconds = 10

[[probes]]
kind = "tcp"
name = "broker"
address = "127.0.0.1"
port = {self._broker_port}
interval_seconds = 30
"""


def _device_toml(device: str, udp_port: int, community: str) -> str:
    return f"""
[[devices]]
id = "{device}"
address = "127.0.0.1"
udp_port = {udp_port}
community = "{community}"
interval_seconds = 60
"""
