-- Rollups on TimescaleDB: samples become hypertables, rollups continuous aggregates, old chunks are compressed.
--
-- Why: the same names and columns as the tables of the plain variant. Real-time aggregation is off and the maintenance
-- loop refreshes the buckets that ingest marked dirty: late data is right, refreshes stay bounded, and no background
-- worker is needed for them. Chunks are compressed after eight days, longer than the longest outage that is promised
-- to drain without touching compressed data.
-- Locks: ACCESS EXCLUSIVE on the empty sample tables.

SELECT create_hypertable('link_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE link_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id, vantage',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('link_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW link_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    vantage,
    count(*) AS samples,
    avg(in_bps)::double precision AS in_bps_avg,
    min(in_bps) AS in_bps_min,
    max(in_bps) AS in_bps_max,
    avg(out_bps)::double precision AS out_bps_avg,
    min(out_bps) AS out_bps_min,
    max(out_bps) AS out_bps_max,
    avg(in_errors_per_second)::double precision AS in_errors_per_second_avg,
    min(in_errors_per_second) AS in_errors_per_second_min,
    max(in_errors_per_second) AS in_errors_per_second_max,
    avg(out_errors_per_second)::double precision AS out_errors_per_second_avg,
    min(out_errors_per_second) AS out_errors_per_second_min,
    max(out_errors_per_second) AS out_errors_per_second_max,
    avg(in_discards_per_second)::double precision AS in_discards_per_second_avg,
    min(in_discards_per_second) AS in_discards_per_second_min,
    max(in_discards_per_second) AS in_discards_per_second_max,
    avg(out_discards_per_second)::double precision AS out_discards_per_second_avg,
    min(out_discards_per_second) AS out_discards_per_second_min,
    max(out_discards_per_second) AS out_discards_per_second_max,
    max(in_octets_total) AS in_octets_total_max,
    max(out_octets_total) AS out_octets_total_max,
    avg(speed_bps)::double precision AS speed_bps_avg,
    min(speed_bps) AS speed_bps_min,
    max(speed_bps) AS speed_bps_max,
    avg(oper_up::integer)::double precision AS oper_up_avg,
    avg(loss_ratio)::double precision AS loss_ratio_avg,
    min(loss_ratio) AS loss_ratio_min,
    max(loss_ratio) AS loss_ratio_max,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(jitter_seconds)::double precision AS jitter_seconds_avg,
    min(jitter_seconds) AS jitter_seconds_min,
    max(jitter_seconds) AS jitter_seconds_max
FROM link_samples
GROUP BY bucket, thing_id, vantage
WITH NO DATA;

CREATE MATERIALIZED VIEW link_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    vantage,
    count(*) AS samples,
    avg(in_bps)::double precision AS in_bps_avg,
    min(in_bps) AS in_bps_min,
    max(in_bps) AS in_bps_max,
    avg(out_bps)::double precision AS out_bps_avg,
    min(out_bps) AS out_bps_min,
    max(out_bps) AS out_bps_max,
    avg(in_errors_per_second)::double precision AS in_errors_per_second_avg,
    min(in_errors_per_second) AS in_errors_per_second_min,
    max(in_errors_per_second) AS in_errors_per_second_max,
    avg(out_errors_per_second)::double precision AS out_errors_per_second_avg,
    min(out_errors_per_second) AS out_errors_per_second_min,
    max(out_errors_per_second) AS out_errors_per_second_max,
    avg(in_discards_per_second)::double precision AS in_discards_per_second_avg,
    min(in_discards_per_second) AS in_discards_per_second_min,
    max(in_discards_per_second) AS in_discards_per_second_max,
    avg(out_discards_per_second)::double precision AS out_discards_per_second_avg,
    min(out_discards_per_second) AS out_discards_per_second_min,
    max(out_discards_per_second) AS out_discards_per_second_max,
    max(in_octets_total) AS in_octets_total_max,
    max(out_octets_total) AS out_octets_total_max,
    avg(speed_bps)::double precision AS speed_bps_avg,
    min(speed_bps) AS speed_bps_min,
    max(speed_bps) AS speed_bps_max,
    avg(oper_up::integer)::double precision AS oper_up_avg,
    avg(loss_ratio)::double precision AS loss_ratio_avg,
    min(loss_ratio) AS loss_ratio_min,
    max(loss_ratio) AS loss_ratio_max,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(jitter_seconds)::double precision AS jitter_seconds_avg,
    min(jitter_seconds) AS jitter_seconds_min,
    max(jitter_seconds) AS jitter_seconds_max
FROM link_samples
GROUP BY bucket, thing_id, vantage
WITH NO DATA;

SELECT create_hypertable('port_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE port_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('port_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW port_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(in_bps)::double precision AS in_bps_avg,
    min(in_bps) AS in_bps_min,
    max(in_bps) AS in_bps_max,
    avg(out_bps)::double precision AS out_bps_avg,
    min(out_bps) AS out_bps_min,
    max(out_bps) AS out_bps_max,
    avg(in_errors_per_second)::double precision AS in_errors_per_second_avg,
    min(in_errors_per_second) AS in_errors_per_second_min,
    max(in_errors_per_second) AS in_errors_per_second_max,
    avg(out_errors_per_second)::double precision AS out_errors_per_second_avg,
    min(out_errors_per_second) AS out_errors_per_second_min,
    max(out_errors_per_second) AS out_errors_per_second_max,
    avg(in_discards_per_second)::double precision AS in_discards_per_second_avg,
    min(in_discards_per_second) AS in_discards_per_second_min,
    max(in_discards_per_second) AS in_discards_per_second_max,
    avg(out_discards_per_second)::double precision AS out_discards_per_second_avg,
    min(out_discards_per_second) AS out_discards_per_second_min,
    max(out_discards_per_second) AS out_discards_per_second_max,
    max(in_octets_total) AS in_octets_total_max,
    max(out_octets_total) AS out_octets_total_max,
    avg(speed_bps)::double precision AS speed_bps_avg,
    min(speed_bps) AS speed_bps_min,
    max(speed_bps) AS speed_bps_max,
    avg(oper_up::integer)::double precision AS oper_up_avg,
    avg(admin_up::integer)::double precision AS admin_up_avg
FROM port_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW port_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(in_bps)::double precision AS in_bps_avg,
    min(in_bps) AS in_bps_min,
    max(in_bps) AS in_bps_max,
    avg(out_bps)::double precision AS out_bps_avg,
    min(out_bps) AS out_bps_min,
    max(out_bps) AS out_bps_max,
    avg(in_errors_per_second)::double precision AS in_errors_per_second_avg,
    min(in_errors_per_second) AS in_errors_per_second_min,
    max(in_errors_per_second) AS in_errors_per_second_max,
    avg(out_errors_per_second)::double precision AS out_errors_per_second_avg,
    min(out_errors_per_second) AS out_errors_per_second_min,
    max(out_errors_per_second) AS out_errors_per_second_max,
    avg(in_discards_per_second)::double precision AS in_discards_per_second_avg,
    min(in_discards_per_second) AS in_discards_per_second_min,
    max(in_discards_per_second) AS in_discards_per_second_max,
    avg(out_discards_per_second)::double precision AS out_discards_per_second_avg,
    min(out_discards_per_second) AS out_discards_per_second_min,
    max(out_discards_per_second) AS out_discards_per_second_max,
    max(in_octets_total) AS in_octets_total_max,
    max(out_octets_total) AS out_octets_total_max,
    avg(speed_bps)::double precision AS speed_bps_avg,
    min(speed_bps) AS speed_bps_min,
    max(speed_bps) AS speed_bps_max,
    avg(oper_up::integer)::double precision AS oper_up_avg,
    avg(admin_up::integer)::double precision AS admin_up_avg
FROM port_samples
GROUP BY bucket, thing_id
WITH NO DATA;

SELECT create_hypertable('device_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE device_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('device_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW device_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(reachable::integer)::double precision AS reachable_avg,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(uptime_seconds)::double precision AS uptime_seconds_avg,
    min(uptime_seconds) AS uptime_seconds_min,
    max(uptime_seconds) AS uptime_seconds_max,
    avg(cpu_ratio)::double precision AS cpu_ratio_avg,
    min(cpu_ratio) AS cpu_ratio_min,
    max(cpu_ratio) AS cpu_ratio_max,
    avg(memory_used_ratio)::double precision AS memory_used_ratio_avg,
    min(memory_used_ratio) AS memory_used_ratio_min,
    max(memory_used_ratio) AS memory_used_ratio_max,
    avg(temperature_celsius)::double precision AS temperature_celsius_avg,
    min(temperature_celsius) AS temperature_celsius_min,
    max(temperature_celsius) AS temperature_celsius_max
FROM device_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW device_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(reachable::integer)::double precision AS reachable_avg,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(uptime_seconds)::double precision AS uptime_seconds_avg,
    min(uptime_seconds) AS uptime_seconds_min,
    max(uptime_seconds) AS uptime_seconds_max,
    avg(cpu_ratio)::double precision AS cpu_ratio_avg,
    min(cpu_ratio) AS cpu_ratio_min,
    max(cpu_ratio) AS cpu_ratio_max,
    avg(memory_used_ratio)::double precision AS memory_used_ratio_avg,
    min(memory_used_ratio) AS memory_used_ratio_min,
    max(memory_used_ratio) AS memory_used_ratio_max,
    avg(temperature_celsius)::double precision AS temperature_celsius_avg,
    min(temperature_celsius) AS temperature_celsius_min,
    max(temperature_celsius) AS temperature_celsius_max
FROM device_samples
GROUP BY bucket, thing_id
WITH NO DATA;

SELECT create_hypertable('probe_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE probe_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('probe_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW probe_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(success::integer)::double precision AS success_avg,
    avg(loss_ratio)::double precision AS loss_ratio_avg,
    min(loss_ratio) AS loss_ratio_min,
    max(loss_ratio) AS loss_ratio_max,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(jitter_seconds)::double precision AS jitter_seconds_avg,
    min(jitter_seconds) AS jitter_seconds_min,
    max(jitter_seconds) AS jitter_seconds_max,
    avg(resolve_seconds)::double precision AS resolve_seconds_avg,
    min(resolve_seconds) AS resolve_seconds_min,
    max(resolve_seconds) AS resolve_seconds_max,
    avg(connect_seconds)::double precision AS connect_seconds_avg,
    min(connect_seconds) AS connect_seconds_min,
    max(connect_seconds) AS connect_seconds_max,
    avg(tls_seconds)::double precision AS tls_seconds_avg,
    min(tls_seconds) AS tls_seconds_min,
    max(tls_seconds) AS tls_seconds_max,
    avg(first_byte_seconds)::double precision AS first_byte_seconds_avg,
    min(first_byte_seconds) AS first_byte_seconds_min,
    max(first_byte_seconds) AS first_byte_seconds_max,
    avg(status_code)::double precision AS status_code_avg,
    min(status_code) AS status_code_min,
    max(status_code) AS status_code_max
FROM probe_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW probe_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(success::integer)::double precision AS success_avg,
    avg(loss_ratio)::double precision AS loss_ratio_avg,
    min(loss_ratio) AS loss_ratio_min,
    max(loss_ratio) AS loss_ratio_max,
    avg(rtt_seconds)::double precision AS rtt_seconds_avg,
    min(rtt_seconds) AS rtt_seconds_min,
    max(rtt_seconds) AS rtt_seconds_max,
    avg(jitter_seconds)::double precision AS jitter_seconds_avg,
    min(jitter_seconds) AS jitter_seconds_min,
    max(jitter_seconds) AS jitter_seconds_max,
    avg(resolve_seconds)::double precision AS resolve_seconds_avg,
    min(resolve_seconds) AS resolve_seconds_min,
    max(resolve_seconds) AS resolve_seconds_max,
    avg(connect_seconds)::double precision AS connect_seconds_avg,
    min(connect_seconds) AS connect_seconds_min,
    max(connect_seconds) AS connect_seconds_max,
    avg(tls_seconds)::double precision AS tls_seconds_avg,
    min(tls_seconds) AS tls_seconds_min,
    max(tls_seconds) AS tls_seconds_max,
    avg(first_byte_seconds)::double precision AS first_byte_seconds_avg,
    min(first_byte_seconds) AS first_byte_seconds_min,
    max(first_byte_seconds) AS first_byte_seconds_max,
    avg(status_code)::double precision AS status_code_avg,
    min(status_code) AS status_code_min,
    max(status_code) AS status_code_max
FROM probe_samples
GROUP BY bucket, thing_id
WITH NO DATA;

SELECT create_hypertable('host_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE host_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('host_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW host_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(cpu_ratio)::double precision AS cpu_ratio_avg,
    min(cpu_ratio) AS cpu_ratio_min,
    max(cpu_ratio) AS cpu_ratio_max,
    avg(memory_used_ratio)::double precision AS memory_used_ratio_avg,
    min(memory_used_ratio) AS memory_used_ratio_min,
    max(memory_used_ratio) AS memory_used_ratio_max,
    avg(disk_used_ratio)::double precision AS disk_used_ratio_avg,
    min(disk_used_ratio) AS disk_used_ratio_min,
    max(disk_used_ratio) AS disk_used_ratio_max,
    avg(disk_free_bytes)::double precision AS disk_free_bytes_avg,
    min(disk_free_bytes) AS disk_free_bytes_min,
    max(disk_free_bytes) AS disk_free_bytes_max,
    avg(temperature_celsius)::double precision AS temperature_celsius_avg,
    min(temperature_celsius) AS temperature_celsius_min,
    max(temperature_celsius) AS temperature_celsius_max,
    avg(uptime_seconds)::double precision AS uptime_seconds_avg,
    min(uptime_seconds) AS uptime_seconds_min,
    max(uptime_seconds) AS uptime_seconds_max,
    avg(clock_offset_seconds)::double precision AS clock_offset_seconds_avg,
    min(clock_offset_seconds) AS clock_offset_seconds_min,
    max(clock_offset_seconds) AS clock_offset_seconds_max,
    avg(clock_synchronised::integer)::double precision AS clock_synchronised_avg,
    avg(agent_rss_bytes)::double precision AS agent_rss_bytes_avg,
    min(agent_rss_bytes) AS agent_rss_bytes_min,
    max(agent_rss_bytes) AS agent_rss_bytes_max,
    avg(agent_cpu_ratio)::double precision AS agent_cpu_ratio_avg,
    min(agent_cpu_ratio) AS agent_cpu_ratio_min,
    max(agent_cpu_ratio) AS agent_cpu_ratio_max
FROM host_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW host_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(cpu_ratio)::double precision AS cpu_ratio_avg,
    min(cpu_ratio) AS cpu_ratio_min,
    max(cpu_ratio) AS cpu_ratio_max,
    avg(memory_used_ratio)::double precision AS memory_used_ratio_avg,
    min(memory_used_ratio) AS memory_used_ratio_min,
    max(memory_used_ratio) AS memory_used_ratio_max,
    avg(disk_used_ratio)::double precision AS disk_used_ratio_avg,
    min(disk_used_ratio) AS disk_used_ratio_min,
    max(disk_used_ratio) AS disk_used_ratio_max,
    avg(disk_free_bytes)::double precision AS disk_free_bytes_avg,
    min(disk_free_bytes) AS disk_free_bytes_min,
    max(disk_free_bytes) AS disk_free_bytes_max,
    avg(temperature_celsius)::double precision AS temperature_celsius_avg,
    min(temperature_celsius) AS temperature_celsius_min,
    max(temperature_celsius) AS temperature_celsius_max,
    avg(uptime_seconds)::double precision AS uptime_seconds_avg,
    min(uptime_seconds) AS uptime_seconds_min,
    max(uptime_seconds) AS uptime_seconds_max,
    avg(clock_offset_seconds)::double precision AS clock_offset_seconds_avg,
    min(clock_offset_seconds) AS clock_offset_seconds_min,
    max(clock_offset_seconds) AS clock_offset_seconds_max,
    avg(clock_synchronised::integer)::double precision AS clock_synchronised_avg,
    avg(agent_rss_bytes)::double precision AS agent_rss_bytes_avg,
    min(agent_rss_bytes) AS agent_rss_bytes_min,
    max(agent_rss_bytes) AS agent_rss_bytes_max,
    avg(agent_cpu_ratio)::double precision AS agent_cpu_ratio_avg,
    min(agent_cpu_ratio) AS agent_cpu_ratio_min,
    max(agent_cpu_ratio) AS agent_cpu_ratio_max
FROM host_samples
GROUP BY bucket, thing_id
WITH NO DATA;

SELECT create_hypertable('terminal_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE terminal_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('terminal_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW terminal_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(present::integer)::double precision AS present_avg,
    avg(battery_ratio)::double precision AS battery_ratio_avg,
    min(battery_ratio) AS battery_ratio_min,
    max(battery_ratio) AS battery_ratio_max,
    avg(charging::integer)::double precision AS charging_avg,
    avg(storage_free_bytes)::double precision AS storage_free_bytes_avg,
    min(storage_free_bytes) AS storage_free_bytes_min,
    max(storage_free_bytes) AS storage_free_bytes_max,
    avg(wifi_rssi_dbm)::double precision AS wifi_rssi_dbm_avg,
    min(wifi_rssi_dbm) AS wifi_rssi_dbm_min,
    max(wifi_rssi_dbm) AS wifi_rssi_dbm_max
FROM terminal_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW terminal_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(present::integer)::double precision AS present_avg,
    avg(battery_ratio)::double precision AS battery_ratio_avg,
    min(battery_ratio) AS battery_ratio_min,
    max(battery_ratio) AS battery_ratio_max,
    avg(charging::integer)::double precision AS charging_avg,
    avg(storage_free_bytes)::double precision AS storage_free_bytes_avg,
    min(storage_free_bytes) AS storage_free_bytes_min,
    max(storage_free_bytes) AS storage_free_bytes_max,
    avg(wifi_rssi_dbm)::double precision AS wifi_rssi_dbm_avg,
    min(wifi_rssi_dbm) AS wifi_rssi_dbm_min,
    max(wifi_rssi_dbm) AS wifi_rssi_dbm_max
FROM terminal_samples
GROUP BY bucket, thing_id
WITH NO DATA;

SELECT create_hypertable('classroom_samples', by_range('corrected_at', INTERVAL '1 day'), create_default_indexes => FALSE);
ALTER TABLE classroom_samples SET (
    timescaledb.compress,
    timescaledb.compress_segmentby = 'thing_id',
    timescaledb.compress_orderby = 'corrected_at'
);
SELECT add_compression_policy('classroom_samples', compress_after => INTERVAL '8 days');

CREATE MATERIALIZED VIEW classroom_5m
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '5 minutes', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(terminals_present)::double precision AS terminals_present_avg,
    min(terminals_present) AS terminals_present_min,
    max(terminals_present) AS terminals_present_max,
    avg(terminals_known)::double precision AS terminals_known_avg,
    min(terminals_known) AS terminals_known_min,
    max(terminals_known) AS terminals_known_max,
    avg(checkins)::double precision AS checkins_avg,
    min(checkins) AS checkins_min,
    max(checkins) AS checkins_max,
    avg(battery_low)::double precision AS battery_low_avg,
    min(battery_low) AS battery_low_min,
    max(battery_low) AS battery_low_max,
    avg(wifi_weak)::double precision AS wifi_weak_avg,
    min(wifi_weak) AS wifi_weak_min,
    max(wifi_weak) AS wifi_weak_max
FROM classroom_samples
GROUP BY bucket, thing_id
WITH NO DATA;

CREATE MATERIALIZED VIEW classroom_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = TRUE) AS
SELECT
    time_bucket(INTERVAL '1 hour', corrected_at) AS bucket,
    thing_id,
    count(*) AS samples,
    avg(terminals_present)::double precision AS terminals_present_avg,
    min(terminals_present) AS terminals_present_min,
    max(terminals_present) AS terminals_present_max,
    avg(terminals_known)::double precision AS terminals_known_avg,
    min(terminals_known) AS terminals_known_min,
    max(terminals_known) AS terminals_known_max,
    avg(checkins)::double precision AS checkins_avg,
    min(checkins) AS checkins_min,
    max(checkins) AS checkins_max,
    avg(battery_low)::double precision AS battery_low_avg,
    min(battery_low) AS battery_low_min,
    max(battery_low) AS battery_low_max,
    avg(wifi_weak)::double precision AS wifi_weak_avg,
    min(wifi_weak) AS wifi_weak_min,
    max(wifi_weak) AS wifi_weak_max
FROM classroom_samples
GROUP BY bucket, thing_id
WITH NO DATA;
