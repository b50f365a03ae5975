-- name: terminals
-- Terminals that the filters keep, with what they were found to be last; without an order. A terminal is in sync when
-- app, configuration and roster are the ones desired and nothing of its content is missing; `unknown` when it never said.
-- Seen means that it checked in: its agent goes on to report that it is absent.
SELECT *, count(*) OVER () AS total
FROM (
    SELECT
        t.terminal,
        t.position,
        t.school,
        s.name AS school_name,
        s.name_en AS school_name_en,
        s.position AS school_position,
        t.classroom,
        c.name AS classroom_name,
        c.name_en AS classroom_name_en,
        t.owner,
        t.agent,
        nullif(t.model, '') AS model,
        t.status,
        t.battery_ratio,
        t.charging,
        t.storage_free_bytes,
        t.wifi_rssi_dbm,
        coalesce(r.app_version, t.app_version) AS app_version,
        wanted.app_version AS desired_app_version,
        r.missing_bytes,
        r.unsent,
        greatest(r.seen_at, CASE WHEN t.present THEN t.corrected_at END) AS seen_at,
        CASE
            WHEN wanted.app_version IS NULL AND wanted.configuration_token IS NULL AND roster.token IS NULL
                AND coalesce(r.missing_bytes, 0) = 0 THEN 'none'
            WHEN r.terminal IS NULL THEN 'unknown'
            WHEN (wanted.app_version IS NOT NULL AND r.app_version IS DISTINCT FROM wanted.app_version)
                OR (wanted.configuration_token IS NOT NULL
                    AND r.configuration_token IS DISTINCT FROM wanted.configuration_token)
                OR (roster.token IS NOT NULL AND r.roster_token IS DISTINCT FROM roster.token)
                OR coalesce(r.missing_bytes, 0) > 0 THEN 'pending'
            ELSE 'synced'
        END AS sync
    FROM (
        SELECT
            terminals.*, terminal_status.status, terminal_current.present, terminal_current.corrected_at,
            terminal_current.battery_ratio, terminal_current.charging, terminal_current.storage_free_bytes,
            terminal_current.wifi_rssi_dbm, terminal_current.app_version
        FROM terminals
        JOIN terminal_status USING (terminal)
        LEFT JOIN things ON things.kind = 'terminal' AND things.key = terminals.terminal
        LEFT JOIN terminal_current USING (thing_id)
        WHERE terminals.retired_at IS NULL
            AND (%(terminal)s::text IS NULL OR terminals.terminal = %(terminal)s)
            AND (%(school)s::text IS NULL OR terminals.school = %(school)s)
            AND (%(classroom)s::text IS NULL OR terminals.classroom = %(classroom)s)
            AND (%(owner)s::text IS NULL OR terminals.owner = %(owner)s)
            AND (%(agent)s::text IS NULL OR terminals.agent = %(agent)s)
            AND (%(model)s::text IS NULL OR terminals.model = %(model)s)
            AND (
                %(pattern)s::text IS NULL OR terminals.terminal ILIKE %(pattern)s OR terminals.model ILIKE %(pattern)s
            )
    ) AS t
    JOIN schools AS s ON s.school = t.school
    LEFT JOIN classrooms AS c ON c.classroom = t.classroom
    LEFT JOIN reported_terminals AS r ON r.terminal = t.terminal
    LEFT JOIN desired_documents AS roster ON roster.agent_id = r.agent_id AND roster.kind = 'roster'
    LEFT JOIN unnest(%(schools)s::text[], %(app_versions)s::text[], %(configuration_tokens)s::text[])
        AS wanted (school, app_version, configuration_token) ON wanted.school = t.school
) AS looked
WHERE (%(status)s::text IS NULL OR status = %(status)s)
    AND (%(app_version)s::text IS NULL OR app_version = %(app_version)s)
    AND (%(battery_below)s::float8 IS NULL OR battery_ratio < %(battery_below)s)
    AND (%(sync)s::text IS NULL OR sync = %(sync)s)
    AND (%(not_seen_since)s::timestamptz IS NULL OR seen_at IS NULL OR seen_at < %(not_seen_since)s);

-- name: values
-- What models and versions of the learning app there are, with how many terminals have each.
SELECT 'model' AS what, model AS value, count(*) AS number
FROM terminals
WHERE retired_at IS NULL AND model <> ''
GROUP BY model
UNION ALL
SELECT 'app_version', coalesce(r.app_version, terminal_current.app_version), count(*)
FROM terminals AS t
LEFT JOIN reported_terminals AS r USING (terminal)
LEFT JOIN things ON things.kind = 'terminal' AND things.key = t.terminal
LEFT JOIN terminal_current USING (thing_id)
WHERE t.retired_at IS NULL AND coalesce(r.app_version, terminal_current.app_version) IS NOT NULL
GROUP BY 2
ORDER BY 1, 2;

-- name: schools
-- Every school in use, in district order.
SELECT school
FROM schools
WHERE retired_at IS NULL
ORDER BY position;
