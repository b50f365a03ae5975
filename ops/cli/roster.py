"""`bellwether roster`: import classes, pupils and teachers (OneRoster), and the timetable."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of
from ops.cli.inventory import print_report

if TYPE_CHECKING:
    from cloud.inventory.service import InventoryShrinks
    from cloud.roster.tabular import RosterProblems

app = typer.Typer(
    name="roster",
    help="Import classes, pupils and teachers (OneRoster 1.2 CSV), and the timetable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")]
Retire = Annotated[
    bool, typer.Option("--retire", help="Go on although a large share of what exists leaves with these files.")
]
DRY = "dry run: nothing was changed"
REFUSED = "refused: nothing was changed"


@app.command("import")
def import_roster(
    source: Annotated[
        Path, typer.Argument(help="OneRoster zip or folder, with our seats.csv if any.", show_default=False)
    ],
    dry_run: DryRun = False,
    retire: Retire = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import classes and people, all of it or nothing; a second import of the same files changes nothing."""
    from cloud.inventory.service import InventoryShrinks
    from cloud.roster.service import import_roster as bring_in
    from cloud.roster.tabular import RosterProblems

    try:
        report = bring_in(settings_of(config).database.dsn, source, dry_run=dry_run, retire=retire)
    except RosterProblems as refused:
        _tell_problems(refused, json=json)
    except InventoryShrinks as refused:
        _tell_losses(refused, json=json)
    print_report(report, DRY if dry_run else None, json=json)


@app.command()
def timetable(
    source: Annotated[
        Path, typer.Argument(help="Folder or zip with bells.csv, days.csv and timetable.csv.", show_default=False)
    ],
    dry_run: DryRun = False,
    retire: Retire = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import the timetable: the lessons from now to the end of the term; lessons that began stay as they were."""
    from cloud.inventory.service import InventoryShrinks
    from cloud.roster.tabular import RosterProblems
    from cloud.roster.timetable import import_timetable

    settings = settings_of(config)
    try:
        report = import_timetable(
            settings.database.dsn, source, ZoneInfo(settings.district.time_zone), dry_run=dry_run, retire=retire
        )
    except RosterProblems as refused:
        _tell_problems(refused, json=json)
    except InventoryShrinks as refused:
        _tell_losses(refused, json=json)
    print_report(report, DRY if dry_run else None, json=json)
    for warning in report.warnings if not json else ():
        output.say(f"warning: {warning}")


def _tell_problems(refused: RosterProblems, *, json: bool) -> NoReturn:
    if json:
        output.print_json({"problems": [asdict(problem) for problem in refused.problems]})
    else:
        for problem in refused.problems:
            output.say(str(problem))
    raise refused


def _tell_losses(refused: InventoryShrinks, *, json: bool) -> NoReturn:
    print_report(refused.report, REFUSED, json=json, refused=refused.report.shrinking)
    raise refused
