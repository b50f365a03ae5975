"""From the status log to incidents: what one change means for the incidents that are open. Pure.

A thing whose trouble is its own is the root of an incident; a thing whose status names a root belongs to that root's
incident, and nobody is told of it by itself. A cause that turns out to lie behind another is merged into it. A thing
that was behind a fault and is in trouble of its own afterwards gets an incident of its own then.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from cloud.incidents.models import (
    Action,
    Attaches,
    Books,
    Closed,
    Detaches,
    IncidentKind,
    LoggedChange,
    Merges,
    Open,
    Opens,
    Reclassifies,
    Reopens,
    Resolves,
)
from cloud.status.models import StatusKind, StatusWord, Thing

AGAIN = timedelta(minutes=10)
"""Trouble that comes back within this time is the same incident."""
ROOMS_OWN_WORD = "said_offline"
"""A room that went away with a word: switched off after the last lesson, as every evening, or cut from its power."""

TROUBLE = {
    StatusWord.DOWN: IncidentKind.OUTAGE,
    StatusWord.FLAPPING: IncidentKind.OUTAGE,
    StatusWord.UNREACHABLE: IncidentKind.OUTAGE,
    StatusWord.DEGRADED: IncidentKind.DEGRADATION,
    StatusWord.UNKNOWN: IncidentKind.BLIND_SPOT,
}


def decide(books: Books, change: LoggedChange) -> list[Action]:
    """Return what a change does to the open incidents, in order."""
    thing, holder = change.thing, books.of_member(change.thing)
    own = books.open.get(thing)
    kind = TROUBLE.get(change.status)
    if change.root is not None and change.root != thing and kind is not None:
        return _behind(books, change, change.root, own, holder)
    actions: list[Action] = [Detaches(holder, thing, change)] if holder is not None else []
    if kind is None:
        return [*actions, *([Resolves(own, change)] if own is not None else [])]
    if own is not None:
        flaps_on = own.status is StatusWord.FLAPPING is change.status
        same = flaps_on or (own.kind, own.status, own.reason) == (kind, change.status, change.reason)
        return actions if same else [*actions, Reclassifies(own, kind, change)]
    if not _is_news(change):
        return actions
    return [*actions, _begin(books, thing, kind, change)]


def _behind(books: Books, change: LoggedChange, root: Thing, own: Open | None, holder: Open | None) -> list[Action]:
    if root not in books.open:
        # The root is being worked on as planned, or is well again by now: what is behind it is no cause of its own.
        return []
    actions: list[Action] = []
    if own is not None:
        actions.append(Merges(own, root, change))
    if holder is not None and holder.root != root:
        actions.append(Detaches(holder, change.thing, change))
    return [*actions, Attaches(root, change.thing, change)]


def _begin(books: Books, root: Thing, kind: IncidentKind, change: LoggedChange) -> Action:
    last = books.closed.get(root)
    if last is not None and change.changed_at - last.resolved_at <= AGAIN:
        return Reopens(last.incident_id, root, kind, change.status, change)
    return Opens(root, kind, change.status, change)


def _is_news(change: LoggedChange) -> bool:
    """Tell whether trouble is worth an incident when it begins.

    Something of which nothing was ever known is no news. A room that goes away with a word is looked at again when a
    lesson is near.
    """
    if change.status is StatusWord.UNKNOWN and change.previous is None:
        return False
    return not (change.thing.kind is StatusKind.CLASSROOM and change.reason == ROOMS_OWN_WORD)


def overlooked(books: Books, standing: Sequence[LoggedChange], near: Collection[Thing]) -> list[Action]:
    """Return the incidents that are missing, given how every thing in trouble stands now.

    That is a room that went away with a word once a lesson in it is `near`, and what was in trouble before incidents
    were followed. What lies behind a root that gets its incident here is attached to it.
    """
    actions: list[Action] = []
    begun: set[Thing] = set(books.open)
    for change in standing:
        waits = change.thing.kind is StatusKind.CLASSROOM and change.reason == ROOMS_OWN_WORD
        is_cause = change.root is None and change.status in (StatusWord.DOWN, StatusWord.FLAPPING)
        if is_cause and change.thing not in begun and (not waits or change.thing in near):
            begun.add(change.thing)
            actions.append(_begin(books, change.thing, TROUBLE[change.status], change))
    new = begun - set(books.open)
    actions += [Attaches(one.root, one.thing, one) for one in standing if one.root is not None and one.root in new]
    return actions


def apply(books: Books, action: Action, incident_id: int) -> None:
    """Change the books as an action says; `incident_id` numbers what was opened by it."""
    match action:
        case Opens(root, kind, status, change) | Reopens(_, root, kind, status, change):
            books.closed.pop(root, None)
            books.open[root] = Open(incident_id, root, kind, status, change.reason)
        case Reclassifies(incident, kind, change):
            incident.kind, incident.status, incident.reason = kind, change.status, change.reason
        case Resolves(incident, change):
            del books.open[incident.root]
            books.closed[incident.root] = Closed(incident.incident_id, change.changed_at)
        case Attaches(root, thing, change):
            books.open[root].members[thing] = change.status
        case Detaches(incident, thing, _):
            incident.members.pop(thing, None)
        case Merges(incident, into, _):
            del books.open[incident.root]
            books.open[into].members.update(incident.members)
