-- name: search
-- Everything in use whose key, names and school's names contain every word, whatever the case; best match first. Terminals
-- are found by their key, model and school: their keys and models are what is written on them.
WITH schools_in_use AS (
    SELECT school, name, name_en, position, lower(school || ' ' || name || ' ' || name_en) AS around
    FROM schools
    WHERE retired_at IS NULL
),

things_in_use AS (
    SELECT 'school' AS kind, 1 AS place, school AS key, name, name_en, school, position, lower(school) AS own_key,
        lower(name) AS own_name, lower(name_en) AS own_name_en, '' AS more
    FROM schools
    WHERE retired_at IS NULL
    UNION ALL
    SELECT 'link', 2, link, name, name_en, school, position, lower(link), lower(name), lower(name_en), lower(provider)
    FROM links
    WHERE retired_at IS NULL
    UNION ALL
    SELECT 'gateway', 3, agent, '', '', school, position, lower(agent), '', '', ''
    FROM agents
    WHERE retired_at IS NULL AND role = 'gateway'
    UNION ALL
    SELECT 'classroom', 4, classroom, name, name_en, school, position, lower(classroom), lower(name), lower(name_en), ''
    FROM classrooms
    WHERE retired_at IS NULL
    UNION ALL
    SELECT 'class', 5, school_class, title, title_en, school, 0, lower(school_class), lower(title), lower(title_en),
        lower(grade)
    FROM classes
    WHERE retired_at IS NULL
    UNION ALL
    SELECT 'device', 6, device, name, '', school, position, lower(device), lower(name), '',
        lower(vendor || ' ' || model || ' ' || address)
    FROM devices
    WHERE retired_at IS NULL
    UNION ALL
    SELECT 'port', 7, ports.device || '/' || port, alias, '', devices.school, ports.position,
        lower(ports.device || '/' || port), lower(alias), '', ''
    FROM ports
    JOIN devices USING (device)
    WHERE ports.retired_at IS NULL AND devices.retired_at IS NULL
    UNION ALL
    SELECT 'terminal', 8, terminal, model, '', school, position, terminal, lower(model), '', ''
    FROM terminals
    WHERE retired_at IS NULL
),

found AS (
    SELECT
        t.kind, t.place, t.key, t.name, t.name_en, t.school, t.position, s.name AS school_name,
        s.name_en AS school_name_en, s.position AS school_position,
        CASE
            WHEN %(whole)s IN (t.own_key, t.own_name, t.own_name_en) THEN 0
            WHEN t.own_key LIKE %(prefix)s OR t.own_name LIKE %(prefix)s OR t.own_name_en LIKE %(prefix)s THEN 1
            WHEN (t.own_key || ' ' || t.own_name || ' ' || t.own_name_en || ' ' || t.more) LIKE ALL (%(patterns)s::text[])
                THEN 2
            ELSE 3
        END AS rank
    FROM things_in_use AS t
    LEFT JOIN schools_in_use AS s USING (school)
    WHERE (
        t.own_key || ' ' || t.own_name || ' ' || t.own_name_en || ' ' || t.more || ' ' || coalesce(s.around, '')
    ) LIKE ALL (%(patterns)s::text[])
),

best AS (
    SELECT *, count(*) OVER () AS total
    FROM found
    ORDER BY rank, place, school_position NULLS FIRST, position, key
    LIMIT %(limit)s
)

SELECT
    best.kind, best.key, best.name, best.name_en, best.school, best.school_name, best.school_name_en, best.rank, best.total,
    CASE WHEN best.kind = 'terminal' THEN terminal_status.status ELSE status_current.status END AS status
FROM best
LEFT JOIN status_current ON status_current.kind = best.kind AND status_current.key = best.key
LEFT JOIN LATERAL (
    SELECT status FROM terminal_status WHERE best.kind = 'terminal' AND terminal_status.terminal = best.key
) AS terminal_status ON TRUE
ORDER BY best.rank, best.place, best.school_position NULLS FIRST, best.position, best.key;
