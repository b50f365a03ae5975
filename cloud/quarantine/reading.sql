-- name: reasons
-- How many segments wait for each reason, most first.
SELECT reason, count(*) AS segments
FROM quarantine
WHERE state = 'open'
GROUP BY reason
ORDER BY segments DESC, reason;

-- name: count_listed
-- Number of segments that the filters keep.
SELECT count(*)
FROM quarantine
WHERE state = 'open'
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(agent)s::text IS NULL OR agent = %(agent)s)
    AND (%(pattern)s::text IS NULL OR agent ILIKE %(pattern)s OR reason ILIKE %(pattern)s OR detail ILIKE %(pattern)s);

-- name: listed
-- Segments that wait in quarantine, without their bytes, newest first.
SELECT
    quarantine_id AS id,
    agent,
    epoch,
    seq,
    lane,
    topic,
    reason,
    nullif(detail, '') AS detail,
    size_bytes,
    items,
    received_at,
    arrivals,
    last_received_at,
    state,
    replayed_at,
    replay_outcome AS outcome
FROM quarantine
WHERE state = 'open'
    AND (%(reason)s::text IS NULL OR reason = %(reason)s)
    AND (%(agent)s::text IS NULL OR agent = %(agent)s)
    AND (%(pattern)s::text IS NULL OR agent ILIKE %(pattern)s OR reason ILIKE %(pattern)s OR detail ILIKE %(pattern)s)
ORDER BY quarantine_id DESC
LIMIT %(limit)s OFFSET %(offset)s;

-- name: detail
-- One segment, waiting or replayed, with its bytes.
SELECT
    quarantine_id AS id,
    agent,
    epoch,
    seq,
    lane,
    topic,
    reason,
    nullif(detail, '') AS detail,
    size_bytes,
    items,
    received_at,
    arrivals,
    last_received_at,
    state,
    replayed_at,
    replay_outcome AS outcome,
    content_type,
    payload
FROM quarantine
WHERE quarantine_id = %(id)s;
