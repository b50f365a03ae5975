-- name: lock_cursor
-- Where incidents stand in the status log, held until the end of the transaction.
SELECT change_id FROM incident_cursor FOR UPDATE;

-- name: move_cursor
-- Everything up to this entry is in the incidents.
UPDATE incident_cursor SET change_id = %(change_id)s;

-- name: changes
-- The next entries of the status log, in order.
SELECT change_id, kind, key, previous, status, changed_at, reason, evidence, root_kind, root_key
FROM status_log
WHERE change_id > %(after)s
ORDER BY change_id
LIMIT %(limit)s;

-- name: standing
-- Everything in trouble now.
SELECT 0, kind, key, NULL, status, since, reason, '{}'::jsonb, root_kind, root_key
FROM status_current
WHERE status IN ('down', 'flapping', 'unreachable', 'unknown');

-- name: open
-- Open incidents.
SELECT incident_id, root_kind, root_key, kind, status, reason FROM incidents WHERE state = 'open';

-- name: open_members
-- What open incidents explain.
SELECT incidents.root_kind, incidents.root_key, incident_members.kind, incident_members.key, incident_members.status
FROM incident_members
JOIN incidents USING (incident_id)
WHERE incidents.state = 'open' AND incident_members.detached_at IS NULL;

-- name: lately_closed
-- The last incident of each root, when it ended not long ago.
SELECT DISTINCT ON (root_kind, root_key) incident_id, root_kind, root_key, resolved_at
FROM incidents
WHERE state = 'resolved' AND resolved_at > clock_timestamp() - interval '1 day'
ORDER BY root_kind, root_key, resolved_at DESC;

-- name: place
-- School and provider of a thing.
SELECT
    coalesce(
        (SELECT school FROM links WHERE %(kind)s = 'link' AND link = %(key)s),
        (SELECT school FROM agents WHERE %(kind)s = 'gateway' AND agent = %(key)s),
        (SELECT school FROM devices WHERE %(kind)s = 'device' AND device = %(key)s),
        (SELECT school FROM devices WHERE %(kind)s = 'port' AND device = split_part(%(key)s, '/', 1)),
        (SELECT school FROM classrooms WHERE %(kind)s = 'classroom' AND classroom = %(key)s)
    ) AS school,
    coalesce(
        CASE WHEN %(kind)s = 'provider' THEN %(key)s END,
        (SELECT provider FROM links WHERE %(kind)s = 'link' AND link = %(key)s)
    ) AS provider;

-- name: open_incident
-- A new incident; its severity is worked out at once afterwards.
INSERT INTO incidents (
    root_kind, root_key, kind, state, severity, status, reason, school, provider, opened_at, updated_at
)
VALUES (
    %(root_kind)s, %(root_key)s, %(kind)s, 'open', 'p4', %(status)s, %(reason)s, %(school)s, %(provider)s, %(at)s,
    clock_timestamp()
)
RETURNING incident_id;

-- name: reopen
-- The same trouble again.
UPDATE incidents
SET
    state = 'open',
    kind = %(kind)s,
    status = %(status)s,
    reason = %(reason)s,
    resolved_at = NULL,
    acknowledged_at = NULL,
    acknowledged_by = NULL,
    version = version + 1,
    updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s;

-- name: reclassify
-- The root is something else now.
UPDATE incidents
SET kind = %(kind)s, status = %(status)s, reason = %(reason)s, updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s;

-- name: resolve
-- The trouble is over; what it explained stands on its own again.
WITH over AS (
    UPDATE incident_members
    SET detached_at = %(at)s
    WHERE incident_id = %(incident_id)s AND detached_at IS NULL
)

UPDATE incidents
SET
    state = 'resolved',
    resolved_at = %(at)s,
    lessons_now = 0,
    students_now = 0,
    exams_now = 0,
    saved_now = 0,
    lessons_next = 0,
    students_next = 0,
    next_at = NULL,
    at_risk_minutes = 0,
    version = version + 1,
    updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s;

-- name: merge
-- What was thought a cause lies behind another one.
UPDATE incidents
SET
    state = 'merged',
    merged_into = %(into)s,
    resolved_at = %(at)s,
    lessons_now = 0,
    students_now = 0,
    exams_now = 0,
    saved_now = 0,
    lessons_next = 0,
    students_next = 0,
    next_at = NULL,
    at_risk_minutes = 0,
    version = version + 1,
    updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s;

-- name: move_members
-- What a merged incident explained is explained by the other.
INSERT INTO incident_members (incident_id, kind, key, status, attached_at)
SELECT %(into)s, kind, key, status, %(at)s
FROM incident_members
WHERE incident_id = %(incident_id)s AND detached_at IS NULL
ON CONFLICT (incident_id, kind, key) DO UPDATE
SET status = excluded.status, detached_at = NULL;

-- name: attach
-- An incident explains a thing.
INSERT INTO incident_members (incident_id, kind, key, status, attached_at)
VALUES (%(incident_id)s, %(kind)s, %(key)s, %(status)s, %(at)s)
ON CONFLICT (incident_id, kind, key) DO UPDATE
SET status = excluded.status, detached_at = NULL;

-- name: detach
-- An incident explains a thing no longer.
UPDATE incident_members
SET detached_at = %(at)s
WHERE incident_id = %(incident_id)s AND kind = %(kind)s AND key = %(key)s AND detached_at IS NULL;

-- name: tell
-- An entry of the timeline.
INSERT INTO incident_timeline (incident_id, at, kind, actor, detail)
VALUES (%(incident_id)s, %(at)s, %(kind)s, %(actor)s, %(detail)s);

-- name: set_blast
-- How far an incident reaches, what it came to so far, and how urgent it is.
UPDATE incidents
SET
    severity = %(severity)s,
    lessons_now = %(lessons_now)s,
    students_now = %(students_now)s,
    exams_now = %(exams_now)s,
    saved_now = %(saved_now)s,
    lessons_next = %(lessons_next)s,
    students_next = %(students_next)s,
    next_at = %(next_at)s,
    lost_minutes = %(lost_minutes)s,
    saved_minutes = %(saved_minutes)s,
    unknown_minutes = %(unknown_minutes)s,
    at_risk_minutes = %(at_risk_minutes)s,
    lessons_hit = %(lessons_hit)s,
    students_hit = %(students_hit)s,
    updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s
    AND (
        severity, lessons_now, students_now, exams_now, saved_now, lessons_next, students_next, next_at, lost_minutes,
        saved_minutes, unknown_minutes, at_risk_minutes, lessons_hit, students_hit
    ) IS DISTINCT FROM (
        %(severity)s, %(lessons_now)s::integer, %(students_now)s::integer, %(exams_now)s::integer,
        %(saved_now)s::integer, %(lessons_next)s::integer, %(students_next)s::integer, %(next_at)s::timestamptz,
        %(lost_minutes)s::double precision, %(saved_minutes)s::double precision, %(unknown_minutes)s::double precision,
        %(at_risk_minutes)s::double precision, %(lessons_hit)s::integer, %(students_hit)s::integer
    );

-- name: due
-- Incidents whose figures may have changed: open ones, and those that ended since they were last worked out.
SELECT incident_id, root_kind, root_key, kind, severity, opened_at, resolved_at
FROM incidents
WHERE state = 'open' OR (state = 'resolved' AND resolved_at > %(after)s::timestamptz);

-- name: notify
-- Tell every API worker that incidents changed.
SELECT pg_notify('bellwether_live', 'incidents');

-- name: rows
-- Incidents, the most urgent first; open ones before those that are over.
SELECT
    incidents.*,
    schools.name AS school_name,
    schools.name_en AS school_name_en,
    (
        SELECT count(*)
        FROM incident_members
        WHERE incident_members.incident_id = incidents.incident_id
            AND (incidents.state <> 'open' OR incident_members.detached_at IS NULL)
    ) AS members
FROM incidents
LEFT JOIN schools ON schools.school = incidents.school
WHERE (%(incident_id)s::bigint IS NULL OR incidents.incident_id = %(incident_id)s)
    AND (%(states)s::text[] IS NULL OR incidents.state = ANY(%(states)s::text[]))
    AND (%(school)s::text IS NULL OR incidents.school = %(school)s)
    AND (%(kind)s::text IS NULL OR incidents.kind = %(kind)s)
    AND (%(severity)s::text IS NULL OR incidents.severity = %(severity)s)
    AND (%(since)s::timestamptz IS NULL OR coalesce(incidents.resolved_at, 'infinity') >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR incidents.opened_at < %(until)s)
ORDER BY
    (incidents.state = 'open') DESC,
    CASE WHEN incidents.state = 'open' THEN incidents.severity END,
    incidents.lessons_now DESC,
    incidents.opened_at DESC,
    incidents.incident_id DESC
LIMIT %(limit)s
OFFSET %(offset)s;

-- name: count
-- Number of incidents that match.
SELECT count(*)
FROM incidents
WHERE (%(states)s::text[] IS NULL OR state = ANY(%(states)s::text[]))
    AND (%(school)s::text IS NULL OR school = %(school)s)
    AND (%(kind)s::text IS NULL OR kind = %(kind)s)
    AND (%(severity)s::text IS NULL OR severity = %(severity)s)
    AND (%(since)s::timestamptz IS NULL OR coalesce(resolved_at, 'infinity') >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR opened_at < %(until)s);

-- name: members
-- What an incident explains, or explained.
SELECT kind, key, status, attached_at, detached_at
FROM incident_members
WHERE incident_id = %(incident_id)s
ORDER BY detached_at IS NOT NULL, kind, key;

-- name: timeline
-- An incident's timeline, oldest first.
SELECT entry_id, at, kind, actor, detail
FROM incident_timeline
WHERE incident_id = %(incident_id)s
ORDER BY entry_id;

-- name: claim
-- Take the next version of an incident, when it is still the one that was decided on.
UPDATE incidents
SET version = version + 1, updated_at = clock_timestamp()
WHERE incident_id = %(incident_id)s AND version = %(version)s AND state <> 'merged'
RETURNING version;

-- name: acknowledge
-- Somebody looks after it.
UPDATE incidents
SET acknowledged_at = clock_timestamp(), acknowledged_by = %(actor)s
WHERE incident_id = %(incident_id)s;

-- name: assign
-- Who looks after it; null for nobody.
UPDATE incidents SET assignee = %(assignee)s WHERE incident_id = %(incident_id)s;
