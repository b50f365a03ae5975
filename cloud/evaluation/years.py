"""What a pupil's year comes to under a framework: pure, from tallies to values, groups and change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from cloud.evaluation import formula
from cloud.evaluation.formula import Change, GroupValue, Tally, Value
from cloud.evaluation.models import Framework, Indicator, Stage
from cloud.evaluation.periods import Period
from cloud.evaluation.reading import Counted


class Frame(NamedTuple):
    """What a stage's pupils should have in a period under a framework; made once for many pupils."""

    framework: Framework
    stage: Stage
    period: Period
    expected: Sequence[Indicator]
    codes_of: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, framework: Framework, stage: Stage, period: Period) -> Frame:
        """Work out what is expected, and by which dimension and sub-dimension."""
        expected = framework.expected(stage, period.begins_on, period.ends_on, whole_year=period.term is None)
        codes_of: dict[str, list[str]] = defaultdict(list)
        for indicator in expected:
            for code in {indicator.dimension, indicator.subdimension}:
                codes_of[code].append(indicator.node.code)
        return cls(framework, stage, period, expected, codes_of)


@dataclass(frozen=True)
class Year:
    """One pupil's values in one period."""

    frame: Frame
    values: Mapping[str, Value]
    waiting: Mapping[str, int]

    @cached_property
    def scaled(self) -> Mapping[str, float]:
        """Scaled values by the indicator's code."""
        return {code: value.scaled for code, value in self.values.items()}

    def group(self, code: str) -> GroupValue:
        """Return the value of a dimension or sub-dimension."""
        return formula.group(self.frame.codes_of.get(code, ()), self.scaled)

    def change_since(self, earlier: Year, code: str) -> Change | None:
        """Return the change of a dimension against the pupil's own earlier period; None when too little compares.

        An indicator is compared with itself, with what it exactly matches in another framework, or, across stages,
        with what it goes on from.
        """
        before = {
            indicator.node.identifier: earlier.scaled[one]
            for one, indicator in earlier.frame.framework.indicators.items()
            if one in earlier.scaled
        }
        framework = self.frame.framework
        pairs: list[tuple[float, float]] = []
        codes = self.frame.codes_of.get(code, ())
        for one in codes:
            node = framework.indicators[one].node
            same = (node.identifier, *node.same_as)
            followed = (framework.by_code[previous].identifier for previous in node.follows)
            match = next((identifier for identifier in (*same, *followed) if identifier in before), None)
            if match is not None and one in self.scaled:
                pairs.append((before[match], self.scaled[one]))
        return formula.change(pairs, len(codes))


def work_out(frame: Frame, counted: Iterable[Counted]) -> Year:
    """Work out one pupil's year from what is counted in it."""
    tallies: dict[str, list[Tally]] = defaultdict(list)
    held: dict[str, int] = {}
    for one in counted:
        if one.tally is not None:
            tallies[one.counts_for].append(one.tally)
        if one.waiting:
            held[one.counts_for] = held.get(one.counts_for, 0) + one.waiting
    values: dict[str, Value] = {}
    waiting: dict[str, int] = {}
    for indicator in frame.expected:
        found = [tally for key in indicator.keys for tally in tallies.get(key, ())]
        if found:
            tally = found[0] if len(found) == 1 else Tally.joined(found)
            definition = indicator.definition
            values[indicator.node.code] = formula.evaluate(
                tally, definition.aggregation, definition.scale, definition.direction
            )
        if held and (files := sum(held.get(key, 0) for key in indicator.keys)):
            waiting[indicator.node.code] = files
    return Year(frame, values, waiting)
