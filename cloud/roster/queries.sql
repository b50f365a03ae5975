-- name: lock
-- One import at a time; readers are not held up.
LOCK TABLE people, lessons IN SHARE ROW EXCLUSIVE MODE;

-- name: tell_desired
-- Say with the commit that rosters, timetables and what is for whom may have changed.
SELECT pg_notify('bellwether_desired', kind)
FROM unnest(ARRAY['roster', 'timetable', 'content']) AS kind;

-- name: schools
-- Schools of the inventory.
SELECT school
FROM schools
WHERE retired_at IS NULL;

-- name: classrooms
-- Classrooms of the inventory, and whether their name is unique in their school.
SELECT classroom, school, name, count(*) OVER (PARTITION BY school, name) = 1 AS named_once
FROM classrooms
WHERE retired_at IS NULL;

-- name: terminals
-- Terminals of the inventory.
SELECT terminal, school
FROM terminals
WHERE retired_at IS NULL;

-- name: orgs
-- Which school each org is.
SELECT source_id, school
FROM roster_schools;

-- name: people
-- Everybody, by the district's own id.
SELECT source_id, retired_at IS NOT NULL, person, kind, name, birth_date
FROM people;

-- name: terms
-- Every term, by the district's own id.
SELECT source_id, retired_at IS NOT NULL, term, title, begins_on, ends_on
FROM terms;

-- name: classes
-- Every class, by the district's own id.
SELECT source_id, retired_at IS NOT NULL, school_class, school, title, title_en, grade, classroom, term
FROM classes;

-- name: enrolments
-- Every enrolment by its key.
SELECT
    school_class, person, role,
    retired_at IS NOT NULL,
    number, seat_row, seat_column, begins_on, ends_on
FROM enrolments;

-- name: holders
-- Who holds or held each terminal.
SELECT terminal, retired_at IS NOT NULL, person
FROM terminal_holders;

-- name: forget_orgs
-- Forget orgs that the district's files no longer have.
DELETE FROM roster_schools
WHERE source_id = ANY(%(source_ids)s::text[]);

-- name: put_orgs
-- Keep which school an org is.
INSERT INTO roster_schools (source_id, school)
SELECT * FROM unnest(%(source_id)s::text[], %(school)s::text[])
ON CONFLICT (source_id) DO UPDATE SET school = EXCLUDED.school;

-- name: put_people
-- Add or change people; who was retired returns.
INSERT INTO people (source_id, person, kind, name, birth_date)
SELECT * FROM unnest(
    %(source_id)s::text[], %(person)s::text[], %(kind)s::text[], %(name)s::text[], %(birth_date)s::date[]
)
ON CONFLICT (person) DO UPDATE
SET kind = EXCLUDED.kind, name = EXCLUDED.name, birth_date = EXCLUDED.birth_date, retired_at = NULL;

-- name: retire_people
-- Retire people who left.
UPDATE people
SET retired_at = %(at)s
WHERE source_id = ANY(%(source_id)s::text[]);

-- name: put_terms
-- Add or change terms.
INSERT INTO terms (source_id, term, title, begins_on, ends_on)
SELECT * FROM unnest(
    %(source_id)s::text[], %(term)s::text[], %(title)s::text[], %(begins_on)s::date[], %(ends_on)s::date[]
)
ON CONFLICT (term) DO UPDATE
SET title = EXCLUDED.title, begins_on = EXCLUDED.begins_on, ends_on = EXCLUDED.ends_on, retired_at = NULL;

-- name: retire_terms
-- Retire terms that left.
UPDATE terms
SET retired_at = %(at)s
WHERE source_id = ANY(%(source_id)s::text[]);

-- name: put_classes
-- Add or change classes.
INSERT INTO classes (source_id, school_class, school, title, title_en, grade, classroom, term)
SELECT * FROM unnest(
    %(source_id)s::text[], %(school_class)s::text[], %(school)s::text[], %(title)s::text[], %(title_en)s::text[],
    %(grade)s::text[], %(classroom)s::text[], %(term)s::text[]
)
ON CONFLICT (school_class) DO UPDATE
SET
    school = EXCLUDED.school,
    title = EXCLUDED.title,
    title_en = EXCLUDED.title_en,
    grade = EXCLUDED.grade,
    classroom = EXCLUDED.classroom,
    term = EXCLUDED.term,
    retired_at = NULL;

-- name: retire_classes
-- Retire classes that left.
UPDATE classes
SET retired_at = %(at)s
WHERE source_id = ANY(%(source_id)s::text[]);

-- name: put_enrolments
-- Add or change enrolments.
INSERT INTO enrolments (school_class, person, role, number, seat_row, seat_column, begins_on, ends_on)
SELECT * FROM unnest(
    %(school_class)s::text[], %(person)s::text[], %(role)s::text[], %(number)s::integer[], %(seat_row)s::integer[],
    %(seat_column)s::integer[], %(begins_on)s::date[], %(ends_on)s::date[]
)
ON CONFLICT (school_class, person, role) DO UPDATE
SET
    number = EXCLUDED.number,
    seat_row = EXCLUDED.seat_row,
    seat_column = EXCLUDED.seat_column,
    begins_on = EXCLUDED.begins_on,
    ends_on = EXCLUDED.ends_on,
    retired_at = NULL;

-- name: retire_enrolments
-- Retire enrolments that ended.
UPDATE enrolments AS e
SET retired_at = %(at)s
FROM unnest(%(school_class)s::text[], %(person)s::text[], %(role)s::text[]) AS gone (school_class, person, role)
WHERE (e.school_class, e.person, e.role) = (gone.school_class, gone.person, gone.role);

-- name: put_holders
-- Hand out terminals.
INSERT INTO terminal_holders (terminal, person)
SELECT * FROM unnest(%(terminal)s::text[], %(person)s::text[])
ON CONFLICT (terminal) DO UPDATE
SET person = EXCLUDED.person, retired_at = NULL;

-- name: retire_holders
-- Take terminals back.
UPDATE terminal_holders
SET retired_at = %(at)s
WHERE terminal = ANY(%(terminal)s::text[]);

-- name: retire_lessons_of_classes
-- Retire the lessons to come of classes that left.
UPDATE lessons
SET retired_at = %(at)s
WHERE school_class = ANY(%(school_class)s::text[])
    AND starts_at > %(at)s
    AND retired_at IS NULL;

-- name: stage_lessons
-- Where a timetable's lessons wait to be compared, until the connection closes.
CREATE TEMP TABLE stage_lessons (
    lesson text, school text, school_class text, classroom text, topic text, teacher text, day date, period integer,
    starts_at timestamptz, ends_at timestamptz, exam boolean
);

-- name: copy_lessons
-- Take a timetable's lessons in.
COPY stage_lessons FROM STDIN (FORMAT binary);

-- name: leave_the_past
-- Leave alone lessons that have begun, and what is over of classes that have had lessons.
DELETE FROM stage_lessons AS s
WHERE s.ends_at <= %(at)s
        AND EXISTS (SELECT FROM lessons AS l WHERE l.school_class = s.school_class)
    OR EXISTS (SELECT FROM lessons AS l WHERE l.lesson = s.lesson AND l.starts_at <= %(at)s);

-- name: compare_lessons
-- Count the staged lessons that are new or return, those that change, and all.
SELECT
    count(*) FILTER (WHERE l.lesson IS NULL OR l.retired_at IS NOT NULL),
    count(*) FILTER (
        WHERE l.lesson IS NOT NULL
            AND l.retired_at IS NULL
            AND (l.classroom, l.topic, l.teacher, l.starts_at, l.ends_at, l.exam)
                IS DISTINCT FROM (s.classroom, s.topic, s.teacher, s.starts_at, s.ends_at, s.exam)
    ),
    count(*)
FROM stage_lessons AS s
LEFT JOIN lessons AS l USING (lesson);

-- name: put_lessons
-- Add and change lessons; those that are as they were are not written.
INSERT INTO lessons (
    lesson, school, school_class, classroom, topic, teacher, day, period, starts_at, ends_at, exam
)
SELECT lesson, school, school_class, classroom, topic, teacher, day, period, starts_at, ends_at, exam
FROM stage_lessons
ORDER BY school_class, starts_at
ON CONFLICT (lesson) DO UPDATE
SET
    school = EXCLUDED.school,
    classroom = EXCLUDED.classroom,
    topic = EXCLUDED.topic,
    teacher = EXCLUDED.teacher,
    starts_at = EXCLUDED.starts_at,
    ends_at = EXCLUDED.ends_at,
    exam = EXCLUDED.exam,
    retired_at = NULL
WHERE lessons.retired_at IS NOT NULL
    OR (lessons.classroom, lessons.topic, lessons.teacher, lessons.starts_at, lessons.ends_at, lessons.exam)
        IS DISTINCT FROM
        (EXCLUDED.classroom, EXCLUDED.topic, EXCLUDED.teacher, EXCLUDED.starts_at, EXCLUDED.ends_at, EXCLUDED.exam);

-- name: retire_lessons
-- Retire the lessons to come of these schools that the timetable no longer has.
UPDATE lessons AS l
SET retired_at = %(at)s
WHERE l.school = ANY(%(schools)s::text[])
    AND l.starts_at > %(at)s
    AND l.retired_at IS NULL
    AND NOT EXISTS (SELECT FROM stage_lessons AS s WHERE s.lesson = l.lesson);
