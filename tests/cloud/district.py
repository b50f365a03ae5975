"""A small district written straight into the database: two schools, everything once, with times chosen by the test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

SCHOOLS = ("s01", "s02")


def now() -> datetime:
    """The clock of the tests that need the real one."""
    return datetime.now(UTC)


class SmallDistrict:
    """Two schools with a link, a gateway, a switch and two classrooms of three terminals each; and the core."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._execute("INSERT INTO agents (agent, position, role) VALUES ('core', 0, 'core')")
        for position, school in enumerate(SCHOOLS):
            self._add_school(position, school)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _execute(self, statement: str, *values: Any) -> Any:
        return self._connection.execute(statement.encode(), values)

    def _add_school(self, position: int, school: str) -> None:
        add = self._execute
        add(
            "INSERT INTO schools VALUES (%s, %s, %s, %s, 'primary', 30.5, 104.0)",
            school,
            position,
            f"第{position + 1}小学",
            f"Primary School No. {position + 1}",
        )
        add(
            "INSERT INTO agents (agent, position, role, school) VALUES (%s, %s, 'gateway', %s)",
            f"{school}-gw",
            position * 10,
            school,
        )
        for kind, device, place in (("router", f"{school}-rt1", 0), ("switch", f"{school}-sw01", 1)):
            add(
                "INSERT INTO devices VALUES (%s, %s, %s, %s, %s, 'Vendor', 'M1', '10.0.0.1', %s, %s)",
                device,
                position * 10 + place,
                school,
                device,
                kind,
                f"{school}-gw",
                None if kind == "router" else f"{school}-rt1",
            )
            add("INSERT INTO ports VALUES (%s, 'ge1', %s, 'uplink', 1000000000)", device, position * 10 + place)
        add(
            "INSERT INTO links VALUES (%s, %s, %s, %s, %s, 'Carrier', 1000000000, %s, 'ge1', NULL, 'ge9')",
            f"{school}-wan",
            position,
            school,
            f"第{position + 1}小学专线",
            f"{school} line",
            f"{school}-rt1",
        )
        for room in (1, 2):
            classroom = f"{school}-c{room:02d}"
            add(
                "INSERT INTO classrooms VALUES (%s, %s, %s, %s, %s, 45)",
                classroom,
                position * 10 + room,
                school,
                f"{room}班",
                f"Class {room}",
            )
            add(
                "INSERT INTO agents (agent, position, role, school, classroom) VALUES (%s, %s, 'classroom', %s, %s)",
                classroom,
                position * 10 + room,
                school,
                classroom,
            )
            for number in (1, 2, 3):
                add(
                    "INSERT INTO terminals VALUES (%s, %s, %s, %s, %s, %s, 'T1')",
                    f"{classroom}-t{number:02d}",
                    position * 100 + room * 10 + number,
                    school,
                    classroom,
                    "teacher" if number == 1 else "student",
                    classroom,
                )

    def thing_id(self, kind: str, key: str, agent: str) -> int:
        """Return the key of a thing, made when it is new."""
        self._execute(
            "INSERT INTO things (kind, key, first_agent_id, first_seen_at, claimed_at)"
            " SELECT %s, %s, agent_id, now(), now() FROM agents WHERE agent = %s ON CONFLICT DO NOTHING",
            kind,
            key,
            agent,
        )
        row = self._execute("SELECT thing_id FROM things WHERE kind = %s AND key = %s", kind, key).fetchone()
        return int(row[0])

    def agent_id(self, agent: str) -> int:
        """Return the key of an agent."""
        return int(self._execute("SELECT agent_id FROM agents WHERE agent = %s", agent).fetchone()[0])

    def link_sample(self, link: str, vantage: str, at: datetime, **metrics: Any) -> None:
        """Store one raw sample of a link, without touching the current values."""
        agent = "core" if vantage == "centre" else link.replace("-wan", "-gw")
        self._insert(
            "link_samples",
            {
                "thing_id": self.thing_id("link", link, agent),
                "agent_id": self.agent_id(agent),
                "observed_at": at,
                "corrected_at": at,
                "resolution_seconds": metrics.pop("resolution_seconds", 0),
                "vantage": vantage,
                **metrics,
            },
        )

    def link_now(self, link: str, vantage: str, at: datetime | None = None, **metrics: Any) -> None:
        """Set the current values of a link from one end; counters and probes are both of that time."""
        agent = "core" if vantage == "centre" else link.replace("-wan", "-gw")
        moment = at or now()
        thing_id = self.thing_id("link", link, agent)
        self._execute("DELETE FROM link_current WHERE thing_id = %s AND vantage = %s", thing_id, vantage)
        self._insert(
            "link_current",
            {
                "thing_id": thing_id,
                "agent_id": self.agent_id(agent),
                "observed_at": moment,
                "corrected_at": moment,
                "received_at": moment,
                "counters_at": moment,
                "probes_at": moment,
                "vantage": vantage,
                **metrics,
            },
        )

    def presence(self, agent: str, presence: str, at: datetime | None = None, **columns: Any) -> None:
        """Set what the agent or its will said last."""
        moment = at or now()
        self._execute("DELETE FROM agent_presence WHERE agent_id = %s", self.agent_id(agent))
        self._insert(
            "agent_presence",
            {
                "agent_id": self.agent_id(agent),
                "presence": presence,
                "changed_at": moment,
                "verdict": "accepted",
                "session": 1,
                "instance": "0123456789abcdef",
                "last_heartbeat_at": moment,
                "software": "0.1.0",
                "host": "gateway",
                "epoch": "00000000000000aa",
                **columns,
            },
        )

    def everyone_online(self, at: datetime | None = None) -> None:
        """Let every agent be heard."""
        for (agent,) in self._execute("SELECT agent FROM agents").fetchall():
            self.presence(agent, "online", at)

    def books(self, agent: str, **columns: Any) -> None:
        """Add an epoch to the ledger."""
        self._insert(
            "agent_epochs",
            {
                "agent_id": self.agent_id(agent),
                "epoch": "00000000000000aa",
                "first_received_at": now(),
                "last_received_at": now(),
                "reported_at": now(),
                **columns,
            },
        )

    def terminal(self, terminal: str, *, present: bool) -> None:
        """Set what a terminal's agent says of it."""
        agent = terminal.rsplit("-", 1)[0]
        moment = now()
        self._insert(
            "terminal_current",
            {
                "thing_id": self.thing_id("terminal", terminal, agent),
                "agent_id": self.agent_id(agent),
                "observed_at": moment,
                "corrected_at": moment,
                "received_at": moment,
                "present": present,
            },
        )

    def status(self, kind: str, key: str, word: str, since: datetime | None = None) -> None:
        """Set a status as the evaluator would."""
        self._execute("DELETE FROM status_current WHERE kind = %s AND key = %s", kind, key)
        self._insert(
            "status_current",
            {"kind": kind, "key": key, "status": word, "since": since or now(), "reason": "set_by_test"},
        )

    def logged(self, kind: str, key: str, word: str, at: datetime, root: tuple[str, str] | None = None) -> None:
        """Append to the log of changes, as the evaluator would, and set the status."""
        self.status(kind, key, word, at)
        root_kind, root_key = root or (None, None)
        self._execute(
            """
            INSERT INTO status_log (kind, key, status, changed_at, reason, evidence, root_kind, root_key)
            VALUES (%s, %s, %s, %s, 'set_by_test', '{}', %s, %s)
            """,
            kind, key, word, at, root_kind, root_key,
        )  # fmt: skip

    def statuses(self) -> dict[str, str]:
        """Return the current status of everything, by key."""
        return dict(self._execute("SELECT kind || ' ' || key, status FROM status_current").fetchall())

    def log(self, kind: str, key: str) -> list[tuple[str | None, str, str]]:
        """Return the changes of one thing: previous, status, reason; oldest first."""
        rows = self._execute(
            "SELECT previous, status, reason FROM status_log WHERE kind = %s AND key = %s ORDER BY change_id", kind, key
        )
        return [tuple(row) for row in rows.fetchall()]

    def notify(self) -> None:
        """Say that something changed, as ingest does."""
        self._execute("SELECT pg_notify('bellwether_live', 'test')")

    def tell_lesson(self, lesson: str) -> None:
        """Say that a lesson has new facts, as teaching does."""
        self._execute("SELECT pg_notify('bellwether_lessons', %s)", lesson)

    def cut(self, application_name: str) -> None:
        """End the connections of a program, as a restart of the database does."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", application_name
        )

    def execute(self, statement: str, *values: Any) -> None:
        """Run one statement that only this test needs."""
        self._execute(statement, *values)

    def insert(self, table: str, values: dict[str, Any]) -> None:
        """Insert one row."""
        self._insert(table, values)

    def _insert(self, table: str, values: dict[str, Any]) -> None:
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        self._connection.execute(statement, list(values.values()))


def minutes_ago(minutes: float) -> datetime:
    """Return a recent moment."""
    return now() - timedelta(minutes=minutes)
