"""What a running simulator says, one JSON line each, so that the demo (or anybody) can follow it.

The demo reads these; people who run `bellwether sim run` without `--json` get `in_words`.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct


class Report(Struct, frozen=True, kw_only=True, tag_field="report"):
    """Something that happened; `at_seconds` counts from the moment the agents begin to start."""

    at_seconds: float


class Starting(Report, frozen=True, kw_only=True, tag="starting"):
    """The agents begin to start."""

    agents: int
    terminals: int
    school_time: str
    school_phase: str
    scenario: str
    summary: str
    summary_zh: str


class Held(Struct, frozen=True, kw_only=True):
    """What the agents of one school hold on their disks."""

    segments: int
    items: int
    oldest_age_seconds: float


class LessonBooks(Struct, frozen=True, kw_only=True):
    """The books of a class at the source: answers made on terminals, and of these what no agent has yet."""

    school_class: str
    pupils: int
    questions: int
    made: int
    unsent: int
    refused: int


class DistrictAnswers(Struct, frozen=True, kw_only=True):
    """What the classes of the agents in the simulator's process answered, on their agents' disks."""

    classes: int
    made: int


class Progress(Report, frozen=True, kw_only=True, tag="progress"):
    """How many agents run, how busy the simulator's own process is (1.0 is one core), and what schools hold.

    `held` names only schools that a step of the scenario has touched.
    """

    agents_started: int
    agents_total: int
    lines_down: int
    checkins_total: int
    cpu_ratio: float
    rss_bytes: int
    loop_lag_seconds: float
    held: dict[str, Held] = {}
    lesson: LessonBooks | None = None
    district: DistrictAnswers | None = None

    def held_of(self, school: str) -> int:
        """Return how many segments a school holds; all touched schools together for an empty name."""
        return sum(held.segments for name, held in self.held.items() if school in {"", name})

    def oldest_age_of(self, school: str) -> float:
        """Return the age in seconds of the oldest segment that a school (or any touched one) holds, 0 for none."""
        return max((held.oldest_age_seconds for name, held in self.held.items() if school in {"", name}), default=0.0)


class Started(Report, frozen=True, kw_only=True, tag="started"):
    """Every agent runs."""

    took_seconds: float


class LessonBegins(Report, frozen=True, kw_only=True, tag="lesson_begins"):
    """A simulated class takes part over real HTTP; its pages are served by its agent."""

    school_class: str
    pupils: int
    class_page: str
    board: str


class StepTaken(Report, frozen=True, kw_only=True, tag="step"):
    """A step of the scenario was carried out; `school` is set when it concerns one school alone."""

    action: str
    say: str
    say_zh: str
    school: str = ""
    steps_left: int


class Trouble(Report, frozen=True, kw_only=True, tag="trouble"):
    """Something of the simulator itself does not work; the rest goes on."""

    problem: str


class Ended(Report, frozen=True, kw_only=True, tag="ended"):
    """Everything is stopped, every spool flushed and closed."""

    lesson: LessonBooks | None = None


AnyReport = Starting | Progress | Started | LessonBegins | StepTaken | Trouble | Ended

_decoder = msgspec.json.Decoder(AnyReport)


def decode(line: str) -> AnyReport:
    """Return the report of one line.

    Raises:
        msgspec.DecodeError: it is none.
    """
    report: AnyReport = _decoder.decode(line)
    return report


def in_words(report: AnyReport) -> str:
    """Return a report as a line for people, or an empty text for what only programs want."""
    match report:
        case Starting():
            return (
                f"{report.agents} agents with {report.terminals:,} terminals start; at school it is "
                f"{report.school_time} ({report.school_phase}); scenario {report.scenario}: {report.summary}"
            )
        case Started():
            return f"all agents run after {report.took_seconds:.0f} s"
        case LessonBegins():
            return (
                f"{report.pupils} pupils of class {report.school_class} are in a lesson; "
                f"its pages are {report.class_page} and {report.board}"
            )
        case StepTaken():
            return report.say
        case Trouble():
            return f"trouble: {report.problem}"
        case Ended():
            return "everything is stopped"
    return ""
