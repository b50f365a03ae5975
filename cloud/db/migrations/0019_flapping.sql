-- Flapping: the penalty of what changes too often, and what a flapping thing is beneath that word.
--
-- Why: damping survives a restart of the cloud, and the time that a flapping thing was down still counts.
-- Locks: status_current shortly; the columns are added without a rewrite.

ALTER TABLE status_current
    ADD COLUMN beneath text,
    ADD COLUMN penalty double precision NOT NULL DEFAULT 0,
    ADD COLUMN penalty_at timestamptz;
COMMENT ON COLUMN status_current.beneath IS 'what a flapping thing was judged to be last; null when it is not flapping';
COMMENT ON COLUMN status_current.penalty IS 'one for each change between working and not, halved every ten minutes; as of penalty_at';
