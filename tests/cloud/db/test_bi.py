"""What reporting tools see: views that a role without any other right may read, and dashboards that ask no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from tests.cloud.district import SmallDistrict, minutes_ago

DASHBOARDS = sorted((Path(__file__).parents[3] / "docker" / "grafana").glob("*.json"))


def targets() -> Iterator[dict[str, Any]]:
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            yield from panel["targets"]


@pytest.fixture
def reader(district: SmallDistrict) -> Iterator[psycopg.Connection]:
    """A connection of a role that may read the schema `bi` alone, made as the guide says."""
    with psycopg.connect(district.dsn, autocommit=True) as owner:
        owner.execute("CREATE ROLE bi_reader LOGIN PASSWORD 'reads'")
        owner.execute("GRANT USAGE ON SCHEMA bi TO bi_reader")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA bi TO bi_reader")
        with psycopg.connect(district.dsn, autocommit=True) as connection:
            connection.execute("SET ROLE bi_reader")
            yield connection
        owner.execute("DROP OWNED BY bi_reader")
        owner.execute("DROP ROLE bi_reader")


def test_a_reader_sees_every_view_and_nothing_else(district: SmallDistrict, reader: psycopg.Connection) -> None:
    district.logged("link", "s01-wan", "down", minutes_ago(5))
    views = reader.execute("SELECT viewname FROM pg_views WHERE schemaname = 'bi' ORDER BY 1").fetchall()
    names = [name for (name,) in views]
    assert names == ["incidents", "link_five_minutes", "links", "schools", "status_changes", "terminals", "things"]
    for name in names:
        reader.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier("bi", name))).fetchall()
    assert reader.execute("SELECT status FROM bi.links WHERE link = 's01-wan'").fetchone() == ("down",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("SELECT * FROM people")


def test_every_question_of_the_dashboards_can_be_answered(reader: psycopg.Connection) -> None:
    questions = [target["rawSql"] for target in targets() if "rawSql" in target]
    assert len(questions) >= 4
    for question in questions:
        reader.execute(re.sub(r"\$__timeFilter\((\w+)\)", r"\1 > now() - interval '6 hours'", question)).fetchall()


async def test_every_metric_of_the_dashboards_is_exported(district: SmallDistrict, api: httpx.AsyncClient) -> None:
    exported = (await api.get("/metrics")).text
    asked = {name for target in targets() for name in re.findall(r"bellwether_\w+", target.get("expr", ""))}
    assert asked
    assert {name for name in asked if f"# HELP {name} " not in exported} == set()
