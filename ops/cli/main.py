"""The `bellwether` command: noun, then verb. Nouns are imported when they are called.

An edge without the cloud's packages has the whole command line; a noun whose packages are missing answers with one
sentence. A noun's file exports `app`, a `typer.Typer`, or for a single command a function named like the noun.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ops.cli.output import ExitCode, fail, operator_errors


@dataclass(frozen=True, slots=True)
class Noun:
    """One file of this package: what it is about and the extra that its packages come with."""

    summary: str
    extra: str


NOUNS: dict[str, Noun] = {
    "agent": Noun("run, check and inspect an edge agent, find what stands on its network", "edge"),
    "terminal": Noun("the reference client of a terminal: find an agent, take part in a lesson", "edge"),
    "cloud": Noun("serve, migrate and check the centre", "cloud"),
    "content": Noun("push files to classes before the lesson, list and withdraw pushes", "cloud"),
    "inventory": Noun("import what should exist from a folder of CSV files", "cloud"),
    "roster": Noun("import classes, pupils, teachers and the timetable", "cloud"),
    "homework": Noun("see assignments, who handed in, what waits for a teacher, wrong questions", "cloud"),
    "evaluation": Noun("import and export the framework of indicators, replay what was refused", "cloud"),
    "check": Noun("before the bell: which classrooms are not ready, and what to see to", "cloud"),
    "ledger": Noun("close the books: produced, stored, held, thinned, quarantined, lost", "cloud"),
    "incident": Noun("list, acknowledge, assign, merge and close incidents", "cloud"),
    "maintenance": Noun("plan work, find the time that costs no lesson", "cloud"),
    "topology": Noun("what hangs where: declared, seen by LLDP and CDP, and where the two differ", "cloud"),
    "asof": Noun("what was out at any moment of the last 90 days", "cloud"),
    "notify": Noun("check who is told what, try a contact, list deliveries", "cloud"),
    "report": Noun("what a month came to: availability and lesson-minutes, as CSV or Excel", "cloud"),
    "records": Noun("count and replay the classroom records that a service refused", "cloud"),
    "feed": Noun("tell records to other systems: register, list, pause, resume, remove receivers", "cloud"),
    "quarantine": Noun("list, show and replay what the centre could not take", "cloud"),
    "bench": Noun("measure spool, ingest, agent and API against their limits", "ops"),
    "demo": Noun("run the whole district on this machine", "ops"),
    "sim": Noun("the simulated district: write it, run it, disturb it", "ops"),
}
"""Every noun by its name, in the order of the help page."""


class LazyNouns(TyperGroup):
    """A command group that knows its nouns by name and imports one only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the nouns in the order of the table."""
        return list(NOUNS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in that carries the noun's help line, without importing the noun."""
        noun = NOUNS.get(cmd_name)
        return None if noun is None else TyperCommand(name=cmd_name, help=noun.summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the real command of the noun that `args` begin with."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name in NOUNS:
            command = load_noun(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the noun; an error that knows its hint is told in two lines, a missing package in one sentence."""
        with operator_errors():
            try:
                return super().invoke(ctx)
            except ModuleNotFoundError as error:  # verbs import what they need when they run
                _fail_for_missing(ctx.invoked_subcommand, error)


def load_noun(name: str) -> Any:
    """Import a noun and return its command; leave with one sentence when its packages are not installed."""
    try:
        module = importlib.import_module(f"ops.cli.{name}")
    except ModuleNotFoundError as error:
        _fail_for_missing(name, error)
    noun_app = getattr(module, "app", None)
    if noun_app is None:
        noun_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        noun_app.command(name)(getattr(module, name))
    command = get_command(noun_app)
    command.name = name
    return command


def _fail_for_missing(name: str | None, error: ModuleNotFoundError) -> NoReturn:
    missing = (error.name or "").partition(".")[0]
    if name not in NOUNS or missing in {"ops", "edge_agent", "cloud", "protocols", ""}:
        raise error
    fail(
        f"`bellwether {name}` needs the package {missing!r}, which is not installed here",
        hint=f"in Bellwether's clone: pip install '.[{NOUNS[name].extra}]', or `make setup` for everything",
        code=ExitCode.FAILED,
    )


app = typer.Typer(
    name="bellwether",
    cls=LazyNouns,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def bellwether() -> None:
    """Edge and centre of a school district's network: every lesson survives it, every fault is seen and counted."""


if __name__ == "__main__":
    app()
