"""Who has to be told what now: one page per cause, one when it is over, a digest for the rest. Pure.

A page waits a little, so that a cause that turns out to lie behind another is not told. The next step is due when
nobody has taken note for so long. What comes back within the same incident is not told again. In quiet hours a page
waits, unless its severity is let through; it is sent afterwards when the incident is still open.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cloud.incidents.models import IncidentKind, IncidentState
from cloud.notifications.models import Case, Due, Plan

HOLD = timedelta(seconds=30)
"""How long a page waits for the incident to be explained by another one."""
CALM = timedelta(minutes=2)
"""How long trouble has to be over before that is told: until then it may come again."""
STALE = timedelta(hours=12)
"""Nobody is told that something is over that ended longer ago."""
OVER = "over"
PAGE = "page"


def due(plan: Plan, cases: Iterable[Case], now: datetime, zone: ZoneInfo) -> list[Due]:
    """Return what is to be told now and was not planned before."""
    found: list[Due] = []
    for case in cases:
        if case.state is IncidentState.OPEN:
            found += _pages(plan, case, now, zone)
        elif case.state is IncidentState.RESOLVED:
            found += _end(plan, case, now)
    return found


def _pages(plan: Plan, case: Case, now: datetime, zone: ZoneInfo) -> list[Due]:
    policy = plan.policy_of(case.severity)
    if policy is None or case.kind is IncidentKind.BLIND_SPOT or case.acknowledged:
        return []
    local = now.astimezone(zone)
    found: list[Due] = []
    for number, step in enumerate(policy.steps, start=1):
        if now - case.opened_at < HOLD + step.after:
            break
        name = f"{PAGE} {number}"
        for contact in plan.people(step.who, local.date()):
            if any(told == contact.name and what.startswith(PAGE) for what, told in case.told):
                continue
            if contact.quiet is not None and contact.quiet.holds(local.time(), case.severity):
                continue
            if not any(one.contact == contact for one in found):
                found.append(Due(case.incident_id, name, contact))
    return found


def _end(plan: Plan, case: Case, now: datetime) -> list[Due]:
    if case.resolved_at is None or not CALM <= now - case.resolved_at <= STALE:
        return []
    paged = [name for what, name in sorted(case.told) if what.startswith(PAGE)]
    ended = {name for what, name in case.told if what == OVER}
    return [
        Due(case.incident_id, OVER, plan.contacts[name])
        for name in dict.fromkeys(paged)
        if name in plan.contacts and name not in ended
    ]


def digest_since(plan: Plan, last: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the newest time of a digest between two moments, the first not included; None when there is none."""
    if plan.digest is None:
        return None
    today = now.astimezone(zone).date()
    times = (
        datetime.combine(day, clock, zone) for day in (today - timedelta(days=1), today) for clock in plan.digest.at
    )
    return max((one for one in times if last < one <= now), default=None)
