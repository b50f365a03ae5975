-- name: moment
-- The database's clock, and when the cloud last heard any agent at all.
SELECT
    clock_timestamp(),
    greatest(
        (SELECT max(last_heartbeat_at) FROM agent_presence WHERE presence = 'online'),
        (SELECT max(last_received_at) FROM agent_epochs)
    );

-- name: link_evidence
-- Newest values of every link from both ends; a link that was never measured has nulls.
SELECT
    links.link,
    school.counters_at,
    school.oper_up,
    greatest(school.in_errors_per_second, school.out_errors_per_second),
    school.probes_at,
    school.loss_ratio,
    school.rtt_seconds,
    centre.counters_at,
    centre.oper_up,
    greatest(centre.in_errors_per_second, centre.out_errors_per_second),
    centre.probes_at,
    centre.loss_ratio,
    centre.rtt_seconds,
    links.provider
FROM links
LEFT JOIN things ON things.kind = 'link' AND things.key = links.link
LEFT JOIN link_current AS school ON school.thing_id = things.thing_id AND school.vantage = 'school'
LEFT JOIN link_current AS centre ON centre.thing_id = things.thing_id AND centre.vantage = 'centre'
WHERE links.retired_at IS NULL
ORDER BY links.position;

-- name: agent_evidence
-- Presence of every gateway and classroom agent with the link it stands behind; a segment proves life as a heartbeat does.
SELECT
    agents.agent,
    agents.role,
    coalesce(agents.classroom, agents.agent),
    links.link,
    greatest(agent_presence.last_heartbeat_at, agent_epochs.last_received_at),
    CASE WHEN agent_presence.presence = 'offline' THEN agent_presence.changed_at END,
    agents.school
FROM agents
LEFT JOIN LATERAL (
    SELECT links.link
    FROM links
    WHERE links.school = agents.school AND links.retired_at IS NULL
    ORDER BY links.position
    LIMIT 1
) AS links ON TRUE
LEFT JOIN agent_presence ON agent_presence.agent_id = agents.agent_id
LEFT JOIN agent_epochs ON agent_epochs.agent_id = agents.agent_id AND agent_epochs.epoch = agent_presence.epoch
WHERE agents.role IN ('gateway', 'classroom') AND agents.retired_at IS NULL
ORDER BY agents.position;

-- name: device_evidence
-- Newest answer of every device with the gateway that polls it and what it hangs on; never looked at has nulls.
SELECT
    devices.device,
    CASE WHEN agents.role = 'gateway' THEN agents.agent END,
    devices.parent,
    device_current.corrected_at,
    device_current.reachable
FROM devices
LEFT JOIN agents ON agents.agent = devices.agent
LEFT JOIN things ON things.kind = 'device' AND things.key = devices.device
LEFT JOIN device_current ON device_current.thing_id = things.thing_id
WHERE devices.retired_at IS NULL
ORDER BY devices.position;

-- name: board
-- The status of everything as it was last written.
SELECT kind, key, status, since, reason, root_kind, root_key, penalty, penalty_at, beneath
FROM status_current;

-- name: write_status
-- Sets the current status of one thing.
INSERT INTO status_current (
    kind, key, status, since, reason, root_kind, root_key, penalty, penalty_at, beneath
)
VALUES (
    %(kind)s, %(key)s, %(status)s, %(since)s, %(reason)s, %(root_kind)s, %(root_key)s, %(penalty)s, %(penalty_at)s,
    %(beneath)s
)
ON CONFLICT (kind, key) DO UPDATE
SET
    since = CASE WHEN status_current.status = excluded.status THEN status_current.since ELSE excluded.since END,
    status = excluded.status,
    reason = excluded.reason,
    root_kind = excluded.root_kind,
    root_key = excluded.root_key,
    penalty = excluded.penalty,
    penalty_at = excluded.penalty_at,
    beneath = excluded.beneath;

-- name: log_change
-- Appends one change with its evidence.
INSERT INTO status_log (kind, key, previous, status, changed_at, reason, evidence, root_kind, root_key)
VALUES (
    %(kind)s,
    %(key)s,
    %(previous)s,
    %(status)s,
    %(changed_at)s,
    %(reason)s,
    %(evidence)s,
    %(root_kind)s,
    %(root_key)s
);

-- name: notify
-- Tells every API worker that statuses changed.
SELECT pg_notify('bellwether_live', 'status');

-- name: changes_of
-- The newest changes of one thing, newest first.
SELECT changed_at, status, previous, reason, evidence
FROM status_log
WHERE kind = %(kind)s AND key = %(key)s
ORDER BY changed_at DESC, change_id DESC
LIMIT %(limit)s;

-- name: outages
-- When the school's line or gateway was not up during a span of time, by the status log.
SELECT changes.key, changes.status, changes.changed_at, changes.until
FROM (
    SELECT
        status_log.*,
        lead(status_log.changed_at) OVER (PARTITION BY status_log.kind, status_log.key ORDER BY status_log.change_id) AS until
    FROM status_log
    WHERE (status_log.kind, status_log.key) IN (
            SELECT 'link', link FROM links WHERE school = %(school)s
            UNION ALL
            SELECT 'gateway', agent FROM agents WHERE school = %(school)s AND role = 'gateway'
        )
        AND status_log.changed_at < %(until)s::timestamptz
) AS changes
WHERE changes.status NOT IN ('up', 'degraded', 'unknown')
    AND coalesce(changes.until, 'infinity') > %(since)s::timestamptz
ORDER BY changes.changed_at, changes.change_id;
