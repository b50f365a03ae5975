"""Private PostgreSQL and Mosquitto on loopback, started and stopped by Bellwether itself."""

from __future__ import annotations

from ops.embedded.errors import EmbeddedServiceUnavailable
from ops.embedded.mosquitto import EmbeddedMosquitto
from ops.embedded.postgres import EmbeddedPostgres

__all__ = ["EmbeddedMosquitto", "EmbeddedPostgres", "EmbeddedServiceUnavailable"]
