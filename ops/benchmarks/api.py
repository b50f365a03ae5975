"""The API's answers for a whole district, against the very same SQL alone through bare psycopg.

A real PostgreSQL holds the full district (`ops.benchmarks.whole_district`); one API process answers over HTTP,
compressed. The API builds the overview and the state once a second for everybody, so each of
their questions is asked more than a second after the one before: every answer measured is a fresh one. The limit is
the median time of the same statements on one connection with nothing around them; the ratio is limit over ours, all
answers added up. Lost and duplicated count terminals of the inventory that the state leaves out or names twice.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from cloud.fleet import reading as fleet
from cloud.inventory import reading as inventory
from cloud.overview import reading as overview
from cloud.process import configure_logging
from cloud.status.rules import FRESH
from cloud.telemetry import series
from ops.benchmarks.centre_processes import api_process, get
from ops.benchmarks.report import BenchResult, Environment, Figure, Progress, environment
from ops.benchmarks.whole_district import ask, ask_state, load, p95, terminals_told
from ops.embedded import EmbeddedPostgres

_EVERY_LINK: dict[str, object] = {"link": None, "fresh": FRESH}
ROUNDS = 25
PAUSE_SECONDS = 1.05
"""Longer than the API shares one overview."""
LINK = "s07-wan"
BUDGET = "state of the whole district: p95 <= 100 ms, <= 300 KB compressed"


def run(progress: Progress) -> BenchResult:
    """Load the district, ask the API and the bare database in turns, and compare."""
    where = environment()
    configure_logging("WARNING")  # to stderr: stdout is for the result
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        home.chmod(0o711)
        progress("starting PostgreSQL")
        postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
        load(postgres.dsn, home / "district", progress)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        client = stack.enter_context(api_process(postgres.dsn, home))
        return _measure(client, connection, progress, where)


def _measure(
    client: http.client.HTTPConnection, connection: psycopg.Connection, progress: Progress, where: Environment
) -> BenchResult:
    now = datetime.now(UTC)
    window = series.parse_request(
        ["in_bps", "out_bps"], (now - timedelta(days=1)).isoformat(), now.isoformat(), None, None, now=now
    )
    asked = f"/api/v1/links/{LINK}/series?metric=in_bps&metric=out_bps"
    asked += f"&from={(now - timedelta(days=1)).timestamp():.3f}&to={now.timestamp():.3f}"
    subjects: dict[str, tuple[str, Callable[[], None]]] = {
        "overview": ("/api/v1/overview", lambda: _bare_overview(connection)),
        "state": ("/api/v1/state", lambda: ask_state(connection)),
        "links": (
            "/api/v1/links",
            lambda: ask(connection, inventory.QUERIES["links"], _EVERY_LINK),
        ),
        "series_24h": (asked, lambda: _bare_series(connection, window)),
    }
    figures: dict[str, Figure] = {}
    limit: dict[str, Figure] = {}
    ours_total = limit_total = 0.0
    for name, (path, bare) in subjects.items():
        progress(f"asking for {name}, {ROUNDS} times each way")
        get(client, path)
        bare()
        ours: list[float] = []
        theirs: list[float] = []
        size_bytes = 0
        for _ in range(ROUNDS):
            time.sleep(PAUSE_SECONDS if name in ("overview", "state") else 0.02)
            began = time.perf_counter()
            size_bytes = get(client, path)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            bare()
            theirs.append(time.perf_counter() - began)
        figures[f"{name}_p50_seconds"] = round(statistics.median(ours), 5)
        figures[f"{name}_p95_seconds"] = round(p95(ours), 5)
        figures[f"{name}_compressed_bytes"] = size_bytes
        limit[f"{name}_p50_seconds"] = round(statistics.median(theirs), 5)
        limit[f"{name}_p95_seconds"] = round(p95(theirs), 5)
        ours_total += statistics.median(ours)
        limit_total += statistics.median(theirs)
    told = terminals_told(client)
    wanted = {key for (key,) in connection.execute("SELECT terminal FROM terminals").fetchall()}
    return BenchResult(
        name="api",
        figures=figures,
        limit=limit,
        ratio_to_limit=round(limit_total / ours_total, 3),
        lost=len(wanted - set(told)),
        duplicated=len(told) - len(set(told)),
        environment=where,
        budget=BUDGET,
    )


def _bare_overview(connection: psycopg.Connection) -> None:
    ask(connection, inventory.QUERIES["links"], _EVERY_LINK)
    for name in ("statuses", "terminal_statuses", "freshness", "district", "backlog", "quarantine"):
        ask(connection, overview.QUERIES[name], {})
    ask(connection, fleet.ledger_sum(), {"agent": None})


def _bare_series(connection: psycopg.Connection, window: series.SeriesRequest) -> None:
    row = connection.execute("SELECT thing_id FROM things WHERE kind = 'link' AND key = %s", [LINK]).fetchone()
    assert row is not None
    ask(connection, series.query(window), series.parameters(row[0], window))
