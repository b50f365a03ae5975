-- Records: every arrival of a classroom fact, and which arrival of an id is the one that counts.
--
-- Why: an app may hand the same record to two agents, or to one again after its answer was lost, so the identity of a
-- segment is not enough: `record_identities` lets exactly one arrival of a record id be `stored`. The others stay beside it
-- as `duplicate`, or as `conflict` when their content differs, so that nothing that was receipted ever vanishes.
-- Locks: none on existing tables, only new ones.

CREATE TABLE record_identities (
    record_id text PRIMARY KEY,
    fingerprint bytea NOT NULL
);
COMMENT ON COLUMN record_identities.fingerprint IS 'SHA-256 of what the client said, without the agent''s own times';

CREATE TABLE records (
    record_id text NOT NULL,
    agent_id integer NOT NULL REFERENCES agents,
    type text NOT NULL,
    subject text,
    terminal text,
    school_class text,
    lesson text,
    observed_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('stored', 'duplicate', 'conflict')),
    fact jsonb NOT NULL
);
CREATE UNIQUE INDEX records_stored ON records (record_id) WHERE outcome = 'stored';
CREATE INDEX records_type_time ON records (type, corrected_at);
CREATE INDEX records_agent ON records (agent_id);
COMMENT ON COLUMN records.observed_at IS 'the client''s clock when the fact was made, kept even when wrong';
COMMENT ON COLUMN records.accepted_at IS 'the agent''s clock when the record was on its disk';
COMMENT ON COLUMN records.corrected_at IS 'accepted_at on the cloud''s clock';
COMMENT ON COLUMN records.outcome IS 'only stored counts; a conflict is another content under a known id, kept for people';
