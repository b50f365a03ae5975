-- The sum of all migrations, plain variant. Written by cloud/db/snapshot.py, compared by a test; do not edit.

CREATE TABLE access_log (
    access_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    purpose text NOT NULL,
    subjects text[] NOT NULL,
    route text NOT NULL,
    CONSTRAINT access_log_pkey PRIMARY KEY (access_id)
);
CREATE INDEX access_log_subjects ON access_log USING gin (subjects);

CREATE TABLE agent_boots (
    agent_id integer NOT NULL,
    boot text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    CONSTRAINT agent_boots_pkey PRIMARY KEY (agent_id, boot),
    CONSTRAINT agent_boots_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE agent_epochs (
    agent_id integer NOT NULL,
    epoch text NOT NULL,
    first_received_at timestamp with time zone NOT NULL,
    last_received_at timestamp with time zone NOT NULL,
    high_seq bigint NOT NULL DEFAULT 0,
    low bigint NOT NULL DEFAULT 1,
    stored_segments bigint NOT NULL DEFAULT 0,
    stored_items bigint NOT NULL DEFAULT 0,
    stored_events bigint NOT NULL DEFAULT 0,
    duplicate_segments bigint NOT NULL DEFAULT 0,
    conflict_segments bigint NOT NULL DEFAULT 0,
    newest_observed_at timestamp with time zone,
    produced_items bigint NOT NULL DEFAULT 0,
    confirmed_items bigint NOT NULL DEFAULT 0,
    rejected_items bigint NOT NULL DEFAULT 0,
    thinned_items bigint NOT NULL DEFAULT 0,
    damaged_items bigint NOT NULL DEFAULT 0,
    held_items bigint NOT NULL DEFAULT 0,
    reported_at timestamp with time zone,
    CONSTRAINT agent_epochs_pkey PRIMARY KEY (agent_id, epoch),
    CONSTRAINT agent_epochs_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE agent_lanes (
    agent_id integer NOT NULL,
    lane text NOT NULL,
    held_segments bigint NOT NULL,
    held_items bigint NOT NULL,
    held_bytes bigint NOT NULL,
    oldest_at timestamp with time zone,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT agent_lanes_pkey PRIMARY KEY (agent_id, lane),
    CONSTRAINT agent_lanes_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE agent_presence (
    agent_id integer NOT NULL,
    presence text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    verdict text NOT NULL,
    session bigint NOT NULL,
    instance text NOT NULL,
    last_heartbeat_at timestamp with time zone NOT NULL,
    role text,
    software text NOT NULL,
    host text NOT NULL,
    boot text,
    epoch text,
    next_seq bigint,
    low bigint,
    skew_seconds double precision,
    held_segments bigint NOT NULL DEFAULT 0,
    held_items bigint NOT NULL DEFAULT 0,
    held_bytes bigint NOT NULL DEFAULT 0,
    duplicate_instance text,
    duplicate_host text,
    duplicate_seen_at timestamp with time zone,
    CONSTRAINT agent_presence_pkey PRIMARY KEY (agent_id),
    CONSTRAINT agent_presence_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id),
    CONSTRAINT agent_presence_presence_check CHECK ((presence = ANY (ARRAY['online'::text, 'offline'::text])))
);

CREATE TABLE agent_reports (
    agent_id integer NOT NULL,
    reported_at timestamp with time zone NOT NULL,
    CONSTRAINT agent_reports_pkey PRIMARY KEY (agent_id),
    CONSTRAINT agent_reports_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE agents (
    agent_id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    agent text NOT NULL,
    position integer NOT NULL,
    role text NOT NULL,
    school text,
    classroom text,
    retired_at timestamp with time zone,
    CONSTRAINT agents_agent_key UNIQUE (agent),
    CONSTRAINT agents_pkey PRIMARY KEY (agent_id),
    CONSTRAINT agents_classroom_fkey FOREIGN KEY (classroom) REFERENCES classrooms(classroom),
    CONSTRAINT agents_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT agents_role_check CHECK ((role = ANY (ARRAY['gateway'::text, 'classroom'::text, 'core'::text])))
);
CREATE INDEX agents_school ON agents USING btree (school);

CREATE TABLE blobs (
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT blobs_pkey PRIMARY KEY (sha256),
    CONSTRAINT blobs_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT blobs_size_bytes_check CHECK ((size_bytes >= 0))
);

CREATE TABLE classes (
    school_class text NOT NULL,
    source_id text NOT NULL,
    school text NOT NULL,
    title text NOT NULL,
    title_en text NOT NULL,
    grade text NOT NULL,
    classroom text,
    term text,
    retired_at timestamp with time zone,
    CONSTRAINT classes_source_id_key UNIQUE (source_id),
    CONSTRAINT classes_pkey PRIMARY KEY (school_class),
    CONSTRAINT classes_classroom_fkey FOREIGN KEY (classroom) REFERENCES classrooms(classroom),
    CONSTRAINT classes_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT classes_term_fkey FOREIGN KEY (term) REFERENCES terms(term)
);
CREATE INDEX classes_school ON classes USING btree (school);

CREATE TABLE classroom_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    terminals_present_avg double precision,
    terminals_present_min integer,
    terminals_present_max integer,
    terminals_known_avg double precision,
    terminals_known_min integer,
    terminals_known_max integer,
    checkins_avg double precision,
    checkins_min integer,
    checkins_max integer,
    battery_low_avg double precision,
    battery_low_min integer,
    battery_low_max integer,
    wifi_weak_avg double precision,
    wifi_weak_min integer,
    wifi_weak_max integer,
    CONSTRAINT classroom_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX classroom_1h_bucket ON classroom_1h USING btree (bucket);

CREATE TABLE classroom_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    terminals_present_avg double precision,
    terminals_present_min integer,
    terminals_present_max integer,
    terminals_known_avg double precision,
    terminals_known_min integer,
    terminals_known_max integer,
    checkins_avg double precision,
    checkins_min integer,
    checkins_max integer,
    battery_low_avg double precision,
    battery_low_min integer,
    battery_low_max integer,
    wifi_weak_avg double precision,
    wifi_weak_min integer,
    wifi_weak_max integer,
    CONSTRAINT classroom_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX classroom_5m_bucket ON classroom_5m USING btree (bucket);

CREATE TABLE classroom_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    terminals_present integer NOT NULL,
    terminals_known integer NOT NULL,
    checkins integer,
    battery_low integer,
    wifi_weak integer,
    CONSTRAINT classroom_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE classroom_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    terminals_present integer NOT NULL,
    terminals_known integer NOT NULL,
    checkins integer,
    battery_low integer,
    wifi_weak integer
);
CREATE INDEX classroom_samples_thing_time ON classroom_samples USING btree (thing_id, corrected_at);
CREATE INDEX classroom_samples_time ON classroom_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE classrooms (
    classroom text NOT NULL,
    position integer NOT NULL,
    school text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    seats integer,
    retired_at timestamp with time zone,
    CONSTRAINT classrooms_pkey PRIMARY KEY (classroom),
    CONSTRAINT classrooms_school_fkey FOREIGN KEY (school) REFERENCES schools(school)
);
CREATE INDEX classrooms_school ON classrooms USING btree (school);

CREATE TABLE desired_documents (
    agent_id integer NOT NULL,
    kind text NOT NULL,
    serial bigint NOT NULL,
    token text NOT NULL,
    payload bytea NOT NULL,
    body_sha256 bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT desired_documents_pkey PRIMARY KEY (agent_id, kind),
    CONSTRAINT desired_documents_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id),
    CONSTRAINT desired_documents_kind_check CHECK ((kind = ANY (ARRAY['roster'::text, 'timetable'::text, 'content'::text, 'terminals'::text, 'erasure'::text]))),
    CONSTRAINT desired_documents_serial_check CHECK ((serial > 0))
);

CREATE TABLE device_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    reachable_avg double precision,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    uptime_seconds_avg double precision,
    uptime_seconds_min double precision,
    uptime_seconds_max double precision,
    cpu_ratio_avg double precision,
    cpu_ratio_min real,
    cpu_ratio_max real,
    memory_used_ratio_avg double precision,
    memory_used_ratio_min real,
    memory_used_ratio_max real,
    temperature_celsius_avg double precision,
    temperature_celsius_min real,
    temperature_celsius_max real,
    CONSTRAINT device_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX device_1h_bucket ON device_1h USING btree (bucket);

CREATE TABLE device_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    reachable_avg double precision,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    uptime_seconds_avg double precision,
    uptime_seconds_min double precision,
    uptime_seconds_max double precision,
    cpu_ratio_avg double precision,
    cpu_ratio_min real,
    cpu_ratio_max real,
    memory_used_ratio_avg double precision,
    memory_used_ratio_min real,
    memory_used_ratio_max real,
    temperature_celsius_avg double precision,
    temperature_celsius_min real,
    temperature_celsius_max real,
    CONSTRAINT device_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX device_5m_bucket ON device_5m USING btree (bucket);

CREATE TABLE device_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    reachable boolean NOT NULL,
    rtt_seconds double precision,
    uptime_seconds double precision,
    cpu_ratio real,
    memory_used_ratio real,
    temperature_celsius real,
    CONSTRAINT device_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE device_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    reachable boolean NOT NULL,
    rtt_seconds double precision,
    uptime_seconds double precision,
    cpu_ratio real,
    memory_used_ratio real,
    temperature_celsius real
);
CREATE INDEX device_samples_thing_time ON device_samples USING btree (thing_id, corrected_at);
CREATE INDEX device_samples_time ON device_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE devices (
    device text NOT NULL,
    position integer NOT NULL,
    school text,
    name text NOT NULL,
    kind text NOT NULL,
    vendor text NOT NULL,
    model text NOT NULL,
    address text NOT NULL,
    agent text,
    parent text,
    retired_at timestamp with time zone,
    parent_port text,
    CONSTRAINT devices_pkey PRIMARY KEY (device),
    CONSTRAINT devices_agent_fkey FOREIGN KEY (agent) REFERENCES agents(agent),
    CONSTRAINT devices_parent_fkey FOREIGN KEY (parent) REFERENCES devices(device),
    CONSTRAINT devices_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT devices_kind_check CHECK ((kind = ANY (ARRAY['router'::text, 'switch'::text, 'ap'::text, 'core'::text, 'other'::text])))
);
CREATE INDEX devices_school ON devices USING btree (school);

CREATE TABLE enrolments (
    school_class text NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    number integer,
    seat_row integer,
    seat_column integer,
    begins_on date,
    ends_on date,
    retired_at timestamp with time zone,
    CONSTRAINT enrolments_pkey PRIMARY KEY (school_class, person, role),
    CONSTRAINT enrolments_person_fkey FOREIGN KEY (person) REFERENCES people(person),
    CONSTRAINT enrolments_school_class_fkey FOREIGN KEY (school_class) REFERENCES classes(school_class),
    CONSTRAINT enrolments_role_check CHECK ((role = ANY (ARRAY['pupil'::text, 'teacher'::text])))
);
CREATE INDEX enrolments_person ON enrolments USING btree (person);

CREATE TABLE erasure_receipts (
    erasure text NOT NULL,
    agent_id integer NOT NULL,
    applied_at timestamp with time zone NOT NULL,
    CONSTRAINT erasure_receipts_pkey PRIMARY KEY (erasure, agent_id),
    CONSTRAINT erasure_receipts_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE erasures (
    erasure text NOT NULL,
    person text NOT NULL,
    records text[] NOT NULL,
    reason text NOT NULL,
    ordered_by text NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    erased_records bigint NOT NULL DEFAULT 0,
    blobs text[] NOT NULL DEFAULT '{}'::text[],
    CONSTRAINT erasures_pkey PRIMARY KEY (erasure)
);
CREATE INDEX erasures_pending ON erasures USING btree (ordered_at) WHERE (done_at IS NULL);
CREATE INDEX erasures_person ON erasures USING btree (person);
CREATE INDEX erasures_records ON erasures USING gin (records);

CREATE TABLE evaluation_activations (
    activation bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    framework text NOT NULL,
    activated_at timestamp with time zone NOT NULL,
    CONSTRAINT evaluation_activations_pkey PRIMARY KEY (activation),
    CONSTRAINT evaluation_activations_framework_fkey FOREIGN KEY (framework) REFERENCES evaluation_frameworks(framework)
);

CREATE TABLE evaluation_frameworks (
    framework text NOT NULL,
    title text NOT NULL,
    title_en text NOT NULL,
    version text NOT NULL,
    content text NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    CONSTRAINT evaluation_frameworks_pkey PRIMARY KEY (framework)
);

CREATE TABLE evaluation_items (
    person text NOT NULL,
    school_year integer NOT NULL,
    counts_for text NOT NULL,
    thing text NOT NULL,
    record_id text NOT NULL,
    type text NOT NULL,
    stage text NOT NULL,
    term integer NOT NULL,
    school_class text NOT NULL,
    framework text,
    code text,
    value numeric,
    note text NOT NULL DEFAULT ''::text,
    parts integer NOT NULL DEFAULT 0,
    precedence bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    excluded_at timestamp with time zone,
    exclusion_reason text,
    CONSTRAINT evaluation_items_pkey PRIMARY KEY (person, school_year, counts_for, thing),
    CONSTRAINT evaluation_items_framework_fkey FOREIGN KEY (framework) REFERENCES evaluation_frameworks(framework),
    CONSTRAINT evaluation_items_term_check CHECK ((term = ANY (ARRAY[1, 2])))
);
CREATE INDEX evaluation_items_record ON evaluation_items USING btree (record_id);

CREATE TABLE evaluation_nodes (
    framework text NOT NULL,
    position integer NOT NULL,
    identifier text NOT NULL,
    code text NOT NULL,
    level text NOT NULL,
    parent text,
    statement text NOT NULL,
    statement_en text NOT NULL,
    definition jsonb,
    same_as text[] NOT NULL,
    follows text[] NOT NULL,
    valid_from date,
    valid_to date,
    CONSTRAINT evaluation_nodes_framework_code_key UNIQUE (framework, code),
    CONSTRAINT evaluation_nodes_pkey PRIMARY KEY (framework, "position"),
    CONSTRAINT evaluation_nodes_framework_fkey FOREIGN KEY (framework) REFERENCES evaluation_frameworks(framework),
    CONSTRAINT evaluation_nodes_check CHECK (((level = 'indicator'::text) = (definition IS NOT NULL))),
    CONSTRAINT evaluation_nodes_check1 CHECK (((level = 'dimension'::text) = (parent IS NULL))),
    CONSTRAINT evaluation_nodes_level_check CHECK ((level = ANY (ARRAY['dimension'::text, 'subdimension'::text, 'indicator'::text])))
);

CREATE TABLE evaluation_parts (
    record_id text NOT NULL,
    sha256 text NOT NULL,
    size_bytes bigint NOT NULL,
    media_type text NOT NULL,
    CONSTRAINT evaluation_parts_pkey PRIMARY KEY (record_id, sha256)
);

CREATE TABLE events (
    event_id text NOT NULL,
    agent_id integer NOT NULL,
    thing_id integer NOT NULL,
    type text NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    lane text NOT NULL,
    attributes jsonb NOT NULL
);
CREATE INDEX events_agent_time ON events USING btree (agent_id, corrected_at);
CREATE INDEX events_thing_time ON events USING btree (thing_id, corrected_at);
CREATE INDEX events_time ON events USING btree (corrected_at);

CREATE TABLE expired_items (
    agent_id integer NOT NULL,
    samples bigint NOT NULL,
    events bigint NOT NULL,
    records bigint NOT NULL DEFAULT 0,
    CONSTRAINT expired_items_pkey PRIMARY KEY (agent_id)
);

CREATE TABLE feed_erasures (
    feed text NOT NULL,
    record_id text NOT NULL,
    reason text,
    CONSTRAINT feed_erasures_pkey PRIMARY KEY (feed, record_id),
    CONSTRAINT feed_erasures_feed_fkey FOREIGN KEY (feed) REFERENCES feeds(feed) ON DELETE CASCADE
);

CREATE TABLE feed_refusals (
    feed text NOT NULL,
    record_id text NOT NULL,
    place bigint NOT NULL,
    reason text NOT NULL,
    refused_at timestamp with time zone NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    again boolean NOT NULL DEFAULT false,
    CONSTRAINT feed_refusals_pkey PRIMARY KEY (feed, record_id),
    CONSTRAINT feed_refusals_feed_fkey FOREIGN KEY (feed) REFERENCES feeds(feed) ON DELETE CASCADE
);
CREATE INDEX feed_refusals_again ON feed_refusals USING btree (feed, place) WHERE again;
CREATE INDEX feed_refusals_record ON feed_refusals USING btree (record_id);

CREATE TABLE feeds (
    feed text NOT NULL,
    format text NOT NULL,
    url text NOT NULL,
    home_page text NOT NULL,
    types text[] NOT NULL,
    school text,
    secret text NOT NULL,
    state text NOT NULL,
    place bigint NOT NULL,
    batch_records integer NOT NULL,
    delivered bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    problem text,
    retry_at timestamp with time zone,
    last_tried_at timestamp with time zone,
    last_delivered_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT feeds_pkey PRIMARY KEY (feed),
    CONSTRAINT feeds_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT feeds_format_check CHECK ((format = ANY (ARRAY['webhook'::text, 'xapi'::text]))),
    CONSTRAINT feeds_state_check CHECK ((state = ANY (ARRAY['running'::text, 'paused'::text])))
);

CREATE TABLE homework_answers (
    record_id text NOT NULL,
    question text NOT NULL,
    person text NOT NULL,
    response text NOT NULL,
    attempt integer NOT NULL,
    correct boolean,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT homework_answers_pkey PRIMARY KEY (record_id)
);
CREATE INDEX homework_answers_person ON homework_answers USING btree (person, question, made_at);

CREATE TABLE homework_assignments (
    assignment text NOT NULL,
    version integer NOT NULL,
    title text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    max_score double precision,
    late_accepted boolean NOT NULL,
    given_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT homework_assignments_pkey PRIMARY KEY (assignment)
);
CREATE INDEX homework_assignments_due ON homework_assignments USING btree (due_at DESC);

CREATE TABLE homework_audience (
    assignment text NOT NULL,
    school_class text,
    person text,
    group_name text,
    CONSTRAINT homework_audience_assignment_fkey FOREIGN KEY (assignment) REFERENCES homework_assignments(assignment),
    CONSTRAINT homework_audience_person_fkey FOREIGN KEY (person) REFERENCES people(person),
    CONSTRAINT homework_audience_school_class_fkey FOREIGN KEY (school_class) REFERENCES classes(school_class),
    CONSTRAINT homework_audience_check CHECK ((num_nonnulls(school_class, person) = 1))
);
CREATE INDEX homework_audience_assignment ON homework_audience USING btree (assignment);
CREATE INDEX homework_audience_class ON homework_audience USING btree (school_class) WHERE (school_class IS NOT NULL);
CREATE INDEX homework_audience_person ON homework_audience USING btree (person) WHERE (person IS NOT NULL);

CREATE TABLE homework_grades (
    record_id text NOT NULL,
    submission text NOT NULL,
    grader text,
    base_version integer NOT NULL,
    score double precision,
    max_score double precision,
    comment text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    place bigint NOT NULL,
    chosen boolean,
    settled_by text,
    settled_at timestamp with time zone,
    forgotten boolean NOT NULL DEFAULT false,
    CONSTRAINT homework_grades_pkey PRIMARY KEY (record_id),
    CONSTRAINT homework_grades_check CHECK ((num_nonnulls(chosen, settled_by, settled_at) = ANY (ARRAY[0, 3])))
);
CREATE INDEX homework_grades_submission ON homework_grades USING btree (submission);

CREATE TABLE homework_questions (
    question text NOT NULL,
    assignment text NOT NULL,
    position integer NOT NULL,
    correct text,
    solution text NOT NULL,
    video_resource text,
    CONSTRAINT homework_questions_pkey PRIMARY KEY (question),
    CONSTRAINT homework_questions_assignment_fkey FOREIGN KEY (assignment) REFERENCES homework_assignments(assignment)
);
CREATE INDEX homework_questions_assignment ON homework_questions USING btree (assignment, "position");

CREATE TABLE homework_submissions (
    record_id text NOT NULL,
    assignment text NOT NULL,
    person text NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    parts jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT homework_submissions_pkey PRIMARY KEY (record_id),
    CONSTRAINT homework_submissions_assignment_fkey FOREIGN KEY (assignment) REFERENCES homework_assignments(assignment)
);
CREATE INDEX homework_submissions_assignment ON homework_submissions USING btree (assignment, person);
CREATE INDEX homework_submissions_person ON homework_submissions USING btree (person);

CREATE TABLE host_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    cpu_ratio_avg double precision,
    cpu_ratio_min real,
    cpu_ratio_max real,
    memory_used_ratio_avg double precision,
    memory_used_ratio_min real,
    memory_used_ratio_max real,
    disk_used_ratio_avg double precision,
    disk_used_ratio_min real,
    disk_used_ratio_max real,
    disk_free_bytes_avg double precision,
    disk_free_bytes_min bigint,
    disk_free_bytes_max bigint,
    temperature_celsius_avg double precision,
    temperature_celsius_min real,
    temperature_celsius_max real,
    uptime_seconds_avg double precision,
    uptime_seconds_min double precision,
    uptime_seconds_max double precision,
    clock_offset_seconds_avg double precision,
    clock_offset_seconds_min double precision,
    clock_offset_seconds_max double precision,
    clock_synchronised_avg double precision,
    agent_rss_bytes_avg double precision,
    agent_rss_bytes_min bigint,
    agent_rss_bytes_max bigint,
    agent_cpu_ratio_avg double precision,
    agent_cpu_ratio_min double precision,
    agent_cpu_ratio_max double precision,
    CONSTRAINT host_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX host_1h_bucket ON host_1h USING btree (bucket);

CREATE TABLE host_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    cpu_ratio_avg double precision,
    cpu_ratio_min real,
    cpu_ratio_max real,
    memory_used_ratio_avg double precision,
    memory_used_ratio_min real,
    memory_used_ratio_max real,
    disk_used_ratio_avg double precision,
    disk_used_ratio_min real,
    disk_used_ratio_max real,
    disk_free_bytes_avg double precision,
    disk_free_bytes_min bigint,
    disk_free_bytes_max bigint,
    temperature_celsius_avg double precision,
    temperature_celsius_min real,
    temperature_celsius_max real,
    uptime_seconds_avg double precision,
    uptime_seconds_min double precision,
    uptime_seconds_max double precision,
    clock_offset_seconds_avg double precision,
    clock_offset_seconds_min double precision,
    clock_offset_seconds_max double precision,
    clock_synchronised_avg double precision,
    agent_rss_bytes_avg double precision,
    agent_rss_bytes_min bigint,
    agent_rss_bytes_max bigint,
    agent_cpu_ratio_avg double precision,
    agent_cpu_ratio_min double precision,
    agent_cpu_ratio_max double precision,
    CONSTRAINT host_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX host_5m_bucket ON host_5m USING btree (bucket);

CREATE TABLE host_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    cpu_ratio real,
    memory_used_ratio real,
    disk_used_ratio real,
    disk_free_bytes bigint,
    temperature_celsius real,
    uptime_seconds double precision,
    clock_offset_seconds double precision,
    clock_synchronised boolean,
    agent_rss_bytes bigint,
    agent_cpu_ratio double precision,
    CONSTRAINT host_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE host_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    cpu_ratio real,
    memory_used_ratio real,
    disk_used_ratio real,
    disk_free_bytes bigint,
    temperature_celsius real,
    uptime_seconds double precision,
    clock_offset_seconds double precision,
    clock_synchronised boolean,
    agent_rss_bytes bigint,
    agent_cpu_ratio double precision
);
CREATE INDEX host_samples_thing_time ON host_samples USING btree (thing_id, corrected_at);
CREATE INDEX host_samples_time ON host_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE incident_cursor (
    alone boolean NOT NULL DEFAULT true,
    change_id bigint NOT NULL,
    CONSTRAINT incident_cursor_pkey PRIMARY KEY (alone),
    CONSTRAINT incident_cursor_alone_check CHECK (alone)
);

CREATE TABLE incident_members (
    incident_id bigint NOT NULL,
    kind text NOT NULL,
    key text NOT NULL,
    status text NOT NULL,
    attached_at timestamp with time zone NOT NULL,
    detached_at timestamp with time zone,
    CONSTRAINT incident_members_pkey PRIMARY KEY (incident_id, kind, key),
    CONSTRAINT incident_members_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents(incident_id)
);
CREATE INDEX incident_members_thing ON incident_members USING btree (kind, key) WHERE (detached_at IS NULL);

CREATE TABLE incident_timeline (
    entry_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    incident_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    actor text,
    detail jsonb NOT NULL,
    CONSTRAINT incident_timeline_pkey PRIMARY KEY (entry_id),
    CONSTRAINT incident_timeline_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents(incident_id),
    CONSTRAINT incident_timeline_kind_check CHECK ((kind = ANY (ARRAY['opened'::text, 'attached'::text, 'detached'::text, 'severity'::text, 'reclassified'::text, 'acknowledged'::text, 'assigned'::text, 'comment'::text, 'merged'::text, 'split'::text, 'resolved'::text, 'reopened'::text, 'notified'::text])))
);
CREATE INDEX incident_timeline_incident ON incident_timeline USING btree (incident_id, entry_id);

CREATE TABLE incidents (
    incident_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    root_kind text NOT NULL,
    root_key text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    severity text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    school text,
    provider text,
    opened_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    merged_into bigint,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    assignee text,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamp with time zone NOT NULL,
    lessons_now integer NOT NULL DEFAULT 0,
    students_now integer NOT NULL DEFAULT 0,
    exams_now integer NOT NULL DEFAULT 0,
    saved_now integer NOT NULL DEFAULT 0,
    lessons_next integer NOT NULL DEFAULT 0,
    students_next integer NOT NULL DEFAULT 0,
    next_at timestamp with time zone,
    lost_minutes double precision NOT NULL DEFAULT 0,
    saved_minutes double precision NOT NULL DEFAULT 0,
    unknown_minutes double precision NOT NULL DEFAULT 0,
    at_risk_minutes double precision NOT NULL DEFAULT 0,
    lessons_hit integer NOT NULL DEFAULT 0,
    students_hit integer NOT NULL DEFAULT 0,
    CONSTRAINT incidents_pkey PRIMARY KEY (incident_id),
    CONSTRAINT incidents_merged_into_fkey FOREIGN KEY (merged_into) REFERENCES incidents(incident_id),
    CONSTRAINT incidents_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT incidents_kind_check CHECK ((kind = ANY (ARRAY['outage'::text, 'degradation'::text, 'blind_spot'::text]))),
    CONSTRAINT incidents_severity_check CHECK ((severity = ANY (ARRAY['p1'::text, 'p2'::text, 'p3'::text, 'p4'::text]))),
    CONSTRAINT incidents_state_check CHECK ((state = ANY (ARRAY['open'::text, 'resolved'::text, 'merged'::text])))
);
CREATE UNIQUE INDEX incidents_open_root ON incidents USING btree (root_kind, root_key) WHERE (state = 'open'::text);
CREATE INDEX incidents_opened ON incidents USING btree (opened_at);
CREATE INDEX incidents_root ON incidents USING btree (root_kind, root_key, opened_at);

CREATE TABLE inventory_history (
    kind text NOT NULL,
    key text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_until timestamp with time zone,
    document jsonb NOT NULL,
    CONSTRAINT inventory_history_pkey PRIMARY KEY (kind, key, valid_from),
    CONSTRAINT inventory_history_check CHECK ((valid_until > valid_from))
);
CREATE INDEX inventory_history_from ON inventory_history USING btree (valid_from);
CREATE UNIQUE INDEX inventory_history_open ON inventory_history USING btree (kind, key) WHERE (valid_until IS NULL);
CREATE INDEX inventory_history_until ON inventory_history USING btree (valid_until) WHERE (valid_until IS NOT NULL);

CREATE TABLE inventory_imports (
    import_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    imported_at timestamp with time zone NOT NULL,
    folder text NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    retired integer NOT NULL,
    CONSTRAINT inventory_imports_pkey PRIMARY KEY (import_id)
);

CREATE TABLE lessons (
    lesson text NOT NULL,
    school text NOT NULL,
    school_class text NOT NULL,
    classroom text,
    topic text NOT NULL,
    teacher text,
    day date NOT NULL,
    period integer NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    exam boolean NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT lessons_pkey PRIMARY KEY (lesson),
    CONSTRAINT lessons_classroom_fkey FOREIGN KEY (classroom) REFERENCES classrooms(classroom),
    CONSTRAINT lessons_school_class_fkey FOREIGN KEY (school_class) REFERENCES classes(school_class),
    CONSTRAINT lessons_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT lessons_teacher_fkey FOREIGN KEY (teacher) REFERENCES people(person),
    CONSTRAINT lessons_check CHECK ((ends_at > starts_at))
);
CREATE INDEX lessons_class_day ON lessons USING btree (school_class, day);
CREATE INDEX lessons_school_time ON lessons USING btree (school, starts_at);
CREATE INDEX lessons_time ON lessons USING btree (starts_at, ends_at);

CREATE TABLE link_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    vantage text NOT NULL,
    samples bigint NOT NULL,
    in_bps_avg double precision,
    in_bps_min bigint,
    in_bps_max bigint,
    out_bps_avg double precision,
    out_bps_min bigint,
    out_bps_max bigint,
    in_errors_per_second_avg double precision,
    in_errors_per_second_min double precision,
    in_errors_per_second_max double precision,
    out_errors_per_second_avg double precision,
    out_errors_per_second_min double precision,
    out_errors_per_second_max double precision,
    in_discards_per_second_avg double precision,
    in_discards_per_second_min double precision,
    in_discards_per_second_max double precision,
    out_discards_per_second_avg double precision,
    out_discards_per_second_min double precision,
    out_discards_per_second_max double precision,
    in_octets_total_max bigint,
    out_octets_total_max bigint,
    speed_bps_avg double precision,
    speed_bps_min bigint,
    speed_bps_max bigint,
    oper_up_avg double precision,
    loss_ratio_avg double precision,
    loss_ratio_min real,
    loss_ratio_max real,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    jitter_seconds_avg double precision,
    jitter_seconds_min double precision,
    jitter_seconds_max double precision,
    CONSTRAINT link_1h_pkey PRIMARY KEY (thing_id, vantage, bucket)
);
CREATE INDEX link_1h_bucket ON link_1h USING btree (bucket);

CREATE TABLE link_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    vantage text NOT NULL,
    samples bigint NOT NULL,
    in_bps_avg double precision,
    in_bps_min bigint,
    in_bps_max bigint,
    out_bps_avg double precision,
    out_bps_min bigint,
    out_bps_max bigint,
    in_errors_per_second_avg double precision,
    in_errors_per_second_min double precision,
    in_errors_per_second_max double precision,
    out_errors_per_second_avg double precision,
    out_errors_per_second_min double precision,
    out_errors_per_second_max double precision,
    in_discards_per_second_avg double precision,
    in_discards_per_second_min double precision,
    in_discards_per_second_max double precision,
    out_discards_per_second_avg double precision,
    out_discards_per_second_min double precision,
    out_discards_per_second_max double precision,
    in_octets_total_max bigint,
    out_octets_total_max bigint,
    speed_bps_avg double precision,
    speed_bps_min bigint,
    speed_bps_max bigint,
    oper_up_avg double precision,
    loss_ratio_avg double precision,
    loss_ratio_min real,
    loss_ratio_max real,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    jitter_seconds_avg double precision,
    jitter_seconds_min double precision,
    jitter_seconds_max double precision,
    CONSTRAINT link_5m_pkey PRIMARY KEY (thing_id, vantage, bucket)
);
CREATE INDEX link_5m_bucket ON link_5m USING btree (bucket);

CREATE TABLE link_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    counters_at timestamp with time zone,
    probes_at timestamp with time zone,
    in_bps bigint,
    out_bps bigint,
    in_errors_per_second double precision,
    out_errors_per_second double precision,
    in_discards_per_second double precision,
    out_discards_per_second double precision,
    in_octets_total bigint,
    out_octets_total bigint,
    speed_bps bigint,
    oper_up boolean,
    vantage text NOT NULL,
    loss_ratio real,
    rtt_seconds double precision,
    jitter_seconds double precision,
    CONSTRAINT link_current_pkey PRIMARY KEY (thing_id, vantage)
);

CREATE TABLE link_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    in_bps bigint,
    out_bps bigint,
    in_errors_per_second double precision,
    out_errors_per_second double precision,
    in_discards_per_second double precision,
    out_discards_per_second double precision,
    in_octets_total bigint,
    out_octets_total bigint,
    speed_bps bigint,
    oper_up boolean,
    vantage text NOT NULL,
    loss_ratio real,
    rtt_seconds double precision,
    jitter_seconds double precision
);
CREATE INDEX link_samples_thing_time ON link_samples USING btree (thing_id, corrected_at);
CREATE INDEX link_samples_time ON link_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE links (
    link text NOT NULL,
    position integer NOT NULL,
    school text NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    provider text NOT NULL,
    contracted_bps bigint NOT NULL,
    school_device text,
    school_port text,
    centre_device text,
    centre_port text,
    retired_at timestamp with time zone,
    CONSTRAINT links_pkey PRIMARY KEY (link),
    CONSTRAINT links_centre_device_fkey FOREIGN KEY (centre_device) REFERENCES devices(device),
    CONSTRAINT links_school_device_fkey FOREIGN KEY (school_device) REFERENCES devices(device),
    CONSTRAINT links_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT links_contracted_bps_check CHECK ((contracted_bps > 0))
);
CREATE INDEX links_school ON links USING btree (school);

CREATE TABLE maintenance_windows (
    window_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    key text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    duration_seconds integer NOT NULL,
    recurrence text,
    reason text NOT NULL,
    actor text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT maintenance_windows_pkey PRIMARY KEY (window_id),
    CONSTRAINT maintenance_windows_duration_seconds_check CHECK (((duration_seconds >= 60) AND (duration_seconds <= 604800))),
    CONSTRAINT maintenance_windows_kind_check CHECK ((kind = ANY (ARRAY['provider'::text, 'school'::text, 'link'::text, 'gateway'::text, 'device'::text, 'classroom'::text])))
);

CREATE TABLE neighbour_readings (
    device text NOT NULL,
    agent_id integer NOT NULL,
    reading text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone NOT NULL,
    protocols text NOT NULL,
    chassis text NOT NULL,
    system_name text NOT NULL,
    endpoints integer NOT NULL,
    CONSTRAINT neighbour_readings_pkey PRIMARY KEY (device)
);

CREATE TABLE neighbours (
    device text NOT NULL,
    port text NOT NULL,
    protocol text NOT NULL,
    chassis text NOT NULL,
    remote_port text NOT NULL,
    reading text NOT NULL,
    present boolean NOT NULL,
    since timestamp with time zone NOT NULL,
    told_at timestamp with time zone NOT NULL,
    port_description text NOT NULL,
    system_name text NOT NULL,
    address text NOT NULL,
    platform text NOT NULL,
    capabilities text NOT NULL,
    CONSTRAINT neighbours_pkey PRIMARY KEY (device, port, protocol, chassis, remote_port)
);

CREATE TABLE notification_deliveries (
    delivery_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    incident_id bigint,
    step text NOT NULL,
    contact text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    state text NOT NULL DEFAULT 'waiting'::text,
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamp with time zone NOT NULL,
    problem text,
    planned_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT notification_deliveries_incident_id_step_contact_key UNIQUE NULLS NOT DISTINCT (incident_id, step, contact),
    CONSTRAINT notification_deliveries_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT notification_deliveries_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES incidents(incident_id),
    CONSTRAINT notification_deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'given_up'::text])))
);
CREATE INDEX notification_deliveries_waiting ON notification_deliveries USING btree (next_try_at) WHERE (state = 'waiting'::text);

CREATE TABLE people (
    person text NOT NULL,
    kind text NOT NULL,
    source_id text NOT NULL,
    name text NOT NULL,
    birth_date date,
    retired_at timestamp with time zone,
    CONSTRAINT people_source_id_key UNIQUE (source_id),
    CONSTRAINT people_pkey PRIMARY KEY (person),
    CONSTRAINT people_kind_check CHECK ((kind = ANY (ARRAY['pupil'::text, 'teacher'::text, 'staff'::text])))
);

CREATE TABLE port_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    in_bps_avg double precision,
    in_bps_min bigint,
    in_bps_max bigint,
    out_bps_avg double precision,
    out_bps_min bigint,
    out_bps_max bigint,
    in_errors_per_second_avg double precision,
    in_errors_per_second_min double precision,
    in_errors_per_second_max double precision,
    out_errors_per_second_avg double precision,
    out_errors_per_second_min double precision,
    out_errors_per_second_max double precision,
    in_discards_per_second_avg double precision,
    in_discards_per_second_min double precision,
    in_discards_per_second_max double precision,
    out_discards_per_second_avg double precision,
    out_discards_per_second_min double precision,
    out_discards_per_second_max double precision,
    in_octets_total_max bigint,
    out_octets_total_max bigint,
    speed_bps_avg double precision,
    speed_bps_min bigint,
    speed_bps_max bigint,
    oper_up_avg double precision,
    admin_up_avg double precision,
    CONSTRAINT port_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX port_1h_bucket ON port_1h USING btree (bucket);

CREATE TABLE port_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    in_bps_avg double precision,
    in_bps_min bigint,
    in_bps_max bigint,
    out_bps_avg double precision,
    out_bps_min bigint,
    out_bps_max bigint,
    in_errors_per_second_avg double precision,
    in_errors_per_second_min double precision,
    in_errors_per_second_max double precision,
    out_errors_per_second_avg double precision,
    out_errors_per_second_min double precision,
    out_errors_per_second_max double precision,
    in_discards_per_second_avg double precision,
    in_discards_per_second_min double precision,
    in_discards_per_second_max double precision,
    out_discards_per_second_avg double precision,
    out_discards_per_second_min double precision,
    out_discards_per_second_max double precision,
    in_octets_total_max bigint,
    out_octets_total_max bigint,
    speed_bps_avg double precision,
    speed_bps_min bigint,
    speed_bps_max bigint,
    oper_up_avg double precision,
    admin_up_avg double precision,
    CONSTRAINT port_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX port_5m_bucket ON port_5m USING btree (bucket);

CREATE TABLE port_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    in_bps bigint,
    out_bps bigint,
    in_errors_per_second double precision,
    out_errors_per_second double precision,
    in_discards_per_second double precision,
    out_discards_per_second double precision,
    in_octets_total bigint,
    out_octets_total bigint,
    speed_bps bigint,
    oper_up boolean,
    admin_up boolean,
    CONSTRAINT port_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE port_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    in_bps bigint,
    out_bps bigint,
    in_errors_per_second double precision,
    out_errors_per_second double precision,
    in_discards_per_second double precision,
    out_discards_per_second double precision,
    in_octets_total bigint,
    out_octets_total bigint,
    speed_bps bigint,
    oper_up boolean,
    admin_up boolean
);
CREATE INDEX port_samples_thing_time ON port_samples USING btree (thing_id, corrected_at);
CREATE INDEX port_samples_time ON port_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE ports (
    device text NOT NULL,
    port text NOT NULL,
    position integer NOT NULL,
    alias text NOT NULL,
    speed_bps bigint,
    retired_at timestamp with time zone,
    CONSTRAINT ports_pkey PRIMARY KEY (device, port),
    CONSTRAINT ports_device_fkey FOREIGN KEY (device) REFERENCES devices(device)
);

CREATE TABLE probe_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    success_avg double precision,
    loss_ratio_avg double precision,
    loss_ratio_min real,
    loss_ratio_max real,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    jitter_seconds_avg double precision,
    jitter_seconds_min double precision,
    jitter_seconds_max double precision,
    resolve_seconds_avg double precision,
    resolve_seconds_min double precision,
    resolve_seconds_max double precision,
    connect_seconds_avg double precision,
    connect_seconds_min double precision,
    connect_seconds_max double precision,
    tls_seconds_avg double precision,
    tls_seconds_min double precision,
    tls_seconds_max double precision,
    first_byte_seconds_avg double precision,
    first_byte_seconds_min double precision,
    first_byte_seconds_max double precision,
    status_code_avg double precision,
    status_code_min integer,
    status_code_max integer,
    CONSTRAINT probe_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX probe_1h_bucket ON probe_1h USING btree (bucket);

CREATE TABLE probe_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    success_avg double precision,
    loss_ratio_avg double precision,
    loss_ratio_min real,
    loss_ratio_max real,
    rtt_seconds_avg double precision,
    rtt_seconds_min double precision,
    rtt_seconds_max double precision,
    jitter_seconds_avg double precision,
    jitter_seconds_min double precision,
    jitter_seconds_max double precision,
    resolve_seconds_avg double precision,
    resolve_seconds_min double precision,
    resolve_seconds_max double precision,
    connect_seconds_avg double precision,
    connect_seconds_min double precision,
    connect_seconds_max double precision,
    tls_seconds_avg double precision,
    tls_seconds_min double precision,
    tls_seconds_max double precision,
    first_byte_seconds_avg double precision,
    first_byte_seconds_min double precision,
    first_byte_seconds_max double precision,
    status_code_avg double precision,
    status_code_min integer,
    status_code_max integer,
    CONSTRAINT probe_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX probe_5m_bucket ON probe_5m USING btree (bucket);

CREATE TABLE probe_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    success boolean NOT NULL,
    loss_ratio real,
    rtt_seconds double precision,
    jitter_seconds double precision,
    resolve_seconds double precision,
    connect_seconds double precision,
    tls_seconds double precision,
    first_byte_seconds double precision,
    status_code integer,
    reason text,
    CONSTRAINT probe_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE probe_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    success boolean NOT NULL,
    loss_ratio real,
    rtt_seconds double precision,
    jitter_seconds double precision,
    resolve_seconds double precision,
    connect_seconds double precision,
    tls_seconds double precision,
    first_byte_seconds double precision,
    status_code integer,
    reason text
);
CREATE INDEX probe_samples_thing_time ON probe_samples USING btree (thing_id, corrected_at);
CREATE INDEX probe_samples_time ON probe_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE push_resources (
    manifest text NOT NULL,
    position integer NOT NULL,
    resource text NOT NULL,
    title text NOT NULL,
    sha256 text NOT NULL,
    CONSTRAINT push_resources_manifest_resource_key UNIQUE (manifest, resource),
    CONSTRAINT push_resources_pkey PRIMARY KEY (manifest, "position"),
    CONSTRAINT push_resources_manifest_fkey FOREIGN KEY (manifest) REFERENCES pushes(manifest),
    CONSTRAINT push_resources_sha256_fkey FOREIGN KEY (sha256) REFERENCES blobs(sha256)
);
CREATE INDEX push_resources_sha256 ON push_resources USING btree (sha256);

CREATE TABLE pushes (
    manifest text NOT NULL,
    token text NOT NULL,
    title text NOT NULL,
    audience text[] NOT NULL,
    before_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT pushes_pkey PRIMARY KEY (manifest),
    CONSTRAINT pushes_audience_check CHECK ((cardinality(audience) > 0))
);
CREATE INDEX pushes_created ON pushes USING btree (created_at DESC);

CREATE TABLE quarantine (
    quarantine_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    agent text NOT NULL,
    topic text NOT NULL,
    lane text NOT NULL,
    content_type text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    epoch text,
    seq bigint,
    items integer,
    size_bytes integer NOT NULL,
    content_hash bytea NOT NULL,
    payload bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    arrivals integer NOT NULL DEFAULT 1,
    last_received_at timestamp with time zone NOT NULL,
    state text NOT NULL DEFAULT 'open'::text,
    replayed_at timestamp with time zone,
    replay_outcome text,
    CONSTRAINT quarantine_agent_content_hash_reason_key UNIQUE (agent, content_hash, reason),
    CONSTRAINT quarantine_pkey PRIMARY KEY (quarantine_id),
    CONSTRAINT quarantine_state_check CHECK ((state = ANY (ARRAY['open'::text, 'replayed'::text])))
);
CREATE INDEX quarantine_open ON quarantine USING btree (reason, agent) WHERE (state = 'open'::text);

CREATE TABLE record_consumers (
    consumer text NOT NULL,
    place bigint NOT NULL DEFAULT 0,
    taken bigint NOT NULL DEFAULT 0,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT record_consumers_pkey PRIMARY KEY (consumer)
);

CREATE TABLE record_identities (
    record_id text NOT NULL,
    fingerprint bytea NOT NULL,
    CONSTRAINT record_identities_pkey PRIMARY KEY (record_id)
);

CREATE TABLE record_refusals (
    consumer text NOT NULL,
    record_id text NOT NULL,
    place bigint NOT NULL,
    school_class text,
    reason text NOT NULL,
    detail text NOT NULL,
    refused_at timestamp with time zone NOT NULL,
    tries integer NOT NULL DEFAULT 1,
    settled_at timestamp with time zone,
    CONSTRAINT record_refusals_pkey PRIMARY KEY (consumer, record_id)
);
CREATE INDEX record_refusals_open ON record_refusals USING btree (consumer, school_class) WHERE (settled_at IS NULL);

CREATE TABLE records (
    record_id text NOT NULL,
    agent_id integer NOT NULL,
    type text NOT NULL,
    subject text,
    terminal text,
    school_class text,
    lesson text,
    observed_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    fact jsonb NOT NULL,
    place bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    CONSTRAINT records_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id),
    CONSTRAINT records_outcome_check CHECK ((outcome = ANY (ARRAY['stored'::text, 'duplicate'::text, 'conflict'::text, 'erased'::text])))
);
CREATE INDEX records_agent ON records USING btree (agent_id);
CREATE INDEX records_erased ON records USING btree (record_id) WHERE (outcome = 'erased'::text);
CREATE INDEX records_graded ON records USING btree (((fact ->> 'submission'::text))) WHERE (type = 'grade'::text);
CREATE INDEX records_parts ON records USING gin (((fact -> 'parts'::text)) jsonb_path_ops) WHERE (fact ? 'parts'::text);
CREATE UNIQUE INDEX records_place ON records USING btree (place);
CREATE UNIQUE INDEX records_stored ON records USING btree (record_id) WHERE (outcome = 'stored'::text);
CREATE INDEX records_subject ON records USING btree (subject) WHERE (subject IS NOT NULL);
CREATE INDEX records_type_time ON records USING btree (type, corrected_at);

CREATE TABLE reported_documents (
    agent_id integer NOT NULL,
    kind text NOT NULL,
    token text,
    validity text NOT NULL,
    reason text NOT NULL,
    proved_at timestamp with time zone,
    missing_bytes bigint,
    CONSTRAINT reported_documents_pkey PRIMARY KEY (agent_id, kind),
    CONSTRAINT reported_documents_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id),
    CONSTRAINT reported_documents_validity_check CHECK ((validity = ANY (ARRAY['valid'::text, 'invalid'::text, 'unknown'::text])))
);

CREATE TABLE reported_manifests (
    agent_id integer NOT NULL,
    manifest text NOT NULL,
    token text NOT NULL,
    ready_at timestamp with time zone NOT NULL,
    CONSTRAINT reported_manifests_pkey PRIMARY KEY (agent_id, manifest),
    CONSTRAINT reported_manifests_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE reported_terminals (
    terminal text NOT NULL,
    agent_id integer NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    present boolean NOT NULL,
    holder text,
    app_version text,
    content_token text,
    configuration_token text,
    roster_token text,
    missing_bytes bigint,
    unsent bigint,
    oldest_unsent_at timestamp with time zone,
    battery_ratio double precision,
    storage_free_bytes bigint,
    CONSTRAINT reported_terminals_pkey PRIMARY KEY (terminal),
    CONSTRAINT reported_terminals_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(agent_id),
    CONSTRAINT reported_terminals_terminal_fkey FOREIGN KEY (terminal) REFERENCES terminals(terminal)
);
CREATE INDEX reported_terminals_agent ON reported_terminals USING btree (agent_id);

CREATE TABLE rollup_dirty (
    kind text NOT NULL,
    width text NOT NULL,
    bucket timestamp with time zone NOT NULL,
    added_at timestamp with time zone NOT NULL
);

CREATE TABLE roster_schools (
    source_id text NOT NULL,
    school text NOT NULL,
    CONSTRAINT roster_schools_pkey PRIMARY KEY (source_id),
    CONSTRAINT roster_schools_school_fkey FOREIGN KEY (school) REFERENCES schools(school)
);

CREATE TABLE schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    variant text,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (number)
);

CREATE TABLE schools (
    school text NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    stage text NOT NULL,
    latitude double precision,
    longitude double precision,
    retired_at timestamp with time zone,
    CONSTRAINT schools_pkey PRIMARY KEY (school),
    CONSTRAINT schools_stage_check CHECK ((stage = ANY (ARRAY['primary'::text, 'junior'::text, 'senior'::text])))
);

CREATE TABLE segments (
    agent_id integer NOT NULL,
    epoch text NOT NULL,
    seq bigint NOT NULL,
    content_hash bytea NOT NULL,
    lane text NOT NULL,
    items integer NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT segments_pkey PRIMARY KEY (agent_id, epoch, seq)
);

CREATE TABLE status_current (
    kind text NOT NULL,
    key text NOT NULL,
    status text NOT NULL,
    since timestamp with time zone NOT NULL,
    reason text NOT NULL,
    root_kind text,
    root_key text,
    beneath text,
    penalty double precision NOT NULL DEFAULT 0,
    penalty_at timestamp with time zone,
    CONSTRAINT status_current_pkey PRIMARY KEY (kind, key),
    CONSTRAINT status_current_kind_check CHECK ((kind = ANY (ARRAY['monitor'::text, 'provider'::text, 'link'::text, 'gateway'::text, 'device'::text, 'port'::text, 'classroom'::text, 'terminal'::text]))),
    CONSTRAINT status_current_status_check CHECK ((status = ANY (ARRAY['up'::text, 'degraded'::text, 'down'::text, 'unreachable'::text, 'unknown'::text, 'maintenance'::text, 'flapping'::text])))
);

CREATE TABLE status_log (
    change_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    key text NOT NULL,
    previous text,
    status text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    reason text NOT NULL,
    evidence jsonb NOT NULL,
    root_kind text,
    root_key text,
    CONSTRAINT status_log_pkey PRIMARY KEY (change_id)
);
CREATE INDEX status_log_key ON status_log USING btree (kind, key, changed_at);
CREATE INDEX status_log_root ON status_log USING btree (root_kind, root_key, changed_at) WHERE (root_key IS NOT NULL);
CREATE INDEX status_log_time ON status_log USING btree (changed_at);

CREATE TABLE teaching_facts (
    record_id text NOT NULL,
    lesson text NOT NULL,
    school_class text NOT NULL,
    type text NOT NULL,
    person text,
    word text NOT NULL,
    object text,
    attempt integer,
    correct boolean,
    duration_seconds double precision,
    observed_at timestamp with time zone NOT NULL,
    made_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT teaching_facts_pkey PRIMARY KEY (record_id),
    CONSTRAINT teaching_facts_school_class_fkey FOREIGN KEY (school_class) REFERENCES classes(school_class),
    CONSTRAINT teaching_facts_type_check CHECK ((type = ANY (ARRAY['lesson_event'::text, 'attendance'::text, 'answer'::text, 'resource_view'::text])))
);
CREATE INDEX teaching_facts_class ON teaching_facts USING btree (school_class, made_at);
CREATE INDEX teaching_facts_lesson ON teaching_facts USING btree (lesson, type, object);
CREATE INDEX teaching_facts_opened ON teaching_facts USING btree (made_at) WHERE ((type = 'lesson_event'::text) AND (word = ANY (ARRAY['started'::text, 'ended'::text])));
CREATE INDEX teaching_facts_person ON teaching_facts USING btree (person, made_at) WHERE (person IS NOT NULL);

CREATE TABLE terminal_1h (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    present_avg double precision,
    battery_ratio_avg double precision,
    battery_ratio_min real,
    battery_ratio_max real,
    charging_avg double precision,
    storage_free_bytes_avg double precision,
    storage_free_bytes_min bigint,
    storage_free_bytes_max bigint,
    wifi_rssi_dbm_avg double precision,
    wifi_rssi_dbm_min real,
    wifi_rssi_dbm_max real,
    CONSTRAINT terminal_1h_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX terminal_1h_bucket ON terminal_1h USING btree (bucket);

CREATE TABLE terminal_5m (
    bucket timestamp with time zone NOT NULL,
    thing_id integer NOT NULL,
    samples bigint NOT NULL,
    present_avg double precision,
    battery_ratio_avg double precision,
    battery_ratio_min real,
    battery_ratio_max real,
    charging_avg double precision,
    storage_free_bytes_avg double precision,
    storage_free_bytes_min bigint,
    storage_free_bytes_max bigint,
    wifi_rssi_dbm_avg double precision,
    wifi_rssi_dbm_min real,
    wifi_rssi_dbm_max real,
    CONSTRAINT terminal_5m_pkey PRIMARY KEY (thing_id, bucket)
);
CREATE INDEX terminal_5m_bucket ON terminal_5m USING btree (bucket);

CREATE TABLE terminal_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    present boolean NOT NULL,
    battery_ratio real,
    charging boolean,
    storage_free_bytes bigint,
    wifi_rssi_dbm real,
    app_version text,
    content_token text,
    CONSTRAINT terminal_current_pkey PRIMARY KEY (thing_id)
);

CREATE TABLE terminal_holders (
    terminal text NOT NULL,
    person text NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT terminal_holders_pkey PRIMARY KEY (terminal),
    CONSTRAINT terminal_holders_person_fkey FOREIGN KEY (person) REFERENCES people(person),
    CONSTRAINT terminal_holders_terminal_fkey FOREIGN KEY (terminal) REFERENCES terminals(terminal)
);
CREATE INDEX terminal_holders_person ON terminal_holders USING btree (person);

CREATE TABLE terminal_letters (
    agent_id integer NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    set_id bigint NOT NULL,
    letters text NOT NULL,
    CONSTRAINT terminal_letters_pkey PRIMARY KEY (agent_id, changed_at)
);
CREATE INDEX terminal_letters_time ON terminal_letters USING btree (changed_at);

CREATE TABLE terminal_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamp with time zone NOT NULL,
    corrected_at timestamp with time zone NOT NULL,
    resolution_seconds smallint NOT NULL,
    present boolean NOT NULL,
    battery_ratio real,
    charging boolean,
    storage_free_bytes bigint,
    wifi_rssi_dbm real,
    app_version text,
    content_token text
);
CREATE INDEX terminal_samples_thing_time ON terminal_samples USING btree (thing_id, corrected_at);
CREATE INDEX terminal_samples_time ON terminal_samples USING brin (corrected_at) WITH (pages_per_range='32', autosummarize='on');

CREATE TABLE terminal_sets (
    set_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    agent_id integer NOT NULL,
    terminals text[] NOT NULL,
    CONSTRAINT terminal_sets_pkey PRIMARY KEY (set_id)
);
CREATE INDEX terminal_sets_agent ON terminal_sets USING btree (agent_id);

CREATE TABLE terminal_targets (
    scope text NOT NULL,
    app_version text,
    configuration jsonb NOT NULL,
    set_at timestamp with time zone NOT NULL,
    CONSTRAINT terminal_targets_pkey PRIMARY KEY (scope)
);

CREATE TABLE terminals (
    terminal text NOT NULL,
    position integer NOT NULL,
    school text NOT NULL,
    classroom text,
    owner text NOT NULL,
    agent text NOT NULL,
    model text NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT terminals_pkey PRIMARY KEY (terminal),
    CONSTRAINT terminals_agent_fkey FOREIGN KEY (agent) REFERENCES agents(agent),
    CONSTRAINT terminals_classroom_fkey FOREIGN KEY (classroom) REFERENCES classrooms(classroom),
    CONSTRAINT terminals_school_fkey FOREIGN KEY (school) REFERENCES schools(school),
    CONSTRAINT terminals_owner_check CHECK ((owner = ANY (ARRAY['student'::text, 'teacher'::text])))
);
CREATE INDEX terminals_agent ON terminals USING btree (agent);
CREATE INDEX terminals_classroom ON terminals USING btree (classroom);
CREATE INDEX terminals_school ON terminals USING btree (school);

CREATE TABLE terms (
    term text NOT NULL,
    source_id text NOT NULL,
    title text NOT NULL,
    begins_on date NOT NULL,
    ends_on date NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT terms_source_id_key UNIQUE (source_id),
    CONSTRAINT terms_pkey PRIMARY KEY (term)
);

CREATE TABLE things (
    thing_id integer NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    key text NOT NULL,
    first_agent_id integer NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    claimed_at timestamp with time zone,
    CONSTRAINT things_kind_key_key UNIQUE (kind, key),
    CONSTRAINT things_pkey PRIMARY KEY (thing_id),
    CONSTRAINT things_first_agent_id_fkey FOREIGN KEY (first_agent_id) REFERENCES agents(agent_id)
);

CREATE TABLE unknown_agents (
    agent text NOT NULL,
    role text,
    host text NOT NULL,
    software text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    CONSTRAINT unknown_agents_pkey PRIMARY KEY (agent)
);

CREATE VIEW inventory_documents AS
 SELECT 'school'::text AS kind,
    schools.school AS key,
    schools."position",
    (to_jsonb(schools.*) - 'retired_at'::text) AS document,
    schools.retired_at
   FROM schools
UNION ALL
 SELECT 'classroom'::text AS kind,
    classrooms.classroom AS key,
    classrooms."position",
    (to_jsonb(classrooms.*) - 'retired_at'::text) AS document,
    classrooms.retired_at
   FROM classrooms
UNION ALL
 SELECT 'agent'::text AS kind,
    agents.agent AS key,
    agents."position",
    (to_jsonb(agents.*) - 'retired_at'::text) AS document,
    agents.retired_at
   FROM agents
UNION ALL
 SELECT 'device'::text AS kind,
    devices.device AS key,
    devices."position",
    (to_jsonb(devices.*) - 'retired_at'::text) AS document,
    devices.retired_at
   FROM devices
UNION ALL
 SELECT 'link'::text AS kind,
    links.link AS key,
    links."position",
    (to_jsonb(links.*) - 'retired_at'::text) AS document,
    links.retired_at
   FROM links
UNION ALL
 SELECT 'port'::text AS kind,
    ((ports.device || '/'::text) || ports.port) AS key,
    ports."position",
    (to_jsonb(ports.*) - 'retired_at'::text) AS document,
    ports.retired_at
   FROM ports
UNION ALL
 SELECT 'terminal'::text AS kind,
    terminals.terminal AS key,
    terminals."position",
    (to_jsonb(terminals.*) - 'retired_at'::text) AS document,
    terminals.retired_at
   FROM terminals;

CREATE VIEW terminal_status AS
 SELECT terminals.terminal,
    terminals."position",
    terminals.school,
    terminals.classroom,
    terminals.agent,
    terminals.owner,
        CASE
            WHEN (behind.status = 'unreachable'::text) THEN 'unreachable'::text
            WHEN ((behind.status = ANY (ARRAY['down'::text, 'unknown'::text])) OR (terminal_current.present IS NULL)) THEN 'unknown'::text
            WHEN terminal_current.present THEN 'up'::text
            ELSE 'down'::text
        END AS status
   FROM (((terminals
     LEFT JOIN things ON (((things.kind = 'terminal'::text) AND (things.key = terminals.terminal))))
     LEFT JOIN terminal_current ON ((terminal_current.thing_id = things.thing_id)))
     LEFT JOIN ( SELECT agents.agent,
            status_current.status
           FROM (agents
             JOIN status_current ON (((status_current.kind = agents.role) AND (status_current.key = COALESCE(agents.classroom, agents.agent)))))) behind ON ((behind.agent = terminals.agent)))
  WHERE (terminals.retired_at IS NULL);
