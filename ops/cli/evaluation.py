"""`bellwether evaluation`: the framework of indicators that evidence is judged by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    import psycopg

Answer = TypeVar("Answer")

app = typer.Typer(
    name="evaluation",
    help="The framework of indicators that evidence is judged by.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("import")
def import_framework(
    file: Annotated[
        Path | None, typer.Argument(help="CASE-shaped JSON file.", show_default=False, exists=True, dir_okay=False)
    ] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Import the framework that comes with Bellwether.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import a framework and make it the active one; the same file again changes nothing."""
    from cloud.evaluation.service import DEFAULT_FRAMEWORK, FrameworkRefused
    from cloud.evaluation.service import import_framework as import_content

    if (file is None) != default:
        output.fail("name a file, or give --default", code=output.ExitCode.USAGE)
    content = (DEFAULT_FRAMEWORK if file is None else file).read_bytes()
    try:
        report = _run(database_of(config), lambda database: import_content(database, content, dry_run=dry_run))
    except FrameworkRefused as refused:
        if json:
            output.print_json({"problems": [problem._asdict() for problem in refused.problems]})
        else:
            for problem in refused.problems:
                output.say(f"{problem.path}: {problem.detail}")
        raise
    if json:
        output.print_json({**report.model_dump(), "problems": []})
        return
    if dry_run:
        output.say("dry run: nothing was changed")
    output.print_facts(
        [
            ("framework", report.framework),
            ("dimensions", report.dimensions),
            ("indicators", report.indicators),
            ("stored", report.stored),
            ("activated", report.activated),
            ("replaces", report.replaces),
            ("added", len(report.added)),
            ("changed", len(report.changed)),
            ("removed", len(report.removed)),
        ]
    )


@app.command()
def export(
    framework: Annotated[
        str | None, typer.Argument(help="Framework id; default the active one.", show_default=False)
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Print a framework as it was imported."""
    from cloud.evaluation.service import framework_content

    content = _run(database_of(config), lambda database: framework_content(database, framework))
    if content is None:
        output.fail(
            "there is no such framework" if framework else "no framework has been imported",
            hint="`bellwether evaluation import --default` imports the one that comes with Bellwether",
        )
    output.print_text(content)


@app.command()
def replay(config: ConfigFile = None, json: AsJson = False) -> None:
    """Try records again that evaluation refused, after a framework or a roster has been imported, say."""
    from cloud.db import open_pool
    from cloud.evaluation.taking import EvaluationService
    from cloud.records.consuming import Consumer, Replayed

    dsn = database_of(config)

    async def run() -> Replayed:
        async with open_pool(dsn, max_size=2, name="evaluation") as pool:
            return await Consumer(pool, EvaluationService()).replay()

    replayed = asyncio.run(run())
    if json:
        output.print_json(replayed._asdict())
        return
    output.print_facts(replayed._asdict().items())


def _run(dsn: str, work: Callable[[psycopg.AsyncConnection], Awaitable[Answer]]) -> Answer:
    """Do something in one transaction."""
    from cloud.db import connect

    async def run() -> Answer:
        async with await connect(dsn, name="evaluation") as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(run())
