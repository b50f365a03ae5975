"""`bellwether asof`: what was out at any moment of the last 90 days."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of

if TYPE_CHECKING:
    from cloud.timemachine.schemas import IncidentsThen, OutsThen


def asof(
    moment: Annotated[
        str, typer.Argument(help="Such as 2026-11-24T09:10; without an offset the district's time.", show_default=False)
    ],
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Print what was out then, faults before what lay behind them, and the incidents that were open."""
    from cloud.db import require_schema

    settings = settings_of(config)
    require_schema(settings.database.dsn)
    zone = ZoneInfo(settings.district.time_zone)
    outs, incidents = asyncio.run(_ask(settings.database.dsn, _moment(moment, zone)))
    if json:
        output.print_json(
            {
                "at": outs.model_dump(mode="json")["at"],
                "out": outs.model_dump(mode="json")["items"],
                "incidents": incidents.model_dump(mode="json")["items"],
            }
        )
        return
    output.say(f"as of {outs.at.astimezone(zone):%Y-%m-%d %H:%M:%S} ({settings.district.time_zone})")
    if not outs.items and not incidents.items:
        output.say("nothing was out")
    if outs.items:
        output.print_table(
            ("kind", "thing", "status", "since", "reason", "behind"),
            [
                (
                    one.kind.value,
                    one.key,
                    one.status.value,
                    f"{one.since.astimezone(zone):%Y-%m-%d %H:%M:%S}",
                    one.reason,
                    f"{one.root_kind} {one.root_key}" if one.root_key else None,
                )
                for one in outs.items
            ],
        )
    if incidents.items:
        output.print_table(
            ("incident", "severity", "root", "status", "behind it", "lessons", "who"),
            [
                (
                    one.incident_id,
                    one.severity.value,
                    f"{one.root_kind} {one.root_key}",
                    one.status.value,
                    one.members,
                    one.lessons_now,
                    one.assignee or one.acknowledged_by,
                )
                for one in incidents.items
            ],
        )


def _moment(text: str, zone: ZoneInfo) -> datetime:
    from cloud.http.times import FORMATS, parse_moment
    from cloud.timemachine.models import MomentOutside, kept_moment

    try:
        moment = parse_moment(text)
        try:
            written = datetime.fromisoformat(text.strip())
        except ValueError:
            written = moment  # epoch seconds
        if written.tzinfo is None:
            moment = written.replace(tzinfo=zone).astimezone(UTC)
        return kept_moment(moment, datetime.now(UTC))
    except MomentOutside as error:
        output.fail(str(error), hint="choose a moment within these 90 days", code=output.ExitCode.USAGE)
    except ValueError as error:
        output.fail(str(error), hint=f"such as {FORMATS[1]}", code=output.ExitCode.USAGE)


async def _ask(dsn: str, at: datetime) -> tuple[OutsThen, IncidentsThen]:
    from cloud.db import connect
    from cloud.timemachine import reading

    async with await connect(dsn, name="asof") as connection, connection.transaction():
        return await reading.outs(connection, at), await reading.incidents(connection, at)
