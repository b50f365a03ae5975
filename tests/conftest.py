"""What every test may use. One fixture file per subject, in `tests/fixtures/`; this file only lists them."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.properties",
    "tests.fixtures.requirements",
    "tests.fixtures.postgres",
    "tests.fixtures.mosquitto",
    "tests.fixtures.delivery",
    "tests.fixtures.api",
    "tests.fixtures.snmp_agents",
]
