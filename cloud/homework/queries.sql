-- name: places
-- What is known of each record's assignment or question and of its subject. A grade has neither, only a grader.
SELECT
    met.record_id,
    given.assignment IS NOT NULL AS assignment_known,
    people.kind AS person_kind,
    EXISTS (
        SELECT
        FROM homework_audience AS audience
        WHERE audience.assignment = given.assignment
            AND (
                audience.person = met.subject
                OR EXISTS (
                    SELECT
                    FROM enrolments
                    WHERE enrolments.school_class = audience.school_class
                        AND enrolments.person = met.subject
                        AND enrolments.role = 'pupil'
                )
            )
    ) AS assigned
FROM unnest(
    %(record_ids)s::text[], %(assignments)s::text[], %(questions)s::text[], %(subjects)s::text[]
) AS met (record_id, assignment, question, subject)
LEFT JOIN homework_questions AS asked ON asked.question = met.question
LEFT JOIN homework_assignments AS given ON given.assignment = coalesce(met.assignment, asked.assignment)
LEFT JOIN people ON people.person = met.subject;

-- name: keep_submission
-- Keep one version of a submission; the same record again changes nothing.
INSERT INTO homework_submissions (record_id, assignment, person, version, body, parts, made_at, received_at)
VALUES (
    %(record_id)s, %(assignment)s, %(person)s, %(version)s, %(body)s, %(parts)s::jsonb, %(made_at)s, %(received_at)s
)
ON CONFLICT (record_id) DO NOTHING;

-- name: keep_grade
-- Keep one judgement; the same record again changes nothing.
INSERT INTO homework_grades (
    record_id, submission, grader, base_version, score, max_score, comment, made_at, stored_at, place
)
VALUES (
    %(record_id)s, %(submission)s, %(grader)s, %(base_version)s, %(score)s, %(max_score)s, %(comment)s, %(made_at)s,
    clock_timestamp(), %(place)s
)
ON CONFLICT (record_id) DO NOTHING;

-- name: keep_answer
-- Keep one attempt at a question of homework; the same record again changes nothing.
INSERT INTO homework_answers (record_id, question, person, response, attempt, correct, made_at)
VALUES (%(record_id)s, %(question)s, %(person)s, %(response)s, %(attempt)s, %(correct)s, %(made_at)s)
ON CONFLICT (record_id) DO NOTHING;

-- name: forget
-- Forget what was kept of records. A judgement of work that stays leaves its place among the versions, and nothing else.
WITH gone AS (
    DELETE FROM homework_submissions
    WHERE record_id = ANY(%(record_ids)s::text[])
    RETURNING record_id
),

answers AS (
    DELETE FROM homework_answers
    WHERE record_id = ANY(%(record_ids)s::text[])
),

blanked AS (
    UPDATE homework_grades AS judged
    SET forgotten = true,
        grader = NULL,
        score = NULL,
        max_score = NULL,
        comment = ''
    FROM homework_submissions AS submitted
    WHERE judged.record_id = ANY(%(record_ids)s::text[])
        AND submitted.record_id = judged.submission
        AND submitted.record_id <> ALL(%(record_ids)s::text[])
)

DELETE FROM homework_grades AS judged
WHERE (
        judged.record_id = ANY(%(record_ids)s::text[])
        AND NOT EXISTS (
            SELECT
            FROM homework_submissions AS submitted
            WHERE submitted.record_id = judged.submission
                AND submitted.record_id <> ALL(%(record_ids)s::text[])
        )
    )
    OR (judged.forgotten AND judged.submission IN (SELECT record_id FROM gone));

-- name: take_earlier_answers
-- Keep answers that came before their question was asked of their pupil.
INSERT INTO homework_answers (record_id, question, person, response, attempt, correct, made_at)
SELECT
    records.record_id, records.fact ->> 'question', records.subject, records.fact ->> 'response',
    coalesce((records.fact ->> 'attempt')::integer, 1), coalesce(
        (records.fact ->> 'correct')::boolean,
        (records.fact ->> 'score')::double precision >= (records.fact ->> 'max_score')::double precision
    ),
    least(records.observed_at + (records.corrected_at - records.accepted_at), records.corrected_at)
FROM records
WHERE records.type = 'answer'
    AND records.outcome = 'stored'
    AND records.fact ->> 'question' IN (SELECT question FROM homework_questions WHERE assignment = %(assignment)s)
    AND records.subject IN (
        SELECT coalesce(audience.person, enrolments.person)
        FROM homework_audience AS audience
        LEFT JOIN enrolments ON enrolments.school_class = audience.school_class
            AND enrolments.role = 'pupil'
        WHERE audience.assignment = %(assignment)s
    )
ON CONFLICT (record_id) DO NOTHING;

-- name: refused_earlier
-- Submissions that were refused because their assignment was not given, or not to their pupil.
SELECT record_refusals.record_id
FROM record_refusals
JOIN records ON records.record_id = record_refusals.record_id
    AND records.outcome = 'stored'
WHERE record_refusals.consumer = 'homework'
    AND record_refusals.settled_at IS NULL
    AND record_refusals.reason IN ('unknown_assignment', 'not_assigned')
    AND records.fact ->> 'assignment' = %(assignment)s;

-- name: hold_assignment
-- An assignment's version, held until the transaction ends.
SELECT version
FROM homework_assignments
WHERE assignment = %(assignment)s
FOR UPDATE;

-- name: unknown_classes
-- Those of some classes that are not in the roster.
SELECT asked.school_class
FROM unnest(%(classes)s::text[]) AS asked (school_class)
LEFT JOIN classes ON classes.school_class = asked.school_class
    AND classes.retired_at IS NULL
WHERE classes.school_class IS NULL
ORDER BY asked.school_class;

-- name: unknown_pupils
-- Those of some pupils that are not in the roster.
SELECT asked.person
FROM unnest(%(pupils)s::text[]) AS asked (person)
LEFT JOIN people ON people.person = asked.person
    AND people.kind = 'pupil'
    AND people.retired_at IS NULL
WHERE people.person IS NULL
ORDER BY asked.person;

-- name: questions_elsewhere
-- Those of some questions that another assignment asks.
SELECT question, assignment
FROM homework_questions
WHERE question = ANY(%(questions)s::text[])
    AND assignment <> %(assignment)s
ORDER BY question;

-- name: write_assignment
-- Write an assignment as its next version, given again if it had been withdrawn; nothing if somebody else just did.
INSERT INTO homework_assignments (assignment, version, title, due_at, max_score, late_accepted, given_at, changed_at)
VALUES (%(assignment)s, %(version)s, %(title)s, %(due_at)s, %(max_score)s, %(late_accepted)s, now(), now())
ON CONFLICT (assignment) DO UPDATE
SET version = excluded.version,
    title = excluded.title,
    due_at = excluded.due_at,
    max_score = excluded.max_score,
    late_accepted = excluded.late_accepted,
    changed_at = now(),
    withdrawn_at = NULL
WHERE homework_assignments.version = excluded.version - 1;

-- name: clear_audience
-- Empty an assignment's audience before it is written anew.
DELETE FROM homework_audience
WHERE assignment = %(assignment)s;

-- name: write_audience
-- Add a class or a pupil to an assignment's audience.
INSERT INTO homework_audience (assignment, school_class, person, group_name)
VALUES (%(assignment)s, %(school_class)s, %(person)s, %(group_name)s);

-- name: clear_questions
-- Remove an assignment's questions before they are written anew; answers to them stay.
DELETE FROM homework_questions
WHERE assignment = %(assignment)s;

-- name: write_question
-- Add a question to an assignment.
INSERT INTO homework_questions (question, assignment, position, correct, solution, video_resource)
VALUES (%(question)s, %(assignment)s, %(position)s, %(correct)s, %(solution)s, %(video_resource)s);

-- name: withdraw
-- Withdraw an assignment; what was handed in stays.
UPDATE homework_assignments
SET withdrawn_at = now(),
    changed_at = now(),
    version = version + 1
WHERE assignment = %(assignment)s
    AND withdrawn_at IS NULL;

-- name: assignments
-- Assignments, the next deadline last: of a class, of a pupil, or all, with how many pupils they reach and how many handed in.
SELECT
    given.assignment, given.version, given.title, given.given_at, given.due_at, given.max_score, given.late_accepted,
    given.withdrawn_at,
    (
        SELECT count(DISTINCT coalesce(audience.person, enrolments.person))
        FROM homework_audience AS audience
        LEFT JOIN enrolments ON enrolments.school_class = audience.school_class
            AND enrolments.role = 'pupil'
            AND enrolments.retired_at IS NULL
        WHERE audience.assignment = given.assignment
    ) AS pupils,
    (
        SELECT count(DISTINCT submissions.person)
        FROM homework_submissions AS submissions
        WHERE submissions.assignment = given.assignment
    ) AS submitted,
    count(*) OVER () AS total
FROM homework_assignments AS given
WHERE (%(assignment)s::text IS NULL OR given.assignment = %(assignment)s)
    AND (%(since)s::timestamptz IS NULL OR given.due_at >= %(since)s)
    AND (%(withdrawn)s::boolean OR given.withdrawn_at IS NULL)
    AND (
        %(school_class)s::text IS NULL
        OR EXISTS (
            SELECT
            FROM homework_audience AS audience
            LEFT JOIN enrolments ON enrolments.person = audience.person
                AND enrolments.role = 'pupil'
            WHERE audience.assignment = given.assignment
                AND %(school_class)s IN (audience.school_class, enrolments.school_class)
        )
    )
    AND (
        %(person)s::text IS NULL
        OR EXISTS (
            SELECT
            FROM homework_audience AS audience
            LEFT JOIN enrolments ON enrolments.school_class = audience.school_class
                AND enrolments.role = 'pupil'
                AND enrolments.retired_at IS NULL
            WHERE audience.assignment = given.assignment
                AND %(person)s IN (audience.person, enrolments.person)
        )
    )
ORDER BY given.due_at DESC, given.assignment
LIMIT %(limit)s::bigint OFFSET %(offset)s::bigint;

-- name: audience
-- Whom an assignment is for, as it was given.
SELECT school_class, person, group_name
FROM homework_audience
WHERE assignment = %(assignment)s
ORDER BY school_class, group_name, person;

-- name: questions
-- An assignment's questions, with how many pupils answered and how many of their last attempts are wrong.
SELECT
    asked.question, asked.correct, asked.solution, asked.video_resource,
    count(last.person) AS answered,
    count(last.person) FILTER (
        WHERE NOT CASE WHEN asked.correct IS NULL THEN last.correct ELSE last.response = asked.correct END
    ) AS wrong
FROM homework_questions AS asked
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (answers.person) answers.person, answers.response, answers.correct
    FROM homework_answers AS answers
    WHERE answers.question = asked.question
    ORDER BY answers.person, answers.attempt DESC, answers.made_at DESC, answers.record_id DESC
) AS last ON true
WHERE asked.assignment = %(assignment)s
GROUP BY asked.question
ORDER BY asked.position;

-- name: pupils
-- Pupils whom assignments are for, and whoever handed something in; with the class and school they learn in.
WITH meant AS (
    SELECT audience.assignment, enrolments.person, NULL AS group_name
    FROM homework_audience AS audience
    JOIN enrolments ON enrolments.school_class = audience.school_class
        AND enrolments.role = 'pupil'
        AND enrolments.retired_at IS NULL
    WHERE audience.assignment = ANY(%(assignments)s::text[])
    UNION ALL
    SELECT assignment, person, group_name
    FROM homework_audience
    WHERE assignment = ANY(%(assignments)s::text[])
        AND person IS NOT NULL
    UNION ALL
    SELECT assignment, person, NULL
    FROM homework_submissions
    WHERE assignment = ANY(%(assignments)s::text[])
)

SELECT meant.assignment, meant.person, max(meant.group_name) AS group_name, learns.school_class, learns.school, learns.number
FROM meant
LEFT JOIN LATERAL (
    SELECT enrolments.school_class, classes.school, enrolments.number
    FROM enrolments
    JOIN classes USING (school_class)
    WHERE enrolments.person = meant.person
        AND enrolments.role = 'pupil'
    ORDER BY enrolments.retired_at DESC NULLS FIRST, enrolments.school_class
    LIMIT 1
) AS learns ON true
WHERE %(person)s::text IS NULL OR meant.person = %(person)s
GROUP BY meant.assignment, meant.person, learns.school_class, learns.school, learns.number
ORDER BY meant.assignment, learns.school_class, learns.number NULLS LAST, meant.person;

-- name: submissions
-- Every version handed in for assignments, by everybody or one pupil, in the order in which they were made.
SELECT record_id, assignment, person, version, body, parts, made_at, received_at
FROM homework_submissions
WHERE assignment = ANY(%(assignments)s::text[])
    AND (%(person)s::text IS NULL OR person = %(person)s)
ORDER BY made_at, record_id;

-- name: grades
-- Every judgement of submissions.
SELECT
    record_id, submission, grader, base_version, score, max_score, comment, made_at, stored_at, place, chosen, settled_at,
    forgotten
FROM homework_grades
WHERE submission = ANY(%(submissions)s::text[]);

-- name: hold_grades
-- Every judgement of the submission that one judgement is about, held until the transaction ends.
SELECT
    record_id, submission, grader, base_version, score, max_score, comment, made_at, stored_at, place, chosen, settled_at,
    forgotten
FROM homework_grades
WHERE submission = (SELECT judged.submission FROM homework_grades AS judged WHERE judged.record_id = %(record_id)s)
FOR UPDATE;

-- name: settle
-- Note what a person decided about a judgement in conflict.
UPDATE homework_grades
SET chosen = %(chosen)s,
    settled_by = %(settled_by)s,
    settled_at = clock_timestamp()
WHERE record_id = %(record_id)s;

-- name: wrong_questions
-- Questions that a pupil got wrong, with what there is to learn from; those right by now when asked for; the newest first.
SELECT
    tried.question, asked.assignment, given.title, tried.response, tried.attempts, tried.times_wrong, tried.made_at,
    coalesce(tried.is_right, false) AS mastered, asked.correct AS correct_response, asked.solution, asked.video_resource,
    video.blob AS video
FROM (
    SELECT DISTINCT ON (marked.question)
        marked.question, marked.response, marked.made_at, marked.is_right,
        count(*) OVER (PARTITION BY marked.question) AS attempts,
        count(*) FILTER (WHERE NOT marked.is_right) OVER (PARTITION BY marked.question) AS times_wrong
    FROM (
        SELECT
            answers.*,
            CASE WHEN asked.correct IS NULL THEN answers.correct ELSE answers.response = asked.correct END AS is_right
        FROM homework_answers AS answers
        JOIN homework_questions AS asked USING (question)
        WHERE answers.person = %(person)s
    ) AS marked
    ORDER BY marked.question, marked.attempt DESC, marked.made_at DESC, marked.record_id DESC
) AS tried
JOIN homework_questions AS asked USING (question)
JOIN homework_assignments AS given USING (assignment)
LEFT JOIN LATERAL (
    SELECT
        jsonb_build_object(
            'sha256', blobs.sha256, 'size_bytes', blobs.size_bytes, 'media_type', blobs.media_type, 'arrived', true
        ) AS blob
    FROM push_resources
    JOIN pushes USING (manifest)
    JOIN blobs USING (sha256)
    WHERE push_resources.resource = asked.video_resource
        AND pushes.withdrawn_at IS NULL
    ORDER BY pushes.created_at DESC
    LIMIT 1
) AS video ON true
WHERE tried.times_wrong > 0
    AND (%(mastered)s::boolean OR tried.is_right IS NOT TRUE)
ORDER BY tried.made_at DESC, tried.question;

-- name: pupil
-- Whether a reference is a pupil's.
SELECT EXISTS (SELECT FROM people WHERE person = %(person)s AND kind = 'pupil');

-- name: pupils_of
-- Pupils whom an assignment is for, and whoever handed something in.
SELECT person
FROM homework_submissions
WHERE assignment = %(assignment)s
UNION
SELECT coalesce(audience.person, enrolments.person)
FROM homework_audience AS audience
LEFT JOIN enrolments ON enrolments.school_class = audience.school_class
    AND enrolments.role = 'pupil'
    AND enrolments.retired_at IS NULL
WHERE audience.assignment = %(assignment)s
    AND coalesce(audience.person, enrolments.person) IS NOT NULL;

-- name: classes_taught
-- Classes that a teacher teaches now.
SELECT school_class
FROM enrolments
WHERE person = %(person)s
    AND role = 'teacher'
    AND retired_at IS NULL
ORDER BY school_class;

-- name: known_classes
-- Those of some classes that are or were in the roster.
SELECT school_class
FROM classes
WHERE school_class = ANY(%(classes)s::text[])
ORDER BY school_class;

-- name: class_pupils
-- Pupils who are in some classes now.
SELECT DISTINCT person
FROM enrolments
WHERE school_class = ANY(%(classes)s::text[])
    AND role = 'pupil'
    AND retired_at IS NULL;

-- name: whose_part
-- Whose work a version is, when it has a file.
SELECT person
FROM homework_submissions
WHERE record_id = %(record_id)s
    AND parts @> jsonb_build_array(jsonb_build_object('sha256', %(hash)s::text));
