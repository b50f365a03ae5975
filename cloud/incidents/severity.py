"""How urgent an incident is: the same fault is P1 in a lesson and P3 in the evening. Pure."""

from __future__ import annotations

from cloud.incidents.models import IncidentKind, Severity
from cloud.lessons.models import Blast

_ORDER = list(Severity)


def severity(kind: IncidentKind, blast: Blast) -> Severity:
    """Return the severity by what stands in the way of lessons now and within the hour.

    An outage is P1 while lessons stand still or an exam is touched, P2 while all of them go on from the cache or the
    next ones are near, P3 otherwise. A degradation is one step less urgent, a blind spot P3 at most: it may be nothing.
    """
    if blast.exams_now or blast.lessons_now > blast.saved_now:
        found = Severity.P1
    elif blast.lessons_now or blast.lessons_next:
        found = Severity.P2
    else:
        found = Severity.P3
    match kind:
        case IncidentKind.OUTAGE:
            return found
        case IncidentKind.DEGRADATION:
            return _ORDER[min(_ORDER.index(found) + 1, len(_ORDER) - 1)]
        case IncidentKind.BLIND_SPOT:
            return Severity.P3 if found < Severity.P3 else Severity.P4
