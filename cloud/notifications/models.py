"""Who is told what, as values. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from cloud.incidents.models import IncidentKind, IncidentState, Severity


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which a contact is left alone, but for the severities named; they may lie over midnight."""

    begins: time
    ends: time
    lets: frozenset[Severity]

    def holds(self, clock: time, severity: Severity) -> bool:
        """Tell whether something of that severity has to wait at that time of day."""
        inside = (
            self.begins <= clock < self.ends if self.begins <= self.ends else clock >= self.begins or clock < self.ends
        )
        return inside and severity not in self.lets


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody, or a room, with every way to reach them (Apprise URLs, which hold secrets)."""

    name: str
    urls: tuple[str, ...]
    language: str = "zh-CN"
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """Days on which one contact is on duty, both included."""

    contact: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Rota:
    """Contacts who are on duty a week each by turns, from a Monday on; single days may be given to another."""

    name: str
    begins_on: date
    contacts: tuple[str, ...]
    overrides: Mapping[date, str] = field(default_factory=dict)

    def on_duty(self, day: date) -> str:
        """Return who is on duty on a day."""
        weeks = (day - self.begins_on).days // 7
        return self.overrides.get(day, self.contacts[weeks % len(self.contacts)])

    def turns(self, since: date, days: int) -> list[Turn]:
        """Return who is on duty from a day on, neighbouring days of one contact as one turn."""
        found: list[Turn] = []
        for day in (since + timedelta(days=number) for number in range(days)):
            contact = self.on_duty(day)
            if found and found[-1].contact == contact:
                found[-1] = Turn(contact, found[-1].first, day)
            else:
                found.append(Turn(contact, day, day))
        return found


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell when nobody took note for so long: contacts by name, rotas as `rota:name`."""

    after: timedelta
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps for incidents of some severities."""

    severities: frozenset[Severity]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """Times of day at which the rest is told in one message."""

    at: tuple[time, ...]
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the file of notifications says."""

    contacts: Mapping[str, Contact] = field(default_factory=dict)
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    digest: Digest | None = None

    def policy_of(self, severity: Severity) -> Policy | None:
        """Return the policy of a severity; None when nobody is paged for it."""
        return next((one for one in self.policies if severity in one.severities), None)

    def people(self, who: tuple[str, ...], day: date) -> list[Contact]:
        """Return the contacts meant, each once, with the rotas of that day resolved."""
        names = [
            self.rotas[name.removeprefix("rota:")].on_duty(day) if name.startswith("rota:") else name for name in who
        ]
        return [self.contacts[name] for name in dict.fromkeys(names)]


@dataclass(frozen=True, slots=True)
class Case:
    """What planning knows of an incident. `worst` is the severity that it was paged with, or has now."""

    incident_id: int
    kind: IncidentKind
    state: IncidentState
    severity: Severity
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged: bool
    told: frozenset[tuple[str, str]] = frozenset()
    """Steps that were planned already, each with its contact."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is to be told now."""

    incident_id: int
    step: str
    contact: Contact
