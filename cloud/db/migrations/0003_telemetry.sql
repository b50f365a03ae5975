-- Telemetry: one wide table of samples and one table of current values per kind.
--
-- Why: a column per metric of the catalogue (protocols.samples) with its unit in the name, null where nothing was
-- measured. `corrected_at` is the time dimension of every query; `observed_at` is the edge's clock as it was.
-- There is no unique index: duplicates are caught by segment identity, and the index is what a COPY costs.
-- A BRIN index on time serves rollups and retention, the b-tree serves the series of one thing.
-- A link is seen from two ends by counters and by probes in separate samples, so its current values are kept per
-- vantage with a time for each of the two groups.
-- Locks: none on existing tables, only new ones.

CREATE TABLE link_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
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
CREATE INDEX link_samples_thing_time ON link_samples (thing_id, corrected_at);
CREATE INDEX link_samples_time ON link_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE link_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    counters_at timestamptz,
    probes_at timestamptz,
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
    PRIMARY KEY (thing_id, vantage)
) WITH (fillfactor = 70);

CREATE TABLE port_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
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
CREATE INDEX port_samples_thing_time ON port_samples (thing_id, corrected_at);
CREATE INDEX port_samples_time ON port_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE port_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
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
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);

CREATE TABLE device_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    resolution_seconds smallint NOT NULL,
    reachable boolean NOT NULL,
    rtt_seconds double precision,
    uptime_seconds double precision,
    cpu_ratio real,
    memory_used_ratio real,
    temperature_celsius real
);
CREATE INDEX device_samples_thing_time ON device_samples (thing_id, corrected_at);
CREATE INDEX device_samples_time ON device_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE device_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    reachable boolean NOT NULL,
    rtt_seconds double precision,
    uptime_seconds double precision,
    cpu_ratio real,
    memory_used_ratio real,
    temperature_celsius real,
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);

CREATE TABLE probe_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
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
CREATE INDEX probe_samples_thing_time ON probe_samples (thing_id, corrected_at);
CREATE INDEX probe_samples_time ON probe_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE probe_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
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
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);

CREATE TABLE host_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
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
CREATE INDEX host_samples_thing_time ON host_samples (thing_id, corrected_at);
CREATE INDEX host_samples_time ON host_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE host_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
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
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);

CREATE TABLE terminal_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    resolution_seconds smallint NOT NULL,
    present boolean NOT NULL,
    battery_ratio real,
    charging boolean,
    storage_free_bytes bigint,
    wifi_rssi_dbm real,
    app_version text,
    content_token text
);
CREATE INDEX terminal_samples_thing_time ON terminal_samples (thing_id, corrected_at);
CREATE INDEX terminal_samples_time ON terminal_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE terminal_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    present boolean NOT NULL,
    battery_ratio real,
    charging boolean,
    storage_free_bytes bigint,
    wifi_rssi_dbm real,
    app_version text,
    content_token text,
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);

CREATE TABLE classroom_samples (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    resolution_seconds smallint NOT NULL,
    terminals_present integer NOT NULL,
    terminals_known integer NOT NULL,
    checkins integer,
    battery_low integer,
    wifi_weak integer
);
CREATE INDEX classroom_samples_thing_time ON classroom_samples (thing_id, corrected_at);
CREATE INDEX classroom_samples_time ON classroom_samples USING brin (corrected_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE classroom_current (
    thing_id integer NOT NULL,
    agent_id integer NOT NULL,
    observed_at timestamptz NOT NULL,
    corrected_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    terminals_present integer NOT NULL,
    terminals_known integer NOT NULL,
    checkins integer,
    battery_low integer,
    wifi_weak integer,
    PRIMARY KEY (thing_id)
) WITH (fillfactor = 70);
