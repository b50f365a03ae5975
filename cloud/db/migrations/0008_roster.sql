-- Roster and timetable: who learns where and when.
--
-- Why: every service needs the same classes, pupils and lessons. Names live in `people` alone; every other table holds the
-- pseudonymous `person`, which is random and cannot be worked out from anything the school knows. A row that leaves the
-- district's files is retired, never deleted, so that facts keep what they refer to.
-- Locks: none on existing tables, only new ones.

CREATE TABLE roster_schools (
    source_id text PRIMARY KEY,
    school text NOT NULL REFERENCES schools
);
COMMENT ON TABLE roster_schools IS 'which school each org of the district''s files is; deltas name orgs without saying';

CREATE TABLE people (
    person text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('pupil', 'teacher', 'staff')),
    source_id text NOT NULL UNIQUE,
    name text NOT NULL,
    birth_date date,
    retired_at timestamptz
);
COMMENT ON COLUMN people.person IS 'pseudonymous reference: random, made here at the first import';
COMMENT ON COLUMN people.source_id IS 'sourcedId in the district''s own files';
COMMENT ON COLUMN people.birth_date IS 'unknown counts as under 14';

CREATE TABLE terms (
    term text PRIMARY KEY,
    source_id text NOT NULL UNIQUE,
    title text NOT NULL,
    begins_on date NOT NULL,
    ends_on date NOT NULL,
    retired_at timestamptz
);

CREATE TABLE classes (
    school_class text PRIMARY KEY,
    source_id text NOT NULL UNIQUE,
    school text NOT NULL REFERENCES schools,
    title text NOT NULL,
    title_en text NOT NULL,
    grade text NOT NULL,
    classroom text REFERENCES classrooms,
    term text REFERENCES terms,
    retired_at timestamptz
);
CREATE INDEX classes_school ON classes (school);

CREATE TABLE enrolments (
    school_class text NOT NULL REFERENCES classes,
    person text NOT NULL REFERENCES people,
    role text NOT NULL CHECK (role IN ('pupil', 'teacher')),
    number integer,
    seat_row integer,
    seat_column integer,
    begins_on date,
    ends_on date,
    retired_at timestamptz,
    PRIMARY KEY (school_class, person, role)
);
CREATE INDEX enrolments_person ON enrolments (person);
COMMENT ON COLUMN enrolments.number IS 'number in the class, what the room calls a pupil by';

CREATE TABLE terminal_holders (
    terminal text PRIMARY KEY REFERENCES terminals,
    person text NOT NULL REFERENCES people,
    retired_at timestamptz
);
CREATE INDEX terminal_holders_person ON terminal_holders (person);

CREATE TABLE lessons (
    lesson text PRIMARY KEY,
    school text NOT NULL REFERENCES schools,
    school_class text NOT NULL REFERENCES classes,
    classroom text REFERENCES classrooms,
    topic text NOT NULL,
    teacher text REFERENCES people (person),
    day date NOT NULL,
    period integer NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    exam boolean NOT NULL,
    retired_at timestamptz,
    CHECK (ends_at > starts_at)
);
CREATE INDEX lessons_class_day ON lessons (school_class, day);
CREATE INDEX lessons_school_time ON lessons (school, starts_at);
CREATE INDEX lessons_time ON lessons (starts_at, ends_at);
COMMENT ON COLUMN lessons.lesson IS 'class.day.period, such as s01-g3c1.20261127.p3';
