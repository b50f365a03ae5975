"""Content in the console: a file is pushed, followed and withdrawn."""

from __future__ import annotations

import hashlib
import re

import httpx
import pytest
from playwright.async_api import FilePayload, expect

from tests.e2e.centre import Centre
from tests.e2e.conftest import OpenTab

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.e2e,
    pytest.mark.db,
    pytest.mark.broker,
    pytest.mark.timeout(1800),
]

FILE = b"a lesson about fractions\n" * 40_000
HASH = hashlib.sha256(FILE).hexdigest()


async def test_a_file_is_pushed_and_withdrawn(open_tab: OpenTab, centre: Centre) -> None:
    tab = await open_tab()
    await tab.open("/content?lang=en")
    await expect(tab.page.get_by_role("heading", name="Nothing has been pushed yet")).to_be_visible()
    await tab.accessible()
    await tab.page.get_by_test_id("new-push").click()
    form = tab.page.get_by_test_id("drawer")
    lesson = FilePayload(name="fractions.txt", mimeType="text/plain", buffer=FILE)
    await form.get_by_test_id("files").set_input_files(lesson)
    await form.get_by_role("radio", name="every school").check()
    await tab.accessible()
    await form.get_by_test_id("push").click()
    drawer = tab.page.get_by_test_id("drawer").filter(has_text=HASH[:12])
    await expect(drawer).to_contain_text("every school")
    assert httpx.get(f"{centre.url}/api/v1/content/blobs/{HASH}").content == FILE
    await drawer.get_by_test_id("withdraw").click()
    await expect(drawer.get_by_test_id("withdraw")).to_have_text("Press again to withdraw")
    await drawer.get_by_test_id("withdraw").click()
    await expect(drawer).to_contain_text("Withdrawn")
    await tab.accessible()
    await tab.page.keyboard.press("Escape")
    await expect(tab.page).not_to_have_url(re.compile("push="))
    await tab.open("/content?lang=en&state=withdrawn")
    await expect(tab.page.locator("tbody tr").filter(has_text="fractions.txt")).to_be_visible()
    assert not tab.problems


async def test_the_page_is_whole_in_chinese(open_tab: OpenTab) -> None:
    tab = await open_tab()
    await tab.open("/content?lang=zh-CN")
    await expect(tab.page.get_by_role("heading", name="内容", exact=True)).to_be_visible()
    await tab.page.get_by_test_id("new-push").click()
    await expect(tab.page.get_by_test_id("drawer")).to_contain_text("需在此前到达")
    await tab.accessible()
