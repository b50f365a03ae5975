"""`bellwether records`: what the services refused of the classroom records, and trying it again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    from cloud.records.schemas import RefusedRecordsList

app = typer.Typer(
    name="records",
    help="What the services refused of the classroom records, and trying it again.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Consumer = Annotated[str | None, typer.Option(help="Only this service, e.g. teaching.", show_default=False)]


@app.command()
def refusals(
    consumer: Consumer = None,
    school_class: Annotated[str | None, typer.Option("--class", help="Only this class.", show_default=False)] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Count the records that wait refused, by service and reason."""
    from cloud.db import connect
    from cloud.records import reading

    dsn = database_of(config)

    async def ask() -> RefusedRecordsList:
        async with await connect(dsn, name="records") as connection:
            return await reading.refusals(connection, consumer, school_class)

    found = asyncio.run(ask())
    if json:
        output.print_json(found.model_dump())
        return
    output.print_table(
        ["service", "reason", "records", "last refused"],
        [(one.consumer, one.reason, one.records, f"{one.last_refused_at:%Y-%m-%d %H:%M:%S}") for one in found.items],
    )


@app.command()
def replay(consumer: Consumer = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Have refused records tried again; what is refused again stays."""
    from cloud.db import open_pool
    from cloud.records import consuming
    from cloud.services import services

    known = services()
    if consumer is not None and consumer not in {service.name for service in known}:
        output.fail(
            f"no service {consumer!r}",
            hint="one of " + ", ".join(service.name for service in known),
            code=output.ExitCode.USAGE,
        )
    dsn = database_of(config)

    async def run() -> list[dict[str, str | int]]:
        async with open_pool(dsn, max_size=2, name="records") as pool:
            return [
                {"consumer": service.name, **(await consuming.Consumer(pool, service).replay())._asdict()}
                for service in known
                if consumer in (None, service.name)
            ]

    replayed = asyncio.run(run())
    if json:
        output.print_json(replayed)
        return
    output.print_table(["service", "tried", "taken"], [tuple(one.values()) for one in replayed])
