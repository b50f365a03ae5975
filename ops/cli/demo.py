"""`bellwether demo`: the whole district on this machine."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from cloud.process import configure_logging
from ops.cli.output import ExitCode, fail, print_facts, print_json
from ops.demo.home import Home
from ops.demo.run import Demo, Options, Summary
from ops.demo.screen import PlainScreen, screen_for


def demo(
    scenario: Annotated[
        str, typer.Option(envvar="SCENARIO", help="Scenario by name or path; `bellwether sim scenarios` lists them.")
    ] = "link-cut",
    home: Annotated[Path | None, typer.Option(help="Folder for all data; BELLWETHER_HOME, else ./var.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="Port of the console; BELLWETHER_PORT, else 8080.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so many; BELLWETHER_DEMO_SECONDS.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print a summary with the books at the end; the rest to stderr.")
    ] = False,
) -> None:
    """Run PostgreSQL, broker, cloud, 698 real agents and the simulated district; Ctrl-C stops everything."""
    options = Options(
        scenario=scenario or "link-cut",
        port=port or _number("BELLWETHER_PORT", 1, 65_535),
        seconds=seconds or _number("BELLWETHER_DEMO_SECONDS", 1, 10_000_000),
    )
    where = Home(home) if home is not None else Home.from_environment()
    configure_logging("WARNING")  # to stderr: stdout is for the summary
    screen = PlainScreen(sys.stderr) if json else screen_for(sys.stdout)
    summary = asyncio.run(Demo(where, options, screen).run())
    if json:
        print_json(summary)
    else:
        _print_summary(summary)


def _number(variable: str, least: int, most: int) -> int | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    if not text.isdigit() or not least <= int(text) <= most:
        fail(f"{variable} must be a whole number from {least} to {most}, not {text!r}", code=ExitCode.USAGE)
    return int(text)


def _print_summary(summary: Summary) -> None:
    ledger = summary.ledger
    print_facts(
        (
            ("scenario", summary.scenario),
            ("ran seconds", summary.ran_seconds),
            ("agents online at the end", f"{summary.agents_online} of {summary.agents_total}"),
            ("items produced", ledger.produced),
            ("items stored", ledger.stored),
            ("items still held at the edge", ledger.held),
            ("items thinned", ledger.thinned),
            ("items quarantined", ledger.quarantined),
            ("items lost", ledger.lost),
            ("answers made by pupils", summary.answers.made),
            ("answers stored once", summary.answers.stored),
            ("answers missing or twice", summary.answers.missing + summary.answers.twice),
        )
    )
