"""Telemetry: what was measured. Tables, corrected times, rollups, retention and the optional InfluxDB mirror."""
