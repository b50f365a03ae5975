-- Content: blobs that are whole, and the pushes that say which class needs which of them by when.
--
-- Why: a file is kept once under its SHA-256, whoever sent it. A row in `blobs` exists only when the whole file has been
-- verified and renamed into place, so that other domains (homework's parts) can ask this table what has arrived.
-- A push is never deleted: withdrawing keeps when it was and what it held.
-- Locks: none on existing tables, only new ones.

CREATE TABLE blobs (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    media_type text NOT NULL,
    stored_at timestamptz NOT NULL
);

CREATE TABLE pushes (
    manifest text PRIMARY KEY,
    token text NOT NULL,
    title text NOT NULL,
    audience text[] NOT NULL CHECK (cardinality(audience) > 0),
    before_at timestamptz,
    created_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX pushes_created ON pushes (created_at DESC);
COMMENT ON COLUMN pushes.manifest IS 'made from resources and audience: the same push again is the same row';
COMMENT ON COLUMN pushes.audience IS 'class:…, grade:…, school:… or all; resolved against `classes` whenever it is read';

CREATE TABLE push_resources (
    manifest text NOT NULL REFERENCES pushes,
    position integer NOT NULL,
    resource text NOT NULL,
    title text NOT NULL,
    sha256 text NOT NULL REFERENCES blobs,
    PRIMARY KEY (manifest, position),
    UNIQUE (manifest, resource)
);
CREATE INDEX push_resources_sha256 ON push_resources (sha256);
