"""Any moment of 90 days of a whole district from the time machine, against the budget and the same SQL alone.

The past is generated: every classroom's terminals change sixteen times a day, rooms, gateways and lines as often as
their days have it, and some of the inventory leaves on the way. Moments are drawn over the whole time; no two answers
are of the same one, so nothing is measured twice. Lost and duplicated count terminals that existed at a moment and that
its state leaves out or names twice.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

import psycopg

from cloud.process import configure_logging
from cloud.timemachine.reading import QUERIES
from ops.benchmarks.centre_processes import api_process, get
from ops.benchmarks.report import BenchResult, Progress, environment
from ops.benchmarks.whole_district import ask, load, p95
from ops.embedded import EmbeddedPostgres

ROUNDS = 120
CHECKED = 5
DAYS = 89.9
BUDGET_SECONDS = 0.5

_FILL = """
UPDATE inventory_history SET valid_from = now() - interval '100 days';

INSERT INTO inventory_history (kind, key, valid_from, valid_until, document)
SELECT kind, key || '-old', valid_from, now() - random() * interval '90 days', document
FROM inventory_history
WHERE kind = 'terminal' AND right(key, 2) = '07';

INSERT INTO terminal_sets (agent_id, terminals)
SELECT agents.agent_id, array_agg(terminals.terminal ORDER BY terminals.terminal)
FROM terminals JOIN agents USING (agent) GROUP BY agents.agent_id;

INSERT INTO terminal_letters (agent_id, changed_at, set_id, letters)
SELECT
    agent_id,
    now() - interval '91 days' + number * interval '90 minutes' + agent_id * interval '3 seconds',
    set_id,
    repeat('u', present) || repeat('d', cardinality(terminals) - present)
FROM terminal_sets
CROSS JOIN generate_series(0, 91 * 16 - 1) AS number
CROSS JOIN LATERAL (
    SELECT floor(random() * (cardinality(terminals) + 1))::integer AS present WHERE number >= 0
) AS room;

INSERT INTO status_log (kind, key, previous, status, changed_at, reason, evidence)
SELECT
    thing.kind,
    thing.key,
    'up',
    CASE WHEN number % 2 = 0 THEN 'up' WHEN random() < 0.5 THEN 'down' ELSE 'unknown' END,
    now() - interval '91 days' + (number + random()) * interval '1 day' / thing.changes,
    'generated',
    '{"loss_ratio": 1.0, "vantage": "centre"}'
FROM (
    SELECT 'link' AS kind, link AS key, 6 AS changes FROM links
    UNION ALL
    SELECT role, coalesce(classroom, agent), CASE role WHEN 'gateway' THEN 2 ELSE 4 END FROM agents WHERE role <> 'core'
    UNION ALL
    SELECT 'device', device, 2 FROM devices
) AS thing
CROSS JOIN LATERAL generate_series(0, 91 * thing.changes - 1) AS number
ORDER BY 5;

INSERT INTO link_5m (bucket, thing_id, vantage, samples, in_bps_avg, out_bps_avg, loss_ratio_avg, rtt_seconds_avg)
SELECT bucket, thing_id, 'school', 30, random() * 8e8, random() * 1e8, 0, 0.003
FROM things
CROSS JOIN generate_series(
    date_trunc('hour', now()) - interval '90 days', now() - interval '1 day', interval '5 minutes'
) AS bucket
WHERE kind = 'link';
"""


def run(progress: Progress) -> BenchResult:
    """Generate the past, ask the API and the bare database for moments of it in turns, and compare."""
    where = environment()
    configure_logging("WARNING")
    ours: list[float] = []
    links: list[float] = []
    bare: list[float] = []
    size_bytes = lost = duplicated = 0
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        home.chmod(0o711)
        progress("starting PostgreSQL")
        postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
        load(postgres.dsn, home / "district", progress)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        progress("generating 90 days")
        connection.execute(_FILL.encode())
        connection.execute("VACUUM ANALYZE")
        notes = _count(connection, "SELECT count(*) FROM terminal_letters")
        changes = _count(connection, "SELECT count(*) FROM status_log")
        client = stack.enter_context(api_process(postgres.dsn, home))
        progress(f"asking for {ROUNDS} moments")
        drawn = random.Random(4)
        for _ in range(ROUNDS):
            at, other = (datetime.now(UTC) - timedelta(days=drawn.uniform(0, DAYS)) for _ in range(2))
            began = time.perf_counter()
            size_bytes = get(client, _path("state", at))
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            get(client, _path("links", at))
            links.append(time.perf_counter() - began)
            began = time.perf_counter()
            _ask_state(connection, other)
            bare.append(time.perf_counter() - began)
        for _ in range(CHECKED):
            missing, twice = _compare(connection, client, datetime.now(UTC) - timedelta(days=drawn.uniform(0, DAYS)))
            lost, duplicated = lost + missing, duplicated + twice
    return BenchResult(
        name="timemachine",
        figures={
            "p50_seconds": round(statistics.median(ours), 4),
            "p95_seconds": round(p95(ours), 4),
            "bytes": size_bytes,
            "links_p95_seconds": round(p95(links), 4),
            "notes_of_terminals": notes,
            "changes_of_status": changes,
        },
        limit={
            "name": f"the budget; the same statements alone: {p95(bare):.4f} s",
            "p50_seconds": round(statistics.median(bare), 4),
            "p95_seconds": BUDGET_SECONDS,
        },
        ratio_to_limit=round(BUDGET_SECONDS / p95(ours), 3),
        lost=lost,
        duplicated=duplicated,
        environment=where,
        budget=f"p95 <= {BUDGET_SECONDS:g} s",
        p95_seconds=round(p95(ours), 4),
    )


def _count(connection: psycopg.Connection, statement: str) -> int:
    row = connection.execute(statement.encode()).fetchone()
    return int(row[0]) if row is not None else 0


def _path(name: str, at: datetime) -> str:
    return f"/api/v1/timemachine/{name}?at={at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _ask_state(connection: psycopg.Connection, at: datetime) -> None:
    ask(connection, QUERIES["state_letters"], {"at": at})
    for kind, status_kind, role in (
        ("link", "link", None),
        ("agent", "gateway", "gateway"),
        ("agent", "classroom", "classroom"),
    ):
        ask(connection, QUERIES["state_things"], {"at": at, "kind": kind, "status_kind": status_kind, "role": role})


def _compare(connection: psycopg.Connection, client: HTTPConnection, at: datetime) -> tuple[int, int]:
    """Return how many terminals with a note at a moment its state leaves out, and how many it names twice."""
    client.request("GET", _path("state", at))
    told = Counter(key for row in json.loads(client.getresponse().read())["terminals"] for key in row["terminals"])
    wanted = {key for (key,) in connection.execute("SELECT unnest(terminals) FROM terminal_sets").fetchall()}
    return len(wanted - told.keys()), sum(number - 1 for number in told.values())
