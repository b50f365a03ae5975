"""What changes too often is not believed: a penalty that decays with time, however often anybody looks. Pure.

Each change between working and not adds one; ten minutes halve what there is. From three on the thing is *flapping*,
until the penalty has decayed to one. What it is beneath that word is still logged, so that its down-time counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from cloud.status.models import Settled, StatusWord

HALF_LIFE = timedelta(minutes=10)
DAMP = 3.0
RELEASE = 1.0
MOST = 6.0
"""A penalty grows no further, so that half an hour of peace is enough after any storm."""
_WORKS = frozenset({StatusWord.UP, StatusWord.DEGRADED})


def beneath(settled: Settled) -> Settled:
    """Return a status as it would be shown without damping."""
    return replace(settled, status=settled.beneath, beneath=None) if settled.beneath is not None else settled


def damp(previous: Settled | None, judged: Settled, now: datetime) -> Settled:
    """Return what is shown of a settled judgement, given what was shown before."""
    if previous is None:
        return judged
    was = previous.beneath or previous.status
    penalty = decayed(previous.penalty, previous.penalty_at, now)
    hard = was is not judged.status and StatusWord.DOWN in (was, judged.status) and bool({was, judged.status} & _WORKS)
    if hard:
        penalty = min(MOST, penalty + 1)
        judged = replace(judged, penalty=penalty, penalty_at=now)
    else:
        judged = replace(judged, penalty=previous.penalty, penalty_at=previous.penalty_at)
    flapping = previous.status is StatusWord.FLAPPING
    if (penalty >= DAMP or (flapping and penalty > RELEASE)) and judged.root is None:
        return replace(
            judged,
            status=StatusWord.FLAPPING,
            beneath=judged.status,
            since=previous.since if flapping else now,
            reason=f"flapping_{judged.status}",
        )
    return replace(judged, since=now) if flapping else judged


def decayed(penalty: float, since: datetime | None, now: datetime) -> float:
    """Return what is left of a penalty."""
    if since is None or penalty == 0:
        return 0.0
    half_lives = max(timedelta(), now - since) / HALF_LIFE
    return penalty * float(0.5**half_lives)
