"""`bellwether maintenance`: planned work, and when it costs no lesson."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of, settings_of

if TYPE_CHECKING:
    import psycopg

    from cloud.maintenance.models import TargetKind
    from cloud.maintenance.schemas import WindowRow

Answer = TypeVar("Answer")

app = typer.Typer(
    name="maintenance",
    help="Planned work, and when it costs no lesson.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Kind = Annotated[str, typer.Argument(help="provider, school, link, gateway, device or classroom.", show_default=False)]
Key = Annotated[str, typer.Argument(help="Its key, such as s07-wan.", show_default=False)]
Minutes = Annotated[int, typer.Option("--minutes", min=1, max=10_080, help="How long the work takes.")]


@app.command("list")
def list_windows(
    over: Annotated[bool, typer.Option("--all", help="Also those that are over for good.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List windows with when they hold next and what that costs in lessons."""
    from cloud.maintenance import reading

    zone = _zone(config)
    found = _ask(config, lambda connection: reading.windows(connection, datetime.now(UTC), zone, over=over))
    if json:
        output.print_json(found.model_dump(mode="json")["items"])
        return
    _print(found.items, zone)


@app.command()
def propose(kind: Kind, key: Key, minutes: Minutes = 120, config: ConfigFile = None, json: AsJson = False) -> None:
    """Find the times of the coming week at which the work costs least by the timetable."""
    from cloud.maintenance import reading

    zone, now, target = _zone(config), datetime.now(UTC), _kind(kind)
    found = _ask(
        config,
        lambda connection: reading.proposal(
            connection, target, key, now, now + timedelta(days=7), timedelta(minutes=minutes)
        ),
    )
    if json:
        output.print_json(found.model_dump(mode="json")["items"])
        return
    output.print_table(
        ["begin", "lesson-minutes", "lessons", "exams"],
        [(_clock(one.starts_at, zone), one.lesson_minutes, one.lessons, one.exams) for one in found.items],
    )


@app.command()
def add(
    kind: Kind,
    key: Key,
    at: Annotated[
        datetime,
        typer.Option(help="When it begins, by the district's clock.", formats=["%Y-%m-%dT%H:%M"], show_default=False),
    ],
    minutes: Minutes = 120,
    recurrence: Annotated[
        str | None, typer.Option(help="RFC 5545 RRULE, such as FREQ=WEEKLY;BYDAY=SA.", show_default=False)
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why; needed when lessons fall into it.", show_default=False)
    ] = None,
    actor: Annotated[str | None, typer.Option("--as", help="Who plans it.", show_default="your login")] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Plan work: while it holds, everything it covers is in maintenance and nobody is called."""
    from cloud.maintenance import service
    from cloud.maintenance.schemas import WindowOrder

    zone = _zone(config)
    order = WindowOrder(
        kind=_kind(kind),
        key=key,
        starts_at=at.replace(tzinfo=zone),
        duration_seconds=minutes * 60,
        recurrence=recurrence,
        reason=reason,
        actor=actor or getpass.getuser(),
    )
    row = _ask(config, lambda connection: service.add(connection, order, zone))
    if json:
        output.print_json(row.model_dump(mode="json"))
        return
    _print([row], zone)


@app.command()
def end(
    number: Annotated[int, typer.Argument(min=1, help="Number of the window.", show_default=False)],
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """End a window now and for ever."""
    from cloud.maintenance import service

    zone = _zone(config)
    row = _ask(config, lambda connection: service.end(connection, number, zone))
    if json:
        output.print_json(row.model_dump(mode="json"))
        return
    _print([row], zone)


def _zone(config: Path | None) -> ZoneInfo:
    return ZoneInfo(settings_of(config).district.time_zone)


def _kind(text: str) -> TargetKind:
    from cloud.maintenance.models import TargetKind

    if text not in {one.value for one in TargetKind}:
        hint = "one of " + ", ".join(one.value for one in TargetKind)
        output.fail(f"no kind {text!r}", hint=hint, code=output.ExitCode.USAGE)
    return TargetKind(text)


def _ask(config: Path | None, question: Callable[[psycopg.AsyncConnection], Awaitable[Answer]]) -> Answer:
    from cloud.db import connect

    dsn = database_of(config)

    async def ask() -> Answer:
        async with await connect(dsn, name="maintenance") as connection, connection.transaction():
            return await question(connection)

    return asyncio.run(ask())


def _print(rows: list[WindowRow], zone: ZoneInfo) -> None:
    output.print_table(
        ["number", "what", "next", "minutes", "recurrence", "lesson-minutes", "reason", "who"],
        [
            (
                one.window_id,
                f"{one.kind} {one.key}",
                "now" if one.holds_now else _clock(one.next_at, zone) if one.next_at is not None else "over",
                round(one.duration_seconds / 60),
                one.recurrence,
                one.lesson_minutes,
                one.reason,
                one.actor,
            )
            for one in rows
        ],
    )


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
