-- Status: the centre's own sight is a thing, of kind monitor.
--
-- Why: when the monitor is blind that is one trouble; every line that it lost sight of names it as its root.
-- Locks: status_current shortly, to change its check.

ALTER TABLE status_current DROP CONSTRAINT status_current_kind_check;
ALTER TABLE status_current ADD CONSTRAINT status_current_kind_check
    CHECK (kind IN ('monitor', 'provider', 'link', 'gateway', 'device', 'port', 'classroom', 'terminal'));
