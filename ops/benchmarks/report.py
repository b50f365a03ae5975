"""What a benchmark says: its figures beside those of the limit, measured in the same run on the same machine.

The limit is another program doing the same work with nothing added (bare SQLite, raw COPY), so that the ratio means
the same on every machine. Each benchmark is a module `ops.benchmarks.<name>` with `run(progress) -> BenchResult`;
`progress` takes a line for people.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
from msgspec import Struct

Progress = Callable[[str], None]
Figure = int | float | str | None


class Environment(Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    machine: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    load_before: float
    """Load average of the last minute when the benchmark began: whatever else ran, slowed it."""


class BenchResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one benchmark. `ratio_to_limit` is ours over the limit's, both as figures where more is better.

    `lost` and `duplicated` count items after the run, by the books. `rss_bytes` and `cpu_ratio` where memory and CPU
    are the subject, `p95_seconds` where a delay is.
    """

    name: str
    figures: dict[str, Figure]
    limit: dict[str, Figure]
    ratio_to_limit: float
    lost: int
    duplicated: int
    environment: Environment
    budget: str = ""
    rss_bytes: int | None = None
    cpu_ratio: float | None = None
    p95_seconds: float | None = None


def environment() -> Environment:
    """Look at the machine; call before the work begins."""
    return Environment(
        machine=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        python=sys.version.split()[0],
        load_before=round(os.getloadavg()[0], 2),
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
