-- name: state_things
-- Letters' words of the links or of the agents of a role that existed at a moment, in the district's order of then.
SELECT
    thing.key,
    coalesce(newest.status, 'unknown')
FROM inventory_history AS history
CROSS JOIN LATERAL (
    SELECT coalesce(history.document ->> 'classroom', history.key) AS key
) AS thing
LEFT JOIN LATERAL (
    SELECT status_log.status
    FROM status_log
    WHERE status_log.kind = %(status_kind)s
        AND status_log.key = thing.key
        AND status_log.changed_at <= %(at)s::timestamptz
    ORDER BY status_log.changed_at DESC, status_log.change_id DESC
    LIMIT 1
) AS newest ON true
WHERE history.kind = %(kind)s
    AND (%(role)s::text IS NULL OR history.document ->> 'role' = %(role)s)
    AND history.valid_from <= %(at)s::timestamptz
    AND coalesce(history.valid_until, 'infinity') > %(at)s::timestamptz
ORDER BY (history.document ->> 'position')::integer, history.key;

-- name: district
-- How much there was at a moment.
SELECT
    count(*) FILTER (WHERE kind = 'school') AS schools,
    count(*) FILTER (WHERE kind = 'link') AS links,
    count(*) FILTER (WHERE kind = 'agent' AND document ->> 'role' = 'gateway') AS gateways,
    count(*) FILTER (WHERE kind = 'classroom') AS classrooms,
    count(*) FILTER (WHERE kind = 'terminal') AS terminals,
    count(*) FILTER (WHERE kind = 'terminal' AND document ->> 'owner' = 'student') AS students,
    count(*) FILTER (WHERE kind = 'terminal' AND document ->> 'owner' = 'teacher') AS teachers
FROM inventory_history
WHERE valid_from <= %(at)s::timestamptz AND coalesce(valid_until, 'infinity') > %(at)s::timestamptz;

-- name: out
-- Links, gateways, classrooms and devices of a moment that were not up then, with the root of what lay behind a fault.
SELECT
    thing.kind,
    thing.key,
    history.document ->> 'school' AS school,
    newest.status,
    newest.changed_at AS since,
    newest.reason,
    newest.root_kind,
    newest.root_key
FROM inventory_history AS history
CROSS JOIN LATERAL (
    SELECT
        coalesce(history.document ->> 'role', history.kind) AS kind,
        CASE history.kind WHEN 'agent' THEN coalesce(history.document ->> 'classroom', history.key) ELSE history.key END
            AS key
) AS thing
CROSS JOIN LATERAL (
    SELECT status, changed_at, reason, root_kind, root_key
    FROM status_log
    WHERE status_log.kind = thing.kind AND status_log.key = thing.key AND status_log.changed_at <= %(at)s::timestamptz
    ORDER BY status_log.changed_at DESC, status_log.change_id DESC
    LIMIT 1
) AS newest
WHERE (history.kind IN ('link', 'device') OR (history.kind = 'agent' AND history.document ->> 'role' <> 'core'))
    AND history.valid_from <= %(at)s::timestamptz
    AND coalesce(history.valid_until, 'infinity') > %(at)s::timestamptz
    AND newest.status <> 'up'
ORDER BY
    newest.root_key IS NOT NULL,
    array_position(ARRAY['link', 'gateway', 'device', 'classroom'], thing.kind),
    (history.document ->> 'position')::integer,
    thing.key;

-- name: state_letters
-- What was said last of the terminals behind every agent of a moment; null before anything was. Agents in district order.
SELECT agent.key, agent.document ->> 'school', terminal_sets.terminals, newest.letters
FROM inventory_history AS agent
JOIN agents ON agents.agent = agent.key
LEFT JOIN LATERAL (
    SELECT terminal_letters.set_id, terminal_letters.letters
    FROM terminal_letters
    WHERE terminal_letters.agent_id = agents.agent_id AND terminal_letters.changed_at <= %(at)s::timestamptz
    ORDER BY terminal_letters.changed_at DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN terminal_sets USING (set_id)
LEFT JOIN inventory_history AS school
    ON school.kind = 'school'
    AND school.key = agent.document ->> 'school'
    AND school.valid_from <= %(at)s::timestamptz
    AND coalesce(school.valid_until, 'infinity') > %(at)s::timestamptz
WHERE agent.kind = 'agent'
    AND agent.valid_from <= %(at)s::timestamptz
    AND coalesce(agent.valid_until, 'infinity') > %(at)s::timestamptz
ORDER BY (school.document ->> 'position')::integer, (agent.document ->> 'position')::integer, agent.key;

-- name: silent_terminals
-- Terminals of a moment behind agents of which nothing had been noted yet.
SELECT document ->> 'agent', array_agg(key ORDER BY key)
FROM inventory_history
WHERE kind = 'terminal'
    AND document ->> 'agent' = ANY(%(agents)s::text[])
    AND valid_from <= %(at)s::timestamptz
    AND coalesce(valid_until, 'infinity') > %(at)s::timestamptz
GROUP BY 1;

-- name: links
-- Every link of a moment with its status then and what it measured in the minute before: the school's values, or the
-- centre's mirrored when the school's are older by more than 20 seconds. Where the samples are gone, the last whole five
-- minutes speak for them.
SELECT
    link.key AS link,
    link.document ->> 'school' AS school,
    coalesce(school.document ->> 'name', link.document ->> 'school') AS school_name,
    coalesce(school.document ->> 'name_en', '') AS school_name_en,
    coalesce(newest.status, 'unknown') AS status,
    newest.changed_at AS since,
    newest.reason,
    newest.root_kind,
    newest.root_key,
    coalesce(counters.in_bps, rollup.in_bps) AS in_bps,
    coalesce(counters.out_bps, rollup.out_bps) AS out_bps,
    coalesce(probes.loss_ratio, rollup.loss_ratio) AS loss_ratio,
    CASE WHEN probes.loss_ratio IS NULL THEN rollup.rtt_seconds ELSE probes.rtt_seconds END AS rtt_seconds,
    CASE WHEN probes.loss_ratio IS NULL THEN rollup.jitter_seconds ELSE probes.jitter_seconds END AS jitter_seconds,
    coalesce(greatest(counters.corrected_at, probes.corrected_at), rollup.at) AS observed_at,
    link.document ->> 'name' AS name,
    link.document ->> 'name_en' AS name_en,
    nullif(link.document ->> 'provider', '') AS provider,
    (link.document ->> 'contracted_bps')::bigint AS contracted_bps,
    link.document ->> 'school_device' AS school_device,
    link.document ->> 'school_port' AS school_port,
    link.document ->> 'centre_device' AS centre_device,
    link.document ->> 'centre_port' AS centre_port
FROM inventory_history AS link
LEFT JOIN inventory_history AS school
    ON school.kind = 'school'
    AND school.key = link.document ->> 'school'
    AND school.valid_from <= %(at)s::timestamptz
    AND coalesce(school.valid_until, 'infinity') > %(at)s::timestamptz
LEFT JOIN things ON things.kind = 'link' AND things.key = link.key
LEFT JOIN LATERAL (
    SELECT status, changed_at, reason, root_kind, root_key
    FROM status_log
    WHERE status_log.kind = 'link' AND status_log.key = link.key AND status_log.changed_at <= %(at)s::timestamptz
    ORDER BY status_log.changed_at DESC, status_log.change_id DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT
        corrected_at,
        CASE vantage WHEN 'school' THEN in_bps ELSE out_bps END AS in_bps,
        CASE vantage WHEN 'school' THEN out_bps ELSE in_bps END AS out_bps
    FROM link_samples
    WHERE thing_id = things.thing_id
        AND corrected_at > %(at)s::timestamptz - %(fresh)s::interval
        AND corrected_at <= %(at)s::timestamptz
        AND (in_bps IS NOT NULL OR out_bps IS NOT NULL)
    ORDER BY corrected_at + CASE vantage WHEN 'school' THEN interval '20 seconds' ELSE interval '0' END DESC
    LIMIT 1
) AS counters ON true
LEFT JOIN LATERAL (
    SELECT corrected_at, loss_ratio, rtt_seconds, jitter_seconds
    FROM link_samples
    WHERE thing_id = things.thing_id
        AND corrected_at > %(at)s::timestamptz - %(fresh)s::interval
        AND corrected_at <= %(at)s::timestamptz
        AND loss_ratio IS NOT NULL
    ORDER BY corrected_at + CASE vantage WHEN 'school' THEN interval '20 seconds' ELSE interval '0' END DESC
    LIMIT 1
) AS probes ON true
LEFT JOIN LATERAL (
    SELECT
        bucket + interval '5 minutes' AS at,
        CASE vantage WHEN 'school' THEN in_bps_avg ELSE out_bps_avg END AS in_bps,
        CASE vantage WHEN 'school' THEN out_bps_avg ELSE in_bps_avg END AS out_bps,
        loss_ratio_avg AS loss_ratio,
        rtt_seconds_avg AS rtt_seconds,
        jitter_seconds_avg AS jitter_seconds
    FROM link_5m
    WHERE counters.corrected_at IS NULL
        AND probes.corrected_at IS NULL
        AND thing_id = things.thing_id
        AND bucket > %(at)s::timestamptz - interval '10 minutes'
        AND bucket <= %(at)s::timestamptz - interval '5 minutes'
    ORDER BY bucket DESC, vantage DESC
    LIMIT 1
) AS rollup ON true
WHERE link.kind = 'link'
    AND link.valid_from <= %(at)s::timestamptz
    AND coalesce(link.valid_until, 'infinity') > %(at)s::timestamptz
ORDER BY (link.document ->> 'position')::integer, link.key;

-- name: statuses
-- What some things were at a moment.
SELECT thing.kind, thing.key, newest.status, newest.changed_at, newest.reason, newest.root_kind, newest.root_key
FROM unnest(%(kinds)s::text[], %(keys)s::text[]) AS thing (kind, key)
CROSS JOIN LATERAL (
    SELECT status, changed_at, reason, root_kind, root_key
    FROM status_log
    WHERE status_log.kind = thing.kind AND status_log.key = thing.key AND status_log.changed_at <= %(at)s::timestamptz
    ORDER BY status_log.changed_at DESC, status_log.change_id DESC
    LIMIT 1
) AS newest;

-- name: incidents
-- Incidents that were open at a moment, told by what their timelines said until then.
SELECT
    incidents.incident_id,
    incidents.root_kind,
    incidents.root_key,
    coalesce(urgent.severity, 'p4') AS severity,
    coalesce(told.status, incidents.status) AS status,
    coalesce(told.reason, incidents.reason) AS reason,
    incidents.school,
    schools.name AS school_name,
    schools.name_en AS school_name_en,
    incidents.provider,
    incidents.opened_at,
    taken.at AS acknowledged_at,
    taken.actor AS acknowledged_by,
    given.assignee,
    (
        SELECT count(*)
        FROM incident_members
        WHERE incident_members.incident_id = incidents.incident_id
            AND incident_members.attached_at <= %(at)s::timestamptz
            AND coalesce(incident_members.detached_at, 'infinity') > %(at)s::timestamptz
    ) AS members
FROM incidents
LEFT JOIN schools ON schools.school = incidents.school
LEFT JOIN LATERAL (
    SELECT kind, at
    FROM incident_timeline
    WHERE incident_timeline.incident_id = incidents.incident_id
        AND incident_timeline.at <= %(at)s::timestamptz
        AND (
            incident_timeline.kind IN ('opened', 'reopened', 'resolved')
            OR (incident_timeline.kind = 'merged' AND incident_timeline.detail ? 'into')
        )
    ORDER BY incident_timeline.at DESC, incident_timeline.entry_id DESC
    LIMIT 1
) AS life ON true
LEFT JOIN LATERAL (
    SELECT detail ->> 'severity' AS severity
    FROM incident_timeline
    WHERE incident_timeline.incident_id = incidents.incident_id
        AND incident_timeline.kind = 'severity'
        AND incident_timeline.at <= %(at)s::timestamptz
    ORDER BY incident_timeline.at DESC, incident_timeline.entry_id DESC
    LIMIT 1
) AS urgent ON true
LEFT JOIN LATERAL (
    SELECT detail ->> 'status' AS status, detail ->> 'reason' AS reason
    FROM incident_timeline
    WHERE incident_timeline.incident_id = incidents.incident_id
        AND incident_timeline.kind IN ('opened', 'reopened', 'reclassified')
        AND incident_timeline.at <= %(at)s::timestamptz
    ORDER BY incident_timeline.at DESC, incident_timeline.entry_id DESC
    LIMIT 1
) AS told ON true
LEFT JOIN LATERAL (
    SELECT at, actor
    FROM incident_timeline
    WHERE incident_timeline.incident_id = incidents.incident_id
        AND incident_timeline.kind = 'acknowledged'
        AND incident_timeline.at <= %(at)s::timestamptz
        AND incident_timeline.at >= coalesce(life.at, '-infinity')
    ORDER BY incident_timeline.at DESC, incident_timeline.entry_id DESC
    LIMIT 1
) AS taken ON true
LEFT JOIN LATERAL (
    SELECT detail ->> 'assignee' AS assignee
    FROM incident_timeline
    WHERE incident_timeline.incident_id = incidents.incident_id
        AND incident_timeline.kind = 'assigned'
        AND incident_timeline.at <= %(at)s::timestamptz
    ORDER BY incident_timeline.at DESC, incident_timeline.entry_id DESC
    LIMIT 1
) AS given ON true
WHERE incidents.opened_at <= %(at)s::timestamptz
    AND coalesce(incidents.resolved_at, 'infinity') > %(at)s::timestamptz
    AND coalesce(life.kind, 'opened') IN ('opened', 'reopened')
ORDER BY 4, incidents.opened_at DESC, incidents.incident_id DESC;

-- name: bells
-- When lessons begin and end in a span of time, and how many do.
SELECT at, kind, count(*)
FROM (
    SELECT starts_at AS at, 'start' AS kind
    FROM lessons
    WHERE retired_at IS NULL AND starts_at > %(since)s::timestamptz AND starts_at <= %(until)s::timestamptz
    UNION ALL
    SELECT ends_at, 'end'
    FROM lessons
    WHERE retired_at IS NULL AND ends_at > %(since)s::timestamptz AND ends_at <= %(until)s::timestamptz
) AS rings
GROUP BY at, kind
ORDER BY at, kind;

-- name: density
-- Changes of status per bucket of a span of time, and those of them that were a fault of the thing's own.
SELECT
    floor(extract(epoch FROM changed_at - %(since)s::timestamptz) / %(width_seconds)s::double precision)::integer,
    count(*),
    count(*) FILTER (WHERE root_key IS NULL AND status IN ('down', 'degraded', 'flapping', 'unknown'))
FROM status_log
WHERE changed_at >= %(since)s::timestamptz AND changed_at < %(until)s::timestamptz
GROUP BY 1
ORDER BY 1;

-- name: changes
-- Changes of status after a moment until another, oldest first, those behind a fault with their root.
SELECT changed_at AS at, kind, key, previous, status, reason, root_kind, root_key
FROM status_log
WHERE changed_at > %(since)s::timestamptz
    AND changed_at <= %(until)s::timestamptz
ORDER BY changed_at, change_id
LIMIT %(limit)s;

-- name: letters_changes
-- What was said anew of the terminals of agents after a moment until another, oldest first.
SELECT terminal_letters.changed_at, agents.agent, agents.school, terminal_sets.terminals, terminal_letters.letters
FROM terminal_letters
JOIN terminal_sets USING (set_id)
JOIN agents ON agents.agent_id = terminal_letters.agent_id
WHERE terminal_letters.changed_at > %(since)s::timestamptz AND terminal_letters.changed_at <= %(until)s::timestamptz
ORDER BY terminal_letters.changed_at, agents.agent;

-- name: inventory_changes
-- What came into the inventory, was changed in it or left it after a moment until another, oldest first, with the status
-- that it had then; terminals apart.
SELECT acts.at, acts.kind, acts.key, acts.role, thing.key AS status_key, newest.status, acts.change
FROM (
    SELECT
        valid_from AS at,
        kind,
        key,
        document,
        document ->> 'role' AS role,
        CASE
            WHEN EXISTS (
                SELECT
                FROM inventory_history AS before
                WHERE before.kind = history.kind AND before.key = history.key AND before.valid_until = history.valid_from
            ) THEN 'changed'
            ELSE 'appeared'
        END AS change
    FROM inventory_history AS history
    WHERE valid_from > %(since)s::timestamptz AND valid_from <= %(until)s::timestamptz AND kind <> 'terminal'
    UNION ALL
    SELECT valid_until, kind, key, document, document ->> 'role', 'retired'
    FROM inventory_history AS history
    WHERE valid_until > %(since)s::timestamptz
        AND valid_until <= %(until)s::timestamptz
        AND kind <> 'terminal'
        AND NOT EXISTS (
            SELECT
            FROM inventory_history AS after
            WHERE after.kind = history.kind AND after.key = history.key AND after.valid_from = history.valid_until
        )
) AS acts
CROSS JOIN LATERAL (
    SELECT
        coalesce(acts.role, acts.kind) AS kind,
        CASE WHEN acts.kind = 'agent' THEN coalesce(acts.document ->> 'classroom', acts.key) ELSE acts.key END AS key
) AS thing
LEFT JOIN LATERAL (
    SELECT status
    FROM status_log
    WHERE status_log.kind = thing.kind AND status_log.key = thing.key AND status_log.changed_at <= acts.at
    ORDER BY status_log.changed_at DESC, status_log.change_id DESC
    LIMIT 1
) AS newest ON true
ORDER BY acts.at, acts.kind, acts.key;

-- name: note_letters
-- A row for every agent whose terminals, or what is said of them, are not what its last row says; sets are written once.
WITH letters AS MATERIALIZED (
    SELECT
        agent,
        array_agg(terminal ORDER BY terminal) AS terminals,
        string_agg(
            CASE status WHEN 'up' THEN 'u' WHEN 'down' THEN 'd' WHEN 'unreachable' THEN 'r' ELSE 'n' END,
            '' ORDER BY terminal
        ) AS letters
    FROM terminal_status
    GROUP BY agent
),

differ AS MATERIALIZED (
    SELECT
        agents.agent_id,
        coalesce(letters.terminals, '{}') AS terminals,
        coalesce(letters.letters, '') AS letters
    FROM agents
    LEFT JOIN letters USING (agent)
    LEFT JOIN LATERAL (
        SELECT terminal_letters.letters, terminal_sets.terminals
        FROM terminal_letters
        JOIN terminal_sets USING (set_id)
        WHERE terminal_letters.agent_id = agents.agent_id
        ORDER BY terminal_letters.changed_at DESC
        LIMIT 1
    ) AS newest ON true
    WHERE (coalesce(letters.letters, ''), coalesce(letters.terminals, '{}'))
        IS DISTINCT FROM (coalesce(newest.letters, ''), coalesce(newest.terminals, '{}'))
),

known AS (
    SELECT differ.*, min(terminal_sets.set_id) AS set_id
    FROM differ
    LEFT JOIN terminal_sets USING (agent_id, terminals)
    GROUP BY differ.agent_id, differ.terminals, differ.letters
),

added AS (
    INSERT INTO terminal_sets (agent_id, terminals)
    SELECT agent_id, terminals
    FROM known
    WHERE set_id IS NULL
    RETURNING agent_id, set_id
)

INSERT INTO terminal_letters (agent_id, changed_at, set_id, letters)
SELECT known.agent_id, %(at)s::timestamptz, coalesce(known.set_id, added.set_id), known.letters
FROM known
LEFT JOIN added USING (agent_id);

-- name: expire_letters
-- Forget what was said before a moment; the last row before it still speaks for the time after.
DELETE FROM terminal_letters
USING (
    SELECT agent_id, max(changed_at) AS kept_at
    FROM terminal_letters
    WHERE changed_at <= %(before)s::timestamptz
    GROUP BY agent_id
) AS last
WHERE terminal_letters.agent_id = last.agent_id AND terminal_letters.changed_at < last.kept_at;

-- name: expire_sets
-- Forget sets that no row names.
DELETE FROM terminal_sets
WHERE NOT EXISTS (
    SELECT
    FROM terminal_letters
    WHERE terminal_letters.set_id = terminal_sets.set_id AND terminal_letters.agent_id = terminal_sets.agent_id
);

-- name: expire_history
-- Forget rows of the inventory that ended before a moment.
DELETE FROM inventory_history WHERE valid_until < %(before)s::timestamptz;
