"""A store and its database, for the tests of what maintenance makes of stored rows.

With `BELLWETHER_TIMESCALE_DSN` set to a server that has TimescaleDB (a DSN whose user may create databases), the
same tests also run against its continuous aggregates; without it they are skipped visibly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cloud.db import migrate

_numbers = count(1)


@pytest.fixture(params=["plain", "timescale"])
def variant_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a fresh database of each variant, with one school and one agent."""
    if request.param == "plain":
        dsn: str = request.getfixturevalue("database")
        _seed(dsn)
        yield dsn
        return
    server = os.environ.get("BELLWETHER_TIMESCALE_DSN")
    if not server:
        pytest.skip("BELLWETHER_TIMESCALE_DSN is not set: no TimescaleDB here")
    name = f"bellwether_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = make_conninfo(server, dbname=name)
    migrate(dsn)
    _seed(dsn)
    yield dsn
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _seed(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO schools (school, position, name, name_en, stage) VALUES ('s01', 1, '一', 'One', 'primary')"
        )
        connection.execute("INSERT INTO agents (agent, position, role, school) VALUES ('s01-gw', 1, 'gateway', 's01')")
