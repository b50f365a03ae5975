-- Desired and reported state: what each agent and terminal should have, and what it says it has.
--
-- Why: "in sync" is a comparison of two tokens, and needs both sides and the age of the proof. Moments that agents report
-- are kept on the centre's clock: the difference between its clock and the agent's at the report is taken off.
-- Locks: none on existing tables, only new ones.

CREATE TABLE desired_documents (
    agent_id integer NOT NULL REFERENCES agents,
    kind text NOT NULL CHECK (kind IN ('roster', 'timetable', 'content', 'terminals', 'erasure')),
    serial bigint NOT NULL CHECK (serial > 0),
    token text NOT NULL,
    payload bytea NOT NULL,
    body_sha256 bytea NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, kind)
);
COMMENT ON COLUMN desired_documents.serial IS 'grows with every change, also past a database restored from an old copy';
COMMENT ON COLUMN desired_documents.payload IS 'the `Document` as JSON, the very bytes that are signed';
COMMENT ON COLUMN desired_documents.body_sha256 IS 'of the body alone, to tell a change from a new date';

CREATE TABLE terminal_targets (
    scope text PRIMARY KEY,
    app_version text,
    configuration jsonb NOT NULL,
    set_at timestamptz NOT NULL
);
COMMENT ON COLUMN terminal_targets.scope IS 'a school, or * for the district; a school''s values stand before the district''s';

CREATE TABLE agent_reports (
    agent_id integer PRIMARY KEY REFERENCES agents,
    reported_at timestamptz NOT NULL
);

CREATE TABLE reported_documents (
    agent_id integer NOT NULL REFERENCES agents,
    kind text NOT NULL,
    token text,
    validity text NOT NULL CHECK (validity IN ('valid', 'invalid', 'unknown')),
    reason text NOT NULL,
    proved_at timestamptz,
    missing_bytes bigint,
    PRIMARY KEY (agent_id, kind)
);

CREATE TABLE reported_manifests (
    agent_id integer NOT NULL REFERENCES agents,
    manifest text NOT NULL,
    token text NOT NULL,
    ready_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, manifest)
);
COMMENT ON TABLE reported_manifests IS 'manifests of the last content document that an agent reported valid';

CREATE TABLE reported_terminals (
    terminal text PRIMARY KEY REFERENCES terminals,
    agent_id integer NOT NULL REFERENCES agents,
    seen_at timestamptz NOT NULL,
    present boolean NOT NULL,
    holder text,
    app_version text,
    content_token text,
    configuration_token text,
    roster_token text,
    missing_bytes bigint,
    unsent bigint,
    oldest_unsent_at timestamptz,
    battery_ratio double precision,
    storage_free_bytes bigint
);
CREATE INDEX reported_terminals_agent ON reported_terminals (agent_id);

CREATE TABLE erasure_receipts (
    erasure text NOT NULL,
    agent_id integer NOT NULL REFERENCES agents,
    applied_at timestamptz NOT NULL,
    PRIMARY KEY (erasure, agent_id)
);
