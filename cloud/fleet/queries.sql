-- name: stage_epochs
-- The connection's stage for what a batch adds to the ledger.
CREATE TEMP TABLE stage_epochs (LIKE agent_epochs INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;

-- name: copy_epochs
-- Stage what a batch adds to the ledger.
COPY stage_epochs (
    agent_id, epoch, first_received_at, last_received_at, high_seq, low,
    stored_segments, stored_items, stored_events, duplicate_segments, conflict_segments, newest_observed_at,
    produced_items, confirmed_items, rejected_items, thinned_items, damaged_items, held_items, reported_at
)
FROM STDIN (FORMAT binary);

-- name: merge_epochs
-- Add a batch to the ledger. The agent's books only move forward: a backlog's older books change nothing.
INSERT INTO agent_epochs AS e (
    agent_id, epoch, first_received_at, last_received_at, high_seq, low,
    stored_segments, stored_items, stored_events, duplicate_segments, conflict_segments, newest_observed_at,
    produced_items, confirmed_items, rejected_items, thinned_items, damaged_items, held_items, reported_at
)
SELECT
    agent_id, epoch, first_received_at, last_received_at, high_seq, low,
    stored_segments, stored_items, stored_events, duplicate_segments, conflict_segments, newest_observed_at,
    produced_items, confirmed_items, rejected_items, thinned_items, damaged_items, held_items, reported_at
FROM stage_epochs
ORDER BY agent_id, epoch
ON CONFLICT (agent_id, epoch) DO UPDATE
SET
    last_received_at = GREATEST(e.last_received_at, EXCLUDED.last_received_at),
    high_seq = GREATEST(e.high_seq, EXCLUDED.high_seq),
    low = GREATEST(e.low, EXCLUDED.low),
    stored_segments = e.stored_segments + EXCLUDED.stored_segments,
    stored_items = e.stored_items + EXCLUDED.stored_items,
    stored_events = e.stored_events + EXCLUDED.stored_events,
    duplicate_segments = e.duplicate_segments + EXCLUDED.duplicate_segments,
    conflict_segments = e.conflict_segments + EXCLUDED.conflict_segments,
    newest_observed_at = GREATEST(e.newest_observed_at, EXCLUDED.newest_observed_at),
    (produced_items, confirmed_items, rejected_items, thinned_items, damaged_items, held_items, reported_at) = (
        SELECT
            newer.produced_items, newer.confirmed_items, newer.rejected_items, newer.thinned_items,
            newer.damaged_items, newer.held_items, newer.reported_at
        FROM (
            VALUES
                (
                    e.produced_items, e.confirmed_items, e.rejected_items, e.thinned_items, e.damaged_items,
                    e.held_items, e.reported_at
                ),
                (
                    EXCLUDED.produced_items, EXCLUDED.confirmed_items, EXCLUDED.rejected_items,
                    EXCLUDED.thinned_items, EXCLUDED.damaged_items, EXCLUDED.held_items, EXCLUDED.reported_at
                )
        ) AS newer (
            produced_items, confirmed_items, rejected_items, thinned_items, damaged_items, held_items, reported_at
        )
        ORDER BY
            newer.produced_items DESC,
            newer.confirmed_items + newer.rejected_items + newer.thinned_items + newer.damaged_items DESC,
            newer.reported_at DESC NULLS LAST
        LIMIT 1
    );

-- name: presences
-- What is known of agents, with the highest seq taken of the epoch each is born with.
SELECT
    wanted.agent, wanted.epoch, wanted.boot,
    a.agent_id, p.presence, p.session, p.instance, p.last_heartbeat_at, b.started_at, COALESCE(e.high_seq, 0) AS high_seq
FROM unnest(%(agents)s::text[], %(epochs)s::text[], %(boots)s::text[]) AS wanted (agent, epoch, boot)
LEFT JOIN agents AS a ON a.agent = wanted.agent AND a.retired_at IS NULL
LEFT JOIN agent_presence AS p ON p.agent_id = a.agent_id
LEFT JOIN agent_epochs AS e ON e.agent_id = a.agent_id AND e.epoch = wanted.epoch
LEFT JOIN agent_boots AS b ON b.agent_id = a.agent_id AND b.boot = wanted.boot;

-- name: save_online
-- An accepted birth or heartbeat.
INSERT INTO agent_presence AS p (
    agent_id, presence, changed_at, verdict, session, instance, last_heartbeat_at, role, software, host, boot,
    epoch, next_seq, low, skew_seconds, held_segments, held_items, held_bytes
)
VALUES (
    %(agent_id)s, 'online', %(at)s, 'accepted', %(session)s, %(instance)s, %(at)s, %(role)s, %(software)s, %(host)s,
    %(boot)s, %(epoch)s, %(next_seq)s, %(low)s, %(skew_seconds)s, %(held_segments)s, %(held_items)s, %(held_bytes)s
)
ON CONFLICT (agent_id) DO UPDATE
SET
    presence = 'online',
    changed_at = CASE WHEN p.presence = 'online' THEN p.changed_at ELSE EXCLUDED.changed_at END,
    verdict = EXCLUDED.verdict,
    session = EXCLUDED.session,
    instance = EXCLUDED.instance,
    last_heartbeat_at = GREATEST(p.last_heartbeat_at, EXCLUDED.last_heartbeat_at),
    role = EXCLUDED.role,
    software = EXCLUDED.software,
    host = EXCLUDED.host,
    boot = EXCLUDED.boot,
    epoch = EXCLUDED.epoch,
    next_seq = EXCLUDED.next_seq,
    low = EXCLUDED.low,
    skew_seconds = EXCLUDED.skew_seconds,
    held_segments = EXCLUDED.held_segments,
    held_items = EXCLUDED.held_items,
    held_bytes = EXCLUDED.held_bytes;

-- name: save_offline
-- A will or goodbye of the newest session.
UPDATE agent_presence
SET
    presence = 'offline',
    changed_at = CASE WHEN presence = 'offline' THEN changed_at ELSE %(at)s END
WHERE agent_id = %(agent_id)s AND session = %(session)s AND instance = %(instance)s;

-- name: save_refused
-- A birth that was not accepted: an old copy of a spool, or a second process under one id.
UPDATE agent_presence
SET
    verdict = CASE WHEN %(verdict)s = 'duplicate_agent' THEN verdict ELSE %(verdict)s END,
    duplicate_instance = CASE
        WHEN %(verdict)s = 'duplicate_agent' THEN %(instance)s ELSE duplicate_instance
    END,
    duplicate_host = CASE WHEN %(verdict)s = 'duplicate_agent' THEN %(host)s ELSE duplicate_host END,
    duplicate_seen_at = CASE WHEN %(verdict)s = 'duplicate_agent' THEN %(at)s ELSE duplicate_seen_at END
WHERE agent_id = %(agent_id)s;

-- name: save_lane
-- What an agent's spool holds of one lane.
INSERT INTO agent_lanes (agent_id, lane, held_segments, held_items, held_bytes, oldest_at, reported_at)
VALUES (%(agent_id)s, %(lane)s, %(segments)s, %(items)s, %(size_bytes)s, %(oldest_at)s, %(at)s)
ON CONFLICT (agent_id, lane) DO UPDATE
SET
    held_segments = EXCLUDED.held_segments,
    held_items = EXCLUDED.held_items,
    held_bytes = EXCLUDED.held_bytes,
    oldest_at = EXCLUDED.oldest_at,
    reported_at = EXCLUDED.reported_at;

-- name: save_boot
-- When a boot began, by the cloud's clock.
INSERT INTO agent_boots (agent_id, boot, started_at, first_seen_at, last_seen_at)
VALUES (%(agent_id)s, %(boot)s, %(started_at)s, %(at)s, %(at)s)
ON CONFLICT (agent_id, boot) DO UPDATE
SET
    started_at = EXCLUDED.started_at,
    last_seen_at = EXCLUDED.last_seen_at;

-- name: save_unknown_agent
-- An agent that the inventory does not name.
INSERT INTO unknown_agents AS u (agent, role, host, software, first_seen_at, last_seen_at)
VALUES (%(agent)s, %(role)s, %(host)s, %(software)s, %(at)s, %(at)s)
ON CONFLICT (agent) DO UPDATE
SET
    role = COALESCE(EXCLUDED.role, u.role),
    host = COALESCE(NULLIF(EXCLUDED.host, ''), u.host),
    software = COALESCE(NULLIF(EXCLUDED.software, ''), u.software),
    last_seen_at = EXCLUDED.last_seen_at;

-- name: notify
-- Tell who listens which agents changed; delivered with the commit.
SELECT pg_notify('bellwether_live', %(message)s::text);

-- name: epochs
-- The ledger per agent and epoch, with what waits in quarantine and what was replayed out of it. A conflict or a seq below
-- the low mark was stored before under its identity, so its items are not counted a second time.
SELECT
    COALESCE(a.agent, q.agent) AS agent,
    COALESCE(e.epoch, q.epoch) AS epoch,
    COALESCE(e.stored_items, 0) AS stored,
    COALESCE(e.stored_segments, 0) AS stored_segments,
    COALESCE(e.duplicate_segments, 0) AS duplicate_segments,
    COALESCE(e.conflict_segments, 0) AS conflict_segments,
    COALESCE(e.produced_items, 0) AS produced,
    COALESCE(e.confirmed_items, 0) AS confirmed,
    COALESCE(e.rejected_items, 0) AS rejected,
    COALESCE(e.thinned_items, 0) AS thinned,
    COALESCE(e.damaged_items, 0) AS damaged,
    COALESCE(e.held_items, 0) AS held,
    e.reported_at,
    COALESCE(q.open_items, 0)::bigint AS quarantined,
    COALESCE(q.replayed_items, 0)::bigint AS replayed
FROM agent_epochs AS e
JOIN agents AS a ON a.agent_id = e.agent_id
FULL JOIN (
    SELECT
        agent,
        epoch,
        SUM(items) FILTER (WHERE state = 'open') AS open_items,
        SUM(items) FILTER (WHERE state = 'replayed') AS replayed_items
    FROM quarantine
    WHERE epoch IS NOT NULL AND reason NOT IN ('identity_conflict', 'below_low')
    GROUP BY agent, epoch
) AS q ON q.agent = a.agent AND q.epoch = e.epoch
ORDER BY 1, e.first_received_at, 2;

-- name: stored_of
-- Items stored of one epoch from a seq on; only what is remembered, so ask for recent ones.
SELECT COALESCE(SUM(s.items), 0)::bigint AS items
FROM segments AS s
JOIN agents AS a ON a.agent_id = s.agent_id
WHERE a.agent = %(agent)s AND s.epoch = %(epoch)s AND s.seq >= %(seq)s::bigint;

-- name: taken
-- Which of these segments of an epoch the centre has taken, stored or in quarantine.
SELECT s.seq
FROM segments AS s
JOIN agents AS a ON a.agent_id = s.agent_id
WHERE a.agent = %(agent)s AND s.epoch = %(epoch)s AND s.seq = ANY(%(seqs)s::bigint[])
UNION
SELECT q.seq
FROM quarantine AS q
WHERE
    q.agent = %(agent)s
    AND q.epoch = %(epoch)s
    AND q.seq = ANY(%(seqs)s::bigint[])
    AND q.reason NOT IN ('identity_conflict', 'below_low');

-- name: expired
-- Rows removed by retention, per agent.
SELECT a.agent, x.samples + x.events + x.records AS items
FROM expired_items AS x
JOIN agents AS a ON a.agent_id = x.agent_id;
