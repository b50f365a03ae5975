"""A whole district in a database, for the benchmarks of the centre.

43 links with a day of samples from both ends (counters and probes every ten seconds), 698 agents, 29,269 terminals, all
of them well.
"""

from __future__ import annotations

import http.client
import json
import math
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from cloud.db import migrate
from cloud.inventory.service import import_folder
from cloud.overview import reading as overview
from ops.benchmarks.report import Progress
from ops.simulator import district_folder
from ops.simulator.district import generate

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


def load(dsn: str, folder: Path, progress: Progress) -> None:
    """Migrate an empty database and fill it; the inventory's files go to `folder`."""
    progress("importing the district")
    migrate(dsn)
    district_folder.write(generate(), folder)
    import_folder(dsn, folder)
    progress("loading a day of samples")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_FILL.encode())
        connection.execute("VACUUM ANALYZE")


def terminals_told(client: http.client.HTTPConnection) -> list[str]:
    """Return every terminal that the state of the district names, as often as it does."""
    client.request("GET", "/api/v1/state")
    return [key for of_agent in json.loads(client.getresponse().read())["terminals"] for key in of_agent["terminals"]]


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile by nearest rank."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def ask(connection: psycopg.Connection, statement: sql.SQL | sql.Composed, parameters: dict[str, object]) -> None:
    """Run one of the API's statements alone and read its rows."""
    connection.execute(statement, parameters).fetchall()


def ask_state(connection: psycopg.Connection) -> None:
    """Run the statements of the district's state alone."""
    ask(connection, overview.QUERIES["state_terminals"], {})
    ask(connection, overview.QUERIES["state_links"], {})
    for role in ("gateway", "classroom"):
        ask(connection, overview.QUERIES["state_agents"], {"role": role})
