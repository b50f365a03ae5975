-- Teaching: what happened in lessons, one row per record that the service took.
--
-- Why: everything that is shown of a lesson is worked out from these rows when it is read, so facts may come in any order and
-- late: the result is the same as if they had come in time. A row goes when its record is erased or expires.
-- Locks: none on existing tables, only new ones.

CREATE TABLE teaching_facts (
    record_id text PRIMARY KEY,
    lesson text NOT NULL,
    school_class text NOT NULL REFERENCES classes,
    type text NOT NULL CHECK (type IN ('lesson_event', 'attendance', 'answer', 'resource_view')),
    person text,
    word text NOT NULL,
    object text,
    attempt integer,
    correct boolean,
    duration_seconds double precision,
    observed_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX teaching_facts_lesson ON teaching_facts (lesson, type, object);
CREATE INDEX teaching_facts_class ON teaching_facts (school_class, made_at);
CREATE INDEX teaching_facts_person ON teaching_facts (person, made_at) WHERE person IS NOT NULL;
CREATE INDEX teaching_facts_opened ON teaching_facts (made_at)
    WHERE type = 'lesson_event' AND word IN ('started', 'ended');
COMMENT ON INDEX teaching_facts_opened IS 'finds the lessons that were opened in a room, of all days, without reading them';
COMMENT ON COLUMN teaching_facts.lesson IS 'of the timetable, or one that a teacher opened in the room';
COMMENT ON COLUMN teaching_facts.word IS 'step of a lesson event, state of an attendance, response of an answer; empty for a view';
COMMENT ON COLUMN teaching_facts.object IS 'question or resource; what a lesson event is about';
