-- name: rooms
-- Every classroom in use with what the check before the bell looks at, and its first lesson of a day.
SELECT
    classrooms.school, schools.name AS school_name, schools.name_en AS school_name_en, classrooms.classroom,
    classrooms.name, classrooms.name_en, link.link, link.status AS link_status, gateway.agent AS gateway,
    gateway.status AS gateway_status, coalesce(status_current.status, 'unknown') AS status,
    coalesce(tablets.terminals, 0) AS terminals, coalesce(tablets.battery_low, 0) AS battery_low,
    coalesce(tablets.content_missing, 0) AS content_missing, first_lesson.starts_at AS first_lesson_at
FROM classrooms
JOIN schools ON schools.school = classrooms.school AND schools.retired_at IS NULL
LEFT JOIN status_current ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
LEFT JOIN LATERAL (
    SELECT links.link, coalesce(now_is.status, 'unknown') AS status
    FROM links
    LEFT JOIN status_current AS now_is ON now_is.kind = 'link' AND now_is.key = links.link
    WHERE links.school = classrooms.school AND links.retired_at IS NULL
    ORDER BY links.position
    LIMIT 1
) AS link ON TRUE
LEFT JOIN LATERAL (
    SELECT agents.agent, coalesce(now_is.status, 'unknown') AS status
    FROM agents
    LEFT JOIN status_current AS now_is ON now_is.kind = 'gateway' AND now_is.key = agents.agent
    WHERE agents.school = classrooms.school AND agents.role = 'gateway' AND agents.retired_at IS NULL
    ORDER BY agents.position
    LIMIT 1
) AS gateway ON TRUE
LEFT JOIN (
    SELECT
        terminals.classroom,
        count(*) AS terminals,
        count(*) FILTER (
            WHERE terminal_current.battery_ratio < %(battery_low)s AND terminal_current.charging IS NOT TRUE
        ) AS battery_low,
        count(*) FILTER (WHERE reported_terminals.missing_bytes > 0) AS content_missing
    FROM terminals
    LEFT JOIN things ON things.kind = 'terminal' AND things.key = terminals.terminal
    LEFT JOIN terminal_current USING (thing_id)
    LEFT JOIN reported_terminals USING (terminal)
    WHERE terminals.retired_at IS NULL AND terminals.classroom IS NOT NULL
        AND (%(school)s::text IS NULL OR terminals.school = %(school)s)
    GROUP BY terminals.classroom
) AS tablets ON tablets.classroom = classrooms.classroom
LEFT JOIN (
    SELECT classroom, min(starts_at) AS starts_at
    FROM lessons
    WHERE day = %(day)s AND retired_at IS NULL AND classroom IS NOT NULL
    GROUP BY classroom
) AS first_lesson ON first_lesson.classroom = classrooms.classroom
WHERE classrooms.retired_at IS NULL AND (%(school)s::text IS NULL OR classrooms.school = %(school)s)
ORDER BY schools.position, classrooms.position;

-- name: silent_devices
-- Devices that did not answer their agent when it asked last, of schools whose gateway is heard.
SELECT devices.school, devices.device, devices.name, devices.kind
FROM devices
JOIN things ON things.kind = 'device' AND things.key = devices.device
JOIN device_current USING (thing_id)
JOIN agents ON agents.agent = devices.agent
JOIN status_current ON status_current.kind = 'gateway' AND status_current.key = agents.agent
WHERE devices.retired_at IS NULL AND devices.school IS NOT NULL AND NOT device_current.reachable
    AND status_current.status IN ('up', 'degraded')
    AND (%(school)s::text IS NULL OR devices.school = %(school)s)
ORDER BY devices.school, devices.position;

-- name: statuses_at
-- What classrooms, or a school's, were at a moment, by the log.
SELECT DISTINCT ON (key) key, status
FROM status_log
WHERE kind = 'classroom' AND changed_at <= %(at)s::timestamptz
ORDER BY key, changed_at DESC, change_id DESC;

-- name: periods
-- Periods of a school's day with their lessons counted.
SELECT period, starts_at, ends_at, count(*) AS lessons, count(*) FILTER (WHERE exam) AS exams
FROM lessons
WHERE school = %(school)s AND day = %(day)s AND retired_at IS NULL
GROUP BY period, starts_at, ends_at
ORDER BY starts_at, ends_at;

-- name: keys_of_school
-- The link and gateway of a school.
SELECT link AS key
FROM links
WHERE school = %(school)s AND retired_at IS NULL
UNION ALL
SELECT agent
FROM agents
WHERE school = %(school)s AND role = 'gateway' AND retired_at IS NULL;

-- name: school
-- A school's names, its line and gateway.
SELECT
    schools.school, schools.name, schools.name_en, link.status AS link_status, link.since AS link_since,
    gateway.status AS gateway_status, gateway.since AS gateway_since
FROM schools
LEFT JOIN LATERAL (
    SELECT coalesce(now_is.status, 'unknown') AS status, now_is.since
    FROM links
    LEFT JOIN status_current AS now_is ON now_is.kind = 'link' AND now_is.key = links.link
    WHERE links.school = schools.school AND links.retired_at IS NULL
    ORDER BY links.position
    LIMIT 1
) AS link ON TRUE
LEFT JOIN LATERAL (
    SELECT coalesce(now_is.status, 'unknown') AS status, now_is.since
    FROM agents
    LEFT JOIN status_current AS now_is ON now_is.kind = 'gateway' AND now_is.key = agents.agent
    WHERE agents.school = schools.school AND agents.role = 'gateway' AND agents.retired_at IS NULL
    ORDER BY agents.position
    LIMIT 1
) AS gateway ON TRUE
WHERE schools.school = %(school)s AND schools.retired_at IS NULL;

-- name: room_statuses
-- Classrooms of a school by status.
SELECT classrooms.classroom, coalesce(status_current.status, 'unknown') AS status
FROM classrooms
LEFT JOIN status_current ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
WHERE classrooms.school = %(school)s AND classrooms.retired_at IS NULL
ORDER BY classrooms.position;

-- name: lessons_from
-- Lessons of a school's day that have not ended at a moment.
SELECT
    lessons.classroom, classrooms.name AS classroom_name, classrooms.name_en AS classroom_name_en, classes.title,
    classes.title_en, lessons.topic, lessons.starts_at, lessons.ends_at, lessons.exam
FROM lessons
JOIN classes USING (school_class)
LEFT JOIN classrooms ON classrooms.classroom = lessons.classroom
WHERE lessons.school = %(school)s AND lessons.day = %(day)s AND lessons.ends_at > %(at)s AND lessons.retired_at IS NULL
ORDER BY lessons.starts_at, lessons.lesson;
