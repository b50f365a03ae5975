"""The centre's configuration: one strict TOML file, read whole, with every problem reported at once.

Each section is a frozen dataclass; a field's default is the documented default, its `Rule` says what may stand there.
Unknown sections and keys are errors. Environment variables override single keys (`BELLWETHER_DSN` and those in
`ENVIRONMENT`), so that one file serves many machines and secrets need not be in it.
`docs/examples/cloud.toml` shows every key with its default, and a test loads it.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cloud.errors import ConfigError

SECRETS = frozenset({"password", "token", "operator_token", "dsn"})
"""Keys that `check-config` prints masked."""

ENVIRONMENT: dict[str, tuple[str, str]] = {
    "BELLWETHER_DSN": ("database", "dsn"),
    "BELLWETHER_BROKER_HOST": ("broker", "host"),
    "BELLWETHER_BROKER_PORT": ("broker", "port"),
    "BELLWETHER_BROKER_USERNAME": ("broker", "username"),
    "BELLWETHER_BROKER_PASSWORD": ("broker", "password"),
    "BELLWETHER_API_HOST": ("api", "host"),
    "BELLWETHER_PORT": ("api", "port"),
    "BELLWETHER_OPERATOR_TOKEN": ("api", "operator_token"),
    "BELLWETHER_INFLUX_TOKEN": ("influx", "token"),
}
"""Which key each environment variable overrides."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a key may hold: `check` returns what is wrong with a value of the right type, or an empty string."""

    check: Callable[[Any], str]
    example: str


def _text(example: str, *, required: bool = False) -> Rule:
    return Rule(lambda value: "must not be empty" if required and not value.strip() else "", example)


def _number(low: float, high: float, example: str) -> Rule:
    return Rule(lambda value: "" if low <= value <= high else f"must lie between {low:g} and {high:g}", example)


def _file(example: str) -> Rule:
    return Rule(lambda value: f"no such file: {value}" if value and not Path(value).is_file() else "", example)


def _url(example: str) -> Rule:
    return Rule(
        lambda value: "" if not value or value.startswith(("http://", "https://")) else "must be an http or https URL",
        example,
    )


def _dsn(value: str) -> str:
    if not value.strip():
        return "must not be empty"
    try:
        conninfo_to_dict(value)
    except psycopg.ProgrammingError as error:
        return f"must be a PostgreSQL URL or a list of keyword=value ({str(error).strip()})"
    return ""


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return f"{value!r} is not a time zone that this machine knows"
    return ""


def _clock(value: str) -> str:
    try:
        time.fromisoformat(value if len(value) == 5 else "")
    except ValueError:
        return f"{value!r} is not a time of day"
    return ""


_FLAG = Rule(lambda value: "", "true")
_PORT = _number(1, 65_535, "1883")


@dataclass(frozen=True, slots=True)
class Database:
    """Section [database]."""

    dsn: str = field(
        default="postgresql://bellwether@127.0.0.1:5432/bellwether",
        metadata={"rule": Rule(_dsn, '"postgresql://bellwether@db.example/bellwether"')},
    )
    pool_size: int = field(default=8, metadata={"rule": _number(2, 100, "8")})


@dataclass(frozen=True, slots=True)
class Broker:
    """Section [broker]."""

    host: str = field(default="127.0.0.1", metadata={"rule": _text('"broker.example"', required=True)})
    port: int = field(default=1883, metadata={"rule": _PORT})
    username: str = field(default="bellwether-cloud", metadata={"rule": _text('"bellwether-cloud"')})
    password: str = field(default="", metadata={"rule": _text('"secret"')})
    tls_ca: str = field(default="", metadata={"rule": _file('"/etc/bellwether/ca.pem"')})
    tls_cert: str = field(default="", metadata={"rule": _file('"/etc/bellwether/cloud.pem"')})
    tls_key: str = field(default="", metadata={"rule": _file('"/etc/bellwether/cloud.key"')})


@dataclass(frozen=True, slots=True)
class Api:
    """Section [api]."""

    host: str = field(default="127.0.0.1", metadata={"rule": _text('"127.0.0.1"', required=True)})
    port: int = field(default=8080, metadata={"rule": _number(0, 65_535, "8080")})
    operator_token: str = field(default="", metadata={"rule": _text('"a long random text"')})


@dataclass(frozen=True, slots=True)
class Ingest:
    """Section [ingest]."""

    workers: int = field(default=1, metadata={"rule": _number(1, 64, "1")})
    batch_rows: int = field(default=20_000, metadata={"rule": _number(1, 200_000, "20000")})
    batch_milliseconds: int = field(default=200, metadata={"rule": _number(1, 10_000, "200")})
    buffer_bytes: int = field(default=64 * 1024 * 1024, metadata={"rule": _number(2**20, 2**34, "67108864")})
    in_flight_segments: int = field(default=4_096, metadata={"rule": _number(16, 1_000_000, "4096")})
    quarantine_bytes_per_agent: int = field(
        default=256 * 1024 * 1024, metadata={"rule": _number(2**20, 2**40, "268435456")}
    )


@dataclass(frozen=True, slots=True)
class Retention:
    """Section [retention], in days."""

    samples_days: int = field(default=90, metadata={"rule": _number(10, 3_650, "90")})
    rollup_5m_days: int = field(default=400, metadata={"rule": _number(10, 3_650, "400")})
    rollup_1h_days: int = field(default=1_200, metadata={"rule": _number(10, 36_500, "1200")})
    events_days: int = field(default=1_200, metadata={"rule": _number(10, 36_500, "1200")})


@dataclass(frozen=True, slots=True)
class Content:
    """Section [content]: where files and the signing key are, and when no more are taken."""

    folder: str = field(
        default="/var/lib/bellwether/content",
        metadata={"rule": _text('"/var/lib/bellwether/content"', required=True)},
    )
    free_floor_bytes: int = field(default=2 * 2**30, metadata={"rule": _number(0, 2**50, "2147483648")})
    partial_days: int = field(default=7, metadata={"rule": _number(1, 365, "7")})
    unclaimed_days: int = field(default=30, metadata={"rule": _number(1, 365, "30")})


@dataclass(frozen=True, slots=True)
class RecordRetention:
    """Section [records]: how many days each type of record is kept, and what services made of it with it."""

    lesson_event_days: int = field(default=400, metadata={"rule": _number(1, 7_300, "400")})
    attendance_days: int = field(default=1_200, metadata={"rule": _number(1, 7_300, "1200")})
    answer_days: int = field(default=1_200, metadata={"rule": _number(1, 7_300, "1200")})
    resource_view_days: int = field(default=400, metadata={"rule": _number(1, 7_300, "400")})
    submission_days: int = field(default=1_200, metadata={"rule": _number(1, 7_300, "1200")})
    grade_days: int = field(default=1_200, metadata={"rule": _number(1, 7_300, "1200")})
    evidence_days: int = field(default=4_400, metadata={"rule": _number(1, 7_300, "4400")})
    activity_days: int = field(default=1_200, metadata={"rule": _number(1, 7_300, "1200")})


@dataclass(frozen=True, slots=True)
class Influx:
    """Section [influx], the optional mirror of telemetry."""

    enabled: bool = field(default=False, metadata={"rule": _FLAG})
    url: str = field(default="http://127.0.0.1:8086", metadata={"rule": _url('"http://influx.example:8086"')})
    token: str = field(default="", metadata={"rule": _text('"secret"')})
    org: str = field(default="bellwether", metadata={"rule": _text('"bellwether"')})
    bucket: str = field(default="bellwether", metadata={"rule": _text('"bellwether"', required=True)})
    queue_rows: int = field(default=100_000, metadata={"rule": _number(1_000, 10_000_000, "100000")})


@dataclass(frozen=True, slots=True)
class District:
    """Section [district]."""

    time_zone: str = field(default="Asia/Shanghai", metadata={"rule": Rule(_time_zone, '"Asia/Shanghai"')})
    map_file: str = field(default="", metadata={"rule": _file('"/etc/bellwether/district.geojson"')})


@dataclass(frozen=True, slots=True)
class Lessons:
    """Section [lessons]."""

    check_at: str = field(default="07:30", metadata={"rule": Rule(_clock, '"07:30"')})


@dataclass(frozen=True, slots=True)
class Notifications:
    """Section [notifications]."""

    file: str = field(default="", metadata={"rule": _file('"/etc/bellwether/notifications.toml"')})
    console_url: str = field(default="", metadata={"rule": _url('"https://bellwether.example"')})


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration of the centre."""

    database: Database = field(default_factory=Database)
    broker: Broker = field(default_factory=Broker)
    api: Api = field(default_factory=Api)
    ingest: Ingest = field(default_factory=Ingest)
    retention: Retention = field(default_factory=Retention)
    content: Content = field(default_factory=Content)
    records: RecordRetention = field(default_factory=RecordRetention)
    influx: Influx = field(default_factory=Influx)
    district: District = field(default_factory=District)
    lessons: Lessons = field(default_factory=Lessons)
    notifications: Notifications = field(default_factory=Notifications)


_SECTIONS: dict[str, type[Any]] = {
    "database": Database,
    "broker": Broker,
    "api": Api,
    "ingest": Ingest,
    "retention": Retention,
    "content": Content,
    "records": RecordRetention,
    "influx": Influx,
    "district": District,
    "lessons": Lessons,
    "notifications": Notifications,
}


def load(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration; without a file, the defaults and the environment.

    Raises:
        ConfigError: holding every problem found.
    """
    text = ""
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(str(path), [f"cannot be read: {error}"]) from error
    return parse(text, str(path or "defaults"), os.environ if environment is None else environment)


def parse(text: str, source: str, environment: Mapping[str, str]) -> Settings:
    """Return the settings of a TOML text with the environment's overrides; see `load`."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [f"not valid TOML: {error}"]) from error
    problems: list[str] = []
    for name, value in document.items():
        if name not in _SECTIONS:
            problems.append(f"[{name}]: unknown section; known are {', '.join(_SECTIONS)}")
        elif not isinstance(value, dict):
            problems.append(f"{name}: must be a section [{name}]")
    values = {name: dict(document[name]) for name in _SECTIONS if isinstance(document.get(name), dict)}
    _override(values, environment, problems)
    sections = {name: _section(name, cls, values.get(name, {}), problems) for name, cls in _SECTIONS.items()}
    wrong = {problem.partition(":")[0] for problem in problems}
    problems += [problem for keys, problem in _contradictions(sections) if not wrong.intersection(keys)]
    if problems:
        raise ConfigError(source, problems)
    return Settings(**sections)


def effective(settings: Settings, *, masked: bool = True) -> dict[str, dict[str, Any]]:
    """Return every effective value by section and key; secrets as asterisks unless asked otherwise."""
    return {
        section: {key: "********" if masked and key in SECRETS and value else value for key, value in content.items()}
        for section, content in dataclasses.asdict(settings).items()
    }


def _override(values: dict[str, dict[str, Any]], environment: Mapping[str, str], problems: list[str]) -> None:
    for variable, (section, key) in ENVIRONMENT.items():
        text = environment.get(variable, "")
        if not text:
            continue
        default = next(item.default for item in fields(_SECTIONS[section]) if item.name == key)
        if isinstance(default, int):
            if not (text.isascii() and text.isdecimal()):
                problems.append(f"{variable}: {text!r} is not a number; example: {default}")
                continue
            values.setdefault(section, {})[key] = int(text)
        else:
            values.setdefault(section, {})[key] = text


def _section(name: str, cls: type[Any], values: dict[str, Any], problems: list[str]) -> Any:
    known = {item.name: item for item in fields(cls)}
    problems += [
        f"{name}.{key}: unknown key; known are {', '.join(known)}" for key in sorted(values.keys() - known.keys())
    ]
    accepted: dict[str, Any] = {}
    for key, item in known.items():
        rule: Rule = item.metadata["rule"]
        if key not in values:
            continue
        value = values[key]
        if type(value) is not type(item.default):
            wanted = {bool: "true or false", int: "a whole number", str: "a text"}[type(item.default)]
            problems.append(f"{name}.{key}: must be {wanted}, not {value!r}; example: {key} = {rule.example}")
        elif problem := rule.check(value):
            problems.append(f"{name}.{key}: {problem}; example: {key} = {rule.example}")
        else:
            accepted[key] = value
    return cls(**accepted)


def _contradictions(sections: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Say what does not fit together, each with the keys that it is read from."""
    broker: Broker = sections["broker"]
    if bool(broker.tls_cert) != bool(broker.tls_key):
        yield (
            ("broker.tls_cert", "broker.tls_key"),
            "broker.tls_cert and broker.tls_key: give both or neither",
        )
    if broker.tls_cert and not broker.tls_ca:
        yield ("broker.tls_ca", "broker.tls_cert"), "broker.tls_ca: needed when broker.tls_cert is given"
    retention: Retention = sections["retention"]
    if retention.rollup_5m_days < retention.samples_days:
        yield (
            ("retention.rollup_5m_days", "retention.samples_days"),
            "retention.rollup_5m_days: must not be shorter than samples_days",
        )
    influx: Influx = sections["influx"]
    if influx.enabled and not influx.token:
        yield (
            ("influx.enabled", "influx.token"),
            "influx.token: needed when the mirror is enabled (or set BELLWETHER_INFLUX_TOKEN)",
        )
