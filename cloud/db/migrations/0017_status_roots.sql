-- Status: more kinds of thing, and the root of every status that is not a thing's own.
--
-- Why: what is behind a fault is listed under it, so each change names its root.
-- Locks: status_current and status_log shortly, to change their checks; the columns are added without a rewrite.

ALTER TABLE status_current DROP CONSTRAINT status_current_kind_check;
ALTER TABLE status_current ADD CONSTRAINT status_current_kind_check
    CHECK (kind IN ('provider', 'link', 'gateway', 'device', 'port', 'classroom', 'terminal'));
ALTER TABLE status_current ADD COLUMN root_kind text, ADD COLUMN root_key text;
COMMENT ON COLUMN status_current.root_key IS 'the thing whose fault explains this status; null when it is its own';
ALTER TABLE status_log ADD COLUMN root_kind text, ADD COLUMN root_key text;
CREATE INDEX status_log_root ON status_log (root_kind, root_key, changed_at) WHERE root_key IS NOT NULL;
