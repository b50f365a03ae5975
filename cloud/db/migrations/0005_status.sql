-- Status: the current word per link, gateway, classroom and terminal, and the append-only log of its changes.
--
-- Why: the console reads the current table; the log is what any view "as of" a moment is made of.
-- Locks: none on existing tables, only new ones.

CREATE TABLE status_current (
    kind text NOT NULL CHECK (kind IN ('link', 'gateway', 'classroom', 'device', 'terminal')),
    key text NOT NULL,
    status text NOT NULL CHECK (
        status IN ('up', 'degraded', 'down', 'unreachable', 'unknown', 'maintenance', 'flapping')
    ),
    since timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (kind, key)
);

CREATE TABLE status_log (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    previous text,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL
);
COMMENT ON COLUMN status_log.evidence IS 'the values that the rule saw';
CREATE INDEX status_log_key ON status_log (kind, key, changed_at);
CREATE INDEX status_log_time ON status_log (changed_at);
