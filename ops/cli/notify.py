"""`bellwether notify`: check the file of notifications, try a contact, see what was told to whom."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of, settings_of

if TYPE_CHECKING:
    from cloud.notifications.models import Plan
    from cloud.notifications.schemas import DeliveryList

app = typer.Typer(
    name="notify",
    help="Check the file of notifications, try a contact, see what was told to whom.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

PlanFile = Annotated[
    Path | None,
    typer.Argument(help="The file; without it, [notifications] file of cloud.toml.", show_default=False),
]


@app.command()
def check(file: PlanFile = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Read the file; say every problem, or who is on duty today and who is told what."""
    plan = _plan(file, config)
    today = datetime.now(ZoneInfo(settings_of(config).district.time_zone)).date()
    duty = {name: rota.on_duty(today) for name, rota in plan.rotas.items()}
    if json:
        output.print_json({"contacts": list(plan.contacts), "on_duty": duty, "policies": len(plan.policies)})
        return
    output.print_table(["rota", "on duty today"], list(duty.items()))
    output.print_table(
        ["severities", "after minutes", "who"],
        [
            (", ".join(sorted(policy.severities)), round(step.after.total_seconds() / 60), ", ".join(step.who))
            for policy in plan.policies
            for step in policy.steps
        ],
    )


@app.command("test")
def try_contact(
    contact: Annotated[str, typer.Argument(help="Name of the contact.", show_default=False)],
    file: Annotated[
        Path | None, typer.Option(help="The file; without it, that of cloud.toml.", show_default=False)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Send a contact a message that says it is a test."""
    from cloud.notifications import texts
    from cloud.notifications.sending import send

    plan = _plan(file, config)
    if contact not in plan.contacts:
        output.fail(f"no contact {contact!r}", hint=f"one of {', '.join(plan.contacts)}", code=output.ExitCode.USAGE)
    problem = asyncio.run(send(plan.contacts[contact], *texts.trial(plan.contacts[contact].language)))
    if problem is not None:
        output.fail(problem, hint="Check the address, and whether this machine may reach it.")
    output.say(f"{contact} took it")


@app.command()
def deliveries(
    incident: Annotated[int | None, typer.Option(min=1, help="Only of this incident.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 50,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List what was told to whom, and what became of it."""
    from cloud.db import connect
    from cloud.notifications import reading

    dsn = database_of(config)

    async def ask() -> DeliveryList:
        async with await connect(dsn, name="notify") as connection:
            return await reading.deliveries(connection, incident, limit, 0)

    found = asyncio.run(ask())
    if json:
        output.print_json(found.model_dump(mode="json")["items"])
        return
    output.print_table(
        ["planned", "incident", "step", "contact", "state", "attempts", "problem", "title"],
        [
            (
                f"{one.planned_at:%Y-%m-%d %H:%M:%S}",
                one.incident_id,
                one.step,
                one.contact,
                one.state.value,
                one.attempts,
                one.problem,
                one.title,
            )
            for one in found.items
        ],
    )


def _plan(file: Path | None, config: Path | None) -> Plan:
    from cloud.errors import ConfigError
    from cloud.notifications import plan_file

    path = file or Path(settings_of(config).notifications.file or "-")
    if path == Path("-"):
        output.fail(
            "no file of notifications",
            hint="Name one, or set [notifications] file; docs/examples/notifications.toml is an example.",
            code=output.ExitCode.USAGE,
        )
    try:
        return plan_file.load(path)
    except ConfigError as error:
        for problem in error.problems:
            output.say(f"error: {error.source}: {problem}")
        output.fail("the file cannot be used", hint="Correct the keys named above.", code=output.ExitCode.USAGE)
