"""The current state of the whole district as an open wall asks for it, against the same SQL alone through bare psycopg.

The state is built at most once a second for all readers, so every question comes more than a second after the one
before: each answer measured is a fresh one. `bytes` is the compressed answer as it travelled. Lost and duplicated count
terminals of the inventory that the state leaves out or names twice.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg

from cloud.process import configure_logging
from ops.benchmarks.centre_processes import api_process, get
from ops.benchmarks.report import BenchResult, Progress, environment
from ops.benchmarks.whole_district import ask_state, load, p95, terminals_told
from ops.embedded import EmbeddedPostgres

ROUNDS = 40
PAUSE_SECONDS = 1.05
"""Longer than the API shares one state."""
BUDGET_SECONDS = 0.1
BUDGET_BYTES = 300_000
PATH = "/api/v1/state"


def run(progress: Progress) -> BenchResult:
    """Load the district, ask the API and the bare database in turns, and compare."""
    where = environment()
    configure_logging("WARNING")
    ours: list[float] = []
    bare: list[float] = []
    size_bytes = 0
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        home.chmod(0o711)
        progress("starting PostgreSQL")
        postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
        load(postgres.dsn, home / "district", progress)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        client = stack.enter_context(api_process(postgres.dsn, home))
        get(client, PATH)
        ask_state(connection)
        progress(f"asking {ROUNDS} times each way")
        for _ in range(ROUNDS):
            time.sleep(PAUSE_SECONDS)
            began = time.perf_counter()
            size_bytes = get(client, PATH)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            ask_state(connection)
            bare.append(time.perf_counter() - began)
        told = terminals_told(client)
        wanted = {key for (key,) in connection.execute("SELECT terminal FROM terminals").fetchall()}
    return BenchResult(
        name="wall",
        figures={
            "p50_seconds": round(statistics.median(ours), 4),
            "p95_seconds": round(p95(ours), 4),
            "bytes": size_bytes,
            "terminals": len(wanted),
        },
        limit={
            "name": "the same statements alone",
            "p50_seconds": round(statistics.median(bare), 4),
            "p95_seconds": round(p95(bare), 4),
            "bytes": BUDGET_BYTES,
        },
        ratio_to_limit=round(statistics.median(bare) / statistics.median(ours), 3),
        lost=len(wanted - set(told)),
        duplicated=len(told) - len(set(told)),
        environment=where,
        budget=f"p95 <= {BUDGET_SECONDS:g} s, <= {BUDGET_BYTES:,} bytes compressed",
        p95_seconds=round(p95(ours), 4),
    )
