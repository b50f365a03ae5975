-- Ingest and fleet: things, memory of segment identities, ledger, quarantine, presence, boots, events.
--
-- Why: a segment's identity and its rows are committed in one transaction, which makes at-least-once delivery
-- exactly-once in effect. Identities below an epoch's `low` are pruned after an hour; the ledger's totals stay.
-- Locks: none on existing tables, only new ones.

CREATE TABLE things (
    thing_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    first_agent_id integer NOT NULL REFERENCES agents,
    first_seen_at timestamptz NOT NULL,
    claimed_at timestamptz,
    UNIQUE (kind, key)
);
COMMENT ON COLUMN things.claimed_at IS 'when the inventory was found to know this thing; null means unclaimed';

CREATE TABLE segments (
    agent_id integer NOT NULL,
    epoch text NOT NULL,
    seq bigint NOT NULL,
    content_hash bytea NOT NULL,
    lane text NOT NULL,
    items integer NOT NULL,
    sealed_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, epoch, seq)
);
COMMENT ON TABLE segments IS 'identities of segments whose items are stored; pruned below the low mark after an hour';

CREATE TABLE agent_epochs (
    agent_id integer NOT NULL REFERENCES agents,
    epoch text NOT NULL,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    high_seq bigint NOT NULL DEFAULT 0,
    low bigint NOT NULL DEFAULT 1,
    stored_segments bigint NOT NULL DEFAULT 0,
    stored_items bigint NOT NULL DEFAULT 0,
    stored_events bigint NOT NULL DEFAULT 0,
    duplicate_segments bigint NOT NULL DEFAULT 0,
    conflict_segments bigint NOT NULL DEFAULT 0,
    newest_observed_at timestamptz,
    produced_items bigint NOT NULL DEFAULT 0,
    confirmed_items bigint NOT NULL DEFAULT 0,
    rejected_items bigint NOT NULL DEFAULT 0,
    thinned_items bigint NOT NULL DEFAULT 0,
    damaged_items bigint NOT NULL DEFAULT 0,
    held_items bigint NOT NULL DEFAULT 0,
    reported_at timestamptz,
    PRIMARY KEY (agent_id, epoch)
);
COMMENT ON TABLE agent_epochs IS 'the ledger: the cloud''s own counts, and the agent''s books as last reported';
COMMENT ON COLUMN agent_epochs.stored_items IS 'samples and events committed; of these stored_events are events';

CREATE TABLE expired_items (
    agent_id integer PRIMARY KEY,
    samples bigint NOT NULL,
    events bigint NOT NULL
);
COMMENT ON TABLE expired_items IS 'rows removed by retention, so that the ledger can still count rows against stored items';

CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent text NOT NULL,
    topic text NOT NULL,
    lane text NOT NULL,
    content_type text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    epoch text,
    seq bigint,
    items integer,
    size_bytes integer NOT NULL,
    content_hash bytea NOT NULL,
    payload bytea NOT NULL,
    received_at timestamptz NOT NULL,
    arrivals integer NOT NULL DEFAULT 1,
    last_received_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed')),
    replayed_at timestamptz,
    replay_outcome text,
    UNIQUE (agent, content_hash, reason)
);
CREATE INDEX quarantine_open ON quarantine (reason, agent) WHERE state = 'open';
COMMENT ON COLUMN quarantine.agent IS 'the agent named by the topic, which the broker enforces';

CREATE TABLE unknown_agents (
    agent text PRIMARY KEY,
    role text,
    host text NOT NULL,
    software text NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);

CREATE TABLE agent_presence (
    agent_id integer PRIMARY KEY REFERENCES agents,
    presence text NOT NULL CHECK (presence IN ('online', 'offline')),
    changed_at timestamptz NOT NULL,
    verdict text NOT NULL,
    session bigint NOT NULL,
    instance text NOT NULL,
    last_heartbeat_at timestamptz NOT NULL,
    role text,
    software text NOT NULL,
    host text NOT NULL,
    boot text,
    epoch text,
    next_seq bigint,
    low bigint,
    skew_seconds double precision,
    held_segments bigint NOT NULL DEFAULT 0,
    held_items bigint NOT NULL DEFAULT 0,
    held_bytes bigint NOT NULL DEFAULT 0,
    duplicate_instance text,
    duplicate_host text,
    duplicate_seen_at timestamptz
);
COMMENT ON COLUMN agent_presence.duplicate_instance IS 'a second process that claims the same id and was refused';

CREATE TABLE agent_lanes (
    agent_id integer NOT NULL REFERENCES agents,
    lane text NOT NULL,
    held_segments bigint NOT NULL,
    held_items bigint NOT NULL,
    held_bytes bigint NOT NULL,
    oldest_at timestamptz,
    reported_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, lane)
);

CREATE TABLE agent_boots (
    agent_id integer NOT NULL REFERENCES agents,
    boot text NOT NULL,
    started_at timestamptz NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (agent_id, boot)
);
COMMENT ON COLUMN agent_boots.started_at IS 'the cloud''s clock at the zero of this boot''s monotonic clock';

CREATE TABLE events (
    event_id text NOT NULL,
    agent_id integer NOT NULL,
    thing_id integer NOT NULL,
    type text NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    lane text NOT NULL,
    attributes jsonb NOT NULL
);
CREATE INDEX events_thing_time ON events (thing_id, corrected_at);
CREATE INDEX events_agent_time ON events (agent_id, corrected_at);
CREATE INDEX events_time ON events (corrected_at);

CREATE TABLE rollup_dirty (
    kind text NOT NULL,
    width text NOT NULL,
    bucket timestamptz NOT NULL,
    added_at timestamptz NOT NULL
);
COMMENT ON TABLE rollup_dirty IS 'append-only queue of buckets with new rows; no unique key, so that workers never wait for each other';
