"""The agent as a process: started, asked, stopped, killed; the spool outlives every kind of death."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from edge_agent.agent import SPOOL_FILE
from edge_agent.process import read_status
from edge_agent.spool.inspection import inspect_spool
from edge_agent.uplink import Phase
from ops.embedded import EmbeddedMosquitto, process
from tests.edge_agent.uplink.model_cloud import ModelCloud

pytestmark = [pytest.mark.broker, pytest.mark.faults, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]


def bellwether(*arguments: object, timeout: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops.cli.main", *(str(one) for one in arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=timeout,
        env={**os.environ, **environment},
    )


PATIENT = """
import edge_agent.agent, edge_agent.process
edge_agent.agent.FLUSH_SECONDS, edge_agent.process.STOP_SECONDS = 60.0, 120.0
from ops.cli.main import app
app()
"""
"""`bellwether`, with time for a stop on a busy machine: what these tests ask of a stop is what it leaves."""
WAIT_SECONDS = 120.0


def until(said: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Running:
    """One agent, as a process that can be ended in every way."""

    def __init__(self, folder: Path, port: int, lan_port: int) -> None:
        self.folder = folder
        self.lan_port = lan_port
        self.config = folder / "agent.toml"
        self.config.write_text(
            f'[agent]\nid = "s07-gw"\nrole = "gateway"\ndata_dir = "data"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {port}\nreconnect_max_seconds = 2\n'
            f"[spool]\nseal_seconds = 1\n[host]\ninterval_seconds = 1\n"
            f'[lan]\nlisten = "127.0.0.1:{lan_port}"\nmdns = false\n'
        )
        self.log = folder / "agent.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PATIENT, "agent", "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **environment},
            )
        return self.process

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)

    def phase(self) -> Phase | None:
        try:
            return read_status(self.folder / "data", timeout_seconds=60).uplink.phase
        except OSError:
            return None

    def check_in(self, terminal: str) -> None:
        url = f"http://127.0.0.1:{self.lan_port}/v1/terminals/{terminal}/checkin"
        with urllib.request.urlopen(urllib.request.Request(url, b'{"battery_ratio":0.5}'), timeout=60) as answer:
            assert answer.status == 204

    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def has_produced(self, more_than: int) -> bool:
        return self.books()[0] > more_than

    def books(self) -> tuple[int, int]:
        """Items produced and still held, over all epochs."""
        epochs = [one.books for one in inspect_spool(self.folder / "data" / SPOOL_FILE).epochs]
        return sum(one.produced_items for one in epochs), sum(one.held_items for one in epochs)


@pytest.fixture
def agent(tmp_path, mosquitto, free_port) -> Iterator[Running]:
    running = Running(tmp_path, mosquitto.port, free_port)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()
        running.process.wait()


@pytest.fixture
def cloud(mosquitto) -> Iterator[ModelCloud]:
    model = ModelCloud(mosquitto.host, mosquitto.port)
    model.start()
    yield model
    model.stop()


def test_an_agent_runs_tells_how_it_is_and_stops_cleanly(agent, cloud):
    agent.start()
    until(lambda: agent.phase() is Phase.SENDING)
    for number in range(30):
        agent.check_in(f"t{number}")
    until(lambda: sum(item.startswith("t") for item in cloud["s07-gw"].items) == 30)
    told = bellwether("agent", "status", "--config", agent.config)
    assert told.returncode == 0, told.stderr
    assert "uplink         sending" in told.stdout
    assert "terminals      30 present of 30 known" in told.stdout
    by_lan = json.loads(bellwether("agent", "status", "--url", f"http://127.0.0.1:{agent.lan_port}", "--json").stdout)
    assert by_lan["uplink"]["phase"] == "sending"
    assert agent.end(signal.SIGTERM) == 0
    produced, held = agent.books()
    assert held == 0
    assert produced == cloud["s07-gw"].stored_items
    assert set(cloud["s07-gw"].items.values()) == {1}
    until(lambda: not cloud["s07-gw"].online)
    entries = agent.entries()
    assert [entry["event"] for entry in entries if entry["event"] in {"agent_started", "agent_stopped"}] == [
        "agent_started",
        "agent_stopped",
    ]
    assert not [entry for entry in entries if entry["level"] in {"warning", "error"}]
    assert not (agent.folder / "data" / "status.sock").exists()


def test_killed_in_mid_flow_it_starts_again_and_nothing_is_lost_or_doubled(agent, cloud):
    sent = 0
    for death in range(3):
        cloud.receipting = death != 1
        agent.start()
        until(lambda: agent.phase() is Phase.SENDING)
        for _ in range(20):
            agent.check_in(f"t{sent}")
            sent += 1
        until(partial(agent.has_produced, 20 * death))
        assert agent.end(signal.SIGKILL) == -signal.SIGKILL
    cloud.receipting = True
    agent.start()
    until(lambda: agent.phase() is Phase.SENDING)
    until(lambda: agent.books()[1] <= 2)
    assert agent.end(signal.SIGTERM) == 0
    produced, held = agent.books()
    known = cloud["s07-gw"]
    assert held == 0
    assert produced == known.stored_items
    assert set(known.items.values()) == {1}
    assert known.conflicts == 0
    assert len({epoch for epoch, _ in known.stored}) == 1, "a death does not begin a new epoch"


def test_sigterm_while_the_broker_is_away_leaves_everything_on_disk(agent, mosquitto):
    mosquitto.kill()
    agent.start()
    until(lambda: agent.phase() is Phase.WAITING)
    status = read_status(agent.folder / "data")
    assert "Connection refused" in status.uplink.reason
    agent.check_in("t1")
    assert agent.end(signal.SIGTERM) == 0
    produced, held = agent.books()
    assert held == produced >= 3


def test_a_broker_that_comes_later_is_waited_for(tmp_path, service_home, free_port):
    port = process.free_port()
    agent = Running(tmp_path, port, free_port)
    running = agent.start()
    try:
        until(lambda: agent.phase() is Phase.WAITING)
        with EmbeddedMosquitto(service_home / f"late-{port}", port) as broker:
            cloud = ModelCloud(broker.host, broker.port)
            cloud.start()
            until(lambda: agent.phase() is Phase.SENDING)
            assert agent.end(signal.SIGTERM) == 0
            cloud.stop()
        assert agent.books()[1] == 0
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()


def test_a_second_process_on_the_same_spool_is_refused_with_a_hint(agent, cloud):
    first = agent.start()
    until(lambda: agent.phase() is Phase.SENDING)
    refused = bellwether("agent", "run", "--config", agent.config)
    assert refused.returncode == 1
    assert f"is in use by process {first.pid}" in refused.stderr
    assert "hint: only one agent may write a spool" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert agent.phase() is Phase.SENDING
    assert agent.end(signal.SIGINT) == 0


def test_a_second_signal_ends_it_at_once(agent, cloud):
    cloud.receipting = False
    process = agent.start()
    until(lambda: agent.phase() is Phase.SENDING)
    agent.check_in("t1")
    process.send_signal(signal.SIGTERM)
    until(lambda: any(entry["event"] == "agent_stopping" for entry in agent.entries()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_SECONDS) in {0, 1}
    assert agent.books()[0] >= 1


def test_systemd_is_told_when_it_is_ready_and_that_it_lives(agent, cloud, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(WAIT_SECONDS)
        agent.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="200000")
        said = [manager.recv(100) for _ in range(4)]
        assert sorted(set(said)) == [b"READY=1", b"WATCHDOG=1"]
        agent.end(signal.SIGTERM)
        while said[-1] != b"STOPPING=1":
            said.append(manager.recv(100))


def test_a_bad_config_is_exit_code_2_with_all_problems(tmp_path):
    (tmp_path / "bad.toml").write_text('[agent]\nid = "S07"\nrole = "gateway"\ndata_dir = "d"\n[uplink]\nprot = 1\n')
    for verb in ("run", "check-config", "spool", "probe", "status"):
        done = bellwether("agent", verb, "--config", tmp_path / "bad.toml")
        assert done.returncode == 2
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert lines[0] == f"error: 3 problems in {tmp_path / 'bad.toml'}:"
        assert [line.split(": ")[1] for line in lines[1:4]] == ["agent.id", "uplink.prot", "uplink.host"]
        assert lines[4].startswith("hint: ")


def test_a_spool_can_be_looked_into_after_a_death(agent, mosquitto):
    mosquitto.kill()
    agent.start()
    until(lambda: agent.phase() is Phase.WAITING)
    agent.check_in("t1")
    until(lambda: agent.books()[0] >= 2)
    agent.end(signal.SIGKILL)
    content = json.loads(bellwether("agent", "spool", "--config", agent.config, "--json").stdout)
    (epoch,) = content["epochs"]
    books = epoch["books"]
    assert content["agent"] == "s07-gw"
    assert sum(lane["items"] for lane in content["lanes"]) == books["held_items"] == books["produced_items"]
    table = bellwether("agent", "spool", "--config", agent.config)
    assert table.returncode == 0
    assert "events" in table.stdout
    assert epoch["epoch"] in table.stdout


def test_asking_where_no_agent_is_gets_a_sentence(agent, free_port):
    done = bellwether("agent", "status", "--config", agent.config)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: no agent answers at {agent.folder / 'data'}")
    assert "hint: is it running?" in done.stderr
    done = bellwether("agent", "status", "--url", f"http://127.0.0.1:{free_port}")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    done = bellwether("agent", "spool", "--config", agent.config)
    assert done.returncode == 1
    assert "there is no spool at" in done.stderr
    assert bellwether("agent", "status").returncode == 2


def test_collectors_can_be_tried_once(agent):
    config = agent.config.read_text() + (
        f'[[probes]]\nkind = "tcp"\nname = "closed"\naddress = "127.0.0.1"\nport = {agent.lan_port}\n'
    )
    agent.config.write_text(config)
    (host, closed) = json.loads(bellwether("agent", "probe", "--config", agent.config, "--json").stdout)
    assert host["samples"][0]["kind"] == "host"
    assert host["samples"][0]["memory_used_ratio"] > 0
    assert closed["samples"] == [
        {"kind": "probe", "thing": "s07-gw/closed", "success": False, "reason": closed["samples"][0]["reason"]}
    ]
    only = bellwether("agent", "probe", "--config", agent.config, "s07-gw/closed")
    assert only.returncode == 1
    assert only.stdout.startswith("probe s07-gw/closed")
    assert "no good answer from probe s07-gw/closed" in only.stderr
    assert bellwether("agent", "probe", "--config", agent.config, "nothing").returncode == 1
