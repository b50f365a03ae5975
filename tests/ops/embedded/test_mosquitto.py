"""The embedded broker: real servers, really killed; its rules are tried in tests/integration/test_broker_acl.py."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ops.embedded import EmbeddedMosquitto, EmbeddedServiceUnavailable
from ops.embedded.mosquitto_program import find_mosquitto, unpack_mosquitto, unpacked_in
from ops.embedded.process import ServerProcess, free_port, wait_until

pytestmark = pytest.mark.broker


@pytest.fixture
def home(own_home: Path) -> Path:
    """A home that is not there yet."""
    return own_home / "home"


def _accepts(broker: EmbeddedMosquitto) -> bool:
    try:
        with socket.create_connection((broker.host, broker.port), timeout=60):
            return True
    except ConnectionRefusedError:
        return False


def test_the_port_is_kept_over_kill_and_restart(home):
    broker = EmbeddedMosquitto(home)
    broker.start()
    port = broker.port
    broker.kill()
    assert broker.pid is None
    assert not _accepts(broker)
    broker.start()
    assert broker.port == port
    assert _accepts(broker)
    broker.stop()
    with EmbeddedMosquitto(home) as next_one:
        assert next_one.port == port


def test_a_given_port_is_used(home):
    port = free_port()
    with EmbeddedMosquitto(home, port) as broker:
        assert broker.port == port
        assert _accepts(broker)


def test_a_given_port_that_is_taken_is_said(home):
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        with pytest.raises(EmbeddedServiceUnavailable, match=f"port {port} is taken by another program"):
            EmbeddedMosquitto(home, port).start()


def test_a_broker_whose_starter_died_is_ended_and_replaced(home):
    starter = "import os, sys; from pathlib import Path; from ops.embedded import EmbeddedMosquitto\n"
    starter += "broker = EmbeddedMosquitto(Path(sys.argv[1])); broker.start(); print(broker.pid, flush=True)\n"
    starter += "os.kill(os.getpid(), 9)"
    died = subprocess.run([sys.executable, "-c", starter, str(home)], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    orphan = int(died.stdout)
    marker = str(home / "broker" / "mosquitto.conf")
    assert ServerProcess.find(orphan, marker) is not None
    with EmbeddedMosquitto(home) as broker:
        assert broker.pid != orphan
        assert ServerProcess.find(orphan, marker) is None


def test_a_second_starter_of_the_same_home_is_refused(home):
    with EmbeddedMosquitto(home), pytest.raises(EmbeddedServiceUnavailable, match=f"in use by process {os.getpid()}"):
        EmbeddedMosquitto(home).start()


def test_a_broker_killed_from_outside_starts_again_in_the_same_object(home):
    broker = EmbeddedMosquitto(home)
    broker.start()
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    assert wait_until(lambda: broker.pid is None, 120)
    broker.start()
    assert _accepts(broker)
    broker.stop()


def test_a_system_without_mosquitto_and_without_packages_is_one_sentence(home, monkeypatch, tmp_path):
    monkeypatch.setenv("BELLWETHER_MOSQUITTO", str(tmp_path / "missing"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedServiceUnavailable) as refused:
        EmbeddedMosquitto(home, tools=tmp_path / "tools").start()
    assert str(refused.value) == "Mosquitto is not installed, and this system is not a Debian"
    assert "apt-get install mosquitto" in refused.value.hint


def test_packages_out_of_reach_are_one_sentence(monkeypatch, tmp_path):
    empty = tmp_path / "apt.conf"
    empty.write_text(f'Dir::Etc::sourcelist "{tmp_path}/none"; Dir::Etc::sourceparts "{tmp_path}/none";\n', "utf-8")
    monkeypatch.setenv("APT_CONFIG", str(empty))
    with pytest.raises(EmbeddedServiceUnavailable, match=r"^Mosquitto is not installed and its packages cannot be"):
        unpack_mosquitto(tmp_path / "tools")
    assert list((tmp_path / "tools").iterdir()) == []


@pytest.fixture(scope="module")
def tools(service_home: Path) -> Path:
    """Bellwether's own programs with a broker among them, downloaded once for this file."""
    tools = service_home / "tools"
    assert unpack_mosquitto(tools).path.is_relative_to(tools)
    return tools


@pytest.mark.slow
def test_an_unpacked_broker_runs_without_being_installed(home, tools, monkeypatch):
    program = unpacked_in(tools / "mosquitto")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("ops.embedded.mosquitto_program.SYSTEM_PATH", "/nowhere")
    assert find_mosquitto(tools) == program
    with EmbeddedMosquitto(home, tools=tools) as broker:
        assert Path(f"/proc/{broker.pid}/exe").resolve() == program.path
        assert _accepts(broker)


if os.geteuid() == 0:

    @pytest.mark.slow
    def test_root_copies_a_broker_unpacked_in_a_private_home(own_home, tools, monkeypatch):
        private = own_home / "private-tools"
        private.mkdir(mode=0o700)
        shutil.copytree(tools, private / "tools", symlinks=True)
        program = unpacked_in(private / "tools" / "mosquitto")
        monkeypatch.setattr("ops.embedded.mosquitto.find_mosquitto", lambda _tools: program)
        with EmbeddedMosquitto(own_home / "copied", tools=private / "tools") as broker:
            assert Path(f"/proc/{broker.pid}/exe").resolve().is_relative_to(own_home / "copied")
            assert _accepts(broker)
