-- name: lock_frameworks
-- One import at a time.
SELECT pg_advisory_xact_lock(hashtext('evaluation_frameworks'));

-- name: content
-- A framework as it was imported.
SELECT content
FROM evaluation_frameworks
WHERE framework = %(framework)s;

-- name: insert_framework
-- Keep a framework.
INSERT INTO evaluation_frameworks (framework, title, title_en, version, content, imported_at)
VALUES (%(framework)s, %(title)s, %(title_en)s, %(version)s, %(content)s, now());

-- name: insert_node
-- Keep a dimension, a sub-dimension or an indicator of a framework.
INSERT INTO evaluation_nodes (
    framework, position, identifier, code, level, parent, statement, statement_en, definition, same_as, follows,
    valid_from, valid_to
)
VALUES (
    %(framework)s, %(position)s, %(identifier)s, %(code)s, %(level)s, %(parent)s, %(statement)s, %(statement_en)s,
    %(definition)s, %(same_as)s, %(follows)s, %(valid_from)s, %(valid_to)s
);

-- name: activate
-- Make a framework the active one.
INSERT INTO evaluation_activations (framework, activated_at)
VALUES (%(framework)s, now());

-- name: known_pupils
-- Those of some references that are pupils, present or past.
SELECT person
FROM people
WHERE person = ANY(%(persons)s::text[])
    AND kind = 'pupil';

-- name: enrolments
-- Every class that pupils are or were in, with its stage and the dates as far as they are known.
SELECT
    enrolments.person, enrolments.school_class, schools.stage, enrolments.begins_on, enrolments.ends_on,
    terms.begins_on AS term_begins_on, terms.ends_on AS term_ends_on, enrolments.retired_at IS NOT NULL AS retired
FROM enrolments
JOIN classes USING (school_class)
JOIN schools USING (school)
LEFT JOIN terms USING (term)
WHERE enrolments.person = ANY(%(persons)s::text[])
    AND enrolments.role = 'pupil';

-- name: insert_item
-- Keep an item; of two facts about one thing the one of higher precedence stays, whichever came first.
INSERT INTO evaluation_items (
    person, school_year, counts_for, thing, record_id, type, stage, term, school_class, framework, code, value, note,
    parts, precedence, made_at, received_at
)
VALUES (
    %(person)s, %(school_year)s, %(counts_for)s, %(thing)s, %(record_id)s, %(type)s, %(stage)s, %(term)s,
    %(school_class)s, %(framework)s, %(code)s, %(value)s, %(note)s, %(parts)s, %(precedence)s, %(made_at)s,
    %(received_at)s
)
ON CONFLICT (person, school_year, counts_for, thing) DO UPDATE
SET record_id = excluded.record_id,
    type = excluded.type,
    stage = excluded.stage,
    term = excluded.term,
    school_class = excluded.school_class,
    value = excluded.value,
    precedence = excluded.precedence,
    made_at = excluded.made_at,
    received_at = excluded.received_at,
    excluded_at = NULL,
    exclusion_reason = NULL
WHERE (excluded.precedence, excluded.record_id) > (evaluation_items.precedence, evaluation_items.record_id);

-- name: insert_part
-- Keep that an item needs a file.
INSERT INTO evaluation_parts (record_id, sha256, size_bytes, media_type)
VALUES (%(record_id)s, %(hash)s, %(size_bytes)s, %(media_type)s)
ON CONFLICT DO NOTHING;

-- name: exclude
-- Take a record out of every value, or give it back when the reason is null.
UPDATE evaluation_items
SET excluded_at = CASE WHEN %(reason)s::text IS NULL THEN NULL ELSE now() END,
    exclusion_reason = %(reason)s::text
WHERE record_id = %(record_id)s;

-- name: forget_items
-- Forget what records had been made into.
DELETE FROM evaluation_items
WHERE record_id = ANY(%(record_ids)s::text[]);

-- name: forget_parts
-- Forget which files records had declared.
DELETE FROM evaluation_parts
WHERE record_id = ANY(%(record_ids)s::text[]);
