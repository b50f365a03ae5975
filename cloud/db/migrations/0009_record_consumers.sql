-- Consumers of records: how far each service has come, and what it refused.
--
-- Why: a service takes each stored record exactly once, in the order of `place`, in one transaction with its own tables. A
-- refused record is kept with its reason, shown as a count and tried again on request; it never holds up the next.
-- Locks: `records` is rewritten once (ACCESS EXCLUSIVE for the time that takes); ingest waits meanwhile, agents keep.

ALTER TABLE records ADD COLUMN place bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX records_place ON records (place);
COMMENT ON COLUMN records.place IS 'order of storing; a reader takes the advisory lock of cloud.records.consuming to see no gap';

CREATE TABLE record_consumers (
    consumer text PRIMARY KEY,
    place bigint NOT NULL DEFAULT 0,
    taken bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
);

CREATE TABLE record_refusals (
    consumer text NOT NULL,
    record_id text NOT NULL,
    place bigint NOT NULL,
    school_class text,
    reason text NOT NULL,
    detail text NOT NULL,
    refused_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    settled_at timestamptz,
    PRIMARY KEY (consumer, record_id)
);
CREATE INDEX record_refusals_open ON record_refusals (consumer, school_class) WHERE settled_at IS NULL;
COMMENT ON COLUMN record_refusals.settled_at IS 'when a replay took the record after all';
