"""The file of notifications (TOML): contacts, rotas, policies, digest. Read whole, every problem at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, TypeVar

import apprise

from cloud.errors import ConfigError
from cloud.incidents.models import Severity
from cloud.notifications.models import Contact, Digest, Plan, Policy, Quiet, Rota, Step

Value = TypeVar("Value")
LANGUAGES = ("zh-CN", "en")
_KNOWN = {
    "": ("contacts", "rotas", "policies", "digest"),
    "contacts": ("name", "urls", "language", "quiet_from", "quiet_until", "quiet_lets"),
    "rotas": ("name", "begins_on", "contacts", "overrides"),
    "overrides": ("on", "contact"),
    "policies": ("severities", "steps"),
    "steps": ("after_minutes", "who"),
    "digest": ("at", "to"),
}


def load(path: Path) -> Plan:
    """Read a plan.

    Raises:
        ConfigError: it cannot be read; holds every problem with its key and an example.
    """
    try:
        return parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"cannot be read: {error}"]) from error


def parse(text: str, source: str) -> Plan:
    """Return the plan of a TOML text; see `load`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [f"not valid TOML: {error}"]) from error
    reader = _Reader()
    plan = reader.plan(document)
    if reader.problems:
        raise ConfigError(source, reader.problems)
    return plan


class _Reader:
    """Reads a document and gathers what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def plan(self, document: dict[str, Any]) -> Plan:
        """Return what could be read; only whole when there is no problem."""
        self._known("", document, "")
        contacts = {one.name: one for one in map(self._contact, *self._tables(document, "contacts"))}
        rotas = {one.name: one for one in map(self._rota, *self._tables(document, "rotas"))}
        policies = tuple(map(self._policy, *self._tables(document, "policies")))
        digest = self._digest(document["digest"]) if isinstance(document.get("digest"), dict) else None
        plan = Plan(contacts, rotas, policies, digest)
        self._references(plan)
        taken: set[Severity] = set()
        for number, policy in enumerate(policies, start=1):
            for severity in sorted(policy.severities & taken):
                self.problems.append(f"policies {number}: {severity} has a policy already")
            taken |= policy.severities
        return plan

    def _references(self, plan: Plan) -> None:
        named: list[tuple[str, str]] = []
        for rota in plan.rotas.values():
            who = [*rota.contacts, *rota.overrides.values()]
            named += [(f"rota {rota.name}", name) for name in who]
        for number, policy in enumerate(plan.policies, start=1):
            named += [(f"policies {number}", name) for step in policy.steps for name in step.who]
        if plan.digest is not None:
            named += [("digest.to", name) for name in plan.digest.who]
        for where, name in named:
            known = name.removeprefix("rota:") in plan.rotas if name.startswith("rota:") else name in plan.contacts
            if not known:
                self.problems.append(f'{where}: no contact or rota {name!r}; example: who = ["rota:network"]')

    def _tables(self, document: dict[str, Any], name: str) -> tuple[list[str], list[dict[str, Any]]]:
        found = document.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.problems.append(f"{name}: must be tables; example: [[{name}]]")
            return [], []
        for number, one in enumerate(found, start=1):
            self._known(name, one, f"{name} {number}")
        return [f"{name} {number}" for number in range(1, len(found) + 1)], found

    def _known(self, table: str, values: dict[str, Any], where: str) -> None:
        for key in values:
            if key not in _KNOWN[table]:
                self.problems.append(f"{where or key}: unknown key {key!r}; known are {', '.join(_KNOWN[table])}")

    def _take(
        self, where: str, values: dict[str, Any], key: str, read: Callable[[Any], Value], spare: Value, example: str
    ) -> Value:
        if key not in values:
            self.problems.append(f"{where}.{key}: is missing; example: {key} = {example}")
            return spare
        try:
            return read(values[key])
        except (ValueError, TypeError, AttributeError) as error:
            self.problems.append(f"{where}.{key}: {error}; example: {key} = {example}")
            return spare

    def _contact(self, where: str, values: dict[str, Any]) -> Contact:
        quiet = None
        if "quiet_from" in values or "quiet_until" in values:
            quiet = Quiet(
                self._take(where, values, "quiet_from", _clock, time(22), '"22:00"'),
                self._take(where, values, "quiet_until", _clock, time(6), '"06:30"'),
                frozenset(
                    self._take(
                        where, {"quiet_lets": ["p1"], **values}, "quiet_lets", _severities, list[Severity](), '["p1"]'
                    )
                ),
            )
        return Contact(
            self._take(where, values, "name", _name, "", '"duty"'),
            tuple(self._take(where, values, "urls", _urls, [], '["mailto://…", "feishu://…"]')),
            self._take(where, {"language": "zh-CN", **values}, "language", _language, "zh-CN", '"zh-CN"'),
            quiet,
        )

    def _rota(self, where: str, values: dict[str, Any]) -> Rota:
        overrides: dict[date, str] = {}
        for one in values.get("overrides", []):
            if isinstance(one, dict):
                self._known("overrides", one, f"{where} overrides")
                day = self._take(f"{where} overrides", one, "on", _day, date.min, "2026-12-01")
                overrides[day] = self._take(f"{where} overrides", one, "contact", _name, "", '"duty"')
        return Rota(
            self._take(where, values, "name", _name, "", '"network"'),
            self._take(where, values, "begins_on", _day, date.min, "2026-11-23"),
            tuple(self._take(where, values, "contacts", _names, ["?"], '["first", "second"]')),
            overrides,
        )

    def _policy(self, where: str, values: dict[str, Any]) -> Policy:
        steps = values.get("steps", [])
        read = []
        for number, one in enumerate(steps if isinstance(steps, list) else [], start=1):
            place = f"{where} step {number}"
            if not isinstance(one, dict):
                self.problems.append(f'{place}: must be a table; example: {{ after_minutes = 0, who = ["duty"] }}')
                continue
            self._known("steps", one, place)
            after = self._take(place, one, "after_minutes", _minutes, timedelta(), "15")
            read.append(Step(after, tuple(self._take(place, one, "who", _names, [], '["rota:network"]'))))
        if not read:
            self.problems.append(
                f'{where}.steps: needs a step; example: steps = [{{ after_minutes = 0, who = ["duty"] }}]'
            )
        return Policy(
            frozenset(self._take(where, values, "severities", _severities, list[Severity](), '["p1", "p2"]')),
            tuple(sorted(read, key=lambda step: step.after)),
        )

    def _digest(self, values: dict[str, Any]) -> Digest:
        self._known("digest", values, "digest")
        return Digest(
            tuple(self._take("digest", values, "at", _clocks, [], '["07:00", "17:30"]')),
            tuple(self._take("digest", values, "to", _names, [], '["lead"]')),
        )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value.strip()


def _name(value: Any) -> str:
    name = _text(value)
    if name.startswith("rota:") or len(name) > 63:
        raise ValueError(f"{name!r} is no name: at most 63 characters, not beginning with rota:")
    return name


def _list(value: Any, read: Callable[[Any], Value]) -> Iterator[Value]:
    if not isinstance(value, list) or not value:
        raise ValueError("must be a list with something in it")
    yield from map(read, value)


def _names(value: Any) -> list[str]:
    return list(_list(value, _text))


def _urls(value: Any) -> list[str]:
    urls = list(_list(value, _text))
    for number, url in enumerate(urls, start=1):
        if apprise.Apprise.instantiate(url, suppress_exceptions=True) is None:
            # Never the address itself: it holds a secret.
            raise ValueError(f"number {number} ({url.partition(':')[0]}://…) is no Apprise URL")
    return urls


def _language(value: Any) -> str:
    if value not in LANGUAGES:
        raise ValueError(f"{value!r} is none of {', '.join(LANGUAGES)}")
    return str(value)


def _clock(value: Any) -> time:
    text = _text(value)
    if len(text) != 5:
        raise ValueError(f"{text!r} is no time of day")
    return time.fromisoformat(text)


def _clocks(value: Any) -> list[time]:
    return list(_list(value, _clock))


def _day(value: Any) -> date:
    if type(value) is not date:
        raise ValueError(f"{value!r} is no day")
    return value


def _minutes(value: Any) -> timedelta:
    if type(value) is not int or not 0 <= value <= 10_080:
        raise ValueError(f"{value!r} is no number of minutes from 0 to 10080")
    return timedelta(minutes=value)


def _severities(value: Any) -> list[Severity]:
    return list(_list(value, Severity))
