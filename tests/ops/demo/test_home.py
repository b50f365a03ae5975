"""The home's register: one demo at a time, and what a killed one left behind is found and ended, nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.demo.home import SIMULATOR_FILE, DemoAlreadyRunning, Home, State, read_state
from ops.simulator.register import Register, Running


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def test_what_a_killed_demo_left_running_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    killed = Home(tmp_path)
    killed.claim()
    killed.register(Running.of("cloud", sleeper.pid))
    killed.state.demo = Running(name="demo", pid=2**22 - 1, started=1.0)
    killed.write()
    assert Home(tmp_path).claim() == ["cloud"]
    assert not psutil.pid_exists(sleeper.pid)


def test_processes_of_a_killed_simulator_are_ended_too(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    Register(tmp_path / SIMULATOR_FILE).enter("agent s01-gw", sleeper.pid)
    assert Home(tmp_path).claim() == ["agent s01-gw"]
    assert not psutil.pid_exists(sleeper.pid)


def test_a_pid_that_belongs_to_another_program_by_now_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    home = Home(tmp_path)
    home.state = State(processes=[Running(name="cloud", pid=sleeper.pid, started=1.0)])
    home.write()
    assert Home(tmp_path).claim() == []
    assert sleeper.poll() is None


def test_the_database_is_left_to_the_service_that_adopts_it(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    home = Home(tmp_path)
    home.state = State(processes=[Running.of("database", sleeper.pid)])
    home.write()
    assert Home(tmp_path).claim() == []
    assert sleeper.poll() is None


def test_a_second_demo_in_the_same_home_is_refused_with_the_console_of_the_first(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    first = Home(tmp_path)
    first.state = State(demo=Running.of("demo", sleeper.pid), console="http://127.0.0.1:8080")
    first.write()
    with pytest.raises(DemoAlreadyRunning, match=r"its console is at http://127\.0\.0\.1:8080") as caught:
        Home(tmp_path).claim()
    assert "BELLWETHER_HOME" in caught.value.hint


def test_the_register_is_private_and_says_after_the_end_that_nothing_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.claim()
    assert read_state(tmp_path).demo == Running.of("demo", os.getpid())
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    home.release()
    assert read_state(tmp_path) == State()


def test_a_damaged_register_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{ half")
    assert read_state(tmp_path) == State()


def test_the_environment_names_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_HOME", str(tmp_path / "elsewhere"))
    assert Home.from_environment().folder == tmp_path / "elsewhere"
    monkeypatch.setenv("BELLWETHER_HOME", "")
    assert Home.from_environment().folder == Path.cwd() / "var"
