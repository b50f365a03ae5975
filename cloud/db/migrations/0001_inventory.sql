-- Inventory: what should exist, as imported from a district's folder of CSV files.
--
-- Why: every other table refers to these names. A row that leaves the folder is retired, never deleted, so history keeps
-- its names; it returns by losing its `retired_at`. `position` is the order in the district's own file.
-- Locks: none on existing tables, only new ones.

CREATE TABLE schools (
    school text PRIMARY KEY,
    position integer NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior', 'senior')),
    latitude double precision,
    longitude double precision,
    retired_at timestamptz
);

CREATE TABLE classrooms (
    classroom text PRIMARY KEY,
    position integer NOT NULL,
    school text NOT NULL REFERENCES schools,
    name text NOT NULL,
    name_en text NOT NULL,
    seats integer,
    retired_at timestamptz
);
CREATE INDEX classrooms_school ON classrooms (school);

CREATE TABLE agents (
    agent_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent text NOT NULL UNIQUE,
    position integer NOT NULL,
    role text NOT NULL CHECK (role IN ('gateway', 'classroom', 'core')),
    school text REFERENCES schools,
    classroom text REFERENCES classrooms,
    retired_at timestamptz
);
CREATE INDEX agents_school ON agents (school);

CREATE TABLE devices (
    device text PRIMARY KEY,
    position integer NOT NULL,
    school text REFERENCES schools,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('router', 'switch', 'ap', 'core', 'other')),
    vendor text NOT NULL,
    model text NOT NULL,
    address text NOT NULL,
    agent text REFERENCES agents (agent),
    parent text REFERENCES devices,
    retired_at timestamptz
);
CREATE INDEX devices_school ON devices (school);

CREATE TABLE links (
    link text PRIMARY KEY,
    position integer NOT NULL,
    school text NOT NULL REFERENCES schools,
    name text NOT NULL,
    name_en text NOT NULL,
    provider text NOT NULL,
    contracted_bps bigint NOT NULL CHECK (contracted_bps > 0),
    school_device text REFERENCES devices,
    school_port text,
    centre_device text REFERENCES devices,
    centre_port text,
    retired_at timestamptz
);
CREATE INDEX links_school ON links (school);

CREATE TABLE ports (
    device text NOT NULL REFERENCES devices,
    port text NOT NULL,
    position integer NOT NULL,
    alias text NOT NULL,
    speed_bps bigint,
    retired_at timestamptz,
    PRIMARY KEY (device, port)
);

CREATE TABLE terminals (
    terminal text PRIMARY KEY,
    position integer NOT NULL,
    school text NOT NULL REFERENCES schools,
    classroom text REFERENCES classrooms,
    owner text NOT NULL CHECK (owner IN ('student', 'teacher')),
    agent text NOT NULL REFERENCES agents (agent),
    model text NOT NULL,
    retired_at timestamptz
);
CREATE INDEX terminals_school ON terminals (school);
CREATE INDEX terminals_classroom ON terminals (classroom);
CREATE INDEX terminals_agent ON terminals (agent);

CREATE TABLE inventory_imports (
    import_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    imported_at timestamptz NOT NULL,
    folder text NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    retired integer NOT NULL
);
