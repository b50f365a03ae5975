"""The demo's screens: plain lines for pipes, one picture for terminals, the same facts in both."""

from __future__ import annotations

import errno
import io

import pytest

from ops.demo.figures import Figures, Freshness, Ledger
from ops.demo.screen import LiveScreen, PlainScreen, Screen, View, facts, screen_for
from ops.simulator.report import Held, Progress

VIEW = View(
    console="http://127.0.0.1:8080",
    step="The line of s07 is cut.",
    figures=Figures(
        links={"up": 42, "down": 1, "unknown": 0},
        freshness=Freshness(age_seconds=1.2, agents_online=680, agents_total=698, rows_per_second=512.4),
        ledger=Ledger(produced=1200, stored=1100, held=100),
    ),
)


def test_the_facts_name_what_counts() -> None:
    said = {name: text.plain for name, text in facts(VIEW)}
    assert said["links"] == "42 up  1 down"
    assert said["agents online"] == "680 of 698"
    assert said["held at the edge"] == "100 items"
    assert said["lost"] == "0"
    assert said["scenario"] == "The line of s07 is cut."


def test_a_centre_that_does_not_answer_is_shown_with_the_reason() -> None:
    assert facts(View(figures_missing="connection refused"))[0][1].plain == "connection refused"


def test_where_there_is_no_terminal_plain_lines_come_out() -> None:
    stream = io.StringIO()
    screen = screen_for(stream)
    assert isinstance(screen, PlainScreen)
    screen.open()
    screen.say("hello")
    screen.show(VIEW)
    screen.show(VIEW)
    screen.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("hello")
    assert "agents online 680 of 698" in lines[1]


def test_the_live_screen_draws_story_and_figures() -> None:
    stream = io.StringIO()
    screen = LiveScreen(stream)
    screen.open()
    screen.say("SEEN: the centre knows")
    screen.show(VIEW)
    screen.close()
    drawn = stream.getvalue()
    assert "SEEN: the centre knows" in drawn
    assert "680 of 698" in drawn
    assert "http://127.0.0.1:8080" in drawn


class _Gone(io.StringIO):
    """A terminal that was closed, or a pipe whose reader has ended."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, "gone")


@pytest.mark.parametrize(("kind", "number"), [(PlainScreen, errno.EPIPE), (LiveScreen, errno.EIO)])
def test_a_reader_that_has_gone_does_not_keep_the_demo_from_stopping(
    kind: type[PlainScreen | LiveScreen], number: int
) -> None:
    screen: Screen = kind(_Gone(number))
    screen.open()
    screen.say("stopping")
    screen.show(VIEW)
    screen.say("stopped")
    screen.close()


def test_what_waits_behind_a_cut_line_is_told_beside_what_the_centre_was_told() -> None:
    progress = Progress(
        at_seconds=60.0,
        agents_started=698,
        agents_total=698,
        lines_down=1,
        checkins_total=0,
        cpu_ratio=0.1,
        rss_bytes=0,
        loop_lag_seconds=0.0,
        held={"s07": Held(segments=29, items=98, oldest_age_seconds=30.0)},
    )
    said = {name: text.plain for name, text in facts(View(figures=VIEW.figures, progress=progress))}
    assert said["held at the edge"] == "100 items by the agents' reports, 29 segments behind cut lines"
