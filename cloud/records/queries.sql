-- name: storing
-- Say that places are about to be given, so that a consumer waits for this commit, and that there will be something new.
SELECT pg_advisory_xact_lock_shared(%(lock)s), pg_notify(%(channel)s, '');

-- name: claim_identities
-- Remember the ids that are new, in their order, so that two workers cannot deadlock; of two in one batch the first counts.
INSERT INTO record_identities (record_id, fingerprint)
SELECT record_id, fingerprint
FROM unnest(%(record_ids)s::text[], %(fingerprints)s::bytea[]) WITH ORDINALITY
    AS met (record_id, fingerprint, place)
ORDER BY record_id, place
ON CONFLICT (record_id) DO NOTHING
RETURNING record_id;

-- name: fingerprints
-- What is remembered of ids.
SELECT record_id, fingerprint
FROM record_identities
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: erased_among
-- Which arrivals fall under an order to erase.
SELECT met.record_id
FROM unnest(%(record_ids)s::text[], %(subjects)s::text[], %(submissions)s::text[])
    AS met (record_id, subject, submission)
WHERE EXISTS (
        SELECT
        FROM erasures
        WHERE erasures.person = met.subject
            AND cardinality(erasures.records) = 0
    )
    OR EXISTS (
        SELECT
        FROM records
        WHERE records.record_id IN (met.record_id, met.submission)
            AND records.outcome = 'erased'
    )
    OR EXISTS (
        SELECT
        FROM erasures
        WHERE erasures.records && ARRAY[met.record_id, met.submission]
    );

-- name: copy_records
-- Store arrivals.
COPY records (
    record_id, agent_id, type, subject, terminal, school_class, lesson,
    observed_at, accepted_at, corrected_at, received_at, outcome, fact
)
FROM STDIN (FORMAT binary);

-- name: counts
-- Arrivals by type and outcome; facts themselves are not for operators.
SELECT
    type,
    count(*) FILTER (WHERE outcome = 'stored') AS stored,
    count(*) FILTER (WHERE outcome = 'duplicate') AS duplicate,
    count(*) FILTER (WHERE outcome = 'conflict') AS conflict,
    max(received_at) AS last_received_at
FROM records
JOIN agents USING (agent_id)
WHERE %(agent)s::text IS NULL OR agents.agent = %(agent)s
GROUP BY type
ORDER BY type;
