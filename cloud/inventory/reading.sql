-- name: links
-- Every link with its status and its newest values that may speak about now: the school's, or the centre's mirrored when
-- the school's are older than the centre's by more than 20 seconds.
SELECT
    links.link,
    links.school,
    schools.name AS school_name,
    schools.name_en AS school_name_en,
    coalesce(status_current.status, 'unknown') AS status,
    status_current.since,
    CASE
        WHEN chosen.school_counters THEN school.in_bps
        WHEN chosen.centre_counters THEN centre.out_bps
    END AS in_bps,
    CASE
        WHEN chosen.school_counters THEN school.out_bps
        WHEN chosen.centre_counters THEN centre.in_bps
    END AS out_bps,
    CASE
        WHEN chosen.school_probes THEN school.loss_ratio
        WHEN chosen.centre_probes THEN centre.loss_ratio
    END AS loss_ratio,
    CASE
        WHEN chosen.school_probes THEN school.rtt_seconds
        WHEN chosen.centre_probes THEN centre.rtt_seconds
    END AS rtt_seconds,
    CASE
        WHEN chosen.school_probes THEN school.jitter_seconds
        WHEN chosen.centre_probes THEN centre.jitter_seconds
    END AS jitter_seconds,
    greatest(school.corrected_at, centre.corrected_at) AS observed_at,
    links.name,
    links.name_en,
    nullif(links.provider, '') AS provider,
    links.contracted_bps,
    links.school_device,
    links.school_port,
    links.centre_device,
    links.centre_port
FROM links
JOIN schools USING (school)
LEFT JOIN things ON things.kind = 'link' AND things.key = links.link
LEFT JOIN link_current AS school ON school.thing_id = things.thing_id AND school.vantage = 'school'
LEFT JOIN link_current AS centre ON centre.thing_id = things.thing_id AND centre.vantage = 'centre'
LEFT JOIN status_current ON status_current.kind = 'link' AND status_current.key = links.link
CROSS JOIN LATERAL (
    SELECT
        school.counters_at > now() - %(fresh)s::interval
        AND school.counters_at > coalesce(centre.counters_at, '-infinity') - interval '20 seconds' AS school_counters,
        centre.counters_at > now() - %(fresh)s::interval AS centre_counters,
        school.probes_at > now() - %(fresh)s::interval
        AND school.probes_at > coalesce(centre.probes_at, '-infinity') - interval '20 seconds' AS school_probes,
        centre.probes_at > now() - %(fresh)s::interval AS centre_probes
) AS chosen
WHERE links.retired_at IS NULL AND (%(link)s::text IS NULL OR links.link = %(link)s)
ORDER BY links.position;

-- name: link_vantages
-- Newest values of one link from each end.
SELECT link_current.*
FROM things
JOIN link_current USING (thing_id)
WHERE things.kind = 'link' AND things.key = %(link)s;

-- name: link_events
-- Newest events of a link, of its two ports and of their devices.
SELECT
    events.event_id,
    events.type,
    things.kind,
    things.key AS thing,
    agents.agent,
    events.corrected_at AS observed_at,
    events.received_at,
    events.attributes
FROM links
JOIN things ON (things.kind = 'link' AND things.key = links.link)
    OR (things.kind = 'port' AND things.key IN (
        links.school_device || '/' || links.school_port, links.centre_device || '/' || links.centre_port
    ))
    OR (things.kind = 'device' AND things.key = links.school_device)
JOIN events USING (thing_id)
JOIN agents USING (agent_id)
WHERE links.link = %(link)s
ORDER BY events.corrected_at DESC, events.event_id
LIMIT %(limit)s;

-- name: count_schools
-- Number of schools that a search keeps.
SELECT count(*)
FROM schools
WHERE retired_at IS NULL
    AND (%(school)s::text IS NULL OR school = %(school)s)
    AND (%(pattern)s::text IS NULL OR school ILIKE %(pattern)s OR name ILIKE %(pattern)s OR name_en ILIKE %(pattern)s);

-- name: schools
-- Schools with their link and gateway, and classrooms and terminals counted by status.
WITH page AS (
    SELECT *
    FROM schools
    WHERE retired_at IS NULL
        AND (%(school)s::text IS NULL OR school = %(school)s)
        AND (
            %(pattern)s::text IS NULL
            OR school ILIKE %(pattern)s OR name ILIKE %(pattern)s OR name_en ILIKE %(pattern)s
        )
    ORDER BY position
    LIMIT %(limit)s OFFSET %(offset)s
)
SELECT
    page.school,
    page.name,
    page.name_en,
    page.stage,
    page.latitude,
    page.longitude,
    link.link,
    link.status AS link_status,
    gateway.agent AS gateway,
    gateway.status AS gateway_status,
    rooms.counts AS classrooms,
    devices.counts AS terminals
FROM page
LEFT JOIN LATERAL (
    SELECT links.link, coalesce(status_current.status, 'unknown') AS status
    FROM links
    LEFT JOIN status_current ON status_current.kind = 'link' AND status_current.key = links.link
    WHERE links.school = page.school AND links.retired_at IS NULL
    ORDER BY links.position
    LIMIT 1
) AS link ON TRUE
LEFT JOIN LATERAL (
    SELECT agents.agent, coalesce(status_current.status, 'unknown') AS status
    FROM agents
    LEFT JOIN status_current ON status_current.kind = 'gateway' AND status_current.key = agents.agent
    WHERE agents.school = page.school AND agents.role = 'gateway' AND agents.retired_at IS NULL
    ORDER BY agents.position
    LIMIT 1
) AS gateway ON TRUE
LEFT JOIN (
    SELECT school, jsonb_object_agg(status, number) AS counts
    FROM (
        SELECT classrooms.school, coalesce(status_current.status, 'unknown') AS status, count(*) AS number
        FROM classrooms
        LEFT JOIN status_current
            ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
        WHERE classrooms.retired_at IS NULL AND classrooms.school IN (SELECT school FROM page)
        GROUP BY 1, 2
    ) AS counted
    GROUP BY school
) AS rooms USING (school)
LEFT JOIN (
    SELECT school, jsonb_object_agg(status, number) AS counts
    FROM (
        SELECT school, status, count(*) AS number
        FROM terminal_status
        WHERE school IN (SELECT school FROM page)
        GROUP BY 1, 2
    ) AS counted
    GROUP BY school
) AS devices USING (school)
ORDER BY page.position;

-- name: classrooms
-- Classrooms of one school with their agent, status and terminals counted by status.
SELECT
    classrooms.classroom,
    classrooms.name,
    classrooms.name_en,
    classrooms.seats,
    agents.agent,
    coalesce(status_current.status, 'unknown') AS status,
    status_current.since,
    devices.counts AS terminals
FROM classrooms
LEFT JOIN agents
    ON agents.classroom = classrooms.classroom AND agents.role = 'classroom' AND agents.retired_at IS NULL
LEFT JOIN status_current ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
LEFT JOIN (
    SELECT classroom, jsonb_object_agg(status, number) AS counts
    FROM (
        SELECT classroom, status, count(*) AS number
        FROM terminal_status
        WHERE school = %(school)s AND classroom IS NOT NULL
        GROUP BY 1, 2
    ) AS counted
    GROUP BY classroom
) AS devices ON devices.classroom = classrooms.classroom
WHERE classrooms.school = %(school)s AND classrooms.retired_at IS NULL
ORDER BY classrooms.position;

-- name: devices
-- Devices of one school with what their agent measured last.
SELECT
    devices.device,
    devices.name,
    devices.kind,
    nullif(devices.vendor, '') AS vendor,
    nullif(devices.model, '') AS model,
    nullif(devices.address, '') AS address,
    devices.agent,
    devices.parent,
    device_current.reachable,
    device_current.uptime_seconds,
    device_current.cpu_ratio,
    device_current.memory_used_ratio,
    device_current.temperature_celsius,
    device_current.corrected_at AS observed_at
FROM devices
LEFT JOIN things ON things.kind = 'device' AND things.key = devices.device
LEFT JOIN device_current USING (thing_id)
WHERE devices.school = %(school)s AND devices.retired_at IS NULL
ORDER BY devices.position;

-- name: ports
-- Ports of one school's devices with what was measured last.
SELECT
    ports.device,
    ports.device || '/' || ports.port AS port,
    ports.port AS name,
    nullif(ports.alias, '') AS alias,
    coalesce(port_current.speed_bps, ports.speed_bps) AS speed_bps,
    port_current.oper_up,
    port_current.admin_up,
    port_current.in_bps,
    port_current.out_bps,
    port_current.in_errors_per_second,
    port_current.out_errors_per_second,
    port_current.corrected_at AS observed_at
FROM ports
JOIN devices USING (device)
LEFT JOIN things ON things.kind = 'port' AND things.key = ports.device || '/' || ports.port
LEFT JOIN port_current USING (thing_id)
WHERE devices.school = %(school)s AND devices.retired_at IS NULL AND ports.retired_at IS NULL
ORDER BY ports.position;

-- name: count_unclaimed
-- Number of unclaimed things that the filters keep.
SELECT count(*)
FROM things
WHERE claimed_at IS NULL
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(pattern)s::text IS NULL OR key ILIKE %(pattern)s);

-- name: unclaimed
-- Things that agents measure and the inventory does not know.
SELECT things.key AS thing, things.kind, agents.agent, things.first_seen_at
FROM things
JOIN agents ON agents.agent_id = things.first_agent_id
WHERE things.claimed_at IS NULL
    AND (%(kind)s::text IS NULL OR things.kind = %(kind)s)
    AND (%(pattern)s::text IS NULL OR things.key ILIKE %(pattern)s)
ORDER BY things.kind, things.key
LIMIT %(limit)s OFFSET %(offset)s;
