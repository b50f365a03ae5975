-- name: insert
-- Keep what was refused, whole. The same bytes refused again for the same reason are one entry with more arrivals.
INSERT INTO quarantine AS q (
    agent, topic, lane, content_type, reason, detail, epoch, seq, items,
    size_bytes, content_hash, payload, received_at, last_received_at
)
VALUES (
    %(agent)s, %(topic)s, %(lane)s, %(content_type)s, %(reason)s, %(detail)s, %(epoch)s, %(seq)s, %(items)s,
    %(size_bytes)s, %(content_hash)s, %(payload)s, %(received_at)s, %(received_at)s
)
ON CONFLICT (agent, content_hash, reason) DO UPDATE
SET
    arrivals = q.arrivals + 1,
    last_received_at = EXCLUDED.last_received_at,
    state = 'open',
    replayed_at = NULL,
    replay_outcome = NULL;

-- name: used_bytes
-- How much the open entries of some agents count for, each at least so many bytes.
SELECT agent, sum(greatest(size_bytes, %(least)s::integer))::bigint
FROM quarantine
WHERE state = 'open' AND agent = ANY(%(agents)s::text[])
GROUP BY agent;

-- name: kept
-- Which of some agents' contents are kept, and for which reasons.
SELECT agent, content_hash, reason
FROM quarantine
WHERE agent = ANY(%(agents)s::text[]) AND content_hash = ANY(%(hashes)s::bytea[]);

-- name: open_entries
-- Open entries, oldest first, optionally of one reason, one agent or one entry.
SELECT
    quarantine_id, agent, topic, lane, content_type, reason, detail, epoch, seq, items,
    size_bytes, content_hash, payload, received_at, arrivals, last_received_at
FROM quarantine
WHERE
    state = 'open'
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(agent)s::text IS NULL OR agent = %(agent)s)
    AND (%(quarantine_id)s::bigint IS NULL OR quarantine_id = %(quarantine_id)s)
    AND quarantine_id > %(after)s::bigint
ORDER BY quarantine_id
LIMIT %(limit)s::bigint;

-- name: entries
-- Entries of every state without their bytes, newest first.
SELECT
    quarantine_id, agent, topic, lane, content_type, reason, detail, epoch, seq, items,
    size_bytes, received_at, arrivals, last_received_at, state, replayed_at, replay_outcome
FROM quarantine
WHERE
    (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(agent)s::text IS NULL OR agent = %(agent)s)
    AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY quarantine_id DESC
LIMIT %(limit)s::bigint;

-- name: entry
-- One entry with its bytes.
SELECT
    quarantine_id, agent, topic, lane, content_type, reason, detail, epoch, seq, items,
    size_bytes, received_at, arrivals, last_received_at, state, replayed_at, replay_outcome, payload
FROM quarantine
WHERE quarantine_id = %(quarantine_id)s::bigint;

-- name: close
-- Note that a replay took an entry in.
UPDATE quarantine
SET
    state = 'replayed',
    replayed_at = %(at)s,
    replay_outcome = %(outcome)s
WHERE quarantine_id = %(quarantine_id)s::bigint;

-- name: replayable_agents
-- Agents that were unknown when their segments came and are in the inventory now.
SELECT DISTINCT q.agent
FROM quarantine AS q
JOIN agents AS a ON a.agent = q.agent AND a.retired_at IS NULL
WHERE q.state = 'open' AND q.reason = 'unknown_agent'
ORDER BY q.agent;
