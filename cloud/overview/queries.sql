-- name: district
-- How much the inventory says there is.
SELECT
    (SELECT count(*) FROM schools WHERE retired_at IS NULL) AS schools,
    (SELECT count(*) FROM links WHERE retired_at IS NULL) AS links,
    (SELECT count(*) FROM agents WHERE role = 'gateway' AND retired_at IS NULL) AS gateways,
    (SELECT count(*) FROM classrooms WHERE retired_at IS NULL) AS classrooms,
    count(*) AS terminals,
    count(*) FILTER (WHERE owner = 'student') AS students,
    count(*) FILTER (WHERE owner = 'teacher') AS teachers
FROM terminals
WHERE retired_at IS NULL;

-- name: statuses
-- Number of links, gateways and classrooms per status.
SELECT 'links' AS things, coalesce(status_current.status, 'unknown') AS status, count(*) AS number
FROM links
LEFT JOIN status_current ON status_current.kind = 'link' AND status_current.key = links.link
WHERE links.retired_at IS NULL
GROUP BY 2
UNION ALL
SELECT 'gateways', coalesce(status_current.status, 'unknown'), count(*)
FROM agents
LEFT JOIN status_current ON status_current.kind = 'gateway' AND status_current.key = agents.agent
WHERE agents.role = 'gateway' AND agents.retired_at IS NULL
GROUP BY 2
UNION ALL
SELECT 'classrooms', coalesce(status_current.status, 'unknown'), count(*)
FROM classrooms
LEFT JOIN status_current ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
WHERE classrooms.retired_at IS NULL
GROUP BY 2;

-- name: terminal_statuses
-- Number of terminals per status.
SELECT status, count(*)
FROM terminal_status
GROUP BY status;

-- name: freshness
-- Newest observation, agents online, and what ingest has stored in all; times too far ahead of the clock do not count.
SELECT
    clock_timestamp() AS at,
    (
        SELECT max(newest_observed_at)
        FROM agent_epochs
        WHERE newest_observed_at < clock_timestamp() + interval '5 minutes'
    ) AS newest_sample_at,
    (
        SELECT count(*)
        FROM agent_presence
        JOIN agents USING (agent_id)
        WHERE presence = 'online' AND agents.retired_at IS NULL
    ) AS agents_online,
    (SELECT count(*) FROM agents WHERE retired_at IS NULL) AS agents_total,
    (SELECT coalesce(sum(stored_segments), 0)::bigint FROM agent_epochs) AS stored_segments,
    (SELECT coalesce(sum(stored_items), 0)::bigint FROM agent_epochs) AS stored_items;

-- name: backlog
-- What the agents still hold, by their own last reports; an agent counts when it holds backlog or is offline with something.
SELECT
    coalesce(sum(agent_lanes.held_segments), 0)::bigint AS segments,
    coalesce(sum(agent_lanes.held_items), 0)::bigint AS items,
    coalesce(sum(agent_lanes.held_bytes), 0)::bigint AS bytes,
    min(agent_lanes.oldest_at) FILTER (WHERE agent_lanes.held_segments > 0) AS oldest_at,
    count(DISTINCT agent_lanes.agent_id) FILTER (
        WHERE agent_lanes.held_segments > 0
            AND (agent_lanes.lane = 'backlog' OR agent_presence.presence = 'offline')
    ) AS agents
FROM agent_lanes
JOIN agent_presence USING (agent_id);

-- name: quarantine
-- What waits in quarantine.
SELECT count(*) AS segments, coalesce(sum(items), 0)::bigint AS items
FROM quarantine
WHERE state = 'open';

-- name: state_links
-- Status of every link in district order.
SELECT links.link, coalesce(status_current.status, 'unknown')
FROM links
LEFT JOIN status_current ON status_current.kind = 'link' AND status_current.key = links.link
WHERE links.retired_at IS NULL
ORDER BY links.position;

-- name: state_agents
-- Status of every agent of a role, in district order.
SELECT coalesce(agents.classroom, agents.agent), coalesce(status_current.status, 'unknown')
FROM agents
LEFT JOIN status_current
    ON status_current.kind = agents.role AND status_current.key = coalesce(agents.classroom, agents.agent)
WHERE agents.role = %(role)s AND agents.retired_at IS NULL
ORDER BY agents.position;

-- name: state_terminals
-- Terminals per agent with one letter of status each, both in order of their keys; agents in district order.
SELECT agents.agent, agents.school, letters.terminals, letters.status
FROM (
    SELECT
        agent,
        array_agg(terminal ORDER BY terminal) AS terminals,
        string_agg(
            CASE status WHEN 'up' THEN 'u' WHEN 'down' THEN 'd' WHEN 'unreachable' THEN 'r' ELSE 'n' END,
            '' ORDER BY terminal
        ) AS status
    FROM terminal_status
    GROUP BY agent
) AS letters
JOIN agents USING (agent)
LEFT JOIN schools USING (school)
ORDER BY schools.position, agents.position;
