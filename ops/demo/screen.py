"""What the demo shows: on a terminal one screen that is kept up to date, elsewhere plain lines that can be piped.

Lines of the story go to both; the figures are a panel on the screen and one line every ten seconds elsewhere.

A reader that has gone (a closed terminal, `make demo | head`) ends what is shown, never the demo: it must still stop
what it started.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ops.demo.figures import Figures
from ops.simulator.report import Progress

LINES_KEPT = 14
PLAIN_SECONDS = 10.0
STATUS_STYLE = {
    "up": "green", "degraded": "yellow", "flapping": "yellow", "down": "bold red", "unreachable": "red",
    "unknown": "dim", "maintenance": "blue",
}  # fmt: skip


@dataclass(slots=True)
class View:
    """Everything that is shown at one moment."""

    console: str = ""
    step: str = ""
    figures: Figures | None = None
    figures_missing: str = ""
    progress: Progress | None = None


class Screen(Protocol):
    """Where the demo speaks."""

    def open(self) -> None:
        """Begin."""

    def say(self, line: str) -> None:
        """Tell something."""

    def show(self, view: View) -> None:
        """Show the figures of this moment."""

    def close(self) -> None:
        """End; what was said stays."""


def screen_for(stream: TextIO) -> Screen:
    """Return the screen that fits where the output goes."""
    return LiveScreen(stream) if stream.isatty() else PlainScreen(stream)


class PlainScreen:
    """One line after the other."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._stream = stream
        self._shown_at = 0.0
        self._gone = False

    def open(self) -> None:
        """Begin."""

    def say(self, line: str) -> None:
        """Write a line at once."""
        if self._gone:
            return
        try:
            self._stream.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
            self._stream.flush()
        except OSError:
            self._gone = True

    def show(self, view: View) -> None:
        """Write the figures every ten seconds."""
        now = time.monotonic()
        if now - self._shown_at >= PLAIN_SECONDS:
            self._shown_at = now
            # The scenario's step was told when it was taken.
            self.say("   " + " · ".join(f"{name} {text.plain}" for name, text in facts(view) if name != "scenario"))

    def close(self) -> None:
        """End."""


class LiveScreen:
    """A panel of figures above the last lines of the story."""

    def __init__(self, stream: TextIO = sys.stdout) -> None:
        self._console = Console(file=stream, highlight=False)
        self._lines: deque[tuple[str, str]] = deque(maxlen=LINES_KEPT)
        self._view = View()
        self._gone = False
        self._live = Live(console=self._console, auto_refresh=False, screen=False)

    def open(self) -> None:
        """Take the screen."""
        self._live.start()

    def say(self, line: str) -> None:
        """Add a line to the story."""
        self._lines.append((time.strftime("%H:%M:%S"), line))
        self._draw()

    def show(self, view: View) -> None:
        """Redraw."""
        self._view = view
        self._draw()

    def close(self) -> None:
        """Leave the last picture on the terminal."""
        # Rich draws once more here, and its own way out of a broken pipe is SystemExit.
        with contextlib.suppress(OSError, SystemExit):
            self._live.stop()

    def _draw(self) -> None:
        if self._gone:
            return
        try:
            self._redraw()
        except (OSError, SystemExit):
            self._gone = True

    def _redraw(self) -> None:
        story = Table.grid(padding=(0, 1))
        for at, line in self._lines:
            keyword, colon, rest = line.partition(":")
            emphasised = bool(colon) and keyword.isupper()
            story.add_row(
                Text(at, style="dim"), Text.assemble((keyword, "bold cyan"), ":", rest) if emphasised else line
            )
        table = Table.grid(padding=(0, 2))
        for name, text in facts(self._view):
            table.add_row(Text(name, style="dim"), text)
        title = f"Bellwether demo · {self._view.console}" if self._view.console else "Bellwether demo"
        self._live.update(
            Group(Panel(table, title=title, border_style="cyan"), story, Text("Ctrl-C stops everything.", style="dim")),
            refresh=True,
        )


def facts(view: View) -> list[tuple[str, Text]]:
    """Return the figures by name, shortest form."""
    rows: list[tuple[str, Text]] = []
    figures = view.figures
    if figures is None:
        rows.append(("centre", Text(view.figures_missing or "starting", style="yellow")))
    else:
        fresh, ledger = figures.freshness, figures.ledger
        age = "–" if fresh.age_seconds is None else f"{fresh.age_seconds:.0f} s"
        arriving = f"{_rate(fresh.rows_per_second)} rows/s in {_rate(fresh.segments_per_second)} segments, newest {age}"
        rows += [
            ("links", _counts(figures.links)),
            ("classrooms", _counts(figures.classrooms)),
            ("terminals", _counts(figures.terminals)),
            ("agents online", Text(f"{fresh.agents_online} of {fresh.agents_total}")),
            ("arriving", Text(arriving)),
            ("held at the edge", _held(ledger.held, view.progress)),
            ("stored", Text(f"{ledger.stored:,} of {ledger.produced:,} produced")),
            ("lost", Text(f"{ledger.lost:,}", style="bold green" if ledger.lost == 0 else "bold red")),
        ]
    if (progress := view.progress) is not None:
        rows.append(
            (
                "simulator",
                Text(
                    f"{progress.agents_started} of {progress.agents_total} agents, "
                    f"{progress.checkins_total:,} check-ins, {progress.cpu_ratio:.0%} of a core, "
                    f"{progress.rss_bytes / 2**20:,.0f} MB"
                ),
            )
        )
    if view.step:
        rows.append(("scenario", Text(view.step)))
    return rows


def _held(reported_items: int, progress: Progress | None) -> Text:
    """Return what the centre was told is held; while lines are cut also what it cannot be told."""
    text = Text(f"{reported_items:,} items")
    if progress is not None and progress.lines_down and (unseen := progress.held_of("")):
        text.append(f" by the agents' reports, {unseen:,} segments behind cut lines", style="yellow")
    return text


def _rate(per_second: float | None) -> str:
    return "–" if per_second is None else f"{per_second:,.0f}"


def _counts(counts: dict[str, int]) -> Text:
    text = Text()
    for word, count in counts.items():
        if count:
            text.append(f"{count:,} {word}  ", style=STATUS_STYLE.get(word, ""))
    text.rstrip()
    return text if text.plain else Text("–")
