"""This machine's own figures, and how figures become a sample."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.host import HostCollector, SystemHostReader, clock_state
from edge_agent.collectors.host_reading import HostFigures
from edge_agent.collectors.targets import HostTarget
from protocols.samples import HostSample
from tests.edge_agent.collectors.scripted import SteppedClock


async def test_figures_of_this_machine_agree_with_what_the_kernel_shows(tmp_path):
    reader = SystemHostReader()
    assert reader.read(str(tmp_path)).cpu_ratio is None, "a ratio needs two reads"
    busy_until = time.process_time() + 0.05
    while time.process_time() < busy_until:
        pass
    figures = reader.read(str(tmp_path))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert figures.agent_rss_bytes == pytest.approx(int(status["VmRSS"].split()[0]) * 1024, rel=0.2)
    assert figures.uptime_seconds == pytest.approx(float(Path("/proc/uptime").read_text().split()[0]), abs=5)
    room = os.statvfs(tmp_path)
    assert figures.disk_free_bytes == pytest.approx(room.f_bavail * room.f_frsize, rel=0.2)
    assert 0 < (figures.disk_used_ratio or 0) < 1
    assert 0 < (figures.memory_used_ratio or 0) < 1
    assert 0 <= (figures.cpu_ratio or 0) <= 1
    assert (figures.agent_cpu_ratio or 0) > 0


async def test_a_folder_that_is_not_there_leaves_only_the_disk_out():
    figures = SystemHostReader().read("/no/such/folder")
    assert (figures.disk_used_ratio, figures.disk_free_bytes) == (None, None)
    assert figures.memory_used_ratio is not None


def test_the_clocks_state_is_told_by_the_kernel():
    synchronised, offset = clock_state()
    assert synchronised in (True, False)
    assert (offset is None) == (not synchronised), "an offset is only known to a clock that something keeps"


async def test_figures_become_a_rounded_sample_and_missing_ones_stay_missing():
    class Reader:
        def read(self, path: str) -> HostFigures:
            assert path == "/data"
            return HostFigures(cpu_ratio=0.123456, temperature_celsius=51.25, clock_offset_seconds=-0.00012345)

    reading = await HostCollector(Reader(), SteppedClock()).collect(HostTarget("s07-gw", "/data"), 0.0)
    assert reading.samples == (
        HostSample(
            thing="s07-gw",
            observed_at_ms=1_760_001_000_000,
            monotonic_ms=1_000_000,
            cpu_ratio=0.1235,
            temperature_celsius=51.2,
            clock_offset_seconds=-0.000123,
        ),
    )


async def test_the_sample_is_stamped_with_this_machines_boot_clock():
    clock = SystemClock()
    before = clock.monotonic_ms()
    reading = await HostCollector(SystemHostReader(), clock).collect(HostTarget("s07-gw", "/"), 0.0)
    assert before <= reading.samples[0].monotonic_ms <= clock.monotonic_ms()


def test_heavy_libraries_are_loaded_only_for_the_targets_that_need_them():
    """An agent without devices, DNS or host targets must not pay for their libraries (70 MB in all)."""
    script = (
        "import sys\n"
        "import edge_agent.collectors.catalogue as catalogue\n"
        "from edge_agent.clock import SystemClock\n"
        "catalogue.Collectors(SystemClock())\n"
        "heavy = {'pysnmp', 'gufo', 'dns', 'psutil', 'cryptography', 'httpx'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
