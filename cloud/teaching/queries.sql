-- name: places
-- Where each record belongs. A class that is not named is the pupil's own; a lesson that is not named is the one that the
-- class had at that moment.
SELECT
    met.record_id,
    named.school_class IS NOT NULL AS class_known,
    found.school_class,
    coalesce(met.lesson, running.lesson) AS lesson,
    planned.school_class AS lesson_class,
    EXISTS (SELECT FROM people WHERE people.person = met.subject AND people.kind = 'pupil') AS person_known,
    EXISTS (
        SELECT
        FROM enrolments
        WHERE enrolments.school_class = found.school_class
            AND enrolments.person = met.subject
            AND enrolments.role = 'pupil'
            AND (enrolments.begins_on IS NULL OR enrolments.begins_on <= met.made_at::date + 1)
            AND (enrolments.ends_on IS NULL OR enrolments.ends_on >= met.made_at::date - 1)
            AND (enrolments.retired_at IS NULL OR enrolments.retired_at >= met.made_at - interval '1 day')
    ) AS enrolled
FROM unnest(
    %(record_ids)s::text[], %(classes)s::text[], %(subjects)s::text[], %(lessons)s::text[], %(made_at)s::timestamptz[]
) AS met (record_id, school_class, subject, lesson, made_at)
LEFT JOIN classes AS named ON named.school_class = met.school_class
LEFT JOIN lessons AS planned ON planned.lesson = met.lesson
LEFT JOIN LATERAL (
    SELECT coalesce(
        named.school_class,
        planned.school_class,
        (
            SELECT min(enrolments.school_class)
            FROM enrolments
            WHERE enrolments.person = met.subject
                AND enrolments.role = 'pupil'
                AND enrolments.retired_at IS NULL
        )
    ) AS school_class
) AS found ON true
LEFT JOIN LATERAL (
    SELECT lessons.lesson
    FROM lessons
    WHERE lessons.school_class = found.school_class
        AND lessons.starts_at <= met.made_at
        AND lessons.ends_at > met.made_at
        AND lessons.retired_at IS NULL
    ORDER BY lessons.starts_at DESC
    LIMIT 1
) AS running ON met.lesson IS NULL;

-- name: keep_fact
-- Keep a record's meaning; the same record again changes nothing.
INSERT INTO teaching_facts (
    record_id, lesson, school_class, type, person, word, object, attempt, correct, duration_seconds, observed_at, made_at,
    received_at
)
VALUES (
    %(record_id)s, %(lesson)s, %(school_class)s, %(type)s, %(person)s, %(word)s, %(object)s, %(attempt)s, %(correct)s,
    %(duration_seconds)s, %(observed_at)s, %(made_at)s, %(received_at)s
)
ON CONFLICT (record_id) DO NOTHING;

-- name: tell_lessons
-- Say which lessons have changed, to whoever shows them.
SELECT pg_notify(%(channel)s, lesson)
FROM unnest(%(lessons)s::text[]) AS told (lesson);

-- name: forget_facts
-- Forget what was kept of records, and say which lessons have changed.
WITH gone AS (
    DELETE FROM teaching_facts
    WHERE record_id = ANY(%(record_ids)s::text[])
    RETURNING lesson
)

SELECT pg_notify(%(channel)s, lesson)
FROM gone
GROUP BY lesson;

-- name: lessons
-- Lessons that run in a span of time, of the timetable or opened in a room, with what is known of them.
WITH wanted AS (
    SELECT lessons.lesson, lessons.school_class, lessons.topic, lessons.period, lessons.starts_at, lessons.ends_at,
        lessons.exam, true AS planned
    FROM lessons
    WHERE lessons.starts_at < %(until)s::timestamptz
        AND lessons.ends_at > %(since)s::timestamptz
        AND lessons.retired_at IS NULL
    UNION ALL
    SELECT opened.lesson, min(opened.school_class), '', NULL, min(opened.made_at),
        max(opened.made_at) FILTER (WHERE opened.word = 'ended'), false, false
    FROM teaching_facts AS opened
    WHERE opened.type = 'lesson_event'
        AND opened.word IN ('started', 'ended')
        AND opened.made_at > %(since)s::timestamptz - interval '4 hours'
        AND opened.made_at < %(until)s::timestamptz
        AND NOT EXISTS (SELECT FROM lessons WHERE lessons.lesson = opened.lesson)
    GROUP BY opened.lesson
    HAVING coalesce(max(opened.made_at) FILTER (WHERE opened.word = 'ended'), 'infinity') > %(since)s::timestamptz
)

SELECT
    wanted.*, classes.school, classes.title, classes.title_en,
    (
        SELECT count(*)
        FROM enrolments
        WHERE enrolments.school_class = wanted.school_class
            AND enrolments.role = 'pupil'
            AND enrolments.retired_at IS NULL
    ) AS pupils,
    facts.answers, facts.answering, facts.late, facts.last_at, facts.question, there.present, there.coming_late,
    there.absent, there.excused,
    (
        SELECT count(DISTINCT told.person)
        FROM teaching_facts AS told
        WHERE told.lesson = wanted.lesson
            AND told.type = 'answer'
            AND told.object = facts.question
    ) AS answering_now,
    gateway.agent AS gateway, gateway.presence AS gateway_presence, gateway.last_heartbeat_at AS gateway_heard_at,
    gateway.status AS gateway_status
FROM wanted
JOIN classes USING (school_class)
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE told.type = 'answer') AS answers,
        count(DISTINCT told.person) FILTER (WHERE told.type = 'answer') AS answering,
        count(*) FILTER (WHERE told.received_at > wanted.ends_at + interval '60 seconds') AS late,
        max(told.received_at) AS last_at,
        (
            SELECT CASE WHEN steps.word = 'question_opened' THEN steps.object END
            FROM teaching_facts AS steps
            WHERE steps.lesson = wanted.lesson
                AND steps.type = 'lesson_event'
                AND steps.word IN ('question_opened', 'question_closed')
            ORDER BY steps.made_at DESC, steps.word DESC, steps.record_id DESC
            LIMIT 1
        ) AS question
    FROM teaching_facts AS told
    WHERE told.lesson = wanted.lesson
) AS facts
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE newest.word = 'present') AS present,
        count(*) FILTER (WHERE newest.word = 'late') AS coming_late,
        count(*) FILTER (WHERE newest.word = 'absent') AS absent,
        count(*) FILTER (WHERE newest.word = 'excused') AS excused
    FROM (
        SELECT DISTINCT ON (told.person) told.word
        FROM teaching_facts AS told
        WHERE told.lesson = wanted.lesson
            AND told.type = 'attendance'
        ORDER BY told.person, told.made_at DESC, told.record_id DESC
    ) AS newest
) AS there
LEFT JOIN LATERAL (
    SELECT agents.agent, agent_presence.presence, agent_presence.last_heartbeat_at, status_current.status
    FROM agents
    LEFT JOIN agent_presence USING (agent_id)
    LEFT JOIN status_current ON status_current.kind = 'gateway'
        AND status_current.key = agents.agent
    WHERE agents.school = classes.school
        AND agents.role = 'gateway'
        AND agents.retired_at IS NULL
    ORDER BY agents.position
    LIMIT 1
) AS gateway ON true
WHERE (%(lesson)s::text IS NULL OR wanted.lesson = %(lesson)s)
    AND (%(school)s::text IS NULL OR classes.school = %(school)s)
    AND (%(school_class)s::text IS NULL OR wanted.school_class = %(school_class)s)
ORDER BY wanted.starts_at, wanted.lesson
LIMIT %(limit)s::bigint;

-- name: span
-- The time a lesson took: by the timetable, else by its own facts.
SELECT min(starts_at) AS starts_at, max(ends_at) AS ends_at
FROM (
    SELECT starts_at, ends_at
    FROM lessons
    WHERE lesson = %(lesson)s
    UNION ALL
    SELECT min(made_at), max(made_at) + interval '1 millisecond'
    FROM teaching_facts
    WHERE lesson = %(lesson)s
        AND NOT EXISTS (SELECT FROM lessons WHERE lesson = %(lesson)s)
) AS known;

-- name: attendance
-- Who is or was in the class, and whether in the lesson: the newest observation counts, an answer is one as well.
SELECT
    enrolments.person, enrolments.number, told.word AS state, told.made_at AS observed_at,
    coalesce(answers.answered, 0) AS answered
FROM enrolments
LEFT JOIN LATERAL (
    SELECT word, made_at
    FROM teaching_facts
    WHERE lesson = %(lesson)s
        AND type = 'attendance'
        AND person = enrolments.person
    ORDER BY made_at DESC, record_id DESC
    LIMIT 1
) AS told ON true
LEFT JOIN LATERAL (
    SELECT count(DISTINCT object) AS answered
    FROM teaching_facts
    WHERE lesson = %(lesson)s
        AND type = 'answer'
        AND person = enrolments.person
) AS answers ON true
WHERE enrolments.school_class = %(school_class)s
    AND enrolments.role = 'pupil'
    AND (enrolments.retired_at IS NULL OR told.word IS NOT NULL OR answers.answered > 0)
ORDER BY enrolments.number NULLS LAST, enrolments.person;

-- name: last_attempts
-- The attempt that counts of every pupil for each question of a lesson: the highest attempt, then the later one.
SELECT DISTINCT ON (answers.object, answers.person)
    answers.object AS question, answers.person, answers.word AS response, answers.attempt, answers.correct,
    answers.made_at, answers.received_at,
    count(*) OVER (PARTITION BY answers.object, answers.person) AS attempts
FROM teaching_facts AS answers
WHERE answers.lesson = %(lesson)s
    AND answers.type = 'answer'
    AND (%(question)s::text IS NULL OR answers.object = %(question)s)
ORDER BY answers.object, answers.person, answers.attempt DESC, answers.observed_at DESC, answers.record_id DESC;

-- name: questions
-- The questions that were opened in a lesson: when first, and when last closed unless opened again since.
SELECT
    object AS question,
    min(made_at) FILTER (WHERE word = 'question_opened') AS opened_at,
    CASE
        WHEN max(made_at) FILTER (WHERE word = 'question_closed')
            >= coalesce(max(made_at) FILTER (WHERE word = 'question_opened'), '-infinity')
            THEN max(made_at) FILTER (WHERE word = 'question_closed')
    END AS closed_at
FROM teaching_facts
WHERE lesson = %(lesson)s
    AND type = 'lesson_event'
    AND word IN ('question_opened', 'question_closed')
    AND object IS NOT NULL
GROUP BY object
ORDER BY opened_at NULLS LAST, object;

-- name: timeline
-- Everything that was told of a lesson but answers, in the order in which it was made, and how late it came.
SELECT type, word, object, person, made_at, received_at
FROM teaching_facts
WHERE lesson = %(lesson)s
    AND type <> 'answer'
ORDER BY made_at, received_at, record_id
LIMIT 5000;

-- name: participation
-- How many lessons of a span of days each pupil answered in, and how often.
SELECT
    facts.person, count(DISTINCT facts.lesson) AS lessons, count(*) AS answers,
    count(*) FILTER (WHERE facts.correct) AS correct
FROM teaching_facts AS facts
WHERE facts.school_class = %(school_class)s
    AND facts.type = 'answer'
    AND facts.made_at >= %(since)s::timestamptz
    AND facts.made_at < %(until)s::timestamptz
GROUP BY facts.person
ORDER BY facts.person;

-- name: asked
-- Lessons and questions of a class in a span of time.
SELECT count(DISTINCT lesson) AS lessons, count(DISTINCT (lesson, object)) AS questions
FROM teaching_facts
WHERE school_class = %(school_class)s
    AND type = 'answer'
    AND made_at >= %(since)s::timestamptz
    AND made_at < %(until)s::timestamptz;

-- name: pupils_of_lesson
-- Pupils of whom something is known in a lesson.
SELECT DISTINCT person
FROM teaching_facts
WHERE lesson = %(lesson)s
    AND person IS NOT NULL;

-- name: pupils_of_class
-- Pupils of whom something is known in a class.
SELECT DISTINCT person
FROM teaching_facts
WHERE school_class = %(school_class)s
    AND person IS NOT NULL;
