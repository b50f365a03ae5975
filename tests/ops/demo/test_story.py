"""The demo's story: said when it is seen, once, in the order of things."""

from __future__ import annotations

from msgspec import structs

from ops.demo.figures import Figures, GridRow, Ledger, decode
from ops.demo.story import Story
from ops.simulator.report import Held, LessonBooks, Progress, StepTaken


def step(action: str, school: str = "s07") -> StepTaken:
    return StepTaken(at_seconds=0, action=action, say=f"{action}!", say_zh="x", school=school, steps_left=0)


def figures(status: str, lost: int = 0) -> Figures:
    grid = [GridRow(link="s07-wan", school="s07", status=status), GridRow(link="s08-wan", school="s08", status="up")]
    return Figures(grid=grid, ledger=Ledger(produced=100, stored=90, held=10, lost=lost))


def progress(segments: int, oldest_age_seconds: float) -> Progress:
    held = {"s07": Held(segments=segments, items=segments * 5, oldest_age_seconds=oldest_age_seconds)}
    return Progress(
        at_seconds=0, agents_started=1, agents_total=1, lines_down=0, checkins_total=0, cpu_ratio=0, rss_bytes=0,
        loop_lag_seconds=0, held=held,
    )  # fmt: skip


def test_a_cut_is_told_from_the_fault_to_the_closed_books() -> None:
    story = Story()
    assert story.step(step("cut"), 100) == ["cut!"]
    assert story.look(figures("up"), progress(1, 2), 101) == []
    assert story.look(figures("down"), progress(12, 8), 108)[0].startswith("SEEN: the centre knows 8 s after the cut")
    assert story.look(figures("down"), progress(60, 20), 120)[0].startswith("HOLDING: 60 segments")
    assert story.look(figures("down"), progress(61, 21), 121) == []
    assert story.step(step("heal"), 140) == ["heal!"]
    assert story.look(figures("down"), progress(70, 40), 141) == []
    assert story.look(figures("up"), progress(70, 46), 146) == [
        "BACK: the link of s07 is up again for the centre, 6 s after the repair"
    ]
    drained, books = story.look(figures("up"), progress(2, 3), 150)
    assert drained.startswith("DRAINED: what was held (up to 70 segments) is at the centre, 10 s after")
    assert books.endswith("0 lost")
    assert story.look(figures("up"), progress(2, 3), 151) == []
    assert story.open_faults == 0


def test_holding_is_told_at_the_first_figure_that_counts() -> None:
    story = Story()
    story.step(step("cut"), 0)
    assert [line.split(":")[0] for line in story.look(figures("down"), progress(12, 8), 8)] == ["SEEN", "HOLDING"]


def test_an_outage_of_everybody_is_seen_when_most_of_the_grid_is_dark() -> None:
    story = Story()
    story.step(step("cut", school=""), 0)
    half = Figures(grid=[GridRow(link=f"l{n}", school=f"s{n}", status="unknown" if n < 3 else "up") for n in range(6)])
    most = Figures(grid=[GridRow(link=f"l{n}", school=f"s{n}", status="unknown" if n < 4 else "up") for n in range(6)])
    assert story.look(half, None, 5) == []
    assert "all links is dark" in story.look(most, None, 6)[0]


def test_a_centre_that_does_not_answer_stops_no_story() -> None:
    story = Story()
    story.step(step("cut"), 0)
    assert story.look(None, None, 1) == []


def test_what_is_lost_is_told_as_lost() -> None:
    story = Story()
    story.step(step("cut"), 0)
    story.step(step("heal"), 1)
    assert story.look(figures("up", lost=3), progress(0, 0), 5)[-1].endswith("3 lost")


def test_figures_are_read_from_a_larger_document() -> None:
    read = decode(
        b'{"at": "x", "links": {"up": 43}, "grid": [{"link": "a", "school": "s01", "status": "up", "in_bps": 1}]}'
    )
    assert read.links == {"up": 43}
    assert read.status_of("s01") == "up"
    assert read.status_of("s02") == "unknown"


def test_a_lesson_behind_a_cut_line_is_told_to_go_on_once_a_class_of_answers_was_made() -> None:
    def at(made: int, unsent: int = 0) -> Progress:
        books = LessonBooks(school_class="s07-k01", pupils=40, questions=3, made=made, unsent=unsent, refused=0)
        return structs.replace(progress(2, 3), lesson=books)

    story = Story()
    story.step(step("cut"), 10.0)
    assert not [line for line in story.look(figures("down"), at(100), 11.0) if line.startswith("LESSON")]
    told = story.look(figures("down"), at(141, unsent=2), 20.0)
    assert len(told) == 1
    assert told[0].startswith("LESSON GOES ON: 41 answers were made since the line was cut, all but 2 of them already")
    assert story.look(figures("down"), at(190), 30.0) == []
