"""`bellwether bench`: measure one room of the code against its limit."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import Annotated

import typer

from ops.benchmarks.report import BenchResult, Progress
from ops.cli.output import print_facts, print_json, print_table, say


class Subject(StrEnum):
    """What can be measured; each is a module of `ops.benchmarks`."""

    SPOOL = "spool"
    INGEST = "ingest"
    AGENT = "agent"
    API = "api"
    RECORDS = "records"
    BOARD = "board"
    CONTENT = "content"
    STATUS = "status"
    WALL = "wall"
    SEARCH = "search"
    TIMEMACHINE = "timemachine"


def bench(
    subject: Annotated[Subject, typer.Argument(help="The room to measure.")],
    json: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON; progress still goes to stderr.")
    ] = False,
) -> None:
    """Measure a room of the code against another program doing the same work, on this machine, in one run."""
    module = importlib.import_module(f"ops.benchmarks.{subject.value}")
    progress: Progress = say
    result: BenchResult = module.run(progress)
    if json:
        print_json(result)
    else:
        _print_result(result)


def _print_result(result: BenchResult) -> None:
    names = list(dict.fromkeys([*result.figures, *result.limit]))
    rows = [(name, result.figures.get(name), result.limit.get(name)) for name in names]
    print_table(("figure", "bellwether", "limit"), rows, title=f"bench {result.name}")
    facts: list[tuple[str, object]] = [("ratio to limit", result.ratio_to_limit)]
    if result.budget:
        facts.append(("budget", result.budget))
    facts += [("lost", result.lost), ("duplicated", result.duplicated)]
    if result.p95_seconds is not None:
        facts.append(("95th percentile, seconds", result.p95_seconds))
    if result.rss_bytes is not None:
        facts.append(("resident memory, bytes", result.rss_bytes))
    if result.cpu_ratio is not None:
        facts.append(("share of one core", result.cpu_ratio))
    where = result.environment
    facts.append(("measured on", f"{where.machine}, {where.cores} cores, {where.system}, load {where.load_before}"))
    print_facts(facts)
