-- name: known_agents
-- Every agent of the inventory that is not retired, with its key.
SELECT agent, agent_id
FROM agents
WHERE retired_at IS NULL;

-- name: insert_things
-- Give keys to things met for the first time; in the order of their names, so that two workers cannot deadlock.
INSERT INTO things (kind, key, first_agent_id, first_seen_at)
SELECT kind, key, first_agent_id, %(at)s::timestamptz
FROM unnest(%(kinds)s::text[], %(keys)s::text[], %(agent_ids)s::integer[]) AS met (kind, key, first_agent_id)
ORDER BY kind, key
ON CONFLICT (kind, key) DO NOTHING;

-- name: thing_ids
-- Keys of things by kind and name.
SELECT things.kind, things.key, things.thing_id
FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS wanted (kind, key)
JOIN things USING (kind, key);

-- name: boots
-- When the boots began, by the cloud's clock.
SELECT agent_id, boot, started_at
FROM unnest(%(agent_ids)s::integer[], %(boots)s::text[]) AS wanted (agent_id, boot)
JOIN agent_boots USING (agent_id, boot);

-- name: stage_segments
-- The connection's stage for the identities of a batch.
CREATE TEMP TABLE stage_segments (LIKE segments, replay boolean NOT NULL) ON COMMIT DELETE ROWS;

-- name: copy_segments
-- Stage the identities of a batch.
COPY stage_segments (agent_id, epoch, seq, content_hash, lane, items, sealed_at, received_at, replay)
FROM STDIN (FORMAT binary);

-- name: insert_segments
-- Remember the identities that are new; waits for another worker that holds the same one. Below the low mark nothing is
-- new: its identity was known and has been pruned.
INSERT INTO segments (agent_id, epoch, seq, content_hash, lane, items, sealed_at, received_at)
SELECT s.agent_id, s.epoch, s.seq, s.content_hash, s.lane, s.items, s.sealed_at, s.received_at
FROM stage_segments AS s
LEFT JOIN agent_epochs AS e ON e.agent_id = s.agent_id AND e.epoch = s.epoch
WHERE s.replay OR s.seq >= COALESCE(e.low, 0)
ORDER BY s.agent_id, s.epoch, s.seq
ON CONFLICT (agent_id, epoch, seq) DO NOTHING
RETURNING agent_id, epoch, seq;

-- name: staged_hashes
-- What is remembered of the staged identities; a null hash means that it lies below the low mark and was pruned.
SELECT s.agent_id, s.epoch, s.seq, known.content_hash
FROM stage_segments AS s
LEFT JOIN segments AS known ON known.agent_id = s.agent_id AND known.epoch = s.epoch AND known.seq = s.seq;

-- name: copy_events
-- Store events.
COPY events (event_id, agent_id, thing_id, type, observed_at, corrected_at, received_at, lane, attributes)
FROM STDIN (FORMAT binary);

-- name: mark_dirty
-- Note which five-minute buckets have new rows; an append-only queue, so that workers never wait for each other.
INSERT INTO rollup_dirty (kind, width, bucket, added_at)
SELECT kind, '5m', bucket, %(at)s::timestamptz
FROM unnest(%(kinds)s::text[], %(buckets)s::timestamptz[]) AS touched (kind, bucket);

-- name: notify
-- Tell who listens that something new is there; delivered with the commit.
SELECT pg_notify('bellwether_live', %(message)s::text);

-- name: claim_things
-- Mark things as claimed that the inventory knows.
UPDATE things AS t
SET claimed_at = now()
FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS met (kind, key)
WHERE
    t.kind = met.kind
    AND t.key = met.key
    AND t.claimed_at IS NULL
    AND CASE t.kind
        WHEN 'link' THEN EXISTS (SELECT FROM links WHERE link = t.key AND retired_at IS NULL)
        WHEN 'port' THEN EXISTS (
            SELECT
            FROM ports
            WHERE
                device = split_part(t.key, '/', 1)
                AND port = substr(t.key, strpos(t.key, '/') + 1)
                AND retired_at IS NULL
        )
        WHEN 'device' THEN EXISTS (SELECT FROM devices WHERE device = t.key AND retired_at IS NULL)
        WHEN 'terminal' THEN EXISTS (SELECT FROM terminals WHERE terminal = t.key AND retired_at IS NULL)
        WHEN 'classroom' THEN EXISTS (SELECT FROM classrooms WHERE classroom = t.key AND retired_at IS NULL)
        ELSE EXISTS (SELECT FROM agents WHERE agent = split_part(t.key, '/', 1) AND retired_at IS NULL)
    END;
