-- The spool file, layout 2 (PRAGMA user_version). One row in `spool`; books per epoch; one row per held segment.

CREATE TABLE spool (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    agent TEXT NOT NULL,
    epoch_id INTEGER NOT NULL REFERENCES epochs,
    session INTEGER NOT NULL DEFAULT 0,
    last_receipt_at_ms INTEGER,
    skew_seconds REAL
) STRICT;

-- held_items is not stored: it is what the other five leave over, and equals the items in `segments`.
-- sent_seq is the highest seq ever handed out for sending: a centre that knows a higher one has met a later state of this spool.
CREATE TABLE epochs (
    epoch_id INTEGER PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    next_seq INTEGER NOT NULL DEFAULT 1,
    sent_seq INTEGER NOT NULL DEFAULT 0,
    produced_items INTEGER NOT NULL DEFAULT 0,
    confirmed_items INTEGER NOT NULL DEFAULT 0,
    rejected_items INTEGER NOT NULL DEFAULT 0,
    thinned_items INTEGER NOT NULL DEFAULT 0,
    damaged_items INTEGER NOT NULL DEFAULT 0
) STRICT;

-- segment_id is the identity itself, epoch_id << 40 | seq: one B-tree, no second index to write at each commit, and in each
-- epoch the order of sealing. Newer epochs have higher ids. Health is found by walking this order, the rest by the
-- two partial indexes, which health does not touch. Aggregates have new seqs but stand for the oldest data.
-- payload is what is sent; of records, since layout 2, sealed with the agent's key behind the mark BWS1 (`secrecy`).
-- checksum covers identity, lane, items and payload as it stands here. `sent` is set before the first byte is on the wire.
CREATE TABLE segments (
    segment_id INTEGER PRIMARY KEY,
    epoch_id INTEGER NOT NULL REFERENCES epochs,
    seq INTEGER NOT NULL CHECK (segment_id = (epoch_id << 40 | seq)),
    lane INTEGER NOT NULL,
    items INTEGER NOT NULL,
    aggregate INTEGER NOT NULL DEFAULT 0,
    sent INTEGER NOT NULL DEFAULT 0,
    boot TEXT NOT NULL,
    sealed_at_ms INTEGER NOT NULL,
    sealed_monotonic_ms INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

CREATE INDEX segments_promised ON segments (lane, segment_id) WHERE lane < 3;
CREATE INDEX segments_aggregate ON segments (segment_id) WHERE aggregate;

-- Segments that failed their checksum or that the broker will not carry, kept for people.
CREATE TABLE set_aside (
    epoch_id INTEGER NOT NULL REFERENCES epochs,
    seq INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    items INTEGER NOT NULL,
    reason TEXT NOT NULL,
    set_aside_at_ms INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (epoch_id, seq)
) STRICT;
