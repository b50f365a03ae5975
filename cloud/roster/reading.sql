-- name: classes
-- Classes with their counts, in order of their key.
SELECT
    c.school_class, c.school, c.title, c.title_en, c.grade, c.classroom, c.term, t.begins_on, t.ends_on,
    count(e.person) FILTER (WHERE e.role = 'pupil') AS pupils,
    count(e.person) FILTER (WHERE e.role = 'teacher') AS teachers
FROM classes AS c
LEFT JOIN terms AS t USING (term)
LEFT JOIN enrolments AS e
    ON e.school_class = c.school_class
    AND e.retired_at IS NULL
    AND coalesce(e.begins_on <= %(today)s::date, true)
    AND coalesce(e.ends_on >= %(today)s::date, true)
WHERE c.retired_at IS NULL
    AND (%(school)s::text IS NULL OR c.school = %(school)s)
    AND (%(grade)s::text IS NULL OR c.grade = %(grade)s)
    AND (%(school_class)s::text IS NULL OR c.school_class = %(school_class)s)
GROUP BY c.school_class, t.term
ORDER BY c.school_class;

-- name: members
-- Who belongs to a class on a day, pupils by their number; who turns 14 that day no longer counts as younger.
SELECT
    e.person,
    e.role,
    e.number,
    e.seat_row,
    e.seat_column,
    p.name,
    coalesce(p.birth_date > (%(today)s::date - INTERVAL '14 years')::date, true) AS under_14,
    (
        SELECT min(h.terminal)
        FROM terminal_holders AS h
        WHERE h.person = e.person AND h.retired_at IS NULL
    ) AS terminal
FROM enrolments AS e
JOIN people AS p USING (person)
WHERE e.school_class = %(school_class)s
    AND e.retired_at IS NULL
    AND coalesce(e.begins_on <= %(today)s::date, true)
    AND coalesce(e.ends_on >= %(today)s::date, true)
ORDER BY e.number NULLS LAST, e.person;

-- name: lessons
-- Lessons of a class over some days, in order of their beginning.
SELECT lesson, school, school_class, classroom, topic, teacher, day, period, starts_at, ends_at, exam
FROM lessons
WHERE school_class = %(school_class)s
    AND day BETWEEN %(first_day)s AND %(last_day)s
    AND retired_at IS NULL
ORDER BY starts_at, lesson;

-- name: lessons_at
-- Lessons that are running at a moment, of a school or of all.
SELECT lesson, school, school_class, classroom, topic, teacher, day, period, starts_at, ends_at, exam
FROM lessons
WHERE starts_at <= %(at)s
    AND ends_at > %(at)s
    AND (%(school)s::text IS NULL OR school = %(school)s)
    AND retired_at IS NULL
ORDER BY school, school_class, lesson;
