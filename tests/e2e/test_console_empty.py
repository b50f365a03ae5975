"""The console on the first day: a cloud that runs, and nothing in its inventory yet."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.browser import LANGUAGES
from tests.e2e.conftest import OpenTab

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/", "/links", "/schools", "/agents"])
async def test_an_empty_district_says_how_to_fill_it(open_tab: OpenTab, path: str, language: str) -> None:
    tab = await open_tab()
    await tab.open(f"{path}?lang={language}")
    await expect(tab.state("empty")).to_contain_text("bellwether inventory import DIR")
    await tab.speaks(language)
    assert not tab.problems


@pytest.mark.parametrize("language", LANGUAGES)
async def test_without_a_roster_the_classes_say_how_to_import_one(open_tab: OpenTab, language: str) -> None:
    tab = await open_tab()
    await tab.open(f"/classes?lang={language}")
    await expect(tab.state("empty")).to_contain_text("bellwether roster import")
    await tab.speaks(language)
    await tab.accessible()
    assert not tab.problems


@pytest.mark.parametrize("listed", ["segments", "unclaimed"])
async def test_an_empty_quarantine_says_that_nothing_is_to_do(open_tab: OpenTab, listed: str) -> None:
    tab = await open_tab()
    await tab.open(f"/quarantine?lang=en&list={listed}")
    await expect(tab.state("empty")).to_be_visible()
    await tab.accessible()
    assert not tab.problems


@pytest.mark.parametrize(
    ("language", "title", "advice", "retry"),
    [("en", "Not in the inventory", "Check the address", "Retry"), ("zh-CN", "清单中没有它", "请检查地址", "重试")],
)
async def test_a_link_that_does_not_exist_is_told_in_the_readers_words(
    open_tab: OpenTab, language: str, title: str, advice: str, retry: str
) -> None:
    tab = await open_tab()
    await tab.page.goto(f"{tab.base}/links/s99-wan?lang={language}")
    failed = tab.state("error")
    await expect(failed).to_contain_text(title)
    await expect(failed).to_contain_text(advice)
    await expect(failed).not_to_contain_text("/api/")
    await expect(failed.get_by_role("button", name=retry)).to_be_visible()


async def test_an_unknown_address_leads_back(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.page.goto(f"{tab.base}/nowhere?lang=en")
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    await tab.page.get_by_role("link", name="Back to the overview").click()
    await tab.data()
    assert not tab.problems
