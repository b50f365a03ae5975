-- name: order_erasure
-- Take an order.
INSERT INTO erasures (erasure, person, records, reason, ordered_by, ordered_at)
VALUES (%(erasure)s, %(person)s, %(records)s::text[], %(reason)s, %(ordered_by)s, now());

-- name: next_erasure
-- The oldest order that waits, held so that two processes never carry out one.
SELECT erasure, person, records
FROM erasures
WHERE done_at IS NULL
ORDER BY ordered_at
LIMIT 1
FOR UPDATE SKIP LOCKED;

-- name: hold_consumers
-- Let no service take a record while it is being forgotten: one that had read it would keep it.
LOCK TABLE record_consumers IN SHARE MODE;

-- name: affected
-- The records of an order, and the judgements of those that are submissions.
WITH named AS (
    SELECT record_id
    FROM records
    WHERE subject = %(person)s
        AND cardinality(%(records)s::text[]) = 0
    UNION
    SELECT unnest(%(records)s::text[])
)

SELECT record_id
FROM named
UNION
SELECT judged.record_id
FROM records AS judged
JOIN named ON judged.fact ->> 'submission' = named.record_id
WHERE judged.type = 'grade';

-- name: own_blobs
-- Files of these records that no other record refers to.
SELECT DISTINCT part ->> 'sha256' AS sha256
FROM records
CROSS JOIN LATERAL jsonb_array_elements(records.fact -> 'parts') AS part
WHERE records.fact ? 'parts'
    AND records.record_id = ANY(%(record_ids)s::text[])
    AND NOT EXISTS (
        SELECT
        FROM records AS other
        WHERE other.fact ? 'parts'
            AND other.fact -> 'parts' @> jsonb_build_array(jsonb_build_object('sha256', part ->> 'sha256'))
            AND other.record_id <> ALL(%(record_ids)s::text[])
    );

-- name: blank
-- Take everything out of records that says who or what; the rows stay for the books.
UPDATE records
SET outcome = 'erased',
    subject = NULL,
    terminal = NULL,
    lesson = NULL,
    fact = '{}'
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: forget_refusals
-- Refusals name records and why they were refused.
DELETE FROM record_refusals
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: forget_person
-- Take a person's name away; whoever comes back under the same sourcedId is somebody new.
UPDATE people
SET name = '',
    birth_date = NULL,
    source_id = 'erased:' || %(erasure)s,
    retired_at = coalesce(retired_at, now())
WHERE person = %(person)s;

-- name: leave_classes
-- End a person's enrolments.
UPDATE enrolments
SET retired_at = now()
WHERE person = %(person)s
    AND retired_at IS NULL;

-- name: hand_back_terminals
-- A forgotten person holds no terminal.
DELETE FROM terminal_holders
WHERE person = %(person)s;

-- name: erasure_done
-- Note what an order came to.
UPDATE erasures
SET done_at = now(),
    erased_records = %(erased)s,
    blobs = %(blobs)s::text[]
WHERE erasure = %(erasure)s;

-- name: expired_records
-- Records of a type beyond its retention, oldest first.
SELECT record_id
FROM records
WHERE type = %(type)s
    AND corrected_at < %(before)s
ORDER BY corrected_at
LIMIT %(limit)s::bigint;

-- name: expire
-- Remove records, counting them per agent for the ledger.
WITH gone AS (
    DELETE FROM records
    WHERE record_id = ANY(%(record_ids)s::text[])
    RETURNING agent_id
)

INSERT INTO expired_items AS x (agent_id, samples, events, records)
SELECT agent_id, 0, 0, count(*)
FROM gone
GROUP BY agent_id
ORDER BY agent_id
ON CONFLICT (agent_id) DO UPDATE
SET records = x.records + EXCLUDED.records;

-- name: forget_identities
-- Forget the ids of records that are gone.
DELETE FROM record_identities
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: tombstones
-- What an agent must have forgotten: orders carried out for people of its school, or of no school that is known any more.
SELECT erasures.erasure, erasures.person, erasures.ordered_at, erasures.records, erasures.blobs
FROM erasures
JOIN agents ON agents.agent = %(agent)s
WHERE erasures.done_at IS NOT NULL
    AND agents.school IS NOT NULL
    AND (
        EXISTS (
            SELECT
            FROM enrolments
            JOIN classes USING (school_class)
            WHERE enrolments.person = erasures.person
                AND classes.school = agents.school
        )
        OR NOT EXISTS (SELECT FROM enrolments WHERE enrolments.person = erasures.person)
    )
ORDER BY erasures.ordered_at, erasures.erasure;

-- name: erasures
-- Orders, newest first, with the agents that were told and those that have confirmed.
SELECT
    erasures.*,
    (SELECT count(*) FROM erasure_receipts WHERE erasure_receipts.erasure = erasures.erasure) AS agents_applied,
    (
        SELECT count(*)
        FROM desired_documents
        WHERE desired_documents.kind = 'erasure'
            AND convert_from(desired_documents.payload, 'UTF8') LIKE '%%' || erasures.erasure || '%%'
    ) AS agents_told
FROM erasures
WHERE %(erasure)s::text IS NULL OR erasures.erasure = %(erasure)s
ORDER BY ordered_at DESC
LIMIT %(limit)s::bigint
OFFSET %(offset)s::bigint;

-- name: erasures_total
-- How many orders there are.
SELECT count(*) AS total
FROM erasures;

-- name: note_access
-- Add a look at records to the log.
INSERT INTO access_log (at, who, purpose, subjects, route)
VALUES (now(), %(who)s, %(purpose)s, %(subjects)s::text[], %(route)s);

-- name: accesses
-- Who looked at a person's records, newest first.
SELECT at, who, purpose, route
FROM access_log
WHERE subjects @> ARRAY[%(person)s::text]
ORDER BY at DESC
LIMIT %(limit)s::bigint;

-- name: unclaimed
-- Files that have been here for some days while no push holds them and no record refers to them, the oldest first.
SELECT blobs.sha256
FROM blobs
WHERE blobs.stored_at < now() - make_interval(days => %(days)s::integer)
    AND NOT EXISTS (SELECT FROM push_resources WHERE push_resources.sha256 = blobs.sha256)
    AND NOT EXISTS (
        SELECT
        FROM records
        WHERE records.fact ? 'parts'
            AND records.fact -> 'parts' @> jsonb_build_array(jsonb_build_object('sha256', blobs.sha256))
    )
ORDER BY blobs.stored_at
LIMIT %(limit)s::bigint;
