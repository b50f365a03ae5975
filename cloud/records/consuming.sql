-- name: highest_place
-- The place up to which every record is committed; asked while holding the lock that storing transactions share.
SELECT coalesce(max(place), 0)
FROM records;

-- name: wait_at_most
-- Bound how long this transaction waits for a lock.
SELECT set_config('lock_timeout', %(milliseconds)s::text, true);

-- name: anything_new
-- Whether something is committed beyond a consumer's place, or it has none yet.
SELECT coalesce((SELECT place FROM record_consumers WHERE consumer = %(consumer)s), -1)
    < (SELECT coalesce(max(place), 0) FROM records);

-- name: claim_consumer
-- Make the consumer known and hold its row, so that two processes never read the same records.
INSERT INTO record_consumers (consumer, updated_at)
VALUES (%(consumer)s, now())
ON CONFLICT (consumer) DO UPDATE
SET consumer = excluded.consumer
RETURNING place;

-- name: advance
-- Move a consumer on.
UPDATE record_consumers
SET place = %(place)s,
    taken = taken + %(taken)s,
    updated_at = now()
WHERE consumer = %(consumer)s;

-- name: next_records
-- Records of some types that count, in order of storing.
SELECT
    records.place, records.record_id, agents.agent, agents.school, records.type, records.subject, records.terminal,
    records.school_class, records.lesson, records.observed_at, records.accepted_at, records.corrected_at,
    records.received_at, records.fact
FROM records
JOIN agents USING (agent_id)
WHERE records.outcome = 'stored'
    AND records.type = ANY(%(types)s::text[])
    AND records.place > %(after)s::bigint
    AND records.place <= %(upto)s::bigint
ORDER BY records.place
LIMIT %(limit)s::bigint;

-- name: refused_records
-- The next records that a consumer refused and has not taken since, all or some.
SELECT
    records.place, records.record_id, agents.agent, agents.school, records.type, records.subject, records.terminal,
    records.school_class, records.lesson, records.observed_at, records.accepted_at, records.corrected_at,
    records.received_at, records.fact
FROM record_refusals
JOIN records ON records.record_id = record_refusals.record_id
    AND records.outcome = 'stored'
JOIN agents USING (agent_id)
WHERE record_refusals.consumer = %(consumer)s
    AND record_refusals.settled_at IS NULL
    AND (%(record_ids)s::text[] IS NULL OR record_refusals.record_id = ANY(%(record_ids)s::text[]))
    AND records.place > %(after)s::bigint
ORDER BY records.place
LIMIT %(limit)s::bigint;

-- name: refuse
-- Keep a refusal; a record refused again has its newest reason.
INSERT INTO record_refusals (consumer, record_id, place, school_class, reason, detail, refused_at)
VALUES (
    %(consumer)s, %(record_id)s, %(place)s::bigint, %(school_class)s, %(reason)s, left(%(detail)s, 500), now()
)
ON CONFLICT (consumer, record_id) DO UPDATE
SET reason = excluded.reason,
    detail = excluded.detail,
    refused_at = excluded.refused_at,
    tries = record_refusals.tries + 1,
    settled_at = NULL;

-- name: settle
-- Note that refused records were taken after all, and count them.
WITH settled AS (
    UPDATE record_refusals
    SET settled_at = now()
    WHERE consumer = %(consumer)s
        AND record_id = ANY(%(record_ids)s::text[])
    RETURNING record_id
)

UPDATE record_consumers
SET taken = taken + (SELECT count(*) FROM settled)
WHERE consumer = %(consumer)s;

-- name: refusal_counts
-- Open refusals of a consumer by reason, of one class or of all.
SELECT reason, count(*) AS records, max(refused_at) AS last_refused_at
FROM record_refusals
WHERE consumer = %(consumer)s
    AND settled_at IS NULL
    AND (%(school_class)s::text IS NULL OR school_class = %(school_class)s)
GROUP BY reason
ORDER BY records DESC, reason;

-- name: refusals_by_consumer
-- Open refusals by consumer and reason, of one consumer or all, of one class or all.
SELECT consumer, reason, count(*) AS records, max(refused_at) AS last_refused_at
FROM record_refusals
WHERE (%(consumer)s::text IS NULL OR consumer = %(consumer)s)
    AND settled_at IS NULL
    AND (%(school_class)s::text IS NULL OR school_class = %(school_class)s)
GROUP BY consumer, reason
ORDER BY consumer, records DESC, reason;
