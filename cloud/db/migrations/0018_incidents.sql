-- Incidents: one per cause, with what is behind it, its timeline, and the place up to which the status log was followed.
--
-- Why: an incident is made from the status log alone, exactly once: the cursor moves in the same transaction. What people do
-- stands in the timeline beside what the system saw; nothing of either is ever changed.
-- Locks: none on existing tables, only new ones.

CREATE TABLE incidents (
    incident_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    root_kind text NOT NULL,
    root_key text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('outage', 'degradation', 'blind_spot')),
    state text NOT NULL CHECK (state IN ('open', 'resolved', 'merged')),
    severity text NOT NULL CHECK (severity IN ('p1', 'p2', 'p3', 'p4')),
    status text NOT NULL,
    reason text NOT NULL,
    school text REFERENCES schools,
    provider text,
    opened_at timestamptz NOT NULL,
    resolved_at timestamptz,
    merged_into bigint REFERENCES incidents,
    acknowledged_at timestamptz,
    acknowledged_by text,
    assignee text,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    lessons_now integer NOT NULL DEFAULT 0,
    students_now integer NOT NULL DEFAULT 0,
    exams_now integer NOT NULL DEFAULT 0,
    saved_now integer NOT NULL DEFAULT 0,
    lessons_next integer NOT NULL DEFAULT 0,
    students_next integer NOT NULL DEFAULT 0,
    next_at timestamptz,
    lost_minutes double precision NOT NULL DEFAULT 0,
    saved_minutes double precision NOT NULL DEFAULT 0,
    unknown_minutes double precision NOT NULL DEFAULT 0,
    at_risk_minutes double precision NOT NULL DEFAULT 0,
    lessons_hit integer NOT NULL DEFAULT 0,
    students_hit integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX incidents_open_root ON incidents (root_kind, root_key) WHERE state = 'open';
CREATE INDEX incidents_opened ON incidents (opened_at);
CREATE INDEX incidents_root ON incidents (root_kind, root_key, opened_at);
COMMENT ON COLUMN incidents.version IS 'grows with what people do; a change names the version that it was decided on';
COMMENT ON COLUMN incidents.lost_minutes IS 'lesson-minutes so far; settled when the incident is resolved';

CREATE TABLE incident_members (
    incident_id bigint NOT NULL REFERENCES incidents,
    kind text NOT NULL,
    key text NOT NULL,
    status text NOT NULL,
    attached_at timestamptz NOT NULL,
    detached_at timestamptz,
    PRIMARY KEY (incident_id, kind, key)
);
CREATE INDEX incident_members_thing ON incident_members (kind, key) WHERE detached_at IS NULL;
COMMENT ON TABLE incident_members IS 'things whose status an incident explains: nobody is paged for them';

CREATE TABLE incident_timeline (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incidents,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (
        kind IN (
            'opened', 'attached', 'detached', 'severity', 'reclassified', 'acknowledged', 'assigned', 'comment',
            'merged', 'split', 'resolved', 'reopened', 'notified'
        )
    ),
    actor text,
    detail jsonb NOT NULL
);
CREATE INDEX incident_timeline_incident ON incident_timeline (incident_id, entry_id);
COMMENT ON COLUMN incident_timeline.actor IS 'who did it, as they called themselves; null for the system';

CREATE TABLE incident_cursor (
    alone boolean PRIMARY KEY DEFAULT true CHECK (alone),
    change_id bigint NOT NULL
);
INSERT INTO incident_cursor (change_id) SELECT coalesce(max(change_id), 0) FROM status_log;
COMMENT ON TABLE incident_cursor IS 'the last entry of the status log that incidents were made of';
