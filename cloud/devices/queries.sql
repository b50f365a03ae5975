-- name: device
-- One device with what its agent measured last, its status and its school.
SELECT
    devices.device, devices.name, devices.kind, nullif(devices.vendor, '') AS vendor, nullif(devices.model, '') AS model,
    nullif(devices.address, '') AS address, devices.agent, devices.parent, devices.school, schools.name AS school_name,
    schools.name_en AS school_name_en, status_current.status, status_current.since, device_current.reachable,
    device_current.rtt_seconds, device_current.uptime_seconds, device_current.cpu_ratio,
    device_current.memory_used_ratio, device_current.temperature_celsius, device_current.corrected_at AS observed_at
FROM devices
LEFT JOIN schools USING (school)
LEFT JOIN status_current ON status_current.kind = 'device' AND status_current.key = devices.device
LEFT JOIN things ON things.kind = 'device' AND things.key = devices.device
LEFT JOIN device_current USING (thing_id)
WHERE devices.device = %(device)s AND devices.retired_at IS NULL;

-- name: children
-- Devices that hang on one device by the inventory.
SELECT device, name, kind
FROM devices
WHERE parent = %(device)s AND retired_at IS NULL
ORDER BY position;

-- name: ports
-- Ports of one device, or one of them, with what was measured last.
SELECT
    ports.device || '/' || ports.port AS port, ports.port AS name, nullif(ports.alias, '') AS alias,
    coalesce(port_current.speed_bps, ports.speed_bps) AS speed_bps, port_current.oper_up, port_current.admin_up,
    port_current.in_bps, port_current.out_bps, port_current.in_errors_per_second, port_current.out_errors_per_second,
    port_current.corrected_at AS observed_at
FROM ports
LEFT JOIN things ON things.kind = 'port' AND things.key = ports.device || '/' || ports.port
LEFT JOIN port_current USING (thing_id)
WHERE ports.device = %(device)s AND ports.retired_at IS NULL AND (%(port)s::text IS NULL OR ports.port = %(port)s)
ORDER BY ports.position;

-- name: link_of_port
-- The link that ends at a port.
SELECT link
FROM links
WHERE retired_at IS NULL
    AND ((school_device = %(device)s AND school_port = %(port)s) OR (centre_device = %(device)s AND centre_port = %(port)s))
ORDER BY position
LIMIT 1;

-- name: device_events
-- Newest events of a device and its ports.
SELECT events.event_id, events.type, things.kind, things.key AS thing, agents.agent, events.corrected_at AS observed_at,
    events.received_at, events.attributes
FROM things
JOIN events USING (thing_id)
JOIN agents USING (agent_id)
WHERE (things.kind = 'device' AND things.key = %(device)s)
    OR (things.kind = 'port' AND starts_with(things.key, %(device)s || '/'))
ORDER BY events.corrected_at DESC, events.event_id
LIMIT %(limit)s;

-- name: thing_events
-- Newest events of one thing.
SELECT events.event_id, events.type, things.kind, things.key AS thing, agents.agent, events.corrected_at AS observed_at,
    events.received_at, events.attributes
FROM things
JOIN events USING (thing_id)
JOIN agents USING (agent_id)
WHERE things.kind = %(kind)s AND things.key = %(key)s
ORDER BY events.corrected_at DESC, events.event_id
LIMIT %(limit)s;

-- name: classroom
-- One classroom with its school, its agent and status, and what its agent counted last.
SELECT
    classrooms.classroom, classrooms.name, classrooms.name_en, classrooms.seats, classrooms.school,
    schools.name AS school_name, schools.name_en AS school_name_en, agents.agent,
    coalesce(status_current.status, 'unknown') AS status, status_current.since,
    classroom_current.terminals_present, classroom_current.terminals_known, classroom_current.battery_low,
    classroom_current.wifi_weak, classroom_current.corrected_at AS observed_at
FROM classrooms
JOIN schools USING (school)
LEFT JOIN agents
    ON agents.classroom = classrooms.classroom AND agents.role = 'classroom' AND agents.retired_at IS NULL
LEFT JOIN status_current ON status_current.kind = 'classroom' AND status_current.key = classrooms.classroom
LEFT JOIN things ON things.kind = 'classroom' AND things.key = classrooms.classroom
LEFT JOIN classroom_current USING (thing_id)
WHERE classrooms.classroom = %(classroom)s AND classrooms.retired_at IS NULL;

-- name: lessons_of_room
-- Lessons of one classroom on a day.
SELECT lesson, school_class, classes.title, classes.title_en, topic, period, starts_at, ends_at, exam
FROM lessons
JOIN classes USING (school_class)
WHERE lessons.classroom = %(classroom)s AND lessons.day = %(day)s AND lessons.retired_at IS NULL
ORDER BY starts_at, lesson;
