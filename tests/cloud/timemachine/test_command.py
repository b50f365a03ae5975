"""`bellwether asof`, as a process against a real database."""

from __future__ import annotations

import asyncio
import json
from subprocess import CompletedProcess

import pytest

from tests.cloud.district import SmallDistrict, minutes_ago
from tests.cloud.timemachine.past import inventory_kept
from tests.ops.cli.test_centre import bellwether

pytestmark = pytest.mark.db


async def test_what_was_out_is_told_with_its_root_and_a_moment_outside_is_refused(
    district: SmallDistrict,
) -> None:
    inventory_kept(district, minutes_ago(120))
    district.logged("link", "s01-wan", "down", minutes_ago(60))
    district.logged("gateway", "s01-gw", "unreachable", minutes_ago(60), root=("link", "s01-wan"))

    async def asof(moment: str) -> CompletedProcess[str]:
        return await asyncio.to_thread(bellwether, "asof", moment, "--json", dsn=district.dsn)

    during = await asof(minutes_ago(30).isoformat())
    assert during.returncode == 0, during.stderr
    told = json.loads(during.stdout)["out"]
    assert [(one["kind"], one["key"], one["root_key"]) for one in told] == [
        ("link", "s01-wan", None),
        ("gateway", "s01-gw", "s01-wan"),
    ]
    refused = await asof("2020-01-01T00:00:00Z")
    assert refused.returncode == 2
    assert "is not within the last 90 days" in refused.stderr
