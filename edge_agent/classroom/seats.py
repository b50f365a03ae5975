"""What a teacher sees of one pupil: one mark, one cause, one sentence, and the five facts behind it. Pure.

The cause is the first of these that holds (the order of severity):

 1. `unsent_stuck`: answers wait on the device, and it is out of reach or the oldest waits longer than `STUCK_MS`;
 2. `away`: the pupil was marked absent or excused, so that the device's silence is no fault;
 3. `no_device`: nobody knows which device the pupil has;
 4. `unreachable`: the device was seen and is silent now;
 5. `not_seen`: the device never checked in here, or not since the agent started and too long ago to count;
 6. `sending`: answers wait, and are on their way;
 7. `work_unknown`: the device is there but does not say whether work waits;
 8. `content_missing`: content of the class is not there yet;
 9. `outdated`: app, configuration or roster is not the version wanted;
10. `battery_low`, `storage_low`: it will not last;
11. `partly_unknown`: something that is wanted was never said by the device;
12. `ready`.

Unknown is a mark of its own and never shown as good; a device out of reach proves nothing about its work, because it
may have made more since it was last heard.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from protocols.desired import ReportedTerminal
from protocols.records import Attended
from protocols.roster import Pupil

STUCK_MS = 30_000
FRESH_MS = 120_000
"""Longer than presence waits for a check-in: a device that counts as there but was heard before is only remembered."""
BATTERY_LOW_RATIO = 0.20
STORAGE_LOW_BYTES = 1_000_000_000


class Mark(StrEnum):
    """How good something is; `unasked` is what nobody wants of the device."""

    GOOD = "good"
    ATTENTION = "attention"
    BAD = "bad"
    UNKNOWN = "unknown"
    AWAY = "away"
    UNASKED = "unasked"


class Cause(StrEnum):
    """Why a seat has its mark, in order of severity."""

    UNSENT_STUCK = "unsent_stuck"
    AWAY = "away"
    NO_DEVICE = "no_device"
    UNREACHABLE = "unreachable"
    NOT_SEEN = "not_seen"
    SENDING = "sending"
    WORK_UNKNOWN = "work_unknown"
    CONTENT_MISSING = "content_missing"
    OUTDATED = "outdated"
    BATTERY_LOW = "battery_low"
    STORAGE_LOW = "storage_low"
    PARTLY_UNKNOWN = "partly_unknown"
    READY = "ready"


MARKS: dict[Cause, Mark] = {
    Cause.UNSENT_STUCK: Mark.BAD,
    Cause.AWAY: Mark.AWAY,
    Cause.NO_DEVICE: Mark.UNKNOWN,
    Cause.UNREACHABLE: Mark.BAD,
    Cause.NOT_SEEN: Mark.UNKNOWN,
    Cause.SENDING: Mark.ATTENTION,
    Cause.WORK_UNKNOWN: Mark.UNKNOWN,
    Cause.CONTENT_MISSING: Mark.ATTENTION,
    Cause.OUTDATED: Mark.ATTENTION,
    Cause.BATTERY_LOW: Mark.ATTENTION,
    Cause.STORAGE_LOW: Mark.ATTENTION,
    Cause.PARTLY_UNKNOWN: Mark.UNKNOWN,
    Cause.READY: Mark.GOOD,
}

SENTENCES: dict[Cause, str] = {
    Cause.UNSENT_STUCK: "Answers wait on the device and are not safe yet.",
    Cause.AWAY: "Marked absent.",
    Cause.NO_DEVICE: "No device is known for this pupil.",
    Cause.UNREACHABLE: "The device is out of reach.",
    Cause.NOT_SEEN: "The device has not been seen here lately.",
    Cause.SENDING: "Answers are being sent.",
    Cause.WORK_UNKNOWN: "The device does not say whether work is waiting.",
    Cause.CONTENT_MISSING: "Content for this class is still missing.",
    Cause.OUTDATED: "App, configuration or roster is not the version wanted.",
    Cause.BATTERY_LOW: "The battery is low and not charging.",
    Cause.STORAGE_LOW: "Storage is short.",
    Cause.PARTLY_UNKNOWN: "Ready as far as known; something was never reported.",
    Cause.READY: "Ready, and all work is safe.",
}


class Wanted(Struct, frozen=True, kw_only=True):
    """What the class's devices should have; null is what nobody has asked for."""

    content_token: str | None = None
    roster_token: str | None = None
    app_version: str | None = None
    configuration_token: str | None = None


class Reachable(Struct, frozen=True, kw_only=True):
    """Whether the device is on the school's network now."""

    mark: Mark
    seen_at_ms: int | None = None


class ContentReady(Struct, frozen=True, kw_only=True):
    """Whether the class's content is on the device; `missing_bytes` is what it says it still lacks."""

    mark: Mark
    missing_bytes: int | None = None


class WorkSafe(Struct, frozen=True, kw_only=True):
    """Whether everything the pupil made is on the agent's disk."""

    mark: Mark
    unsent: int | None = None
    oldest_unsent_at_ms: int | None = None


class Software(Struct, frozen=True, kw_only=True):
    """Whether app, configuration and roster are the versions wanted."""

    mark: Mark
    app_version: str | None = None
    wanted_version: str | None = None
    app: Mark = Mark.UNASKED
    configuration: Mark = Mark.UNASKED
    roster: Mark = Mark.UNASKED


class Power(Struct, frozen=True, kw_only=True):
    """Whether battery and storage last the lesson."""

    mark: Mark
    battery_ratio: float | None = None
    charging: bool | None = None
    storage_free_bytes: int | None = None


class SeatState(Struct, frozen=True, kw_only=True):
    """One pupil's seat. `proved_at_ms` is the agent's clock when the device last said anything: the age of all facts.

    `safe` is null when it is not known whether work waits on the device.
    """

    person: str
    number: int | None
    row: int | None
    column: int | None
    terminal: str | None
    attendance: Attended | None
    mark: Mark
    cause: Cause
    sentence: str
    safe: bool | None
    proved_at_ms: int | None
    reachable: Reachable
    content: ContentReady
    work: WorkSafe
    software: Software
    power: Power


def seat(
    pupil: Pupil,
    said: ReportedTerminal | None,
    wanted: Wanted,
    *,
    now_ms: int,
    terminal: str | None = None,
    charging: bool | None = None,
    attendance: Attended | None = None,
) -> SeatState:
    """Return how one pupil's device is. `terminal` is the device that the pupil has, whether or not it ever spoke.

    `said` is what it last said; `seen_at_ms` in it and `now_ms` are of one clock.
    """
    reachable = _reachable(said, now_ms)
    content = _content(said, wanted)
    work = _work(said)
    software = _software(said, wanted)
    power = _power(said, charging)
    away = attendance in (Attended.ABSENT, Attended.EXCUSED)
    cause = _cause(terminal, reachable, away, now_ms, work, content, software, power)
    return SeatState(
        person=pupil.person,
        number=pupil.number,
        row=pupil.row,
        column=pupil.column,
        terminal=terminal,
        attendance=attendance,
        mark=MARKS[cause],
        cause=cause,
        sentence=SENTENCES[cause],
        safe=_safe(work, away),
        proved_at_ms=None if said is None else said.seen_at_ms,
        reachable=reachable,
        content=content,
        work=work,
        software=software,
        power=power,
    )


def _safe(work: WorkSafe, away: bool) -> bool | None:
    if work.mark is Mark.UNKNOWN:
        # Nobody waits at the bell for the silent device of a pupil who is not there.
        return True if away else None
    return work.mark is Mark.GOOD


def _cause(
    terminal: str | None,
    reachable: Reachable,
    away: bool,
    now_ms: int,
    work: WorkSafe,
    content: ContentReady,
    software: Software,
    power: Power,
) -> Cause:
    oldest_ms = now_ms if work.oldest_unsent_at_ms is None else work.oldest_unsent_at_ms
    low = power.charging is not True and power.battery_ratio is not None and power.battery_ratio < BATTERY_LOW_RATIO
    short = power.storage_free_bytes is not None and power.storage_free_bytes < STORAGE_LOW_BYTES
    unknown = Mark.UNKNOWN in (content.mark, software.mark, power.mark)
    holds = {
        Cause.UNSENT_STUCK: bool(work.unsent) and (reachable.mark is not Mark.GOOD or now_ms - oldest_ms > STUCK_MS),
        Cause.AWAY: away,
        Cause.NO_DEVICE: terminal is None,
        Cause.UNREACHABLE: reachable.mark is Mark.BAD,
        Cause.NOT_SEEN: reachable.mark is Mark.UNKNOWN,
        Cause.SENDING: bool(work.unsent),
        Cause.WORK_UNKNOWN: work.mark is Mark.UNKNOWN,
        Cause.CONTENT_MISSING: content.mark is Mark.ATTENTION,
        Cause.OUTDATED: software.mark is Mark.ATTENTION,
        Cause.BATTERY_LOW: low,
        Cause.STORAGE_LOW: short,
        Cause.PARTLY_UNKNOWN: unknown,
    }
    return next((cause for cause in Cause if holds.get(cause)), Cause.READY)


def _reachable(said: ReportedTerminal | None, now_ms: int) -> Reachable:
    if said is None:
        return Reachable(mark=Mark.UNKNOWN)
    lately = Mark.GOOD if now_ms - said.seen_at_ms <= FRESH_MS else Mark.UNKNOWN
    return Reachable(mark=lately if said.present else Mark.BAD, seen_at_ms=said.seen_at_ms)


def _content(said: ReportedTerminal | None, wanted: Wanted) -> ContentReady:
    missing = None if said is None else said.missing_bytes
    if wanted.content_token is None:
        return ContentReady(mark=Mark.UNASKED, missing_bytes=missing)
    token = None if said is None else said.content_token
    mark = _compared(token, wanted.content_token)
    if mark is Mark.UNKNOWN and missing:
        mark = Mark.ATTENTION
    return ContentReady(mark=mark, missing_bytes=0 if mark is Mark.GOOD else missing)


def _work(said: ReportedTerminal | None) -> WorkSafe:
    if said is None or said.unsent is None:
        return WorkSafe(mark=Mark.UNKNOWN)
    if said.unsent:
        return WorkSafe(mark=Mark.BAD, unsent=said.unsent, oldest_unsent_at_ms=said.oldest_unsent_at_ms)
    return WorkSafe(mark=Mark.GOOD if said.present else Mark.UNKNOWN, unsent=0)


def _software(said: ReportedTerminal | None, wanted: Wanted) -> Software:
    app = _compared(None if said is None else said.app_version, wanted.app_version)
    configuration = _compared(None if said is None else said.configuration_token, wanted.configuration_token)
    roster = _compared(None if said is None else said.roster_token, wanted.roster_token)
    parts = (app, configuration, roster)
    order = (Mark.ATTENTION, Mark.UNKNOWN, Mark.GOOD, Mark.UNASKED)
    return Software(
        mark=next(mark for mark in order if mark in parts),
        app_version=None if said is None else said.app_version,
        wanted_version=wanted.app_version,
        app=app,
        configuration=configuration,
        roster=roster,
    )


def _power(said: ReportedTerminal | None, charging: bool | None) -> Power:
    battery = None if said is None else said.battery_ratio
    storage = None if said is None else said.storage_free_bytes
    low = battery is not None and battery < BATTERY_LOW_RATIO and charging is not True
    short = storage is not None and storage < STORAGE_LOW_BYTES
    # A desktop has no battery: one of the two is enough to know something.
    mark = Mark.ATTENTION if low or short else Mark.UNKNOWN if battery is None and storage is None else Mark.GOOD
    return Power(mark=mark, battery_ratio=battery, charging=charging, storage_free_bytes=storage)


def _compared(said: str | None, wanted: str | None) -> Mark:
    if wanted is None:
        return Mark.UNASKED
    if said is None:
        return Mark.UNKNOWN
    return Mark.GOOD if said == wanted else Mark.ATTENTION
