"""The operator's views over a small district: search, terminals, in both languages, by keyboard, and accessible."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.cloud.district import SmallDistrict, minutes_ago
from tests.cloud.incidents.test_keeper import keep
from tests.e2e.browser import LANGUAGES
from tests.e2e.centre import Centre
from tests.e2e.conftest import OpenTab

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("small"),
]

PAGES = {
    "incidents": "/incidents?state=all",
    "incident": "/incidents/1",
    "terminals": "/terminals?school=s01&sort=-battery",
    "terminal": "/terminals?open=s01-c01-t01",
    "link": "/links/s01-wan",
    "school": "/schools/s01",
    "device": "/devices/s01-sw01",
    "port": "/devices/s01-rt1/ports/ge1",
    "classroom": "/classrooms/s01-c01",
    "principal": "/schools/s01/principal",
    "checks": "/checks",
    "map": "/map",
    "maintenance": "/maintenance",
    "maintenance plan": "/maintenance?plan=new",
    "notifications": "/notifications",
    "map list": "/map?view=list",
}


@pytest.fixture(scope="module")
def small(centre: Centre) -> Iterator[SmallDistrict]:
    """Two schools, one line down, some tablets with little battery."""
    district = SmallDistrict(centre.dsn)
    district.everyone_online()
    district.status("link", "s01-wan", "up")
    district.status("link", "s02-wan", "down")
    for room in ("s01-c01", "s01-c02", "s02-c01", "s02-c02"):
        district.status("classroom", room, "up")
        for number in (1, 2, 3):
            district.terminal(f"{room}-t{number:02d}", present=number != 3)
    district.execute("UPDATE terminal_current SET battery_ratio = 0.05 + 0.1 * mod(thing_id, 9)")
    district.logged("link", "s02-wan", "down", minutes_ago(12))
    district.logged("gateway", "s02-gw", "unreachable", minutes_ago(11), ("link", "s02-wan"))
    asyncio.run(keep(district))
    yield district
    district.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
async def test_every_view_speaks_one_language_fits_and_is_accessible(
    open_tab: OpenTab, name: str, language: str
) -> None:
    tab = await open_tab()
    path = PAGES[name]
    await tab.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
    await tab.speaks(language)
    await tab.fits()
    await tab.accessible()
    assert not tab.problems


async def test_a_link_is_found_and_opened_with_the_keyboard_alone(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/schools?lang=en")
    await tab.page.keyboard.press("/")
    await tab.page.keyboard.type("school no. 2")
    found = tab.page.get_by_test_id("search-dialog").get_by_role("option")
    await expect(found.first).to_have_attribute("data-found", "s02")
    await expect(found.first).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("Control+A")
    await tab.page.keyboard.type("s02-")
    await expect(found.first).to_have_attribute("data-found", "s02-wan")
    await tab.accessible()
    await tab.page.keyboard.press("ArrowDown")
    await expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("ArrowUp")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page).to_have_url(re.compile(r"/links/s02-wan"))
    await tab.page.keyboard.press("Control+K")
    await tab.page.keyboard.press("Escape")
    await expect(tab.page.get_by_test_id("search-dialog")).to_be_hidden()


async def test_an_incident_is_found_by_the_rail_taken_on_and_commented(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/?lang=en")
    await expect(tab.page.get_by_test_id("open-incidents")).to_have_text("1")
    await tab.follow("Incidents")
    await tab.page.locator('[data-incident="s02-wan"]').click()
    await expect(tab.page.get_by_test_id("sentence")).to_contain_text("Link s02-wan has been down since")
    acts = tab.page.get_by_test_id("acts")
    await acts.get_by_label("Your name").fill("Duty")
    await acts.get_by_role("button", name="Acknowledge").click()
    await expect(tab.page.locator('[data-entry="acknowledged"]')).to_contain_text("Duty")
    await acts.get_by_label("Say something").fill("The provider knows")
    await acts.get_by_role("button", name="Comment").click()
    await expect(tab.page.locator('[data-entry="comment"]')).to_contain_text("The provider knows")
    await tab.accessible()


async def test_filters_of_the_terminals_live_in_the_address(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/terminals?lang=en")
    await expect(tab.page.locator("[data-terminal]")).to_have_count(12)
    await tab.page.get_by_label("School", exact=True).select_option("s02")
    await tab.page.get_by_label("Owner").select_option("teacher")
    await expect(tab.page.locator("[data-terminal]")).to_have_count(2)
    await expect(tab.page).to_have_url(re.compile(r"school=s02"))
    await tab.page.reload()
    await tab.data()
    await expect(tab.page.locator("[data-terminal]")).to_have_count(2)
    href = await tab.page.get_by_test_id("csv").get_attribute("href")
    assert href is not None
    assert "school=s02" in href
    assert "owner=teacher" in href
    await tab.page.locator("[data-terminal]").first.click()
    await expect(tab.page.get_by_test_id("drawer")).to_contain_text("s02-c01-t01")


async def test_an_app_version_is_set_for_the_schools_of_the_chosen_terminals(open_tab: OpenTab, centre: Centre) -> None:
    tab = await open_tab()
    await tab.open("/terminals?lang=en&school=s01")
    await tab.page.get_by_label("Choose s01-c01-t01").check()
    await tab.page.get_by_test_id("target").click()
    await tab.page.get_by_role("textbox", name="App version").fill("3.2.0")
    await tab.page.get_by_role("textbox", name="Configuration").fill("camera")
    await expect(tab.page.get_by_role("alert")).to_contain_text("Line 1")
    await tab.page.get_by_role("textbox", name="Configuration").fill("camera = false")
    await tab.page.get_by_role("button", name="Set", exact=True).click()
    await expect(tab.page.get_by_test_id("drawer").get_by_role("status")).to_contain_text("Set for 1 school")
    assert centre.read("desired/terminals")["items"][0]["configuration"] == {"camera": False}  # type: ignore[index]


async def test_work_is_planned_at_a_proposed_time_and_called_off(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/maintenance?lang=en")
    await tab.page.get_by_test_id("plan").click()
    await tab.page.get_by_test_id("key").fill("s01-wan")
    await expect(tab.page.get_by_test_id("forecast")).to_contain_text("No lesson falls into it")
    await tab.page.get_by_test_id("repeat").select_option("weekly")
    await tab.page.get_by_test_id("actor").fill("Network")
    await tab.accessible()
    await tab.page.get_by_test_id("send").click()
    row = tab.page.locator('[data-part="next"] tbody tr, [data-part="now"] tbody tr')
    await expect(row).to_contain_text("Link s01-wan")
    await expect(row).to_contain_text("every ")
    await tab.accessible()
    await row.get_by_role("button").click()
    await row.get_by_role("button").click()
    await expect(tab.page.locator('[data-part="past"] tbody tr')).to_contain_text("by hand")
    assert not tab.problems
