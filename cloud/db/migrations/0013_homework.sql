-- Homework: assignments, every version of a submission, every judgement of it, answers to its questions.
--
-- Why: nothing that somebody made is overwritten. Which version of a submission counts, whether it is late or excused, and
-- which of two judgements stands are worked out from what is kept, in whatever order it came. A submission's files are looked
-- up in `blobs` when it is read, so it is complete the moment its last file arrives.
-- Locks: none on existing tables, only new ones.

CREATE TABLE homework_assignments (
    assignment text PRIMARY KEY,
    version integer NOT NULL,
    title text NOT NULL,
    due_at timestamptz NOT NULL,
    max_score double precision,
    late_accepted boolean NOT NULL,
    given_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    withdrawn_at timestamptz
);
CREATE INDEX homework_assignments_due ON homework_assignments (due_at DESC);
COMMENT ON COLUMN homework_assignments.version IS 'compare-and-set: a change names the version that it saw';

CREATE TABLE homework_audience (
    assignment text NOT NULL REFERENCES homework_assignments,
    school_class text REFERENCES classes,
    person text REFERENCES people,
    group_name text,
    CHECK (num_nonnulls(school_class, person) = 1)
);
CREATE INDEX homework_audience_assignment ON homework_audience (assignment);
CREATE INDEX homework_audience_class ON homework_audience (school_class) WHERE school_class IS NOT NULL;
CREATE INDEX homework_audience_person ON homework_audience (person) WHERE person IS NOT NULL;
COMMENT ON TABLE homework_audience IS 'a class whole, or pupils one by one; group_name is the group that a pupil was named in';

CREATE TABLE homework_questions (
    question text PRIMARY KEY,
    assignment text NOT NULL REFERENCES homework_assignments,
    position integer NOT NULL,
    correct text,
    solution text NOT NULL,
    video_resource text
);
CREATE INDEX homework_questions_assignment ON homework_questions (assignment, position);

CREATE TABLE homework_submissions (
    record_id text PRIMARY KEY,
    assignment text NOT NULL REFERENCES homework_assignments,
    person text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    parts jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX homework_submissions_assignment ON homework_submissions (assignment, person);
CREATE INDEX homework_submissions_person ON homework_submissions (person);

CREATE TABLE homework_grades (
    record_id text PRIMARY KEY,
    submission text NOT NULL,
    grader text,
    base_version integer NOT NULL,
    score double precision,
    max_score double precision,
    comment text NOT NULL,
    made_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL,
    place bigint NOT NULL,
    chosen boolean,
    settled_by text,
    settled_at timestamptz,
    forgotten boolean NOT NULL DEFAULT false,
    CHECK (num_nonnulls(chosen, settled_by, settled_at) IN (0, 3))
);
CREATE INDEX homework_grades_submission ON homework_grades (submission);
COMMENT ON COLUMN homework_grades.submission IS 'may arrive before the submission itself';
COMMENT ON COLUMN homework_grades.stored_at IS 'when it was taken: the order that versions are given in, which never changes';
COMMENT ON COLUMN homework_grades.forgotten IS 'erased or expired: nothing of it is left but its place among the versions';
COMMENT ON COLUMN homework_grades.chosen IS 'what a person decided about a judgement in conflict; null while nobody has';

CREATE TABLE homework_answers (
    record_id text PRIMARY KEY,
    question text NOT NULL,
    person text NOT NULL,
    response text NOT NULL,
    attempt integer NOT NULL,
    correct boolean,
    made_at timestamptz NOT NULL
);
CREATE INDEX homework_answers_person ON homework_answers (person, question, made_at);
COMMENT ON COLUMN homework_answers.correct IS 'what the app said; the assignment''s own key decides when it has one';
