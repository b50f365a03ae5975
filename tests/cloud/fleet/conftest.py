"""The running worker of the ingest tests, for presence."""

from tests.cloud.ingest.conftest import inventory, publisher, rows, worker

__all__ = ["inventory", "publisher", "rows", "worker"]
