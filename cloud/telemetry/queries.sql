-- name: due_buckets
-- Buckets with new rows whose oldest mark is old enough, newest bucket first, so that today is right before last week.
SELECT kind, bucket
FROM rollup_dirty
WHERE width = %(width)s::text
GROUP BY kind, bucket
HAVING min(added_at) <= %(before)s::timestamptz
ORDER BY bucket DESC, kind
LIMIT %(limit)s::bigint;

-- name: take_marks
-- Take the marks of a bucket before it is computed: rows committed later leave marks of their own.
DELETE FROM rollup_dirty
WHERE width = %(width)s::text AND kind = %(kind)s::text AND bucket = %(bucket)s::timestamptz;

-- name: mark
-- Mark one bucket.
INSERT INTO rollup_dirty (kind, width, bucket, added_at)
VALUES (%(kind)s, %(width)s, %(bucket)s, %(at)s);

-- name: prune_identities
-- Forget identities that their agents declared settled, an hour after they came.
DELETE FROM segments AS s
USING agent_epochs AS e
WHERE
    e.agent_id = s.agent_id
    AND e.epoch = s.epoch
    AND s.seq < e.low
    AND s.received_at < %(before)s::timestamptz;

-- name: expire_events
-- Remove events past their retention, and count them for the ledger.
WITH gone AS (
    DELETE FROM events
    WHERE corrected_at < %(before)s::timestamptz
    RETURNING agent_id
)

INSERT INTO expired_items AS x (agent_id, samples, events)
SELECT agent_id, 0, count(*)
FROM gone
GROUP BY agent_id
ORDER BY agent_id
ON CONFLICT (agent_id) DO UPDATE
SET events = x.events + EXCLUDED.events;
