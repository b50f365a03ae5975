-- name: activations
-- From when on which framework was the active one, in order.
SELECT framework, activated_at
FROM evaluation_activations
ORDER BY activation;

-- name: frameworks
-- Every framework with its size and the time it was last activated, newest first.
SELECT
    evaluation_frameworks.framework, title, title_en, version, imported_at,
    (
        SELECT max(activated_at)
        FROM evaluation_activations
        WHERE evaluation_activations.framework = evaluation_frameworks.framework
    ) AS activated_at,
    count(*) FILTER (WHERE level = 'dimension') AS dimensions,
    count(*) FILTER (WHERE level = 'indicator') AS indicators
FROM evaluation_frameworks
JOIN evaluation_nodes USING (framework)
GROUP BY evaluation_frameworks.framework
ORDER BY imported_at DESC;

-- name: framework
-- What a framework is called.
SELECT framework, title, title_en, version
FROM evaluation_frameworks
WHERE framework = %(framework)s;

-- name: nodes
-- Everything in a framework, each parent before its children.
SELECT
    identifier, code, level, parent, statement, statement_en, definition, same_as, follows, valid_from, valid_to
FROM evaluation_nodes
WHERE framework = %(framework)s
ORDER BY position;

-- name: is_pupil
-- Whether a reference is a pupil, present or past.
SELECT EXISTS (
    SELECT
    FROM people
    WHERE person = %(person)s
        AND kind = 'pupil'
);

-- name: class_place
-- The school of a class, and its stage.
SELECT school, schools.stage
FROM classes
JOIN schools USING (school)
WHERE classes.school_class = %(school_class)s;

-- name: school_stage
-- The stage of a school.
SELECT stage
FROM schools
WHERE school = %(school)s;

-- name: class_pupils
-- Pupils who are in a class now, in the order of their number.
SELECT person
FROM enrolments
WHERE school_class = %(school_class)s
    AND role = 'pupil'
    AND retired_at IS NULL
ORDER BY number, person;

-- name: school_pupils
-- Pupils who are in a school now.
SELECT DISTINCT enrolments.person
FROM classes
JOIN enrolments USING (school_class)
WHERE classes.school = %(school)s
    AND classes.retired_at IS NULL
    AND enrolments.role = 'pupil'
    AND enrolments.retired_at IS NULL;

-- name: not_arrived
-- What agents of a school may still have: records they say they hold, agents that are not heard, items their disks lost.
SELECT
    coalesce(sum(lanes.held_items), 0)::bigint AS held_records,
    min(lanes.oldest_at) AS oldest_held_at,
    count(*) FILTER (WHERE agent_presence.presence = 'offline') AS agents_offline,
    coalesce(sum(epochs.damaged_items), 0)::bigint AS damaged_items
FROM agents
LEFT JOIN agent_presence USING (agent_id)
LEFT JOIN agent_lanes AS lanes ON lanes.agent_id = agents.agent_id
    AND lanes.lane = 'records'
    AND lanes.held_items > 0
LEFT JOIN LATERAL (
    SELECT sum(damaged_items) AS damaged_items
    FROM agent_epochs
    WHERE agent_epochs.agent_id = agents.agent_id
) AS epochs ON true
WHERE agents.school = %(school)s
    AND agents.retired_at IS NULL;

-- name: tallies
-- What is needed of pupils' items, per school year, stage and what they count for. An item with files counts once all
-- have arrived.
WITH items AS MATERIALIZED (
    SELECT
        person, school_year, stage, counts_for, value, made_at,
        parts = 0 OR parts = (
            SELECT count(*)
            FROM evaluation_parts
            JOIN blobs USING (sha256)
            WHERE evaluation_parts.record_id = evaluation_items.record_id
        ) AS complete
    FROM evaluation_items
    WHERE person = ANY(%(persons)s::text[])
        AND (%(school_year)s::integer IS NULL OR school_year = %(school_year)s)
        AND (%(term)s::integer IS NULL OR term = %(term)s)
        AND value IS NOT NULL
        AND excluded_at IS NULL
)
SELECT
    person, school_year, stage, counts_for,
    count(*) FILTER (WHERE complete) AS n,
    count(*) FILTER (WHERE NOT complete) AS waiting,
    (sum(value) FILTER (WHERE complete))::double precision AS total,
    (max(value) FILTER (WHERE complete))::double precision AS maximum,
    (max(ARRAY[extract(epoch FROM made_at)::double precision, value::double precision]) FILTER (WHERE complete))[2] AS last,
    max(made_at) FILTER (WHERE complete) AS last_at
FROM items
GROUP BY person, school_year, stage, counts_for;

-- name: items
-- A pupil's items, newest first: all, or those of some keys; null keys stand for everything handed in as evidence.
SELECT
    items.record_id, items.type, items.counts_for, items.code, items.framework, items.stage, items.school_year,
    items.term, items.school_class, items.value::double precision AS value, items.note, items.made_at,
    items.received_at, items.excluded_at, items.exclusion_reason, coalesce(parts.parts, '[]') AS parts
FROM evaluation_items AS items
LEFT JOIN LATERAL (
    SELECT
        jsonb_agg(
            jsonb_build_object(
                'sha256', declared.sha256, 'size_bytes', declared.size_bytes, 'media_type', declared.media_type,
                'present', blobs.sha256 IS NOT NULL
            )
            ORDER BY declared.sha256
        ) AS parts
    FROM evaluation_parts AS declared
    LEFT JOIN blobs USING (sha256)
    WHERE declared.record_id = items.record_id
) AS parts ON items.parts > 0
WHERE items.person = %(person)s
    AND (%(school_year)s::integer IS NULL OR items.school_year = %(school_year)s)
    AND (%(term)s::integer IS NULL OR items.term = %(term)s)
    AND (%(stage)s::text IS NULL OR items.stage = %(stage)s)
    AND CASE
        WHEN %(keys)s::text[] IS NULL THEN items.type IN ('evidence', 'activity')
        ELSE items.counts_for = ANY(%(keys)s::text[])
    END
ORDER BY items.made_at DESC, items.record_id, items.counts_for
LIMIT %(limit)s::bigint
OFFSET %(offset)s::bigint;

-- name: count_items
-- How many items of a pupil were handed in as evidence.
SELECT count(*)
FROM evaluation_items
WHERE person = %(person)s
    AND (%(school_year)s::integer IS NULL OR school_year = %(school_year)s)
    AND type IN ('evidence', 'activity');
