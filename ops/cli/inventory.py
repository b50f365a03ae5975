"""`bellwether inventory`: import what should exist from a folder of CSV files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of

if TYPE_CHECKING:
    from cloud.inventory.models import ImportReport
    from cloud.roster.models import ImportReport as RosterReport

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
    retire: Annotated[
        bool, typer.Option("--retire", help="Go on although a large share of what exists leaves with this folder.")
    ] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import a folder, all of it or nothing; a second import of the same folder changes nothing."""
    from cloud.ingest.replay import replay_known_agents
    from cloud.inventory.folder import InventoryProblems
    from cloud.inventory.service import InventoryShrinks
    from cloud.inventory.service import import_folder as import_inventory

    dsn = settings_of(config).database.dsn
    try:
        report = import_inventory(dsn, folder, dry_run=dry_run, retire=retire)
    except InventoryProblems as refused:
        if json:
            output.print_json({"folder": str(folder), "problems": [asdict(problem) for problem in refused.problems]})
        else:
            for problem in refused.problems:
                output.say(str(problem))
        raise
    except InventoryShrinks as refused:
        print_report(refused.report, "refused: nothing was changed", json=json, refused=refused.report.shrinking)
        raise
    if not dry_run:
        report = replace(report, replayed_segments=asyncio.run(replay_known_agents(dsn)))
    print_report(report, "dry run: nothing was changed" if dry_run else None, json=json)
    if not json and (report.claimed_things or report.replayed_segments):
        output.say(f"{report.claimed_things} things claimed, {report.replayed_segments} segments out of quarantine")


def print_report(
    report: ImportReport | RosterReport, title: str | None, *, json: bool, refused: Sequence[str] = ()
) -> None:
    """Print what changed; `refused` names the tables for whose sake nothing did."""
    if json:
        output.print_json({**asdict(report), "problems": [], "refused": refused, "total": asdict(report.total)})
        return
    output.print_table(
        ["table", "added", "changed", "retired", "unchanged"],
        [
            *((name, *asdict(change).values()) for name, change in report.changes.items()),
            ("total", *asdict(report.total).values()),
        ],
        title=title,
    )
