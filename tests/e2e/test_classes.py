"""A class at the centre: seats from what a real report said, its board, and the old picture of a silent gateway."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import psycopg
import pytest
from playwright.async_api import Locator, expect

from cloud.desired.keys import open_key
from tests.cloud.ingest.publisher import Publisher
from tests.e2e.browser import LANGUAGES, SIZES, Tab
from tests.e2e.centre import Centre, wait_until
from tests.e2e.conftest import OpenTab
from tests.e2e.schooling import CLASS, DARK_CLASS, now_ms, report, write_schools

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.e2e,
    pytest.mark.db,
    pytest.mark.broker,
    pytest.mark.timeout(1800),
]

BEAT_SECONDS = 5.0


class Gateway:
    """The first school's gateway as the centre sees it: its heartbeat and its report."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._publisher = Publisher("s01-gw", port=centre.broker_port).connect()
        self._stopped = threading.Event()
        self._beating = threading.Thread(target=self._beat)
        self._beating.start()

    def _beat(self) -> None:
        while not self._stopped.is_set():
            self._publisher.birth()
            self.report()
            self._stopped.wait(BEAT_SECONDS)

    def report(self) -> None:
        """Report as an agent does: three pupils' work waits, one device is gone, others lack something."""
        at_ms = now_ms()
        said = report(
            t03={"unsent": 2, "oldest_unsent_at_ms": at_ms - 95_000},
            t05={"unsent": 1, "oldest_unsent_at_ms": at_ms - 3_000},
            t12={"present": False, "seen_at_ms": at_ms - 400_000, "unsent": 4, "oldest_unsent_at_ms": at_ms - 420_000},
            t19={"present": False, "seen_at_ms": at_ms - 500_000},
            t22={"unsent": None},
            t27={"app_version": "3.1.0"},
            t33={"battery_ratio": 0.12},
            t36={"app_version": None},
        )
        token = open_key(self._centre.folder / "content").agent_token("s01-gw")
        answer = httpx.post(
            f"{self._centre.url}/api/v1/edge/s01-gw/reported",
            content=msgspec.json.encode(said),
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        )
        assert answer.status_code == 204, answer.text

    def stop(self) -> None:
        """Fall silent, as when the line is cut: the broker sends the will."""
        if not self._stopped.is_set():
            self._stopped.set()
            self._beating.join()
            self._publisher.die()


@pytest.fixture(scope="module")
def gateway(centre: Centre) -> Iterator[Gateway]:
    write_schools(centre.dsn)
    gateway = Gateway(centre)

    def heard() -> bool:
        centre.check()
        return centre.read("agents/s01-gw")["status"] == "up"

    wait_until(heard, "the gateway is heard")
    yield gateway
    gateway.stop()


def _seat(tab: Tab, number: int) -> Locator:
    return tab.page.locator(f'[data-person="p-s01-{number:02}"]')


async def _opened(open_tab: OpenTab, language: str = "en", size: str = "laptop", theme: str = "dark") -> Tab:
    tab = await open_tab(size=size, theme=theme)
    await tab.open(f"/classes/{CLASS}?lang={language}")
    await expect(tab.page.get_by_test_id("board")).to_be_visible()
    return tab


async def test_classes_are_listed_with_their_lesson_and_found(open_tab: OpenTab, gateway: Gateway) -> None:
    tab = await open_tab()
    await tab.open("/classes?lang=en")
    rows = tab.page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.filter(has_text=CLASS)).to_contain_text("数学 · period 3 · until")
    await expect(rows.filter(has_text=DARK_CLASS)).to_contain_text("No lesson now")
    await tab.accessible()
    await tab.page.get_by_role("combobox", name="School").select_option("s02")
    await expect(rows).to_have_count(1)
    await tab.page.get_by_role("searchbox").fill("nothing like it")
    await expect(tab.page.get_by_role("heading", name="No class matches")).to_be_visible()
    await tab.page.get_by_role("button", name="Clear filters").click()
    await tab.page.get_by_label("Only with a lesson now").check()
    await tab.page.locator(f'[data-class="{CLASS}"]').click()
    await expect(tab.page).to_have_url(re.compile(f"/classes/{CLASS}"))
    assert not tab.problems


async def test_each_seat_says_one_thing_and_the_banner_counts(open_tab: OpenTab, gateway: Gateway) -> None:
    tab = await _opened(open_tab)
    await expect(tab.page.get_by_test_id("banner")).to_contain_text("3 devices not safe yet")
    await expect(tab.page.get_by_test_id("banner")).to_contain_text("3 unknown")
    said = {
        1: "ready", 3: "unsent_stuck", 5: "sending", 12: "unsent_stuck", 19: "unreachable", 22: "work_unknown",
        27: "outdated", 33: "battery_low", 36: "partly_unknown", 40: "away", 42: "no_device",
    }  # fmt: skip
    for number, cause in said.items():
        await expect(_seat(tab, number)).to_have_attribute("data-cause", cause)
    await expect(tab.page.get_by_test_id("old")).to_have_count(0)
    board = tab.page.get_by_test_id("board")
    await expect(board).to_contain_text("24 of 41 answered · 12 right")
    await expect(board).to_contain_text("Taking answers")


async def test_the_keyboard_walks_the_seats_and_opens_the_facts(open_tab: OpenTab, gateway: Gateway) -> None:
    tab = await _opened(open_tab)
    await _seat(tab, 2).focus()
    await tab.page.keyboard.press("ArrowUp")
    await expect(_seat(tab, 10)).to_be_focused()  # the desk is below, so rows further back are above
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("ArrowRight")
    await tab.page.keyboard.press("Enter")
    facts = tab.page.get_by_test_id("facts")
    await expect(facts).to_contain_text("No. 3")
    await expect(facts.locator('[data-fact="work"]')).to_contain_text(
        re.compile(r"2 waiting, the oldest made 1 min ago")
    )
    await expect(facts.locator('[data-fact="software"]')).to_contain_text("3.2.1 as wanted")
    await expect(facts.locator('[data-fact="content"]')).to_contain_text("nothing asked for")
    await expect(facts).to_contain_text(re.compile(r"last reported \d+ s ago"))
    await tab.page.keyboard.press("Escape")
    await expect(facts).to_contain_text("Pick a seat")
    assert not tab.problems


async def test_names_are_shown_on_request_alone(open_tab: OpenTab, gateway: Gateway) -> None:
    tab = await _opened(open_tab)
    assert "学生" not in await tab.text()
    await tab.page.get_by_test_id("names").click()
    await expect(tab.page.get_by_test_id("drawer")).to_contain_text("every look is logged")
    await tab.accessible()
    await tab.page.get_by_role("button", name="Look").click()
    await expect(_seat(tab, 7)).to_contain_text("学生7")
    await tab.page.get_by_test_id("names").click()
    await expect(_seat(tab, 7)).not_to_contain_text("学生7")


async def test_what_no_service_could_take_is_told_to_the_teacher_as_a_count(
    open_tab: OpenTab, gateway: Gateway, centre: Centre
) -> None:
    with psycopg.connect(centre.dsn, autocommit=True) as connection:
        for number, (consumer, reason) in enumerate([("homework", "not_assigned")] * 2 + [("teaching", "no_lesson")]):
            connection.execute(
                "INSERT INTO record_refusals (consumer, record_id, place, school_class, reason, detail, refused_at)"
                " VALUES (%s, %s, %s, %s, %s, '', now())",
                [consumer, f"{number:032x}", number, CLASS, reason],
            )
    tab = await _opened(open_tab, "zh-CN")
    notice = tab.page.get_by_test_id("refused")
    await expect(notice).to_contain_text("3 条记录未被收下")
    await expect(notice).to_contain_text("作业：作业没有布置给该学生 2，教学：当时没有课 1")
    await tab.accessible()
    with psycopg.connect(centre.dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM record_refusals")
    assert not tab.problems


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_speaks_one_language_and_fits(
    open_tab: OpenTab, gateway: Gateway, language: str, size: str
) -> None:
    tab = await _opened(open_tab, language, size, "light" if language == "en" else "dark")
    await _seat(tab, 12).click()
    await tab.speaks(language)
    await tab.fits()
    await tab.accessible()
    assert not tab.problems


async def test_a_class_that_nobody_reported_is_unknown_and_says_where_to_look(
    open_tab: OpenTab, gateway: Gateway
) -> None:
    tab = await open_tab()
    await tab.open(f"/classes/{DARK_CLASS}?lang=en")
    await expect(tab.page.get_by_test_id("banner")).to_contain_text("42 unknown")
    await expect(tab.page.get_by_test_id("old")).to_contain_text("s02-gw has never reported")
    await expect(tab.page.get_by_test_id("old")).to_contain_text(f"/class/{DARK_CLASS}")
    await expect(tab.page.locator("[data-cause='ready']")).to_have_count(0)
    await tab.accessible()
    await tab.page.goto(f"{tab.base}/classes/s99-none?lang=en")
    await expect(tab.page.get_by_role("heading", name="There is no such class")).to_be_visible()


async def test_pictures_for_the_documents(
    open_tab: OpenTab, gateway: Gateway, history_seconds: float | None, tmp_path: Path
) -> None:
    folder = tmp_path if history_seconds is None else Path(__file__).parents[2] / "docs" / "img"
    for language in LANGUAGES:
        tab = await _opened(open_tab, language)
        await _seat(tab, 3).click()
        target = folder / f"classes-{language[:2]}.png"
        await tab.page.screenshot(path=target)
        assert target.stat().st_size < 250_000


async def test_a_silent_gateway_turns_the_picture_old(open_tab: OpenTab, gateway: Gateway) -> None:
    tab = await _opened(open_tab)
    gateway.stop()
    old = tab.page.get_by_test_id("old")
    await expect(old).to_contain_text(re.compile(r"s01-gw cannot be heard now. What you see is of .+ago"))
    await expect(_seat(tab, 1)).to_have_attribute("data-cause", "not_seen")
    await expect(_seat(tab, 5)).to_have_attribute("data-cause", "unsent_stuck")
    await expect(tab.page.locator("[data-cause='ready']")).to_have_count(0)
    await tab.accessible()


async def test_without_the_centre_the_seats_stay_with_their_age(
    open_tab: OpenTab, gateway: Gateway, centre: Centre
) -> None:
    tab = await _opened(open_tab)
    await asyncio.to_thread(centre.stop_api)
    await expect(tab.state("stale").first).to_contain_text("Not updating")
    await expect(tab.page.get_by_test_id("seats").locator("button")).to_have_count(42)
