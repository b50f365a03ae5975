-- Maintenance: planned work as rules; when a rule holds is worked out, never stored.
--
-- Why: a recurring window kept as slots fills tables for ever; a rule is one row.
-- Locks: none on existing tables, only a new one.

CREATE TABLE maintenance_windows (
    window_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('provider', 'school', 'link', 'gateway', 'device', 'classroom')),
    key text NOT NULL,
    starts_at timestamptz NOT NULL,
    duration_seconds integer NOT NULL CHECK (duration_seconds BETWEEN 60 AND 604800),
    recurrence text,
    reason text NOT NULL,
    actor text NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON COLUMN maintenance_windows.recurrence IS 'RFC 5545 RRULE, counted from starts_at in the district''s time zone; null for once';
COMMENT ON COLUMN maintenance_windows.ended_at IS 'when somebody ended it before its time, or for ever';
