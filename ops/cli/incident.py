"""`bellwether incident`: what is wrong, what it costs, and what people do about it."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    import psycopg

    from cloud.incidents.schemas import IncidentDetail

Answer = TypeVar("Answer")

app = typer.Typer(
    name="incident",
    help="What is wrong, what it costs in lessons, and what people do about it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Number = Annotated[int, typer.Argument(min=1, help="Number of the incident.", show_default=False)]
Actor = Annotated[
    str,
    typer.Option(
        "--as", help="Who does it, for the timeline.", default_factory=getpass.getuser, show_default="your login"
    ),
]
Text = Annotated[str, typer.Argument(help="What to say.", show_default=False)]


@app.command("list")
def list_incidents(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    school: Annotated[str | None, typer.Option(help="Only of this school.", show_default=False)] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List open incidents, the most urgent first."""
    from cloud.incidents import reading
    from cloud.incidents.models import IncidentState

    states = None if everything else [IncidentState.OPEN]
    found = _ask(config, lambda connection: reading.incidents(connection, states=states, school=school))
    if json:
        output.print_json(found.model_dump(mode="json")["items"])
        return
    output.print_table(
        ["number", "severity", "root", "status", "reason", "since", "behind it", "lessons now", "lost min", "who"],
        [
            (
                one.incident_id,
                one.severity.value,
                f"{one.root_kind} {one.root_key}",
                one.status.value if one.state.value == "open" else one.state.value,
                one.reason,
                f"{one.opened_at:%Y-%m-%d %H:%M:%S}",
                one.members,
                one.lessons_now,
                one.lost_minutes,
                one.assignee or one.acknowledged_by,
            )
            for one in found.items
        ],
    )


@app.command()
def show(number: Number, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show one incident with what it explains and its timeline."""
    from cloud.errors import IncidentUnknown
    from cloud.incidents import reading

    found = _ask(config, lambda connection: reading.incident(connection, number))
    if found is None:
        raise IncidentUnknown(f"there is no incident {number}")
    _print(found, json=json)


@app.command()
def ack(number: Number, actor: Actor, config: ConfigFile = None, json: AsJson = False) -> None:
    """Take note of it: nobody else is called."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Acknowledge

    _act(
        config,
        number,
        lambda connection, version: service.acknowledge(connection, number, Acknowledge(actor=actor, version=version)),
        json=json,
    )


@app.command()
def assign(
    number: Number,
    actor: Actor,
    to: Annotated[
        str | None, typer.Option(help="Who is to look after it; without, nobody.", show_default=False)
    ] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Give it to somebody."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Assign

    _act(
        config,
        number,
        lambda connection, version: service.assign(
            connection, number, Assign(actor=actor, version=version, assignee=to)
        ),
        json=json,
    )


@app.command()
def comment(number: Number, text: Text, actor: Actor, config: ConfigFile = None, json: AsJson = False) -> None:
    """Say something for whoever reads it later."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Comment

    _act(
        config,
        number,
        lambda connection, version: service.comment(
            connection, number, Comment(actor=actor, version=version, text=text)
        ),
        json=json,
    )


@app.command()
def resolve(number: Number, text: Text, actor: Actor, config: ConfigFile = None, json: AsJson = False) -> None:
    """Say that it is over, and why, though its thing does not say so itself."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Close

    _act(
        config,
        number,
        lambda connection, version: service.resolve(connection, number, Close(actor=actor, version=version, text=text)),
        json=json,
    )


@app.command()
def reopen(number: Number, text: Text, actor: Actor, config: ConfigFile = None, json: AsJson = False) -> None:
    """Open it again: it was not over."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Comment

    _act(
        config,
        number,
        lambda connection, version: service.reopen(
            connection, number, Comment(actor=actor, version=version, text=text)
        ),
        json=json,
    )


@app.command()
def merge(
    number: Number,
    into: Annotated[int, typer.Option(min=1, help="Number of the other incident.", show_default=False)],
    actor: Actor,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Put it behind another open incident."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Merge

    _act(
        config,
        number,
        lambda connection, version: service.merge(connection, number, Merge(actor=actor, version=version, into=into)),
        json=json,
    )


@app.command()
def split(
    number: Number,
    kind: Annotated[str, typer.Argument(help="Kind of the thing, such as classroom.", show_default=False)],
    key: Annotated[str, typer.Argument(help="Its key, such as s07-c03.", show_default=False)],
    actor: Actor,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Give a thing that it explains an incident of its own, and show that one."""
    from cloud.incidents import service
    from cloud.incidents.schemas import Split
    from cloud.status.models import StatusKind

    if kind not in {one.value for one in StatusKind}:
        hint = "one of " + ", ".join(one.value for one in StatusKind)
        output.fail(f"no kind of thing {kind!r}", hint=hint, code=output.ExitCode.USAGE)
    _act(
        config,
        number,
        lambda connection, version: service.split(
            connection, number, Split(actor=actor, version=version, kind=StatusKind(kind), key=key)
        ),
        json=json,
    )


def _ask(config: Path | None, question: Callable[[psycopg.AsyncConnection], Awaitable[Answer]]) -> Answer:
    from cloud.db import connect

    dsn = database_of(config)

    async def ask() -> Answer:
        async with await connect(dsn, name="incident") as connection, connection.transaction():
            return await question(connection)

    return asyncio.run(ask())


def _act(
    config: Path | None,
    number: int,
    what: Callable[[psycopg.AsyncConnection, int], Awaitable[IncidentDetail]],
    *,
    json: bool,
) -> None:
    """Act on the incident as it is now: a command is given by somebody who has just looked."""
    from cloud.errors import IncidentUnknown
    from cloud.incidents import reading

    async def act(connection: psycopg.AsyncConnection) -> IncidentDetail:
        found = await reading.incident(connection, number)
        if found is None:
            raise IncidentUnknown(f"there is no incident {number}")
        return await what(connection, found.version)

    _print(_ask(config, act), json=json)


def _print(found: IncidentDetail, *, json: bool) -> None:
    if json:
        output.print_json(found.model_dump(mode="json"))
        return
    output.print_facts(
        [
            ("incident", found.incident_id),
            ("root", f"{found.root_kind} {found.root_key}"),
            ("state", found.state.value),
            ("severity", found.severity.value),
            ("status", f"{found.status.value} ({found.reason})"),
            ("since", f"{found.opened_at:%Y-%m-%d %H:%M:%S}"),
            ("lessons now", f"{found.lessons_now}, {found.saved_now} of them saved by the cache"),
            (
                "lesson-minutes",
                f"{found.lost_minutes} lost, {found.saved_minutes} saved, {found.at_risk_minutes} at risk",
            ),
            ("behind it", ", ".join(f"{one.kind} {one.key}" for one in found.things) or None),
            ("acknowledged", found.acknowledged_by),
            ("assignee", found.assignee),
        ]
    )
    output.print_table(
        ["at", "what", "who", "facts"],
        [
            (f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.kind.value, entry.actor, _facts(entry.detail))
            for entry in found.timeline
        ],
    )


def _facts(detail: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in detail.items() if name != "evidence" and value is not None)
