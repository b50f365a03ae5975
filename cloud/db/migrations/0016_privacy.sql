-- Privacy: erasures, the records that they blank, and who looked at whose records.
--
-- Why: a person's records must be forgotten everywhere, also those that arrive later from an agent that was cut off. A row of
-- `records` stays, without subject, terminal and fact, so that the books still balance; an expired row goes and is counted.
-- Locks: `records` (ACCESS EXCLUSIVE) while its outcomes are checked anew and three indexes are built.

ALTER TABLE records DROP CONSTRAINT records_outcome_check;
ALTER TABLE records ADD CONSTRAINT records_outcome_check
    CHECK (outcome IN ('stored', 'duplicate', 'conflict', 'erased'));
CREATE INDEX records_erased ON records (record_id) WHERE outcome = 'erased';
CREATE INDEX records_subject ON records (subject) WHERE subject IS NOT NULL;
CREATE INDEX records_graded ON records ((fact ->> 'submission')) WHERE type = 'grade';
CREATE INDEX records_parts ON records USING gin ((fact -> 'parts') jsonb_path_ops) WHERE fact ? 'parts';

CREATE TABLE access_log (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    who text NOT NULL,
    purpose text NOT NULL,
    subjects text[] NOT NULL,
    route text NOT NULL
);
CREATE INDEX access_log_subjects ON access_log USING gin (subjects);
COMMENT ON TABLE access_log IS 'every look at records of pupils that are named by their reference; only ever added to';

CREATE TABLE erasures (
    erasure text PRIMARY KEY,
    person text NOT NULL,
    records text[] NOT NULL,
    reason text NOT NULL,
    ordered_by text NOT NULL,
    ordered_at timestamptz NOT NULL,
    done_at timestamptz,
    erased_records bigint NOT NULL DEFAULT 0,
    blobs text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX erasures_person ON erasures (person);
CREATE INDEX erasures_records ON erasures USING gin (records);
CREATE INDEX erasures_pending ON erasures (ordered_at) WHERE done_at IS NULL;
COMMENT ON COLUMN erasures.records IS 'empty: everything about the person, also what arrives later';
COMMENT ON COLUMN erasures.blobs IS 'files that nothing else needs, for the agents to remove as well';

ALTER TABLE expired_items ADD COLUMN records bigint NOT NULL DEFAULT 0;
