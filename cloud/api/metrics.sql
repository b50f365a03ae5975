-- name: totals
-- What ingest has counted in all, by its own transactions.
SELECT
    coalesce(sum(stored_segments), 0)::bigint AS segments_stored,
    coalesce(sum(stored_items), 0)::bigint AS items_stored,
    coalesce(sum(stored_events), 0)::bigint AS events_stored,
    coalesce(sum(duplicate_segments), 0)::bigint AS segments_duplicate,
    coalesce(sum(conflict_segments), 0)::bigint AS segments_conflict
FROM agent_epochs;

-- name: fullest_quarantine
-- What the open entries of the agent with the most of them count for, each at least so many bytes.
SELECT coalesce(max(used_bytes), 0)::bigint
FROM (
    SELECT sum(greatest(size_bytes, %(least)s::integer)) AS used_bytes
    FROM quarantine
    WHERE state = 'open'
    GROUP BY agent
) AS used;

-- name: reasons
-- Segments that wait in quarantine, by reason.
SELECT reason, count(*)
FROM quarantine
WHERE state = 'open'
GROUP BY reason;
