-- name: lock
-- Imports take turns.
SELECT pg_advisory_xact_lock(1919907700);

-- name: known
-- What files may refer to without holding it: schools, rooms, terminals, terms, classes and people in use.
SELECT 'school' AS what, school AS key, NULL AS of, NULL AS name FROM schools WHERE retired_at IS NULL
UNION ALL
SELECT 'classroom', classroom, school, NULL FROM classrooms WHERE retired_at IS NULL
UNION ALL
SELECT 'terminal', terminal, school, NULL FROM terminals WHERE retired_at IS NULL
UNION ALL
SELECT 'term', source_id, NULL, NULL FROM terms WHERE retired_at IS NULL
UNION ALL
SELECT 'class', source_id, school, school_class FROM classes WHERE retired_at IS NULL
UNION ALL
SELECT 'person', source_id, NULL, person FROM people WHERE retired_at IS NULL;

-- name: terms
-- Every term by sourcedId.
SELECT source_id, term, title, begins_on, ends_on, retired_at IS NOT NULL AS retired
FROM terms;

-- name: people
-- Everybody by sourcedId.
SELECT source_id, person, kind, name, birth_date, retired_at IS NOT NULL AS retired
FROM people;

-- name: classes
-- Every class by sourcedId.
SELECT source_id, school_class, school, title, title_en, grade, classroom, term, retired_at IS NOT NULL AS retired
FROM classes;

-- name: enrolments
-- Every enrolment with its seat.
SELECT
    school_class, person, role, begins_on, ends_on, number, seat_row, seat_column,
    retired_at IS NOT NULL AS retired
FROM enrolments;

-- name: holders
-- Who holds which terminal.
SELECT terminal, person, retired_at IS NOT NULL AS retired
FROM terminal_holders;

-- name: lessons_from
-- The lessons of some classes from a day on, as they are.
SELECT lesson, school, school_class, classroom, topic, teacher, day, period, starts_at, ends_at, exam,
    retired_at IS NOT NULL AS retired
FROM lessons
WHERE day >= %(first)s::date
    AND school_class = ANY(%(classes)s::text[]);

-- name: tell_desired
-- Say with the commit that rosters, timetables and what is for whom may have changed.
SELECT pg_notify('bellwether_desired', kind)
FROM unnest(ARRAY['roster', 'timetable', 'content']) AS kind;

-- name: class_facts
-- Classes in use with the range of their term.
SELECT
    classes.source_id, classes.school_class, classes.school, classes.classroom, terms.begins_on, terms.ends_on
FROM classes
LEFT JOIN terms USING (term)
WHERE classes.retired_at IS NULL;
