-- name: slots
-- Lessons that run in a span of time, with their class's size and everything between them and the centre.
SELECT
    lessons.lesson,
    lessons.school,
    lessons.school_class,
    coalesce(lessons.classroom, classes.classroom) AS classroom,
    lessons.topic,
    lessons.starts_at,
    lessons.ends_at,
    lessons.exam,
    coalesce(sizes.students, 0) AS students,
    links.provider,
    links.link,
    gateways.agent AS gateway,
    rooms.agent AS room_agent,
    coalesce(ready.ready, false) AS ready
FROM lessons
JOIN classes USING (school_class)
LEFT JOIN (
    SELECT school_class, count(*) AS students
    FROM enrolments
    WHERE role = 'pupil' AND retired_at IS NULL
    GROUP BY school_class
) AS sizes ON sizes.school_class = lessons.school_class
LEFT JOIN LATERAL (
    SELECT links.link, links.provider
    FROM links
    WHERE links.school = lessons.school AND links.retired_at IS NULL
    ORDER BY links.position
    LIMIT 1
) AS links ON true
LEFT JOIN LATERAL (
    SELECT agents.agent
    FROM agents
    WHERE agents.school = lessons.school AND agents.role = 'gateway' AND agents.retired_at IS NULL
    ORDER BY agents.position
    LIMIT 1
) AS gateways ON true
LEFT JOIN agents AS rooms
    ON rooms.classroom = coalesce(lessons.classroom, classes.classroom) AND rooms.retired_at IS NULL
LEFT JOIN LATERAL (
    SELECT true AS ready
    FROM reported_documents
    WHERE reported_documents.agent_id = rooms.agent_id
        AND reported_documents.kind = 'content'
        AND reported_documents.validity = 'valid'
) AS ready ON true
WHERE lessons.starts_at < %(until)s::timestamptz
    AND lessons.ends_at > %(since)s::timestamptz
    AND lessons.retired_at IS NULL
    AND (%(school)s::text IS NULL OR lessons.school = %(school)s)
ORDER BY lessons.starts_at, lessons.lesson;

-- name: facts
-- Minutes in which something was recorded in a lesson.
SELECT DISTINCT lesson, date_trunc('minute', made_at) AS at
FROM teaching_facts
WHERE made_at >= %(since)s::timestamptz AND made_at < %(until)s::timestamptz AND lesson = ANY(%(lessons)s::text[])
ORDER BY lesson, at;
