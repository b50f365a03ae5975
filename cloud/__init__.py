"""The district centre: inventory, ingest, telemetry, status, API and console."""
