-- name: cases
-- Incidents that may have to be told of: open, or over not long ago; with what was planned already.
SELECT
    incidents.incident_id,
    incidents.kind,
    incidents.state,
    incidents.severity,
    incidents.opened_at,
    incidents.resolved_at,
    incidents.acknowledged_at IS NOT NULL,
    coalesce(told.steps, '{}'),
    coalesce(told.contacts, '{}')
FROM incidents
LEFT JOIN LATERAL (
    SELECT array_agg(step ORDER BY delivery_id) AS steps, array_agg(contact ORDER BY delivery_id) AS contacts
    FROM notification_deliveries
    WHERE notification_deliveries.incident_id = incidents.incident_id
) AS told ON true
WHERE incidents.state = 'open'
    OR (incidents.state = 'resolved' AND incidents.resolved_at > %(after)s::timestamptz)
ORDER BY incidents.incident_id;

-- name: plan
-- Write a delivery that is to be made; nothing when it was written before.
INSERT INTO notification_deliveries (incident_id, step, contact, title, body, next_try_at, planned_at)
VALUES (%(incident_id)s, %(step)s, %(contact)s, %(title)s, %(body)s, %(at)s, %(at)s)
ON CONFLICT (incident_id, step, contact) DO NOTHING;

-- name: waiting
-- Deliveries whose time has come.
SELECT delivery_id, incident_id, step, contact, title, body, attempts
FROM notification_deliveries
WHERE state = 'waiting' AND next_try_at <= %(now)s::timestamptz
ORDER BY delivery_id
LIMIT 20;

-- name: sent
-- It was taken by the receiver.
UPDATE notification_deliveries
SET state = 'sent', sent_at = %(at)s, attempts = attempts + 1, problem = NULL
WHERE delivery_id = %(delivery_id)s;

-- name: failed
-- It was not taken; tried again later, or never.
UPDATE notification_deliveries
SET state = %(state)s, attempts = attempts + 1, problem = %(problem)s, next_try_at = %(next_try_at)s
WHERE delivery_id = %(delivery_id)s;

-- name: last_digest
-- When the last digest was planned.
SELECT max(planned_at) FROM notification_deliveries WHERE step LIKE 'digest %%';

-- name: deliveries
-- Deliveries, newest first.
SELECT delivery_id, incident_id, step, contact, title, state, attempts, problem, planned_at, sent_at, next_try_at
FROM notification_deliveries
WHERE %(incident_id)s::bigint IS NULL OR incident_id = %(incident_id)s
ORDER BY delivery_id DESC
LIMIT %(limit)s
OFFSET %(offset)s;

-- name: count
-- Number of deliveries.
SELECT count(*) FROM notification_deliveries WHERE %(incident_id)s::bigint IS NULL OR incident_id = %(incident_id)s;
