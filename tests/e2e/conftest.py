"""Fixtures of the browser tests: one browser for a file, a district with real agents, a centre with nothing in it."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from tests.e2e.browser import CHROMIUM_ARGUMENTS, WAIT_MS, Tab, new_tab
from tests.e2e.centre import CUT, LOSSY, Centre, wait_until, write_scenario

HISTORY_VARIABLE = "BELLWETHER_SCREENSHOTS"
"""Seconds of history to gather before the pictures in docs/img are taken; not set, none are."""
AGENTS = 698

OpenTab = Callable[..., Coroutine[Any, Any, Tab]]


@pytest.fixture(scope="session")
def history_seconds() -> float | None:
    """How long the district runs before pictures are taken; None to take none."""
    text = os.environ.get(HISTORY_VARIABLE, "")
    return float(text) if text else None


@pytest.fixture(scope="module")
def console_built() -> None:
    """The console as it is served; `make test` builds it first."""
    index = Path(__file__).parents[2] / "cloud" / "console" / "dist" / "index.html"
    if not index.is_file():
        pytest.skip("the console is not built; run `make console`")


@pytest.fixture(scope="module")
def centre(
    request: pytest.FixtureRequest, postgres: EmbeddedPostgres, service_home: Path, console_built: None
) -> Iterator[Centre]:
    """A running centre with an empty database of its own."""
    from cloud.db import migrate

    name = request.module.__name__.rpartition(".")[2]
    with psycopg.connect(postgres.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    migrate(postgres.dsn_of(name))
    with EmbeddedMosquitto(service_home / f"broker-{name}") as broker:
        centre = Centre(service_home / name, postgres.dsn_of(name), broker.port)
        try:
            centre.start_ingest()
            centre.start_api()
            yield centre
        finally:
            centre.stop()


@pytest.fixture(scope="module")
def district(centre: Centre, history_seconds: float | None) -> Centre:
    """The centre with the simulated district: all agents online, one link down, one losing packets."""
    # Not before its school has measured and sent something: two readings ten seconds apart, sealed every five.
    cut_at = 45.0 if history_seconds is None else max(45.0, history_seconds * 0.7)
    began = time.monotonic()
    centre.start_district(write_scenario(centre.folder / "scenario.toml", cut_at))

    def settled() -> bool:
        centre.check()
        overview: Any = centre.read("overview")
        statuses = {row["link"]: row["status"] for row in overview["grid"]}
        wanted = {CUT: "down", LOSSY: "degraded"}
        enough = overview["terminals"]["up"] > 0 and time.monotonic() - began >= (history_seconds or 0)
        return enough and all(statuses.get(link) == status for link, status in wanted.items())

    wait_until(settled, "the district shows its faults", within_seconds=900 + (history_seconds or 0))
    return centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """The system's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS, timeout=WAIT_MS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def open_tab(browser: Browser, centre: Centre) -> AsyncIterator[OpenTab]:
    """Opens tabs on the centre's console and closes them after the test."""
    tabs: list[Tab] = []

    async def opened(**options: str) -> Tab:
        tab = await new_tab(browser, centre.url, **options)
        tabs.append(tab)
        return tab

    yield opened
    for tab in tabs:
        await tab.context.close()
