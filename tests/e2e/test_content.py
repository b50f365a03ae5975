"""Content in the console: a file is pushed, followed and withdrawn."""

from __future__ import annotations

import asyncio
import hashlib
import re
from pathlib import Path

import httpx
import msgspec
import pytest
from playwright.async_api import FilePayload, expect

from cloud.desired.keys import open_key
from protocols.desired import DesiredTokens, DocumentKind, Reported, ReportedDocument, Validity
from tests.e2e.centre import Centre, wait_until
from tests.e2e.conftest import OpenTab
from tests.e2e.schooling import now_ms, write_schools

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


def _of(centre: Centre) -> dict[str, str]:
    return {"authorization": f"Bearer {open_key(centre.folder / 'content').agent_token('s01-gw')}"}


def _report_content(centre: Centre, before: str | None) -> str:
    """Let the first school's gateway report that it holds the content of now, not of `before`; return its token."""
    url = f"{centre.url}/api/v1/edge/s01-gw"

    def token() -> str | None:
        asked = msgspec.json.decode(httpx.get(f"{url}/tokens", headers=_of(centre)).content, type=DesiredTokens)
        return asked.tokens.get(DocumentKind.CONTENT)

    wait_until(lambda: token() not in (None, before), "the services make the document")
    held = token()
    assert held is not None
    content = ReportedDocument(
        kind=DocumentKind.CONTENT, token=held, validity=Validity.VALID, missing_bytes=0, proved_at_ms=now_ms()
    )
    said = Reported(agent="s01-gw", at_ms=now_ms(), documents=[content])
    httpx.post(f"{url}/reported", content=msgspec.json.encode(said), headers=_of(centre)).raise_for_status()
    return held


def _push(centre: Centre, name: str, size_bytes: int, audience: str, before_at: str | None = None) -> None:
    content = name.encode().ljust(size_bytes, b".")
    hashed = hashlib.sha256(content).hexdigest()
    api = f"{centre.url}/api/v1/content"
    httpx.put(f"{api}/blobs/{hashed}", content=content, timeout=60).raise_for_status()
    push = {"title": name, "audience": [audience], "before_at": before_at}
    httpx.post(
        f"{api}/manifests", json=push | {"resources": [{"sha256": hashed, "title": f"{name}.pdf"}]}
    ).raise_for_status()


async def test_readiness_is_followed_agent_by_agent(
    open_tab: OpenTab, centre: Centre, history_seconds: float | None, tmp_path: Path
) -> None:
    write_schools(centre.dsn)
    centre.start_services()
    _push(centre, "分数的初步认识", 3_400_000, "school:s01", "2026-11-30T00:00:00Z")
    _push(centre, "课前导学：观察月相", 900_000, "class:s01-g3c1")
    held = await asyncio.to_thread(_report_content, centre, None)
    tab = await open_tab()
    await tab.open("/content?lang=en")
    row = tab.page.locator("tbody tr").filter(has_text="分数的初步认识")
    await expect(row).to_contain_text("1 / 1")
    _push(centre, "英语听力 Unit 5", 6_200_000, "all")
    waiting = tab.page.locator("tbody tr").filter(has_text="英语听力 Unit 5")
    await expect(waiting).to_contain_text("0 / 2")
    await expect(row).to_contain_text("1 / 1")  # what is there stays so while more is on its way
    await waiting.get_by_role("button").click()
    drawer = tab.page.get_by_test_id("drawer")
    await expect(drawer.locator("tbody tr").filter(has_text="s01-gw")).to_contain_text("On its way")
    await expect(drawer.locator("tbody tr").filter(has_text="s02-gw")).to_contain_text("Unknown")
    await tab.accessible()
    await asyncio.to_thread(_report_content, centre, held)
    await expect(drawer.locator("tbody tr").filter(has_text="s01-gw")).to_contain_text("Ready")
    assert not tab.problems
    folder = tmp_path if history_seconds is None else Path(__file__).parents[2] / "docs" / "img"
    shown = await open_tab()
    await shown.open("/content?lang=zh-CN")
    await expect(shown.page.locator("tbody tr").filter(has_text="英语听力 Unit 5")).to_contain_text("1 / 2")
    await shown.page.screenshot(path=folder / "content-zh.png")
    assert (folder / "content-zh.png").stat().st_size < 250_000
