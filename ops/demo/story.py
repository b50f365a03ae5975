"""What the demo tells: it watches the figures after each step of a scenario and says in plain words what they mean.

Pure: reports and figures with their time go in, lines come out. Nothing is told that was not seen in the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

from ops.demo.figures import Figures, Ledger
from ops.simulator.report import Progress, StepTaken

DARK = frozenset({"down", "unreachable", "unknown", "flapping"})
HOLDING_STEPS = (10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)


@dataclass(slots=True)
class _Fault:
    """One cut that the story follows, of one school or (an empty name) of all."""

    school: str
    cut_at: float
    healed_at: float | None = None
    seen: bool = False
    seen_back: bool = False
    drained: bool = False
    most_held: int = 0
    told_holding: int = 0
    answers_at_cut: int | None = None
    told_lesson: bool = False


class Story:
    """Follows the faults of a scenario."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._books_told = True

    @property
    def open_faults(self) -> int:
        """How many faults have not been followed to their end."""
        return sum(not fault.drained for fault in self._faults)

    def step(self, step: StepTaken, now: float) -> list[str]:
        """Take in a step of the scenario."""
        if step.action in {"cut", "black-hole"}:
            self._faults = [fault for fault in self._faults if fault.school != step.school or fault.drained]
            self._faults.append(_Fault(step.school, now))
            self._books_told = False
        if step.action == "heal":
            for fault in self._faults:
                if fault.school == step.school and fault.healed_at is None:
                    fault.healed_at = now
        return [step.say]

    def look(self, figures: Figures | None, progress: Progress | None, now: float) -> list[str]:
        """Take in figures of the centre and of the simulator; return what is new."""
        lines: list[str] = []
        for fault in self._faults:
            if not fault.drained:
                lines += self._follow(fault, figures, progress, now)
        if figures is not None and not self._books_told and not self.open_faults:
            self._books_told = True
            lines.append(books_in_words(figures.ledger))
        return lines

    def _follow(self, fault: _Fault, figures: Figures | None, progress: Progress | None, now: float) -> list[str]:
        lines = []
        where = f"the link of {fault.school}" if fault.school else "all links"
        held = 0 if progress is None else progress.held_of(fault.school)
        fault.most_held = max(fault.most_held, held)
        if figures is not None and fault.healed_at is None and not fault.seen and _dark(figures, fault.school):
            fault.seen = True
            lines.append(
                f"SEEN: the centre knows {now - fault.cut_at:.0f} s after the cut that {where} is "
                f"{_word(figures, fault.school)}; what is behind it counts as unreachable, not as down"
            )
        lines += _follow_lesson(fault, progress)
        if fault.healed_at is None:
            reached = max((step for step in HOLDING_STEPS if held >= step), default=0)
            if reached > fault.told_holding:
                fault.told_holding = reached
                lines.append(
                    f"HOLDING: {held} segments wait on the disks of {fault.school or 'the schools'} and go on growing; "
                    "nothing is dropped"
                )
            return lines
        if figures is not None and not fault.seen_back and not _dark(figures, fault.school):
            fault.seen_back = True
            lines.append(f"BACK: {where} is up again for the centre, {now - fault.healed_at:.0f} s after the repair")
        # Agents always hold the last few seconds; drained means that nothing from before the repair is left.
        if fault.seen_back and progress is not None and progress.oldest_age_of(fault.school) < now - fault.healed_at:
            fault.drained = True
            lines.append(
                f"DRAINED: what was held (up to {fault.most_held} segments) is at the centre, "
                f"{now - fault.healed_at:.0f} s after the repair"
            )
        return lines


def _follow_lesson(fault: _Fault, progress: Progress | None) -> list[str]:
    """Tell once, while the line is cut, that the class of that school goes on answering."""
    lesson = None if progress is None else progress.lesson
    if lesson is None or not lesson.school_class.startswith(f"{fault.school}-"):
        return []
    if fault.answers_at_cut is None:
        fault.answers_at_cut = lesson.made
    since = lesson.made - fault.answers_at_cut
    if fault.healed_at is not None or fault.told_lesson or since < lesson.pupils:
        return []
    fault.told_lesson = True
    told = (
        f"LESSON GOES ON: {since} answers were made since the line was cut, all but {lesson.unsent} of them already on "
        "the agent's disk and on the class board"
    )
    return [told]


def books_in_words(ledger: Ledger) -> str:
    """Return the books in one line: both sides, and what nobody can account for."""
    return (
        f"BOOKS: {ledger.produced:,} items produced at the edge = {ledger.stored:,} stored + {ledger.held:,} still held"
        f" + {ledger.thinned:,} thinned + {ledger.quarantined:,} quarantined + {ledger.damaged:,} damaged"
        f" + {ledger.lost:,} lost"
    )


def _dark(figures: Figures, school: str) -> bool:
    if school:
        return figures.status_of(school) in DARK
    return sum(row.status in DARK for row in figures.grid) > len(figures.grid) // 2


def _word(figures: Figures, school: str) -> str:
    return figures.status_of(school) if school else "dark"
