"""A teacher's pages in a real browser against a real agent, whose line to the centre is down throughout."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from edge_agent.lan.teachers import COOKIE
from protocols.desired import TerminalTargets
from tests.e2e.browser import LANGUAGES, Tab, new_tab
from tests.edge_agent.classroom.lesson import CLASS, agent_in_a_lesson, class_of, lesson_now
from tests.faults.harness import AgentProcess

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PUPILS = 16
CODE = "chalk-and-talk"
Open = Callable[..., Coroutine[Any, Any, Tab]]


class School:
    """The agent, and the terminals that talk to it."""

    def __init__(self, agent: AgentProcess, url: str) -> None:
        self.agent = agent
        self.url = url
        self.lan = httpx.AsyncClient(base_url=url, timeout=60, headers={"x-teacher-code": CODE})

    async def start(self) -> None:
        await asyncio.to_thread(self.agent.start)
        for _ in range(600):
            try:
                await self.lan.get("/v1/health")
                return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
        raise AssertionError(self.agent.log)

    async def check_in(self, number: int, **changes: object) -> None:
        body = {"battery_ratio": 0.8, "storage_free_bytes": 9_000_000_000, "app_version": "3.2.1", "unsent": 0}
        answer = await self.lan.post(
            f"/v1/terminals/t-{number:02}/checkin", json=body | {"roster_token": self.roster_token} | changes
        )
        answer.raise_for_status()

    async def answer(self, number: int, response: str) -> None:
        question = (await self.lan.get(f"/v1/classes/{CLASS}/board")).json()["question"]
        record = {
            "record_id": secrets.token_hex(16),
            "observed_at_ms": time.time_ns() // 1_000_000,
            "subject": f"p-{number:02}",
            "school_class": CLASS,
            "fact": {"type": "answer", "question": question, "response": response},
        }
        (await self.lan.post("/v1/records", json={"records": [record]})).raise_for_status()

    roster_token = ""


@pytest_asyncio.fixture(loop_scope="module")
async def school(tmp_path: Path) -> AsyncIterator[School]:
    targets = TerminalTargets(app_version="3.2.1")
    agent, url = agent_in_a_lesson(tmp_path, class_of(PUPILS, columns=4), lesson_now(), targets, code=CODE)
    school = School(agent, url)
    await school.start()
    school.roster_token = (await school.lan.get("/v1/classes")).json()["roster_token"]
    yield school
    await school.lan.aclose()
    await asyncio.to_thread(agent.stop)


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Browser, school: School) -> AsyncIterator[Open]:
    """Opens a page as a teacher who has shown the code."""
    tabs: list[Tab] = []

    async def opened(path: str, size: str = "laptop") -> Tab:
        tab = await new_tab(browser, school.url, size)
        tabs.append(tab)
        await tab.page.goto(school.url + path)
        await tab.page.locator("#code").fill(CODE)
        await tab.page.keyboard.press("Enter")
        await expect(tab.page.locator('#line[data-state="live"]')).to_be_visible()
        return tab

    yield opened
    for tab in tabs:
        await tab.context.close()


async def fill_seats(school: School) -> None:
    for number in range(1, PUPILS):  # the last one is never seen
        await school.check_in(number)
    waiting_since_ms = time.time_ns() // 1_000_000 - 240_000
    await school.check_in(5, unsent=3, oldest_unsent_at_ms=waiting_since_ms)
    await school.check_in(6, app_version="3.1.0")


async def test_the_class_page_shows_every_pupil_and_the_facts_behind_one(school: School, open_page: Open) -> None:
    tab = await open_page(f"/class/{CLASS}?lang=en")
    page = tab.page
    await fill_seats(school)
    seats = page.locator("#seats li")
    await expect(seats).to_have_count(PUPILS)
    await expect(page.locator("#banner-text")).to_have_text("1 device not safe yet")
    await expect(page.locator("#banner-more")).to_have_text("1 unknown")
    marks = {
        number: await page.locator(f'[data-person="p-{number:02}"]').get_attribute("class") for number in (1, 5, 6, 16)
    }
    assert marks == {1: "good", 5: "bad", 6: "attention", 16: "unknown"}
    await page.locator('[data-person="p-01"] button').focus()
    await page.keyboard.press("ArrowUp")  # the teacher's desk is below, so the second row is above the first
    await page.keyboard.press("Enter")
    facts = page.locator("#facts")
    await expect(facts).to_contain_text("No. 5 · Device t-05")
    await expect(facts).to_contain_text("Answers wait on the device and are not safe yet.")
    await expect(facts).to_contain_text("3 waiting, the oldest 4 min")
    await expect(page.locator("#seat-facts .shape")).to_have_count(5)
    await school.check_in(5)
    await expect(page.locator('[data-person="p-05"]')).to_have_class("good")
    await expect(facts).to_contain_text("nothing waiting")
    await tab.accessible()
    await tab.fits()
    assert not tab.problems


async def test_a_lock_counts_down_on_the_page_and_reaches_a_terminal_that_waits(
    school: School, open_page: Open
) -> None:
    tab = await open_page(f"/class/{CLASS}?lang=zh")
    page = tab.page
    etag = (await school.lan.get("/v1/terminals/t-01/desired")).headers["etag"]
    waiting = asyncio.create_task(
        school.lan.get("/v1/terminals/t-01/desired", params={"wait": 55}, headers={"if-none-match": etag})
    )
    await page.get_by_role("button", name="锁定屏幕").click()
    await expect(page.locator("#lease-kind")).to_have_text("屏幕已锁定")
    assert (await waiting).json()["lease"]["kind"] == "lock"
    left = await page.locator("#lease-left").inner_text()
    await expect(page.locator("#lease-left")).not_to_have_text(left)
    await page.get_by_role("button", name="解除").click()
    await expect(page.get_by_role("button", name="锁定屏幕")).to_be_visible()
    assert (await school.lan.get("/v1/terminals/t-01/desired")).json()["lease"] is None
    assert not tab.problems


async def test_a_question_is_asked_by_keyboard_and_fills_while_the_class_answers(
    school: School, open_page: Open
) -> None:
    tab = await open_page(f"/board/{CLASS}?lang=en", "wall")
    page = tab.page
    await expect(page.locator("#none")).to_contain_text("No question yet")
    await page.keyboard.press("n")
    await page.keyboard.type("<b>2 + 2</b> = ?")
    for text in ("3", "4", "5"):
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.locator("#correct").select_option("B")
    await page.locator("#start").click()
    await expect(page.locator("#ask")).to_have_text("<b>2 + 2</b> = ?")  # as text, whatever it looks like
    await asyncio.gather(*(school.answer(number, "B" if number % 3 else "A") for number in range(1, PUPILS)))
    await expect(page.locator("#answered")).to_have_text(f"{PUPILS - 1} of {PUPILS} answered")
    await expect(page.locator("#bars .count")).to_have_text(["5", "10", "0", "0"])
    await expect(page.locator("#who li")).to_have_text([str(PUPILS)])
    assert await page.locator("#bars .right").count() == 0  # not while it can be copied
    await tab.accessible()
    await tab.fits()
    await page.keyboard.press("c")
    await expect(page.locator("#bars .right .letter")).to_have_text("B")
    await expect(page.locator("#right")).to_have_text("10 right")
    await school.answer(PUPILS, "B")  # late, and counted all the same
    await expect(page.locator("#right")).to_have_text("11 right")
    await expect(page.locator("#everybody")).to_be_visible()
    assert not tab.problems


async def test_a_page_whose_agent_died_says_how_old_it_is_and_goes_on_by_itself(
    school: School, open_page: Open
) -> None:
    tab = await open_page(f"/board/{CLASS}?lang=en")
    page = tab.page
    await page.keyboard.press("n")
    await page.locator("#start").click()
    await expect(page.locator("#ask")).to_have_text("Listen to your teacher")
    await school.answer(1, "A")
    await expect(page.locator("#bars .count")).to_have_text(["1", "0", "0", "0"])
    await asyncio.to_thread(school.agent.kill)
    await expect(page.locator("#stale")).to_contain_text("Connection lost: what you see is")
    await page.locator("#close").click()
    await expect(page.locator("#fault")).to_have_text("Not done: the agent does not answer")
    await school.start()
    # Another process does not know the cookie; the page asks for the code and comes back to where it was.
    await expect(page.locator("#code")).to_be_visible()
    await page.locator("#code").fill("wrong-code")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.locator("#code").fill(CODE)
    await page.keyboard.press("Enter")
    await expect(page.locator("#bars .count")).to_have_text(["1", "0", "0", "0"])
    cookies = {one["name"]: one for one in await tab.context.cookies()}
    assert cookies[COOKIE]["httpOnly"]
    assert cookies[COOKIE]["sameSite"] == "Strict"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["class", "board"])
async def test_the_pages_are_wholly_in_one_language_and_fit(
    school: School, open_page: Open, name: str, language: str
) -> None:
    tab = await open_page(f"/{name}/{CLASS}?lang={language[:2]}")
    await fill_seats(school)
    if name == "class":
        await tab.page.locator('[data-person="p-05"] button').click()
    assert await tab.page.evaluate("document.documentElement.lang") == language
    said = await tab.page.locator("main").inner_text()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh-CN"), said
    for hole in ("undefined", "NaN", "null", "{"):
        assert hole not in said
    await tab.fits()
    await tab.accessible()
    assert not tab.problems
