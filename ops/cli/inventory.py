"""`bellwether inventory`: import what should exist from a folder of CSV files."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of

app = typer.Typer(
    name="inventory",
    help="Import what should exist from a folder of CSV files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def inventory() -> None:
    """What should exist: schools, classrooms, agents, devices, links, ports, terminals."""


@app.command("import")
def import_folder(
    folder: Annotated[Path, typer.Argument(help="Folder with the seven CSV files.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import a folder, all of it or nothing; a second import of the same folder changes nothing."""
    from cloud.ingest.replay import replay_known_agents
    from cloud.inventory.folder import InventoryProblems
    from cloud.inventory.service import import_folder as import_inventory

    dsn = settings_of(config).database.dsn
    try:
        report = import_inventory(dsn, folder, dry_run=dry_run)
    except InventoryProblems as refused:
        if json:
            output.print_json({"folder": str(folder), "problems": [asdict(problem) for problem in refused.problems]})
        else:
            for problem in refused.problems:
                output.say(str(problem))
        raise
    if not dry_run:
        report = replace(report, replayed_segments=asyncio.run(replay_known_agents(dsn)))
    if json:
        output.print_json({**asdict(report), "problems": [], "total": asdict(report.total)})
        return
    output.print_table(
        ["table", "added", "changed", "retired", "unchanged"],
        [
            *((name, *asdict(change).values()) for name, change in report.changes.items()),
            ("total", *asdict(report.total).values()),
        ],
        title="dry run: nothing was changed" if dry_run else None,
    )
    if report.claimed_things or report.replayed_segments:
        output.say(f"{report.claimed_things} things claimed, {report.replayed_segments} segments out of quarantine")
