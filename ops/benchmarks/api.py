"""The API's answers for a whole district, against the very same SQL alone through bare psycopg.

A real PostgreSQL holds the full district: 43 links with a day of samples from both ends (counters and probes every ten
seconds), 698 agents, 29,269 terminals. One `bellwether cloud api` process answers over HTTP, compressed, its status
evaluator at work as in production. The API builds the overview and the state once a second for everybody, so each of
their questions is asked more than a second after the one before: every answer measured is a fresh one. The limit is
the median time of the same statements on one connection with nothing around them; the ratio is limit over ours, all
answers added up. Lost and duplicated count terminals of the inventory that the state leaves out or names twice.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from cloud.db import migrate
from cloud.fleet import reading as fleet
from cloud.inventory import reading as inventory
from cloud.inventory.service import import_folder
from cloud.overview import reading as overview
from cloud.process import configure_logging
from cloud.status.rules import FRESH
from cloud.telemetry import series
from ops.benchmarks.report import BenchResult, Environment, Figure, Progress, environment
from ops.embedded import EmbeddedPostgres
from ops.simulator import district_folder
from ops.simulator.district import generate

_EVERY_LINK: dict[str, object] = {"link": None, "fresh": FRESH}
ROUNDS = 25
PAUSE_SECONDS = 1.05
"""Longer than the API shares one overview."""
LINK = "s07-wan"
START_SECONDS = 30.0
BUDGET = "state of the whole district: p95 <= 100 ms, <= 300 KB compressed"

_FILL = """
INSERT INTO things (kind, key, first_agent_id, first_seen_at, claimed_at)
SELECT 'terminal', terminals.terminal, agents.agent_id, now(), now() FROM terminals JOIN agents USING (agent)
UNION ALL
SELECT 'link', links.link, agents.agent_id, now(), now()
FROM links JOIN agents ON agents.school = links.school AND agents.role = 'gateway';

INSERT INTO terminal_current (thing_id, agent_id, observed_at, corrected_at, received_at, present, battery_ratio)
SELECT thing_id, first_agent_id, now(), now(), now(), thing_id % 17 > 0, 0.8 FROM things WHERE kind = 'terminal';

INSERT INTO link_samples (thing_id, agent_id, observed_at, corrected_at, resolution_seconds, vantage,
    in_bps, out_bps, in_errors_per_second, in_octets_total, oper_up)
SELECT thing_id, first_agent_id, at, at, 0, vantage, (random() * 8e8)::bigint, (random() * 1e8)::bigint, 0,
    (extract(epoch FROM at) * 1e6)::bigint, true
FROM generate_series(now() - interval '1 day', now(), interval '10 seconds') AS at
CROSS JOIN things
CROSS JOIN unnest(ARRAY['school', 'centre']) AS vantage
WHERE things.kind = 'link';

INSERT INTO link_samples (thing_id, agent_id, observed_at, corrected_at, resolution_seconds, vantage,
    loss_ratio, rtt_seconds, jitter_seconds)
SELECT thing_id, first_agent_id, at, at, 0, vantage, 0, 0.002 + random() * 0.003, random() * 0.001
FROM generate_series(now() - interval '1 day', now(), interval '10 seconds') AS at
CROSS JOIN things
CROSS JOIN unnest(ARRAY['school', 'centre']) AS vantage
WHERE things.kind = 'link';

INSERT INTO link_current (thing_id, agent_id, observed_at, corrected_at, received_at, counters_at, probes_at, vantage,
    in_bps, out_bps, oper_up, loss_ratio, rtt_seconds, jitter_seconds)
SELECT thing_id, first_agent_id, now(), now(), now(), now(), now(), vantage,
    400000000, 30000000, true, 0, 0.003, 0.0004
FROM things CROSS JOIN unnest(ARRAY['school', 'centre']) AS vantage WHERE things.kind = 'link';

INSERT INTO agent_presence (agent_id, presence, changed_at, verdict, session, instance, last_heartbeat_at, role,
    software, host, boot, epoch, next_seq, low)
SELECT agent_id, 'online', now(), 'accepted', 1, '0123456789abcdef', now(), role, '0.1.0', agent, 'boot',
    '00000000000000aa', 9001, 9000
FROM agents;

INSERT INTO agent_epochs (agent_id, epoch, first_received_at, last_received_at, high_seq, low, stored_segments,
    stored_items, newest_observed_at, produced_items, confirmed_items, reported_at)
SELECT agent_id, '00000000000000aa', now(), now(), 9000, 9000, 9000, 500000, now(), 500000, 500000, now() FROM agents;

INSERT INTO agent_lanes (agent_id, lane, held_segments, held_items, held_bytes, reported_at)
SELECT agent_id, lane, 0, 0, 0, now()
FROM agents CROSS JOIN unnest(ARRAY['events', 'records', 'live', 'backlog']) AS lane;

INSERT INTO status_current (kind, key, status, since, reason)
SELECT 'link', link, 'up', now(), 'evidence_good' FROM links
UNION ALL
SELECT role, coalesce(classroom, agent), 'up', now(), 'online' FROM agents WHERE role <> 'core';
"""


def run(progress: Progress) -> BenchResult:
    """Load the district, ask the API and the bare database in turns, and compare."""
    where = environment()
    configure_logging("WARNING")  # to stderr: stdout is for the result
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        home.chmod(0o711)
        progress("starting PostgreSQL")
        postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
        _load(postgres.dsn, home / "district", progress)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        client = stack.enter_context(_api(postgres.dsn, home))
        return _measure(client, connection, progress, where)


def _load(dsn: str, folder: Path, progress: Progress) -> None:
    progress("importing the district")
    migrate(dsn)
    district_folder.write(generate(), folder)
    import_folder(dsn, folder)
    progress("loading a day of samples")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_FILL.encode())
        connection.execute("VACUUM ANALYZE")


@contextmanager
def _api(dsn: str, home: Path) -> Iterator[http.client.HTTPConnection]:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    environment_of_api = {**os.environ, "BELLWETHER_DSN": dsn, "BELLWETHER_PORT": str(port)}
    with (home / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli.main", "cloud", "api"], env=environment_of_api, stdout=log, stderr=log
        )
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            _wait_until_it_answers(client, process, home / "api.log")
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait(20)


def _wait_until_it_answers(client: http.client.HTTPConnection, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _get(client, "/healthz")
            return
        except OSError as error:
            client.close()
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the API does not answer:\n{log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.1)


def _terminals_told(client: http.client.HTTPConnection) -> list[str]:
    """Return every terminal that the state of the district names, as often as it does."""
    client.request("GET", "/api/v1/state")
    return [key for of_agent in json.loads(client.getresponse().read())["terminals"] for key in of_agent["terminals"]]


def _get(client: http.client.HTTPConnection, path: str) -> int:
    """Return the bytes of the answer as they travelled."""
    client.request("GET", path, headers={"accept-encoding": "gzip"})
    response = client.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:300]!r}")
    return len(body)


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
        "state": ("/api/v1/state", lambda: _bare_state(connection)),
        "links": (
            "/api/v1/links",
            lambda: _bare(connection, inventory.QUERIES["links"], _EVERY_LINK),
        ),
        "series_24h": (asked, lambda: _bare_series(connection, window)),
    }
    figures: dict[str, Figure] = {}
    limit: dict[str, Figure] = {}
    ours_total = limit_total = 0.0
    for name, (path, bare) in subjects.items():
        progress(f"asking for {name}, {ROUNDS} times each way")
        _get(client, path)
        bare()
        ours: list[float] = []
        theirs: list[float] = []
        size_bytes = 0
        for _ in range(ROUNDS):
            time.sleep(PAUSE_SECONDS if name in ("overview", "state") else 0.02)
            began = time.perf_counter()
            size_bytes = _get(client, path)
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            bare()
            theirs.append(time.perf_counter() - began)
        figures[f"{name}_p50_seconds"] = round(statistics.median(ours), 5)
        figures[f"{name}_p95_seconds"] = round(_p95(ours), 5)
        figures[f"{name}_compressed_bytes"] = size_bytes
        limit[f"{name}_p50_seconds"] = round(statistics.median(theirs), 5)
        limit[f"{name}_p95_seconds"] = round(_p95(theirs), 5)
        ours_total += statistics.median(ours)
        limit_total += statistics.median(theirs)
    told = _terminals_told(client)
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


def _p95(values: list[float]) -> float:
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def _bare(connection: psycopg.Connection, statement: sql.SQL | sql.Composed, parameters: dict[str, object]) -> None:
    connection.execute(statement, parameters).fetchall()


def _bare_overview(connection: psycopg.Connection) -> None:
    _bare(connection, inventory.QUERIES["links"], _EVERY_LINK)
    for name in ("statuses", "terminal_statuses", "freshness", "district", "backlog", "quarantine"):
        _bare(connection, overview.QUERIES[name], {})
    _bare(connection, fleet.ledger_sum(), {"agent": None})


def _bare_state(connection: psycopg.Connection) -> None:
    _bare(connection, overview.QUERIES["state_terminals"], {})
    _bare(connection, overview.QUERIES["state_links"], {})
    for role in ("gateway", "classroom"):
        _bare(connection, overview.QUERIES["state_agents"], {"role": role})


def _bare_series(connection: psycopg.Connection, window: series.SeriesRequest) -> None:
    row = connection.execute("SELECT thing_id FROM things WHERE kind = 'link' AND key = %s", [LINK]).fetchone()
    assert row is not None
    _bare(connection, series.query(window), series.parameters(row[0], window))
