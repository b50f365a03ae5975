"""`bellwether incident`, as processes against a real database."""

from __future__ import annotations

import asyncio

import pytest

from tests.cloud.district import SmallDistrict, minutes_ago
from tests.cloud.incidents.test_keeper import keep
from tests.ops.cli.test_centre import answer, bellwether

pytestmark = pytest.mark.db


def test_an_incident_is_listed_taken_on_commented_and_closed(district: SmallDistrict) -> None:
    district.logged("link", "s01-wan", "down", minutes_ago(10))
    district.logged("gateway", "s01-gw", "unreachable", minutes_ago(9), ("link", "s01-wan"))
    asyncio.run(keep(district))
    dsn = district.dsn
    [row] = answer("incident", "list", dsn=dsn)
    number = str(row["incident_id"])
    assert (row["root_key"], row["members"]) == ("s01-wan", 1)
    assert answer("incident", "ack", number, "--as", "甲", dsn=dsn)["acknowledged_by"] == "甲"
    assert answer("incident", "assign", number, "--as", "甲", "--to", "乙", dsn=dsn)["assignee"] == "乙"
    answer("incident", "comment", number, "已报修", "--as", "乙", dsn=dsn)
    shown = bellwether("incident", "show", number, dsn=dsn).stdout
    assert "gateway s01-gw" in shown
    assert "已报修" in shown
    assert answer("incident", "split", number, "gateway", "s01-gw", "--as", "乙", dsn=dsn)["root_key"] == "s01-gw"
    assert answer("incident", "resolve", number, "演练", "--as", "乙", dsn=dsn)["state"] == "resolved"
    assert [one["root_key"] for one in answer("incident", "list", dsn=dsn)] == ["s01-gw"]
    refused = bellwether("incident", "resolve", number, "again", "--as", "乙", dsn=dsn)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "is resolved, not open" in refused.stderr
    assert "no incident 99" in bellwether("incident", "show", "99", dsn=dsn).stderr
    assert "no kind of thing 'node'" in bellwether("incident", "split", number, "node", "x", dsn=dsn).stderr
