"""The cloud's error tree. Each class says whether trying again can help and gives the operator a hint."""

from __future__ import annotations

from typing import ClassVar


class CloudError(Exception):
    """Something at the centre went wrong; `retryable` says whether waiting may help."""

    retryable: ClassVar[bool] = False
    hint: ClassVar[str] = ""


class ConfigError(CloudError):
    """The configuration cannot be used; `problems` holds every reason found, not only the first."""

    hint = "Correct the keys named above; docs/examples/cloud.toml shows every key with its default."

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__(f"{source}: " + "; ".join(problems))
        self.source = source
        self.problems = problems


class DatabaseUnavailable(CloudError):
    """The database does not answer."""

    retryable = True
    hint = "Check [database] dsn and that PostgreSQL is running; the cloud goes on by itself when it is back."


class BrokerUnavailable(CloudError):
    """The MQTT broker does not answer or refuses the login."""

    retryable = True
    hint = "Check [broker] host, port and credentials; the cloud reconnects by itself."


class MigrationError(CloudError):
    """The database's schema and this version's migrations do not fit together."""

    hint = "Run `bellwether cloud migrate`; never edit a migration that has been applied, add a new one."


class InventoryRefused(CloudError):
    """An inventory folder has problems; nothing of it was imported."""

    hint = "Correct the rows listed and import the folder again; `--dry-run` checks without importing."


class RosterRefused(CloudError):
    """A roster or timetable has problems; nothing of it was imported."""

    hint = "Correct the rows listed and import again; `--dry-run` checks without importing."


class QuarantineUnknown(CloudError):
    """There is no such entry in quarantine."""

    hint = "List the entries with `bellwether quarantine list`."


class FeedRefused(CloudError):
    """A feed cannot be registered; `problems` holds field, detail and what may stand there, of every reason found."""

    exit_code = 2
    hint = "Correct the fields named above and register the feed again."

    def __init__(self, problems: list[tuple[str, str, list[str] | None]]) -> None:
        super().__init__("; ".join(f"{field}: {detail}" for field, detail, _ in problems))
        self.problems = problems


class FeedExists(CloudError):
    """The name of a feed is taken."""

    hint = "Choose another name, or remove the feed of that name first."


class FeedUnknown(CloudError):
    """There is no such feed."""

    hint = "List the feeds with `bellwether feed list`."


class IncidentUnknown(CloudError):
    """There is no such incident."""

    hint = "List the incidents with `bellwether incident list` or GET /api/v1/incidents."


class IncidentChanged(CloudError):
    """Somebody did something to the incident meanwhile."""

    hint = "Look at it again, and repeat the act with its version now if it still makes sense."


class IncidentRefused(CloudError):
    """The act does not fit the incident's state."""

    hint = "Look at the incident's state: GET /api/v1/incidents/{incident_id}."


class MaintenanceRefused(CloudError):
    """A window cannot be added; `problems` holds field and detail of every reason found."""

    exit_code = 2
    hint = "Correct the fields named above; `bellwether maintenance propose` finds a time without lessons."

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {detail}" for field, detail in problems))
        self.problems = problems


class MaintenanceUnknown(CloudError):
    """There is no such window."""

    hint = "List the windows with `bellwether maintenance list`."
