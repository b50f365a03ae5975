"""Spans of status, read from a real log."""

from __future__ import annotations

from cloud.db import connect
from cloud.status.models import StatusKind, Thing
from cloud.status.spans import spans
from tests.cloud.district import SmallDistrict, minutes_ago, now


async def test_a_span_lasts_until_the_next_entry_and_is_told_whole(district: SmallDistrict) -> None:
    began, cut, healed = minutes_ago(60), minutes_ago(30), minutes_ago(20)
    for at, word in ((began, "up"), (cut, "down"), (healed, "up")):
        district.logged("link", "s01-wan", word, at)
    district.logged("gateway", "s01-gw", "up", began)

    async with await connect(district.dsn, name="test") as connection:
        during = await spans(connection, minutes_ago(25), now(), kinds=[StatusKind.LINK])

    line = Thing(StatusKind.LINK, "s01-wan")
    assert [(span.thing, span.status.value, span.since, span.until) for span in during] == [
        (line, "down", cut, healed),
        (line, "up", healed, None),
    ]
