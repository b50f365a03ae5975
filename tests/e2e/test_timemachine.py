"""The time machine in a browser: a shared moment, the scrubber by keyboard, replay, the way back, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from tests.cloud.district import SmallDistrict, minutes_ago, now
from tests.cloud.timemachine.past import inventory_kept, letters_noted
from tests.e2e.browser import LANGUAGES
from tests.e2e.centre import Centre
from tests.e2e.conftest import OpenTab

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("past"),
]

CUT = now().replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""The line of the first school was cut yesterday at ten of the district's day, for twenty minutes."""
PAGES = {"overview": "/", "links": "/links", "incidents": "/incidents", "schools": "/schools", "wall": "/wall"}


def after_cut(minutes: float) -> datetime:
    return CUT + timedelta(minutes=minutes)


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def past(centre: Centre) -> Iterator[SmallDistrict]:
    """Two schools whose lines are well today; one was cut yesterday, with a bell in the middle of it."""
    district = SmallDistrict(centre.dsn)
    inventory_kept(district, minutes_ago(3 * 24 * 60))
    for school in ("s01", "s02"):
        district.logged("link", f"{school}-wan", "up", minutes_ago(2 * 24 * 60))
        district.logged("gateway", f"{school}-gw", "up", minutes_ago(2 * 24 * 60))
    district.logged("link", "s01-wan", "down", CUT)
    district.logged("gateway", "s01-gw", "unreachable", CUT, ("link", "s01-wan"))
    district.logged("link", "s01-wan", "up", after_cut(20))
    district.logged("gateway", "s01-gw", "up", after_cut(20))
    opened, over = CUT, after_cut(20)
    root = {"root_kind": "link", "root_key": "s01-wan", "kind": "outage", "school": "s01", "status": "down"}
    dates = {"opened_at": opened, "resolved_at": over, "updated_at": over}
    district.insert("incidents", {**root, **dates, "state": "resolved", "severity": "p4", "reason": "line_cut"})
    told = '{"status": "down", "reason": "line_cut"}'
    district.insert("incident_timeline", {"incident_id": 1, "at": opened, "kind": "opened", "detail": told})
    district.execute(
        "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
        " VALUES ('s01-k1', 's01-k1', 's01', '1', '1', '03', 's01-c01')"
    )
    bell = after_cut(10)
    district.execute(
        "INSERT INTO lessons (lesson, school, school_class, topic, day, period, starts_at, ends_at, exam)"
        " VALUES ('s01-k1.p1', 's01', 's01-k1', '', %s, 1, %s, %s, false)",
        bell.date(), bell, bell + timedelta(minutes=40),
    )  # fmt: skip
    yield district
    district.close()


@pytest.fixture(scope="module")
def moment() -> str:
    """Five minutes into yesterday's outage."""
    return text(after_cut(5))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
async def test_every_view_at_a_moment_speaks_one_language_fits_and_is_accessible(
    open_tab: OpenTab, moment: str, name: str, language: str
) -> None:
    tab = await open_tab(size="wall" if name == "wall" else "laptop")
    await tab.open(f"{PAGES[name]}?lang={language}&at={moment}")
    await tab.speaks(language)
    await tab.fits()
    await tab.accessible()
    assert not tab.problems


async def test_a_shared_link_opens_at_its_moment_and_every_page_keeps_it(
    open_tab: OpenTab, past: SmallDistrict, moment: str
) -> None:
    await letters_noted(past, after_cut(-60))
    tab = await open_tab()
    await tab.open(f"/?lang=en&at={moment}")
    await expect(tab.page.locator('[data-link="s01-wan"]')).to_have_attribute("data-status", "down")
    await expect(tab.page.get_by_test_id("timebar")).to_contain_text("As of")
    changes = tab.page.get_by_test_id("past-changes")
    await expect(changes).to_contain_text("1 suppressed: behind Link s01-wan")

    await tab.follow("Links")
    await expect(tab.page).to_have_url(re.compile(r"/links\?.*at=2"))
    await expect(tab.page.locator("tr", has_text="s01-wan")).to_contain_text("Down")
    await tab.follow("Incidents")
    await expect(tab.page.locator('[data-incident="s01-wan"]')).to_be_visible()
    await tab.follow("Schools")
    await expect(tab.page.get_by_test_id("timebar")).to_contain_text("does not follow the clock")

    await tab.follow("Overview")
    await tab.page.get_by_test_id("to-live").click()
    # No agent is there to be heard: that is what is known of now.
    await expect(tab.page.locator('[data-link="s01-wan"]')).to_have_attribute("data-status", "unknown")
    await expect(tab.page).not_to_have_url(re.compile("at=2"))


async def test_the_keyboard_moves_goes_from_bell_to_bell_and_returns_to_live(open_tab: OpenTab, moment: str) -> None:
    tab = await open_tab()
    await tab.open(f"/?lang=en&at={moment}")
    scrubber = tab.page.get_by_test_id("scrubber")
    await expect(tab.page.locator(".bell.start")).to_have_count(1)  # the bells of the day are there
    await scrubber.focus()
    await tab.page.keyboard.press("PageUp")
    link = tab.page.locator('[data-link="s01-wan"]')
    bell = text(after_cut(10))[:16]
    await expect(tab.page).to_have_url(re.compile(f"at={re.escape(bell)[:-1]}|at={bell.replace(':', '%3A')[:-1]}"))
    await expect(link).to_have_attribute("data-status", "down")
    for _ in range(12):
        await tab.page.keyboard.press("ArrowRight")
    await expect(link).to_have_attribute("data-status", "up")
    await tab.page.keyboard.press("Home")
    await expect(tab.page.get_by_test_id("timebar")).to_have_count(0)
    await expect(tab.page.get_by_test_id("live")).to_be_visible()


async def test_a_replay_passes_the_repair(open_tab: OpenTab, moment: str) -> None:
    tab = await open_tab()
    await tab.open(f"/?lang=en&at={moment}")
    link = tab.page.locator('[data-link="s01-wan"]')
    await expect(link).to_have_attribute("data-status", "down")
    await tab.page.get_by_label("Speed of the replay").select_option("360")
    await tab.page.get_by_test_id("replay").click()
    await expect(link).to_have_attribute("data-status", "up")
    await tab.page.get_by_test_id("replay").click()
