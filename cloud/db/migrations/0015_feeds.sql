-- Feeds: where records are told outside, how far each receiver has come, and what it would not take.
--
-- Why: a district that already runs such services takes the records at its own pace: each feed has its own place in the records,
-- so that a receiver that is slow, away or paused holds up nobody and misses nothing. What it refuses is kept beside.
-- Locks: none on existing tables, only new ones.

CREATE TABLE feeds (
    feed text PRIMARY KEY,
    format text NOT NULL CHECK (format IN ('webhook', 'xapi')),
    url text NOT NULL,
    home_page text NOT NULL,
    types text[] NOT NULL,
    school text REFERENCES schools,
    secret text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'paused')),
    place bigint NOT NULL,
    batch_records integer NOT NULL,
    delivered bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    problem text,
    retry_at timestamptz,
    last_tried_at timestamptz,
    last_delivered_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
COMMENT ON COLUMN feeds.secret IS 'webhook: what bodies are signed with; xapi: user:password. Never shown';
COMMENT ON COLUMN feeds.place IS 'everything up to here was taken or is in feed_refusals';
COMMENT ON COLUMN feeds.batch_records IS 'most records in the next batch; shrinks while a receiver fails, grows again';
COMMENT ON COLUMN feeds.failures IS 'in a row; 0 once a batch was taken';

CREATE TABLE feed_refusals (
    feed text NOT NULL REFERENCES feeds ON DELETE CASCADE,
    record_id text NOT NULL,
    place bigint NOT NULL,
    reason text NOT NULL,
    refused_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    again boolean NOT NULL DEFAULT false,
    PRIMARY KEY (feed, record_id)
);
CREATE INDEX feed_refusals_record ON feed_refusals (record_id);
CREATE INDEX feed_refusals_again ON feed_refusals (feed, place) WHERE again;
CREATE TABLE feed_erasures (
    feed text NOT NULL REFERENCES feeds ON DELETE CASCADE,
    record_id text NOT NULL,
    reason text,
    PRIMARY KEY (feed, record_id)
);
COMMENT ON TABLE feed_erasures IS 'records that were erased here and that the receiver is still to be told to erase';
COMMENT ON COLUMN feed_erasures.reason IS 'why the receiver would not hear of it; null: not told yet';
COMMENT ON COLUMN feed_refusals.again IS 'to be sent once more, alone, because somebody asked for it';
