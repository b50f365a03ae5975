"""A browser page that remembers what went wrong in it, and what every page of the console has in common."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"wall": (1920, 1080), "laptop": (1366, 768), "phone": (390, 844)}
LANGUAGES = ("zh-CN", "en")
AXE = Path(__file__).parents[2] / "cloud" / "console" / "node_modules" / "axe-core" / "axe.min.js"

WAIT_MS = 90_000
"""How long a page may take on a busy machine; a limit, not a pause."""
expect.set_options(timeout=WAIT_MS)  # its own patience is five seconds

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_KEY = re.compile(r"\b(undefined|NaN|\[object Object\]|null)\b")


@dataclass
class Tab:
    """One page in one context; `problems` holds every console error and page error so far."""

    page: Page
    context: BrowserContext
    base: str
    problems: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Load a page of the console anew and wait for its data."""
        await self.page.goto(self.base + path)
        await self.data()

    async def follow(self, name: str) -> None:
        """Go to a section by the rail, without loading the console anew."""
        await self.page.locator("nav a", has_text=name).click()

    async def resize(self, size: str) -> None:
        """Give the window another size and let the page lay itself out anew."""
        width, height = SIZES[size]
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    async def data(self) -> None:
        """Wait until the page shows data, or says that there is none."""
        await expect(self.state("data", "empty").first).to_be_visible(timeout=WAIT_MS)

    def state(self, *names: str) -> Locator:
        """The parts of the page in one of these states."""
        return self.page.locator(", ".join(f'[data-state="{name}"]' for name in names))

    async def holds(self, expression: str) -> None:
        """Wait until an expression is true in the page.

        Asked again and again from outside: Playwright's own waiting asks from inside by `eval`, which the console's
        content security policy lets through the first time only.
        """
        async with asyncio.timeout(WAIT_MS / 1000):
            while not await self.page.evaluate(expression):
                await asyncio.sleep(0.1)

    async def text(self) -> str:
        """Everything there is to read, titles included."""
        read: str = await self.page.evaluate("document.body.innerText")
        return read

    async def chrome(self) -> str:
        """What the console itself says: navigation, headings, column heads; no names from the inventory."""
        parts = await self.page.locator("nav, h2, thead, legend, dt").all_inner_texts()
        return "\n".join(parts)

    async def speaks(self, language: str) -> None:
        """Check that the page is wholly in one language and shows no hole where a word should be."""
        assert await self.page.evaluate("document.documentElement.lang") == language
        chrome = await self.chrome()
        assert bool(_CHINESE.search(chrome)) == (language == "zh-CN"), chrome
        holes = _KEY.findall(await self.text())
        assert not holes, holes

    async def fits(self) -> None:
        """Check that nothing makes the page scroll sideways."""
        wide = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{wide} px too wide"

    async def accessible(self) -> None:
        """Check with axe-core that no serious or critical rule is broken."""
        # Evaluated, not added as a script element: the console's content security policy allows no such thing.
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            f"{violation['id']}: {violation['help']} at {[place['target'] for place in violation['nodes'][:4]]}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert not serious, "\n".join(serious)


async def new_tab(browser: Browser, base: str, size: str = "laptop", theme: str = "dark") -> Tab:
    """Open an empty tab of its own, without memory of others."""
    width, height = SIZES[size]
    context = await browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    await context.add_init_script(f"localStorage.setItem('bellwether.theme', '{theme}')")
    tab = Tab(await context.new_page(), context, base)
    tab.page.set_default_timeout(WAIT_MS)
    tab.page.on("console", lambda message: tab.problems.append(message.text) if message.type == "error" else None)
    tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
    return tab
