"""How long something worked, from what its status was: evidence alone, unknown time as such. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cloud.reports.models import Availability
from cloud.status.models import StatusSpan, StatusWord

_WORKS = frozenset({StatusWord.UP, StatusWord.DEGRADED})
_OUT = frozenset({StatusWord.DOWN, StatusWord.UNREACHABLE, StatusWord.FLAPPING})


def availability(spans: Iterable[StatusSpan], since: datetime, until: datetime) -> Availability:
    """Return what the spans of one thing come to in `[since, until)`; time that no span covers is unknown.

    Spans of one thing do not overlap. Two times out with nothing but further outage between them are one outage.
    """
    up = down = unknown = maintenance = longest = running = 0.0
    outages = 0
    covered = 0.0
    for span in sorted(spans, key=lambda one: one.since):
        begin, end = max(span.since, since), min(span.until or until, until)
        seconds = (end - begin).total_seconds()
        if seconds <= 0:
            continue
        covered += seconds
        if span.status in _OUT:
            down += seconds
            outages += running == 0
            running += seconds
            longest = max(longest, running)
            continue
        running = 0.0
        if span.status in _WORKS:
            up += seconds
        elif span.status is StatusWord.MAINTENANCE:
            maintenance += seconds
        else:
            unknown += seconds
    unknown += max(0.0, (until - since).total_seconds() - covered)
    return Availability(up, down, unknown, maintenance, outages, longest)
