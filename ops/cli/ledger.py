"""`bellwether ledger`: do the books close? The centre's side, and the agents' spools where their folders are at hand.

The merging lives here because only `ops` may know both sides: a spool is read by the edge's own inspection, read-only,
while its agent runs or not.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    from cloud.fleet.books import LedgerReport, SpoolBooks


def ledger(
    spools: Annotated[
        Path | None,
        typer.Option(
            help="Folder below which the agents' spool.db files lie; makes the books exact.", show_default=False
        ),
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Close the books of one agent only.", show_default=False)] = None,
    rows: Annotated[
        bool, typer.Option("--rows/--no-rows", help="Count rows in the tables against stored items.")
    ] = True,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Close the books: produced = stored + held + thinned + damaged + quarantined + lost. Exits 1 if they do not."""
    from cloud.fleet.books import read_ledger

    dsn = database_of(config)
    books = [] if spools is None else [line for path in sorted(spools.rglob("spool.db")) for line in _read(path)]
    if spools is not None and not books:
        output.fail(f"no spool.db below {spools}", hint="name the folder that holds the agents' data folders")
    report = read_ledger(dsn, books, agent=agent, count_rows=rows)
    if agent is not None and not report.lines:
        output.fail(
            f"no books of an agent {agent!r}",
            hint="it never reported, or there is none of that name; `bellwether ledger` lists those that did",
        )
    if json:
        output.print_json(
            {
                "at": report.at,
                "exact": report.exact,
                "spools": len({line.agent for line in books if agent in (None, line.agent)}),
                "total": asdict(report.total),
                "lines": [asdict(line) for line in report.lines],
                "row_differences": [
                    {**asdict(count), "duplicated": count.duplicated, "missing": count.missing}
                    for count in report.row_differences
                ],
            }
        )
    else:
        _print(report, [asdict(line) for line in report.lines])
    if report.total.lost or report.total.duplicated:
        raise typer.Exit(int(output.ExitCode.FAILED))


def _read(path: Path) -> list[SpoolBooks]:
    from cloud.fleet.books import SpoolBooks
    from edge_agent.spool.errors import SpoolError
    from edge_agent.spool.inspection import read_held

    try:
        found = read_held(path)
    except SpoolError as error:
        output.fail(
            f"{path} cannot be read as a spool ({error})", hint="name a folder without it, or leave --spools out"
        )
    return [
        SpoolBooks(
            agent=one.agent, epoch=one.epoch.epoch, next_seq=one.epoch.next_seq, books=one.epoch.books, held=one.held
        )
        for one in found
    ]


def _print(report: LedgerReport, lines: list[dict[str, object]]) -> None:
    columns = ["agent", "epoch", "produced", "stored", "held", "thinned", "damaged", "quarantined", "lost"]
    shown = [line for line in lines if line["held"] or line["quarantined"] or line["lost"] or len(lines) <= 50]
    if len(shown) < len(lines):
        output.say(f"{len(lines) - len(shown)} lines that close with nothing held are left out; --json shows all")
    output.print_table(columns, [[line[column] for column in columns] for line in shown])
    output.print_facts((name, value) for name, value in asdict(report.total).items())
    ages = [float(str(line["report_age_seconds"])) for line in lines if line["report_age_seconds"] is not None]
    if report.exact:
        output.say("exact: closed against every agent's spool")
    elif ages:
        output.say(f"as of the agents' last reports, the oldest {max(ages):.0f} s ago; --spools makes it exact")
