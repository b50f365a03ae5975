-- name: incidents
-- Open incidents by kind and severity, and the lessons that they stand in the way of.
SELECT kind, severity, count(*), coalesce(sum(lessons_now), 0)::bigint, coalesce(sum(saved_now), 0)::bigint
FROM incidents
WHERE state = 'open'
GROUP BY kind, severity;

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

-- name: services
-- How far each service is behind the records, in places.
SELECT consumer, taken, (SELECT coalesce(max(place), 0) FROM records) - place AS behind
FROM record_consumers
ORDER BY consumer;

-- name: refused_records
-- Records that wait refused, by service and reason.
SELECT consumer, reason, count(*)
FROM record_refusals
WHERE settled_at IS NULL
GROUP BY consumer, reason
ORDER BY consumer, reason;

-- name: feeds
-- What each feed has delivered, how often in a row it failed, what its receiver would not take.
SELECT
    feed, delivered, failures,
    (SELECT count(*) FROM feed_refusals WHERE feed_refusals.feed = feeds.feed) AS refused
FROM feeds
ORDER BY feed;
