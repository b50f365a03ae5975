"""Agents put together, in one event loop, on a real broker: nothing lost, nothing shared, faults kept apart."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from edge_agent.agent import SPOOL_FILE, Agent
from edge_agent.collectors.host_reading import HostFigures
from edge_agent.collectors.pinger import PingResult
from edge_agent.collectors.probe import Outcome
from edge_agent.collectors.targets import TcpTarget
from edge_agent.config import (
    AgentConfig,
    AgentSection,
    DeviceSection,
    HostSection,
    LanSection,
    LinkSection,
    Secret,
    SpoolSection,
    TcpProbe,
    UplinkSection,
)
from edge_agent.errors import EdgeError
from edge_agent.jobs import Drivers
from edge_agent.spool import SpoolLocked
from edge_agent.spool.inspection import inspect_spool
from edge_agent.terminals import CheckIn, CheckInBody
from edge_agent.uplink import Phase
from protocols.samples import Vantage
from protocols.status import Role
from tests.edge_agent.uplink.model_cloud import ModelCloud

pytestmark = pytest.mark.broker

ROOT = Path(__file__).parents[2]


class StandInPinger:
    """Answers at once; knows how often it was asked."""

    def __init__(self, rtt_seconds: float | None = 0.01) -> None:
        self.rtt_seconds = rtt_seconds
        self.asked = 0

    async def ping(self, address: str, *, count: int, **_: float) -> PingResult:
        self.asked += 1
        return PingResult((self.rtt_seconds,) * count, "stand-in")

    async def close(self) -> None:
        return None


class StandInHost:
    def read(self, path: str) -> HostFigures:
        return HostFigures(cpu_ratio=0.1, agent_rss_bytes=50_000_000)


def config_of(name: str, folder: Path, port: int, **sections: object) -> AgentConfig:
    role = Role.CLASSROOM if "-c" in name else Role.GATEWAY
    return AgentConfig(
        agent=AgentSection(id=name, role=role, data_dir=folder / name),
        uplink=UplinkSection(host="127.0.0.1", port=port, reconnect_max_seconds=2.0),
        spool=SpoolSection(seal_seconds=1.0),
        host=HostSection(interval_seconds=1.0),
        **sections,  # type: ignore[arg-type]
    )


async def until(said: Callable[[], object], seconds: float = 90.0) -> None:
    """Wait until something is true; a test that waits in vain fails here."""
    async with asyncio.timeout(seconds):
        while not said():
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A stop sends what is new for as long as a busy machine takes; without a broker it ends at once all the same."""
    monkeypatch.setattr("edge_agent.agent.FLUSH_SECONDS", 60.0)


@pytest.fixture
def cloud(mosquitto):
    model = ModelCloud(mosquitto.host, mosquitto.port)
    model.start()
    yield model
    model.stop()


def produced(folder: Path, name: str) -> int:
    return sum(one.books.produced_items for one in inspect_spool(folder / name / SPOOL_FILE).epochs)


def held(folder: Path, name: str) -> int:
    return sum(one.books.held_items for one in inspect_spool(folder / name / SPOOL_FILE).epochs)


async def test_what_an_agent_measures_and_hears_arrives_and_its_books_close(mosquitto, cloud, tmp_path):
    link = LinkSection(id="s07-wan", vantage=Vantage.SCHOOL, probe_address="10.0.0.1", interval_seconds=1.0)
    config = config_of(
        "s07-gw", tmp_path, mosquitto.port, links=(link,), lan=LanSection(listen="127.0.0.1:0", mdns=False)
    )
    agent = Agent(config, Drivers(pinger=StandInPinger(), host=StandInHost()))
    await agent.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{agent.lan_port}", timeout=60) as client:
        for number in range(50):
            answer = await client.post(f"/v1/terminals/t{number}/checkin", json={"battery_ratio": 0.5})
            assert answer.status_code == 204
        arrived = cloud["s07-gw"].items
        await until(lambda: sum(name.startswith("t") for name in arrived) == 50)
        await until(lambda: any(name.startswith("s07-wan@") for name in arrived))
        await until(lambda: any(name.startswith("s07-gw@") for name in arrived))
        status = (await client.get("/v1/status")).json()
    assert status["uplink"]["phase"] == "sending"
    assert status["terminals"] == {"known": 50, "present": 50, "checkins_total": 50}
    assert status["agent_rss_bytes"] == 50_000_000
    assert status["faults"] == []
    await agent.stop()
    assert held(tmp_path, "s07-gw") == 0
    assert produced(tmp_path, "s07-gw") == cloud["s07-gw"].stored_items
    assert set(arrived.values()) == {1}
    await until(lambda: not cloud["s07-gw"].online)


async def test_many_agents_in_one_loop_share_nothing_but_the_loop(mosquitto, cloud, tmp_path):
    names = [f"s{school:02}-c{room:02}" for school in (1, 2) for room in range(1, 6)]
    agents = [Agent(config_of(name, tmp_path, mosquitto.port), Drivers(host=StandInHost())) for name in names]
    await asyncio.gather(*(agent.start() for agent in agents))
    for agent in agents:
        agent.terminals.check_in(CheckIn(f"{agent.id}-t1", CheckInBody(charging=True)))
    agents[0].terminals.check_in(CheckIn(f"{names[0]}-t2"))
    assert [agent.terminals.present for agent in agents] == [2] + [1] * 9
    await until(lambda: all(any("-t1@" in item for item in cloud[name].items) for name in names))
    await asyncio.gather(*(agent.stop() for agent in agents))
    for name in names:
        things = {item.partition("@")[0] for item in cloud[name].items if "@" in item}
        assert things <= {name, f"{name}-t1", f"{name}-t2"}
        assert set(cloud[name].items.values()) == {1}
        assert produced(tmp_path, name) == cloud[name].stored_items
    assert len({cloud[name].instance for name in names}) == 10


async def test_without_a_broker_everything_waits_on_disk_and_the_reason_shows(tmp_path, free_port):
    agent = Agent(config_of("s07-gw", tmp_path, free_port), Drivers(host=StandInHost()))
    await agent.start()
    agent.terminals.check_in(CheckIn("t1"))
    await until(lambda: agent.uplink.snapshot().phase is Phase.WAITING)
    assert "Connection refused" in agent.uplink.snapshot().reason
    await agent.stop()
    spool = inspect_spool(tmp_path / "s07-gw" / SPOOL_FILE)
    assert held(tmp_path, "s07-gw") == produced(tmp_path, "s07-gw") >= 3
    assert [lane.lane for lane in spool.lanes] == ["events", "health"]


async def test_what_waited_over_a_restart_arrives_once(mosquitto, cloud, tmp_path, free_port):
    first = Agent(config_of("s07-gw", tmp_path, free_port), Drivers(host=StandInHost()))
    await first.start()
    for number in range(20):
        first.terminals.check_in(CheckIn(f"t{number}"))
    await first.stop()
    waited = held(tmp_path, "s07-gw")
    second = Agent(config_of("s07-gw", tmp_path, mosquitto.port), Drivers(host=StandInHost()))
    await second.start()
    await until(lambda: cloud["s07-gw"].stored_items >= waited)
    for number in range(20):
        second.terminals.check_in(CheckIn(f"t{number}"))
    await second.stop()
    assert sum(item.startswith("t") for item in cloud["s07-gw"].items) == 20, "a restart makes no news of terminals"
    assert set(cloud["s07-gw"].items.values()) == {1}
    assert produced(tmp_path, "s07-gw") == cloud["s07-gw"].stored_items


async def test_a_second_agent_on_one_spool_is_refused_and_the_first_goes_on(mosquitto, cloud, tmp_path):
    config = config_of("s07-gw", tmp_path, mosquitto.port)
    first, second = (Agent(config, Drivers(host=StandInHost())) for _ in range(2))
    await first.start()
    with pytest.raises(SpoolLocked, match="is in use by process") as refused:
        await second.start()
    assert "only one agent may write a spool" in refused.value.hint
    first.terminals.check_in(CheckIn("t1"))
    await until(lambda: any(item.startswith("t1@") for item in cloud["s07-gw"].items))
    await first.stop()


async def test_two_agents_with_one_id_the_second_is_refused_visibly(mosquitto, cloud, tmp_path):
    config = config_of("s07-gw", tmp_path / "one", mosquitto.port)
    first = Agent(config, Drivers(host=StandInHost()))
    second = Agent(config_of("s07-gw", tmp_path / "two", mosquitto.port), Drivers(host=StandInHost()))
    await first.start()
    await until(lambda: first.uplink.snapshot().phase is Phase.SENDING)
    with capture_logs() as logged:
        await second.start()
        await until(lambda: second.uplink.snapshot().phase is Phase.REFUSED)
    assert [one["log_level"] for one in logged if one["event"] == "uplink_refused"] == ["warning"]
    (fault,) = (await second.status()).faults
    assert fault.startswith("the centre refuses this agent: ")
    assert first.uplink.snapshot().phase is Phase.SENDING
    await second.stop()
    await first.stop()


async def test_a_collector_that_raises_takes_nobody_with_it(mosquitto, cloud, tmp_path):
    async def broken(target: TcpTarget, deadline: float) -> Outcome:
        raise RuntimeError("a fault of ours")

    probe = TcpProbe(name="web", address="10.0.0.80", port=443, interval_seconds=1.0)
    agent = Agent(
        config_of("s07-gw", tmp_path, mosquitto.port, probes=(probe,)), Drivers(host=StandInHost(), tcp=broken)
    )
    await agent.start()
    await until(lambda: agent.scheduler.courses()[1].errors_total >= 2)
    host, web = (await agent.status()).collectors
    assert (web.target, web.last_error) == ("probe s07-gw/web", "RuntimeError: a fault of ours")
    assert host.errors_total == 0
    await until(lambda: any(item.startswith("s07-gw@") for item in cloud["s07-gw"].items))
    await agent.stop()


async def test_a_device_is_polled_and_its_silence_shows(mosquitto, cloud, tmp_path):
    command = [sys.executable, "-m", "ops.benchmarks.snmp_switches", "1", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as switch:
        assert switch.stdout is not None
        device = DeviceSection(
            id="s07-sw01",
            address="127.0.0.1",
            udp_port=int(switch.stdout.readline()),
            community=Secret("public"),
            interval_seconds=1.0,
            timeout_seconds=3.0,
            retries=2,
        )
        link = LinkSection(
            id="s07-wan",
            vantage=Vantage.SCHOOL,
            device="s07-sw01",
            port="GigabitEthernet0/0/2",
            interval_seconds=1.0,
        )
        agent = Agent(
            config_of("s07-gw", tmp_path, mosquitto.port, devices=(device,), links=(link,)),
            Drivers(pinger=StandInPinger(), host=StandInHost()),
        )
        await agent.start()
        arrived = cloud["s07-gw"].items
        await until(lambda: any(item.startswith("s07-sw01/GigabitEthernet0/0/1@") for item in arrived))
        await until(lambda: any(item.startswith("s07-wan@") for item in arrived))
        (state,) = (await agent.status()).devices
        assert (state.device, state.reachable, state.refused) == ("s07-sw01", True, False)
        switch.kill()
    await until(lambda: agent._devices["s07-sw01"].reachable is False)
    (state,) = (await agent.status()).devices
    assert state.since_ms is not None
    assert all(course.errors_total == 0 for course in agent.scheduler.courses()), "silence is data, not an error"
    await agent.stop()
    assert set(arrived.values()) == {1}


async def test_a_data_folder_that_cannot_be_made_is_one_clear_error(tmp_path, free_port):
    (tmp_path / "s07-gw").write_text("a file where a folder should be")
    with pytest.raises(EdgeError, match=r"the data folder .* cannot be made") as refused:
        await Agent(config_of("s07-gw", tmp_path, free_port), Drivers(host=StandInHost())).start()
    assert "[agent] data_dir" in refused.value.hint


async def test_a_data_folder_that_the_agent_makes_is_not_for_everybody(tmp_path, free_port):
    agent = Agent(config_of("s07-gw", tmp_path, free_port), Drivers(host=StandInHost()))
    await agent.start()
    await agent.stop()
    assert (tmp_path / "s07-gw").stat().st_mode & 0o027 == 0


async def test_a_wall_clock_that_jumps_is_told_with_its_step(tmp_path, free_port, monkeypatch):
    class JumpingClock:
        boot = "boot-1"

        def __init__(self) -> None:
            self.offset_ms = 0
            self.looks = 0

        def monotonic_ms(self) -> int:
            return self.looks  # a millisecond with every look, so that however busy the machine is, only a jump is one

        def wall_ms(self) -> int:
            self.looks += 1
            return 1_800_000_000_000 + self.looks + self.offset_ms

    monkeypatch.setattr("edge_agent.agent.WATCH_SECONDS", 0.05)
    clock = JumpingClock()
    agent = Agent(config_of("s07-gw", tmp_path, free_port), Drivers(host=StandInHost(), clock=clock))
    told: list[tuple[str, dict[str, Any]]] = []
    tell = agent._tell

    def listen(name: str, **facts: Any) -> None:
        told.append((name, facts))
        tell(name, **facts)

    monkeypatch.setattr(agent, "_tell", listen)
    await agent.start()
    before = clock.looks
    await until(lambda: clock.looks > before + 20)
    clock.offset_ms = -3_600_000
    await until(lambda: len(told) >= 2)
    await agent.stop()
    name, facts = told[1]
    assert name == "clock.stepped"
    assert facts["step_seconds"] == pytest.approx(-3600, abs=1)
