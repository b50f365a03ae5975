-- Views for reporting tools, in a schema of their own: what they may read is what `bi` holds, and none of it is personal.
--
-- Why: tables change with the code; these views keep their columns, and a role needs no right but on this schema.
-- Locks: none on existing tables, only a new schema with views.

CREATE SCHEMA bi;

CREATE VIEW bi.schools AS
SELECT school, name, name_en, stage, latitude, longitude FROM schools WHERE retired_at IS NULL;

CREATE VIEW bi.links AS
SELECT
    links.link,
    links.school,
    links.provider,
    links.contracted_bps,
    coalesce(status_current.status, 'unknown') AS status,
    status_current.since,
    status_current.reason
FROM links
LEFT JOIN status_current ON status_current.kind = 'link' AND status_current.key = links.link
WHERE links.retired_at IS NULL;

CREATE VIEW bi.things AS
SELECT kind, key, status, since, reason, root_kind, root_key FROM status_current;

CREATE VIEW bi.status_changes AS
SELECT change_id, kind, key, previous, status, changed_at, reason, root_kind, root_key FROM status_log;

CREATE VIEW bi.incidents AS
SELECT
    incident_id,
    root_kind,
    root_key,
    kind,
    state,
    severity,
    status,
    reason,
    school,
    provider,
    opened_at,
    resolved_at,
    acknowledged_at,
    merged_into,
    lost_minutes,
    saved_minutes,
    unknown_minutes,
    at_risk_minutes,
    lessons_now,
    lessons_hit,
    students_hit
FROM incidents;

CREATE VIEW bi.link_five_minutes AS
SELECT
    things.key AS link,
    link_5m.vantage,
    link_5m.bucket,
    link_5m.in_bps_avg,
    link_5m.in_bps_max,
    link_5m.out_bps_avg,
    link_5m.out_bps_max,
    link_5m.loss_ratio_avg,
    link_5m.rtt_seconds_avg
FROM link_5m
JOIN things USING (thing_id);

CREATE VIEW bi.terminals AS
SELECT school, classroom, owner, status, count(*) AS terminals
FROM terminal_status
GROUP BY school, classroom, owner, status;
