"""The elected loop on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from cloud.status.evaluator import StatusEvaluator
from tests.cloud.district import SmallDistrict, minutes_ago, now


async def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that must come true; the limit only ends a broken test."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


def quick(dsn: str) -> StatusEvaluator:
    return StatusEvaluator(dsn, interval_seconds=0.1, least_seconds=0.02, retry_seconds=0.1)


async def test_a_dead_link_is_found_logged_with_its_evidence_and_told(district: SmallDistrict) -> None:
    district.everyone_online()
    for link in ("s01-wan", "s02-wan"):
        district.link_now(link, "centre", oper_up=True, loss_ratio=0.0, rtt_seconds=0.002)
    evaluator = quick(district.dsn)
    await evaluator.start()
    try:
        await until(lambda: district.statuses().get("link s01-wan") == "up")
        assert district.statuses()["gateway s01-gw"] == "up"
        assert district.statuses()["classroom s02-c02"] == "up"

        district.link_now("s01-wan", "centre", oper_up=False, loss_ratio=1.0)
        await until(lambda: district.statuses()["link s01-wan"] == "down")
        assert district.statuses()["link s02-wan"] == "up"
        assert district.log("link", "s01-wan") == [
            (None, "up", "evidence_good"),
            ("up", "down", "centre_port_down"),
        ]

        district.presence("s01-gw", "offline")
        await until(lambda: district.statuses()["gateway s01-gw"] == "unreachable")
    finally:
        await evaluator.stop()


async def test_a_restart_of_the_cloud_changes_no_status(district: SmallDistrict) -> None:
    long_ago = minutes_ago(20)
    district.everyone_online(long_ago)
    district.status("provider", "Carrier", "up", long_ago)
    for key in ("s01-wan", "s02-wan"):
        district.status("link", key, "up", long_ago)
        district.link_now(key, "centre", long_ago, oper_up=True, loss_ratio=0.0)
    for school in ("s01", "s02"):
        district.status("gateway", f"{school}-gw", "up", long_ago)
        for room in ("c01", "c02"):
            district.status("classroom", f"{school}-{room}", "up", long_ago)
    evaluator = quick(district.dsn)
    await evaluator.start()
    try:
        await until(lambda: evaluator.evaluations_total >= 10)
        assert set(district.statuses().values()) == {"up"}
        assert evaluator.changes_total == 0
    finally:
        await evaluator.stop()


async def test_only_one_of_two_evaluates_and_the_other_takes_over(district: SmallDistrict) -> None:
    first, second = quick(district.dsn), quick(district.dsn)
    await first.start()
    await until(lambda: first.evaluations_total > 0)
    await second.start()
    count = first.evaluations_total
    await until(lambda: first.evaluations_total > count + 5)
    assert second.evaluations_total == 0
    await first.stop()
    await until(lambda: second.evaluations_total > 0)
    await second.stop()


async def test_things_that_were_never_seen_are_unknown(district: SmallDistrict) -> None:
    evaluator = quick(district.dsn)
    await evaluator.start()
    try:
        await until(lambda: len(district.statuses()) == 1 + 2 + 2 + 4)
        assert set(district.statuses().values()) == {"unknown"}
    finally:
        await evaluator.stop()


async def test_the_loop_works_on_after_its_connection_was_cut(district: SmallDistrict) -> None:
    evaluator = quick(district.dsn)
    await evaluator.start()
    try:
        await until(lambda: evaluator.evaluations_total > 0)
        district.cut("bellwether-status")
        district.link_now("s01-wan", "centre", now() + timedelta(seconds=1), oper_up=True, loss_ratio=0.0)
        await until(lambda: district.statuses().get("link s01-wan") == "up")
    finally:
        await evaluator.stop()
