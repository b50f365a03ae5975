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
-- Terminals in use of a school, or those of a class: held by its pupils and teachers, or of nobody in its usual room.
-- With each, the classes that its content follows: its holder's, without a holder those of its room.
WITH holders AS (
    SELECT h.terminal, h.person, array_agg(e.school_class) FILTER (WHERE e.school_class IS NOT NULL) AS classes
    FROM terminal_holders AS h
    LEFT JOIN enrolments AS e ON e.person = h.person AND e.retired_at IS NULL
    WHERE h.retired_at IS NULL
    GROUP BY h.terminal, h.person
),
rooms AS (
    SELECT classroom, array_agg(school_class) AS classes
    FROM classes
    WHERE retired_at IS NULL AND classroom IS NOT NULL
    GROUP BY classroom
),
chosen AS (
    SELECT t.terminal, t.position, t.school, t.classroom, t.agent, h.person,
           coalesce(CASE WHEN h.person IS NULL THEN r.classes ELSE h.classes END, '{}') AS classes
    FROM terminals AS t
    LEFT JOIN holders AS h USING (terminal)
    LEFT JOIN rooms AS r ON r.classroom = t.classroom
    WHERE t.retired_at IS NULL
)
SELECT c.terminal, c.school, c.classroom, coalesce(a.agent, c.agent) AS agent, coalesce(c.person, s.holder) AS holder,
       c.classes, s.present, s.seen_at, s.app_version, s.content_token, s.configuration_token, s.roster_token,
       s.missing_bytes, s.unsent, s.oldest_unsent_at, s.battery_ratio, s.storage_free_bytes,
       count(*) OVER () AS total
FROM chosen AS c
LEFT JOIN reported_terminals AS s USING (terminal)
LEFT JOIN agents AS a ON a.agent_id = s.agent_id
WHERE (%(school)s::text IS NULL OR c.school = %(school)s)
  AND (%(school_class)s::text IS NULL OR %(school_class)s = ANY(c.classes))
ORDER BY c.position, c.terminal
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
