"""The console over a district of real agents: every page, both languages, live, and when the centre is taken away.

One file, because one district of 698 agents serves all of it. The tests that take the API away stand last.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from protocols.samples import PortSample
from tests.cloud.ingest.publisher import Publisher, now_ms
from tests.e2e.browser import SIZES, WAIT_MS
from tests.e2e.centre import CUT, FLAPPING, LOSSY, RESTLESS, Centre
from tests.e2e.conftest import AGENTS, OpenTab

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(2400),  # the first test waits for the district, with pictures for its history too
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.usefixtures("district"),
]

PAGES = {
    "overview": "/",
    "links": "/links",
    "link": f"/links/{CUT}?range=15m",
    "schools": "/schools",
    "school": "/schools/s07",
    "agents": "/agents",
    "agent": "/agents/s07-gw",
    "quarantine": "/quarantine",
    "unclaimed": "/quarantine?list=unclaimed",
    "wall": "/wall",
}
URGENCY = ["down", "degraded", "flapping", "unreachable", "unknown", "maintenance", "up"]
CHANGE_MS = 240_000
"""How long a cut line may take to be seen; the budget itself is a benchmark's business, not a test's."""


def _with(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def _port_sample(thing: str) -> PortSample:
    return PortSample(thing=thing, observed_at_ms=now_ms(), monotonic_ms=1_000_000, in_bps=1_000, oper_up=True)


@pytest.fixture(scope="module", autouse=True)
def refused(district: Centre) -> None:
    """A segment of an agent that the inventory does not know, one that cannot be read, and an unknown port."""
    stranger = Publisher("s99-gw", port=district.broker_port).connect()
    segment = stranger.seal([_port_sample("s99-sw01/GigabitEthernet0/0/1")])
    stranger.publish(segment)
    stranger.publish_bytes(b"\x28\xb5\x2f\xfd" + secrets.token_bytes(60))
    stranger.wait_for_receipts(segment)
    stranger.disconnect()
    known = Publisher("s43-c01", port=district.broker_port).connect()
    segment = known.seal([_port_sample("s43-sw01/Vlanif4000")])
    known.publish(segment)
    known.wait_for_receipts(segment)
    known.disconnect()


@pytest.mark.parametrize(("language", "theme"), [("zh-CN", "dark"), ("en", "light")])
@pytest.mark.parametrize("name", PAGES)
async def test_every_page_speaks_one_language_is_accessible_and_fits_every_size(
    open_tab: OpenTab, name: str, language: str, theme: str
) -> None:
    tab = await open_tab(theme=theme)
    await tab.open(_with(PAGES[name], language))
    await expect(tab.page.locator("h1")).to_have_count(1)
    await expect(tab.page.get_by_test_id("live")).to_have_attribute("data-connection", "live")
    await tab.speaks(language)
    await tab.accessible()
    for size in SIZES:
        await tab.resize(size)
        await tab.fits()
    assert not tab.problems


async def test_the_grid_keeps_43_links_in_district_order(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/")
    cells = tab.page.get_by_test_id("grid").locator("a")
    shown = await cells.evaluate_all("cells => cells.map(cell => cell.dataset.link)")
    assert shown == [f"s{number:02d}-wan" for number in range(1, 44)]
    boxes = await cells.evaluate_all("cells => cells.map(cell => Math.round(cell.getBoundingClientRect().width))")
    assert len(set(boxes)) <= 2, "cells differ in size"


async def test_a_status_is_a_word_and_a_shape_besides_its_colour(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/?lang=en")
    down, degraded = (tab.page.locator(f'[data-link="{link}"]') for link in (CUT, LOSSY))
    await expect(down).to_contain_text("Down", timeout=CHANGE_MS)
    await expect(down.locator("svg rect")).to_have_count(1)
    await expect(degraded).to_contain_text("Degraded", timeout=CHANGE_MS)
    await expect(degraded.locator("svg path")).to_have_count(1)


async def test_the_wall_shows_the_fault_and_every_terminal_and_has_nothing_to_click(open_tab: OpenTab) -> None:
    tab = await open_tab(size="wall")
    await tab.open("/wall?lang=en")
    await expect(tab.page.get_by_test_id("wall-grid").locator("li")).to_have_count(43)
    for place in ("wall-grid", "weathermap"):
        dead = tab.page.get_by_test_id(place).locator(f'[data-link="{CUT}"]')
        await expect(dead).to_have_attribute("data-status", "down", timeout=CHANGE_MS)
    field = tab.page.get_by_test_id("field")
    counted = sum(
        int(word.replace(",", ""))
        for word in re.findall(r"[\d,]{2,}|\d", await field.get_attribute("aria-label") or "")
    )
    assert counted == 29_269
    painted = await field.evaluate(
        """canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
            return new Set(new Uint32Array(data.buffer)).size
        }"""
    )
    assert painted > 3, "the field is blank"
    assert await tab.page.locator("a, button, input, select").count() == 0
    scrolls = "document.documentElement.scrollHeight - document.documentElement.clientHeight"
    assert await tab.page.evaluate(scrolls) <= 0


async def test_the_wall_plays_a_list_of_scenes(open_tab: OpenTab) -> None:
    tab = await open_tab(size="wall")
    await tab.open("/wall?lang=en&scenes=map,rooms&seconds=5")
    for scene in ("map", "rooms", "map"):
        await expect(tab.page.locator(f'[data-scene="{scene}"]')).to_be_visible()


@pytest.mark.parametrize("size", ["wall", "laptop"])
async def test_a_cell_draws_its_load_both_ways_and_how_long_it_is_down(open_tab: OpenTab, size: str) -> None:
    tab = await open_tab(size=size)
    await tab.open("/?lang=en")
    well = tab.page.locator('[data-link="s01-wan"]')
    await expect(well.locator("[data-way] .track > span")).to_have_count(2)
    await expect(well).to_have_attribute("title", re.compile(r"To school .+bit/s \(.+%\), From school .+bit/s \(.+%\)"))
    if size == "wall":
        await expect(well.locator('[data-way="in"]')).to_contain_text(re.compile(r"bit/s.*%"))
    down = tab.page.locator(f'[data-link="{CUT}"]')
    await expect(down).to_have_attribute("data-status", "down", timeout=CHANGE_MS)
    await expect(down.locator("[data-way]")).to_have_count(0)
    await expect(down.locator(".lasting")).to_contain_text(re.compile(r"\d (s|min|h)"))


async def test_a_change_reaches_an_open_page_without_loading_it_anew(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/?lang=en")
    await tab.page.evaluate("window.sameLoad = true")
    cell = tab.page.locator(f'[data-link="{RESTLESS}"]')
    before = await cell.get_attribute("data-status")
    await expect(cell).not_to_have_attribute("data-status", before or "", timeout=CHANGE_MS)
    await expect(tab.page.get_by_test_id("changes").locator("li").first).to_contain_text("became")
    assert await tab.page.evaluate("window.sameLoad")


async def test_the_link_page_draws_a_gap_as_a_gap(open_tab: OpenTab, district: Centre) -> None:
    tab = await open_tab()
    await tab.open(f"/links/{CUT}?lang=en&range=1h&vantage=school")
    traffic = tab.page.locator('[data-chart="traffic"]')
    gaps = await traffic.locator("[data-gaps]").get_attribute("data-gaps")
    assert int(gaps or 0) >= 1
    described = await traffic.get_by_role("img").get_attribute("aria-label")
    assert "gap" in (described or "")
    answer: Any = await asyncio.to_thread(district.read, f"links/{CUT}/series?metric=in_bps&vantage=school")
    values = [value for _, value in answer["series"][0]["points"]]
    assert values[-2] is None, "the cut line has no newest value"
    assert any(value is not None for value in values)


async def test_range_and_vantage_live_in_the_address(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/links/s01-wan?lang=en")
    await tab.page.get_by_text("15 min", exact=True).click()
    await tab.page.get_by_text("Centre", exact=True).first.click()
    await expect(tab.page).to_have_url(re.compile(r"range=15m"))
    await expect(tab.page).to_have_url(re.compile(r"vantage=centre"))
    await tab.page.reload()
    await expect(tab.page.get_by_role("radio", name="15 min")).to_be_checked()
    await expect(tab.page.get_by_role("radio", name="Centre")).to_be_checked()
    await tab.page.get_by_text("Custom", exact=True).click()
    await tab.page.get_by_role("button", name="Apply").click()
    await expect(tab.page).to_have_url(re.compile(r"from=\d{4}-"))
    assert not tab.problems


async def test_the_language_is_switched_and_remembered(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/links")
    await tab.speaks("zh-CN")
    await tab.page.get_by_test_id("language").click()
    await expect(tab.page).to_have_url(re.compile("lang=en"))
    await tab.speaks("en")
    await tab.page.locator(f'a[data-link="{CUT}"]').click()
    await expect(tab.page).to_have_url(re.compile(rf"/links/{CUT}.*lang=en"))
    await tab.open("/agents")
    await tab.speaks("en")


async def test_the_theme_is_switched_and_remembered(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/")
    await tab.page.get_by_test_id("theme").click()
    await expect(tab.page.locator("html")).to_have_attribute("data-theme", "light")
    assert await tab.page.evaluate("localStorage.getItem('bellwether.theme')") == "light"


async def test_tables_sort_filter_and_find_by_the_address(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/links?lang=en&sort=status")
    await expect(tab.page.locator("tbody tr")).to_have_count(43)
    shown = await tab.page.locator("tbody tr").evaluate_all("rows => rows.map(row => row.className)")
    assert shown == sorted(shown, key=URGENCY.index)
    await tab.page.get_by_role("combobox", name="Status").select_option("degraded")
    await expect(tab.page.locator("tbody tr").filter(has_text=LOSSY)).to_have_count(1, timeout=CHANGE_MS)
    await tab.page.get_by_role("searchbox").fill("no such school")
    await expect(tab.page.get_by_role("heading", name="No link matches")).to_be_visible()
    await tab.page.get_by_role("button", name="Clear filters").click()
    await expect(tab.page.locator("tbody tr")).to_have_count(43)


async def test_all_agents_are_listed_and_paged(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/agents?lang=en")
    await expect(tab.page.get_by_text(f"1–50 of {AGENTS}")).to_be_visible()
    await tab.page.get_by_role("button", name="Next").click()
    await expect(tab.page.get_by_text(f"51–100 of {AGENTS}")).to_be_visible()
    await tab.page.get_by_label("Only with data held").check()
    await expect(tab.page).to_have_url(re.compile("holding=yes"))


async def test_the_ledger_of_an_agent_accounts_for_every_item(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/agents/s01-gw?lang=en")
    ledger = tab.page.get_by_test_id("ledger")
    await expect(ledger.locator('[data-books="lost"]')).to_have_text("0")
    stored = await ledger.locator('[data-books="stored"]').inner_text()
    assert int(stored.replace(",", "")) > 0
    await expect(tab.page.get_by_text("produced = stored + held")).to_be_visible()


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "s31-wan 已断开"), ("en", "s31-wan went down")])
async def test_events_are_said_as_sentences(open_tab: OpenTab, language: str, said: str) -> None:
    tab = await open_tab()
    await tab.open(f"/links/{FLAPPING}?lang={language}")
    events = tab.page.locator('[data-event="port.changed"]')
    await expect(events.filter(has_text=said).first).to_be_visible(timeout=CHANGE_MS)
    assert "=" not in "".join(await events.all_inner_texts())


@pytest.mark.parametrize(("language", "lane"), [("zh-CN", "实时"), ("en", "Live")])
async def test_the_quarantine_names_lanes_and_reasons_in_words(open_tab: OpenTab, language: str, lane: str) -> None:
    tab = await open_tab()
    await tab.open(f"/quarantine?lang={language}")
    row = tab.page.locator("tbody tr").filter(has_text="s99-gw").first
    await expect(row).to_contain_text(lane)
    assert not re.search(r"[a-z]_[a-z]", await row.inner_text()), "a code where a word should be"


async def test_a_quarantined_segment_is_opened_and_replayed(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/quarantine?lang=en")
    row = tab.page.locator("tbody tr").filter(has_text="Agent not in the inventory")
    await row.get_by_role("button", name="Open").click()
    drawer = tab.page.get_by_test_id("drawer")
    await expect(drawer).to_contain_text("s99-gw")
    await expect(drawer).to_contain_text('"in_bps"')
    await drawer.get_by_test_id("replay").click()
    await expect(drawer.get_by_test_id("replayed")).to_contain_text("1 still in quarantine")
    await expect(drawer.get_by_test_id("replay")).to_be_focused()
    await tab.accessible()
    await tab.page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(tab.page).not_to_have_url(re.compile("entry="))
    assert not tab.problems


async def test_devices_behind_a_silent_gateway_are_not_called_answering(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/schools/s07?lang=en")
    answer = tab.page.locator("li[data-device='s07-rt1'] .answer")
    await expect(answer).to_have_text("Unknown now", timeout=CHANGE_MS)


async def test_what_the_inventory_does_not_know_is_listed(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/quarantine?lang=en&list=unclaimed")
    await expect(tab.page.locator("tbody tr").filter(has_text="s43-sw01/Vlanif4000")).to_have_count(1)


async def test_the_keyboard_reaches_everything_and_can_skip_the_rail(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/?lang=en")
    await tab.page.keyboard.press("Tab")
    focused = tab.page.locator(":focus")
    await expect(focused).to_have_text("Skip to the main content")
    await expect(focused).to_be_in_viewport()
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("#main")).to_be_focused()
    for _ in range(5):
        await tab.page.keyboard.press("Tab")
    await expect(focused).to_have_attribute("data-link", "s01-wan")
    assert await focused.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
    await tab.page.keyboard.press("Enter")
    await expect(tab.page).to_have_url(re.compile("/links/s01-wan"))


async def test_pictures_for_the_documents(open_tab: OpenTab, history_seconds: float | None, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    since = now - timedelta(seconds=max(120.0, (history_seconds or 0) - 75))
    span = f"range=custom&from={since:%Y-%m-%dT%H:%M:%SZ}&to={now:%Y-%m-%dT%H:%M:%SZ}"
    # Into the repository only when asked for by BELLWETHER_SCREENSHOTS: a test run leaves the work tree as it is.
    folder = tmp_path if history_seconds is None else Path(__file__).parents[2] / "docs" / "img"
    folder.mkdir(exist_ok=True)
    pictures = {
        "overview-zh": ("/?lang=zh-CN", "wall", "dark"),
        "overview-en": ("/?lang=en", "wall", "dark"),
        "links-zh": ("/links?lang=zh-CN&sort=status", "wall", "dark"),
        "link-zh": (f"/links/{CUT}?lang=zh-CN&{span}", "wall", "dark"),
        "link-en": (f"/links/{CUT}?lang=en&{span}", "laptop", "light"),
        "schools-zh": ("/schools?lang=zh-CN", "wall", "dark"),
        "school-zh": ("/schools/s07?lang=zh-CN", "wall", "dark"),
        "agents-zh": ("/agents?lang=zh-CN&role=gateway", "wall", "dark"),
        "agent-zh": ("/agents/s07-gw?lang=zh-CN", "wall", "dark"),
        "agent-en": ("/agents/s07-gw?lang=en", "laptop", "light"),
        "quarantine-en": ("/quarantine?lang=en", "laptop", "dark"),
        "phone-zh": ("/?lang=zh-CN", "phone", "light"),
    }
    if history_seconds is None:
        # One of each size and theme shows that pictures can be taken; the others cost a run of every page.
        pictures = {name: pictures[name] for name in ("overview-zh", "agent-en", "phone-zh")}
    for name, (path, size, theme) in pictures.items():
        tab = await open_tab(size=size, theme=theme)
        await tab.open(path)
        await expect(tab.page.get_by_test_id("live")).to_have_attribute("data-connection", "live")
        await expect(tab.state("loading")).to_have_count(0)
        target = folder / f"{name}.png"
        await tab.page.screenshot(path=target)
        assert target.stat().st_size < 400_000, f"{target.name} is too large for the repository"


async def test_a_page_shows_its_outline_while_it_loads(open_tab: OpenTab) -> None:
    tab = await open_tab()
    release = asyncio.Event()

    async def hold(route: Route) -> None:
        await release.wait()
        await route.continue_()

    await tab.open("/?lang=en")
    await tab.page.route("**/api/v1/links", hold)
    await tab.follow("Links")
    await expect(tab.state("loading")).to_be_visible()
    release.set()
    await tab.data()
    await expect(tab.state("loading")).to_have_count(0)


async def test_without_the_centre_old_data_stays_with_its_age_and_new_pages_say_why(
    open_tab: OpenTab, district: Centre
) -> None:
    overview, link, tab = await open_tab(), await open_tab(), await open_tab()
    await overview.open("/?lang=en")
    await link.open("/links/s01-wan?lang=en")
    await tab.open("/links?lang=en")
    # The other pages come when the browser is idle; from then on they open without the centre.
    arrived = "file => /SchoolsPage.*js/.test(file.name) && file.responseEnd > 0"
    await tab.holds(f"performance.getEntriesByType('resource').some({arrived})")
    await asyncio.to_thread(district.stop_api)

    await expect(tab.state("stale")).to_contain_text("Not updating", timeout=CHANGE_MS)
    await expect(tab.page.locator("tbody tr")).to_have_count(43)
    live = overview.page.get_by_test_id("live")
    await expect(live).to_have_attribute("data-connection", "stale", timeout=CHANGE_MS)
    await expect(overview.state("stale")).to_contain_text("ago")
    # The charts have a query of their own; one strip says it for the whole page.
    await expect(link.state("stale")).to_have_count(2, timeout=WAIT_MS)
    await expect(link.state("stale").locator("visible=true")).to_have_count(1)
    await expect(overview.page.get_by_test_id("grid").locator("a")).to_have_count(43)

    await tab.follow("Schools")
    failed = tab.state("error")
    await expect(failed).to_contain_text("The centre does not answer", timeout=WAIT_MS)

    await asyncio.to_thread(district.start_api)
    await failed.get_by_role("button", name="Retry").click()
    await tab.data()
    await expect(live).to_have_attribute("data-connection", "live", timeout=CHANGE_MS)
    await expect(overview.state("stale")).to_have_count(0, timeout=WAIT_MS)
