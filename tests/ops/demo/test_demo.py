"""The whole demo as its user starts it: everything runs, everything is told, everything is gone afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.demo.home import SIMULATOR_FILE, State, read_state
from ops.embedded.process import free_port
from ops.simulator import register

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.db, pytest.mark.broker, pytest.mark.timeout(2400)]

COMMAND = [sys.executable, "-m", "ops.cli.main", "demo"]
START_SECONDS = 600
END_SECONDS = 900


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "BELLWETHER_HOME": str(home), "SCENARIO": "", **more}


def processes_of(home: Path) -> list[str]:
    """Return the command lines that name this home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if str(home) in command and process.pid != os.getpid():
            found.append(command)
    return found


@pytest.fixture
def home(own_home: Path) -> Iterator[Path]:
    home = own_home / "home"
    yield home
    left = read_state(home)
    demo = [] if left.demo is None else [left.demo]
    register.kill([*demo, *left.processes, *register.read(home / SIMULATOR_FILE)])


def test_a_demo_runs_the_district_ends_by_itself_and_leaves_nothing_running(home: Path) -> None:
    for seconds in (60, 600):  # counted from the first line on: a busy machine may need them all to start
        done = subprocess.run(
            [*COMMAND, "--json"],
            env=environment(home, BELLWETHER_DEMO_SECONDS=str(seconds), BELLWETHER_PORT=str(free_port())),
            capture_output=True,
            text=True,
            timeout=seconds + END_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        if summary["agents_online"] > 0 and summary["ledger"]["stored"] > 0:
            break
    assert summary["agents_total"] == 698
    assert summary["agents_online"] > 0
    assert summary["ledger"]["stored"] > 0
    assert summary["ledger"]["lost"] == 0
    for books in (summary["answers"], summary["district_answers"]):
        assert (books["missing"], books["twice"]) == (0, 0)
    for told in (
        "the console is at http://127.0.0.1:",
        "698 real agents with 29,269 terminals",
        "BOOKS:",
        "is stopped",
    ):
        assert told in done.stderr
    assert read_state(home) == State()
    assert processes_of(home) == []


def test_what_a_killed_demo_leaves_is_cleaned_up_by_the_next_which_goes_on_with_its_data(home: Path) -> None:
    settings = environment(home, BELLWETHER_PORT=str(free_port()))
    log = (home.parent / "killed-demo.log").open("wb")
    killed = subprocess.Popen(COMMAND, env=settings, stdout=log, stderr=log)
    deadline = time.monotonic() + START_SECONDS
    while "simulator" not in {running.name for running in read_state(home).processes}:
        assert killed.poll() is None, Path(log.name).read_text()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    log.close()
    assert processes_of(home) != []
    second = subprocess.run(
        COMMAND,
        env={**settings, "BELLWETHER_DEMO_SECONDS": "5"},
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
    assert second.returncode == 0, second.stdout + second.stderr
    assert "ended what a killed demo had left running" in second.stdout
    assert "is kept, and so is everything measured so far" in second.stdout
    assert "are over before the scenario is: 2 of its steps were not played" in second.stdout
    assert "READY" not in second.stdout  # the killed demo's agents count for online a while, these have not started
    assert processes_of(home) == []


def test_a_closed_terminal_ends_everything_like_ctrl_c(home: Path) -> None:
    demo = subprocess.Popen(
        ["env", "--default-signal=HUP", *COMMAND],  # tests under nohup would hand on that it is ignored
        env=environment(home, BELLWETHER_PORT=str(free_port())),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    assert any("real agents with" in line for line in demo.stdout)
    demo.stdout.close()
    demo.send_signal(signal.SIGHUP)
    demo.wait(timeout=END_SECONDS)  # the code says only that the summary could not be printed
    assert read_state(home) == State()
    assert processes_of(home) == []


def test_a_port_that_is_taken_is_one_sentence_and_exit_code_1(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            COMMAND,
            env=environment(home, BELLWETHER_PORT=port),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"error: port {port} is taken by another program"
    assert "Traceback" not in done.stderr + done.stdout


def test_settings_that_are_no_numbers_are_told_before_anything_starts(home: Path) -> None:
    done = subprocess.run(
        COMMAND,
        env=environment(home, BELLWETHER_PORT="eighty"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert "BELLWETHER_PORT must be a whole number from 1 to 65535, not 'eighty'" in done.stderr
    assert not home.exists()


def test_a_scenario_that_does_not_exist_is_told_before_anything_starts(home: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--scenario", "earthquake"],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2
    assert re.search(r"known: .*district-outage, .*link-cut, .*school-day", done.stderr)
    assert "Traceback" not in done.stderr
    assert not home.exists()
