"""What counts of homework: pure functions of what was made and when, whatever the order in which it arrived.

- The version that counts is the last one *made* at or before the deadline; without one, the last one made, and it is
  late.
- Lateness is excused when the school's line or gateway was out at some moment of the last hour before the deadline:
  what was made until an hour after that outage ended counts as in time, with the outage as evidence.
- A judgement says which version of the grade its teacher saw. The first one stored on the current version becomes the
  next version; another on the same base is a conflict: kept, shown, and settled by a person. Choosing it makes it the
  next version, dismissing it keeps it out; either way it stays. One on a version that has not come yet is a conflict
  only until that version comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cloud.status.models import Outage

BEFORE_DEADLINE = timedelta(hours=1)
AFTER_OUTAGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a submission."""

    record_id: str
    made_at: datetime


class Timeliness(StrEnum):
    """How the counting version stands to the deadline."""

    IN_TIME = "in_time"
    EXCUSED = "excused"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Counted:
    """The version that counts, how it stands, and the outage that excuses it."""

    version: Version
    timeliness: Timeliness
    evidence: Outage | None = None


def counted(versions: Sequence[Version], due_at: datetime, outages: Sequence[Outage]) -> Counted | None:
    """Return which of a pupil's versions counts, or None when there is none."""
    by_time = sorted(versions, key=lambda one: (one.made_at, one.record_id), reverse=True)
    if not by_time:
        return None
    for version in by_time:
        if version.made_at <= due_at:
            return Counted(version, Timeliness.IN_TIME)
    for version in by_time:
        if (evidence := excuse(version.made_at, due_at, outages)) is not None:
            return Counted(version, Timeliness.EXCUSED, evidence)
    return Counted(by_time[0], Timeliness.LATE)


def excuse(made_at: datetime, due_at: datetime, outages: Sequence[Outage]) -> Outage | None:
    """Return the outage that excuses what was made after the deadline: the one that ended last; None for none."""
    fitting = [
        one
        for one in joined(outages)
        if one.since <= due_at
        and (one.until is None or (one.until > due_at - BEFORE_DEADLINE and made_at <= one.until + AFTER_OUTAGE))
    ]
    return max(fitting, key=lambda one: (one.until is None, one.until or one.since), default=None)


def joined(outages: Sequence[Outage]) -> list[Outage]:
    """Return outages with those of one thing that follow each other without a gap made one, told as it began.

    The status log has a row for each change, so a line that is down and then unreachable is there twice.
    """
    found: dict[str, list[Outage]] = {}
    for one in sorted(outages, key=lambda one: one.since):
        of_thing = found.setdefault(one.thing, [])
        if of_thing and (before := of_thing[-1]).until is not None and one.since <= before.until:
            until = None if one.until is None else max(before.until, one.until)
            of_thing[-1] = replace(before, until=until)
        elif not of_thing or of_thing[-1].until is not None:
            of_thing.append(one)
    return [one for of_thing in found.values() for one in of_thing]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person decided about a judgement in conflict."""

    chosen: bool
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judgement as it was stored; `place` is the order of storing."""

    record_id: str
    base_version: int
    stored_at: datetime
    place: int
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where judgements of one submission stand: in force by version (the last one counts), in conflict, dismissed."""

    versions: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    dismissed: tuple[str, ...] = ()


def standing(judgements: Sequence[Judgement]) -> Standing:
    """Return where judgements of one submission stand. Every judgement is in exactly one of the three."""
    stored = [(one.stored_at, one.place, one, None) for one in judgements]
    settled = [(one.settlement.settled_at, one.place, one, one.settlement) for one in judgements if one.settlement]
    bases = {one.record_id: one.base_version for one in judgements}
    versions: list[str] = []
    conflicts: list[str] = []
    dismissed: list[str] = []
    for _, _, one, settlement in sorted([*stored, *settled], key=lambda event: (*event[:2], event[3] is not None)):
        if settlement is None:
            conflicts.append(one.record_id)
        elif one.record_id in conflicts:
            conflicts.remove(one.record_id)
            (versions if settlement.chosen else dismissed).append(one.record_id)
        while (fits := next((key for key in conflicts if bases[key] == len(versions)), None)) is not None:
            conflicts.remove(fits)
            versions.append(fits)
    return Standing(tuple(versions), tuple(conflicts), tuple(dismissed))
