-- Status: more kinds of thing, the root of every status that is not a thing's own, and what later evidence corrected.
--
-- Why: what is behind a fault is listed under it, so each change names its root. Backlog tells after the fact what a time of
-- "unknown" was; the log stays as it was written, and spans of the past are revised beside it.
-- Locks: status_current and status_log shortly, to change their checks; the columns are added without a rewrite.

ALTER TABLE status_current DROP CONSTRAINT status_current_kind_check;
ALTER TABLE status_current ADD CONSTRAINT status_current_kind_check
    CHECK (kind IN ('provider', 'link', 'gateway', 'device', 'port', 'classroom', 'terminal'));
ALTER TABLE status_current ADD COLUMN root_kind text, ADD COLUMN root_key text;
COMMENT ON COLUMN status_current.root_key IS 'the thing whose fault explains this status; null when it is its own';
ALTER TABLE status_log ADD COLUMN root_kind text, ADD COLUMN root_key text;
CREATE INDEX status_log_root ON status_log (root_kind, root_key, changed_at) WHERE root_key IS NOT NULL;

CREATE TABLE status_revisions (
    revision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    status text NOT NULL CHECK (
        status IN ('up', 'degraded', 'down', 'unreachable', 'unknown', 'maintenance', 'flapping')
    ),
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    root_kind text,
    root_key text,
    revised_at timestamptz NOT NULL,
    CHECK (until > since)
);
CREATE INDEX status_revisions_key ON status_revisions (kind, key, since);
COMMENT ON TABLE status_revisions IS 'spans of the past as later evidence shows them; a later revision stands before an earlier one';
