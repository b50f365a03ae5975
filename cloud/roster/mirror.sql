-- name: agent
-- What an agent serves: its role, school and classroom.
SELECT role, school, classroom
FROM agents
WHERE agent = %(agent)s AND retired_at IS NULL;

-- name: classes
-- The classes of a school, or of one of its rooms.
SELECT school_class, title, title_en, grade, classroom
FROM classes
WHERE school = %(school)s
    AND (%(classroom)s::text IS NULL OR classroom = %(classroom)s)
    AND retired_at IS NULL
ORDER BY school_class;

-- name: members
-- Who belongs to these classes, with a day's grace at both ends so that no time zone matters; pupils by their number.
SELECT e.school_class, e.person, e.role, e.number, e.seat_row, e.seat_column, h.terminal
FROM enrolments AS e
LEFT JOIN LATERAL (
    SELECT min(terminal) AS terminal
    FROM terminal_holders
    WHERE person = e.person AND retired_at IS NULL
) AS h ON e.role = 'pupil'
WHERE e.school_class = ANY(%(school_classes)s::text[])
    AND e.retired_at IS NULL
    AND coalesce(e.begins_on <= current_date + 1, true)
    AND coalesce(e.ends_on >= current_date - 1, true)
ORDER BY e.school_class, e.number NULLS LAST, e.person;

-- name: lessons
-- Lessons of a school, or those that a room is for: held in it, or of a class that lives in it.
SELECT
    l.lesson,
    l.school_class,
    l.topic,
    (extract(EPOCH FROM l.starts_at) * 1000)::bigint AS starts_at_ms,
    (extract(EPOCH FROM l.ends_at) * 1000)::bigint AS ends_at_ms,
    l.period,
    l.teacher,
    l.classroom,
    l.exam
FROM lessons AS l
JOIN classes AS c USING (school_class)
WHERE l.school = %(school)s
    AND (%(classroom)s::text IS NULL OR l.classroom = %(classroom)s OR c.classroom = %(classroom)s)
    AND l.day BETWEEN %(first_day)s AND %(last_day)s
    AND l.retired_at IS NULL
ORDER BY l.starts_at, l.lesson;
