-- name: document_states
-- For every agent in use and kind, what is desired and reported; kinds of which neither side knows are left out.
SELECT a.agent, a.school, k.kind, d.token AS desired, d.made_at, r.token AS reported, r.validity,
       coalesce(r.reason, '') AS reason, r.proved_at, r.missing_bytes, p.reported_at
FROM agents AS a
CROSS JOIN unnest(ARRAY['roster', 'timetable', 'content', 'terminals', 'erasure']) AS k (kind)
LEFT JOIN desired_documents AS d ON d.agent_id = a.agent_id AND d.kind = k.kind
LEFT JOIN reported_documents AS r ON r.agent_id = a.agent_id AND r.kind = k.kind
LEFT JOIN agent_reports AS p ON p.agent_id = a.agent_id
WHERE a.retired_at IS NULL
  AND (d.token IS NOT NULL OR r.validity IS NOT NULL)
  AND (%(kind)s::text IS NULL OR k.kind = %(kind)s)
  AND (%(school)s::text IS NULL OR a.school = %(school)s)
ORDER BY a.position, a.agent, k.kind;

-- name: held_manifests
-- Which of these manifests each agent has reported whole, with their tokens.
SELECT a.agent, m.manifest, m.token
FROM reported_manifests AS m
JOIN agents AS a USING (agent_id)
WHERE m.manifest = ANY(%(manifests)s);

-- name: targets
-- What terminals should run, by scope.
SELECT scope, app_version, configuration, set_at
FROM terminal_targets
ORDER BY scope;

-- name: school_in_use
-- Whether a school is in use.
SELECT FROM schools
WHERE school = %(school)s
  AND retired_at IS NULL;

-- name: agent_place
-- An agent in use and where it stands.
SELECT agent_id, agent, role, school, classroom
FROM agents
WHERE agent = %(agent)s
  AND retired_at IS NULL;

-- name: tokens
-- The token of every document of an agent.
SELECT kind, token
FROM desired_documents
WHERE agent_id = %(agent_id)s;

-- name: payload
-- One document of an agent as it was made.
SELECT token, payload
FROM desired_documents
WHERE agent_id = %(agent_id)s
  AND kind = %(kind)s;

-- name: terminals
-- Terminals in use of a school, or those of a class: of its pupils and teachers, or of nobody in its usual room.
-- Whose a terminal is it says itself; the roster says it of one that never did. Its content follows its pupil's classes.
WITH owned AS (
    SELECT t.terminal, t.position, t.school, t.classroom, coalesce(a.agent, t.agent) AS agent,
           coalesce(s.holder, h.person) AS holder, s.present, s.seen_at, s.app_version, s.content_token,
           s.configuration_token, s.roster_token, s.missing_bytes, s.unsent, s.oldest_unsent_at, s.battery_ratio,
           s.storage_free_bytes
    FROM terminals AS t
    LEFT JOIN reported_terminals AS s USING (terminal)
    LEFT JOIN agents AS a ON a.agent_id = s.agent_id
    LEFT JOIN terminal_holders AS h ON h.terminal = t.terminal AND h.retired_at IS NULL
    WHERE t.retired_at IS NULL
),
of_people AS (
    SELECT person, array_agg(school_class ORDER BY school_class) AS classes,
           array_agg(school_class ORDER BY school_class) FILTER (WHERE role = 'pupil') AS as_pupil
    FROM enrolments
    WHERE retired_at IS NULL
    GROUP BY person
),
of_rooms AS (
    SELECT classroom, array_agg(school_class) AS classes
    FROM classes
    WHERE retired_at IS NULL AND classroom IS NOT NULL
    GROUP BY classroom
)
SELECT o.terminal, o.school, o.classroom, o.agent, o.holder, coalesce(p.as_pupil, '{}') AS classes, o.present, o.seen_at,
       o.app_version, o.content_token, o.configuration_token, o.roster_token, o.missing_bytes, o.unsent,
       o.oldest_unsent_at, o.battery_ratio, o.storage_free_bytes, count(*) OVER () AS total
FROM owned AS o
LEFT JOIN of_people AS p ON p.person = o.holder
LEFT JOIN of_rooms AS r ON r.classroom = o.classroom
WHERE (%(school)s::text IS NULL OR o.school = %(school)s)
  AND (
      %(school_class)s::text IS NULL
      OR %(school_class)s = ANY(CASE WHEN o.holder IS NULL THEN r.classes ELSE p.classes END)
  )
ORDER BY o.position, o.terminal
LIMIT %(limit)s OFFSET %(offset)s;

-- name: class_in_use
-- Whether a class is in use.
SELECT FROM classes
WHERE school_class = %(school_class)s
  AND retired_at IS NULL;

-- name: documents_of
-- Documents of one kind, of these agents.
SELECT a.agent, d.token, d.payload
FROM desired_documents AS d
JOIN agents AS a USING (agent_id)
WHERE d.kind = %(kind)s
  AND a.agent = ANY(%(agents)s);
