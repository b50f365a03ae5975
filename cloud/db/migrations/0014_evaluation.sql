-- Evaluation: frameworks of indicators, and what counts towards them.
--
-- Why: values are never stored; they are worked out from `evaluation_items` and a formula's version whenever they are read.
-- A framework is kept as it was imported and never changed; activating another one leaves what was judged under the old.
-- Items carry no name, only the pseudonymous person, and no foreign key to `people`, so that erasing a person is a delete.
-- Locks: none on existing tables, only new ones.

CREATE TABLE evaluation_frameworks (
    framework text PRIMARY KEY,
    title text NOT NULL,
    title_en text NOT NULL,
    version text NOT NULL,
    content text NOT NULL,
    imported_at timestamptz NOT NULL
);
COMMENT ON COLUMN evaluation_frameworks.framework IS 'beginning of the CASE document''s identifier, a hyphen, its version';
COMMENT ON COLUMN evaluation_frameworks.content IS 'the CASE document as it was imported';

CREATE TABLE evaluation_activations (
    activation bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    framework text NOT NULL REFERENCES evaluation_frameworks,
    activated_at timestamptz NOT NULL
);
COMMENT ON TABLE evaluation_activations IS 'a school year is read by the framework activated last before the year ended';

CREATE TABLE evaluation_nodes (
    framework text NOT NULL REFERENCES evaluation_frameworks,
    position integer NOT NULL,
    identifier text NOT NULL,
    code text NOT NULL,
    level text NOT NULL CHECK (level IN ('dimension', 'subdimension', 'indicator')),
    parent text,
    statement text NOT NULL,
    statement_en text NOT NULL,
    definition jsonb,
    same_as text[] NOT NULL,
    follows text[] NOT NULL,
    valid_from date,
    valid_to date,
    PRIMARY KEY (framework, position),
    UNIQUE (framework, code),
    CHECK ((level = 'indicator') = (definition IS NOT NULL)),
    CHECK ((level = 'dimension') = (parent IS NULL))
);
COMMENT ON COLUMN evaluation_nodes.parent IS 'code of the dimension or sub-dimension that it is part of';
COMMENT ON COLUMN evaluation_nodes.same_as IS 'identifiers, also of older frameworks, whose evidence counts here (exactMatchOf)';
COMMENT ON COLUMN evaluation_nodes.follows IS 'codes of the earlier stage that this indicator goes on from (precedes)';

CREATE TABLE evaluation_items (
    person text NOT NULL,
    school_year integer NOT NULL,
    counts_for text NOT NULL,
    thing text NOT NULL,
    record_id text NOT NULL,
    type text NOT NULL,
    stage text NOT NULL,
    term integer NOT NULL CHECK (term IN (1, 2)),
    school_class text NOT NULL,
    framework text REFERENCES evaluation_frameworks,
    code text,
    value numeric,
    note text NOT NULL DEFAULT '',
    parts integer NOT NULL DEFAULT 0,
    precedence bigint NOT NULL,
    made_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    excluded_at timestamptz,
    exclusion_reason text,
    PRIMARY KEY (person, school_year, counts_for, thing)
);
CREATE INDEX evaluation_items_record ON evaluation_items (record_id);
COMMENT ON COLUMN evaluation_items.school_year IS 'the year in which it begins, on 1 September';
COMMENT ON COLUMN evaluation_items.counts_for IS 'an indicator''s identifier, or a measure such as attendance.presence';
COMMENT ON COLUMN evaluation_items.thing IS 'what counts once: the record itself, the lesson, the question, the assignment';
COMMENT ON COLUMN evaluation_items.value IS 'null: the fact says nothing about this measure, such as an excused absence';
COMMENT ON COLUMN evaluation_items.precedence IS 'of two facts about one thing the higher one counts, whichever came first';
COMMENT ON COLUMN evaluation_items.excluded_at IS 'when a person took it out of every value';

CREATE TABLE evaluation_parts (
    record_id text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    PRIMARY KEY (record_id, sha256)
);
COMMENT ON TABLE evaluation_parts IS 'files that an item declared; it counts when every one is in `blobs`';
