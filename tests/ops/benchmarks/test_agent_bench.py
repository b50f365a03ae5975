"""The agent's benchmark, small: it really runs an agent, loads it, and closes the books. No figure is judged here."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from ops.benchmarks.agent import measure_agent
from ops.benchmarks.snmp_switches import Switch
from tests.fixtures.requirements import require_program


@pytest.mark.broker
@pytest.mark.slow
def test_a_small_run_measures_and_loses_nothing():
    said: list[str] = []
    found = measure_agent(seconds=3, warm_up_seconds=8, terminals=20, switches=2, ports=4, say=said.append)
    assert found.exit_code == 0
    assert (found.lost, found.duplicated, found.checkins_failed) == (0, 0, 0)
    assert found.checkins > 0
    assert found.items > 20
    assert 10_000_000 < found.rss_bytes <= found.rss_peak_bytes
    # The kernel counts CPU time in ticks of 10 ms, so three quiet seconds may well count none; starting never does.
    assert found.cpu_start_seconds > 0
    assert 0 <= found.cpu_ratio < 2
    assert "20 terminals check in, 2 switches of 4 ports" in said[0]


def test_the_switches_answer_as_net_snmp_expects(tmp_path):
    require_program("snmpbulkwalk")
    with subprocess.Popen(
        [sys.executable, "-m", "ops.benchmarks.snmp_switches", "1", "52"], stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        address = f"127.0.0.1:{int(serving.stdout.readline())}"
        walked = subprocess.run(
            [shutil.which("snmpbulkwalk") or "", "-v2c", "-c", "x", "-On", address, "1.3.6.1.2.1.31.1.1.1.1"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        serving.kill()
    lines = walked.stdout.splitlines()
    assert len(lines) == 52
    assert lines[51] == '.1.3.6.1.2.1.31.1.1.1.1.52 = STRING: "GigabitEthernet0/0/52"'


@pytest.mark.parametrize("request_bytes", [b"", b"0", b"\x30\x82\xff\xff", b"\x30\x03\x02\x01\x01", bytes(100)])
def test_the_switches_stay_silent_to_what_is_no_request(request_bytes):
    assert Switch(1, 2).answer(request_bytes) is None
