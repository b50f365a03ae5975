"""Moments and widths as people and programs write them in a query: RFC 3339, epoch seconds, epoch milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

FORMATS = [
    "2026-11-23T08:00:00Z",
    "2026-11-23T16:00:00+08:00",
    "epoch seconds, e.g. 1795420800",
    "epoch milliseconds, e.g. 1795420800000",
]
_NUMBER = re.compile(r"-?\d{1,17}(\.\d{1,9})?")
_MILLISECONDS_FROM = 10**11
"""Epoch seconds reach this in the year 5138, epoch milliseconds passed it in 1973."""
_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """Return the moment that `text` names, in UTC; a time without an offset is UTC.

    Raises ValueError, with a detail for people, when it names none between 1971 and 2200.
    """
    stripped = text.strip().replace(" ", "+") if "T" in text else text.strip()
    if _NUMBER.fullmatch(stripped):
        number = float(stripped)
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
        if not _EARLIEST.timestamp() <= seconds < _LATEST.timestamp():
            raise ValueError(f"{text!r} is outside the years 1971 to 2199")
        return datetime.fromtimestamp(seconds, UTC)
    try:
        moment = datetime.fromisoformat(stripped)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time") from None
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(f"{text!r} is outside the years 1971 to 2199")
    return moment


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
STEP_FORMATS = ["seconds, e.g. 10", "10s", "5m", "1h", "1d"]
_STEP = re.compile(r"(\d{1,7})(s|m|h|d)?")


def parse_step(text: str) -> int:
    """Return a step in seconds. Raises ValueError when it is not between one second and 31 days."""
    match = _STEP.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a step")
    seconds = int(match[1]) * _UNITS[match[2] or "s"]
    if not 1 <= seconds <= 31 * 86_400:
        raise ValueError(f"{text!r} is not between 1 second and 31 days")
    return seconds
