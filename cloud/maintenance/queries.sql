-- name: windows
-- Windows, newest first; those that are over for good only when asked for.
SELECT window_id, kind, key, starts_at, duration_seconds, recurrence, reason, actor, created_at, ended_at
FROM maintenance_windows
WHERE (%(window_id)s::bigint IS NULL OR window_id = %(window_id)s)
    AND (
        %(over)s::boolean
        OR (ended_at IS NULL OR ended_at > %(now)s::timestamptz)
        AND (recurrence IS NOT NULL OR starts_at + duration_seconds * interval '1 second' > %(now)s::timestamptz)
    )
ORDER BY window_id DESC;

-- name: covered
-- What a window for a thing covers: the thing itself and everything behind it.
WITH RECURSIVE reached AS (
    SELECT school FROM schools WHERE %(kind)s = 'school' AND school = %(key)s
    UNION
    SELECT school FROM links WHERE %(kind)s = 'link' AND link = %(key)s
    UNION
    SELECT school FROM links WHERE %(kind)s = 'provider' AND provider = %(key)s AND retired_at IS NULL
    UNION
    SELECT school FROM agents WHERE %(kind)s = 'gateway' AND agent = %(key)s
),

hanging AS (
    SELECT device FROM devices WHERE %(kind)s = 'device' AND device = %(key)s
    UNION
    SELECT devices.device FROM devices JOIN hanging ON devices.parent = hanging.device
)

SELECT %(kind)s::text AS kind, %(key)s::text AS key WHERE %(kind)s IN ('provider', 'classroom', 'device')
UNION
SELECT 'link', link FROM links JOIN reached USING (school) WHERE %(kind)s <> 'gateway'
UNION
SELECT 'gateway', agent FROM agents JOIN reached USING (school) WHERE role = 'gateway'
UNION
SELECT 'classroom', classroom FROM classrooms JOIN reached USING (school)
UNION
SELECT 'device', device FROM devices JOIN reached USING (school)
UNION
SELECT 'device', device FROM hanging;

-- name: known
-- Whether the inventory has such a thing.
SELECT EXISTS (
    SELECT FROM schools WHERE %(kind)s = 'school' AND school = %(key)s
    UNION ALL
    SELECT FROM links WHERE (%(kind)s = 'link' AND link = %(key)s) OR (%(kind)s = 'provider' AND provider = %(key)s)
    UNION ALL
    SELECT FROM agents WHERE %(kind)s = 'gateway' AND agent = %(key)s AND role = 'gateway'
    UNION ALL
    SELECT FROM devices WHERE %(kind)s = 'device' AND device = %(key)s
    UNION ALL
    SELECT FROM classrooms WHERE %(kind)s = 'classroom' AND classroom = %(key)s
);

-- name: add
-- A new window.
INSERT INTO maintenance_windows (kind, key, starts_at, duration_seconds, recurrence, reason, actor, created_at)
VALUES (
    %(kind)s, %(key)s, %(starts_at)s, %(duration_seconds)s, %(recurrence)s, %(reason)s, %(actor)s, clock_timestamp()
)
RETURNING window_id;

-- name: end
-- Over before its time, or for ever.
UPDATE maintenance_windows
SET ended_at = clock_timestamp()
WHERE window_id = %(window_id)s AND ended_at IS NULL
RETURNING window_id;

-- name: notify
-- Have statuses looked at anew.
SELECT pg_notify('bellwether_live', 'maintenance');
