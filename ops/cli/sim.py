"""`bellwether sim`: the simulated district: write it, run it, disturb it, measure it."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import structlog
import typer

from ops.cli.output import ExitCode, fail, print_facts, print_json, print_table, say
from ops.demo.home import SIMULATOR_FILE, Home, read_state
from ops.simulator import district_folder, scenario
from ops.simulator.district import DEFAULT_SEED, generate
from ops.simulator.options import CentreAccess, SimulationOptions
from ops.simulator.register import Register
from ops.simulator.report import AnyReport, in_words

app = typer.Typer(
    help="The simulated district: write it, run it, disturb it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON to stdout.")]


@app.command("district")
def write_district(
    folder: Annotated[Path, typer.Argument(help="Folder for the seven CSV files; made if it is not there.")],
    seed: Annotated[int, typer.Option(help="Another seed moves sizes and places; the counts stay.")] = DEFAULT_SEED,
    json: AsJson = False,
) -> None:
    """Write the inventory of a district of 43 schools as the CSV folder that `bellwether inventory import` reads."""
    made = generate(seed)
    district_folder.write(made, folder)
    counts = {name: len(getattr(made, name)) for name in district_folder.FILES}
    if json:
        print_json({"folder": str(folder), "seed": seed, **counts})
    else:
        print_facts((("folder", folder), ("seed", seed), *counts.items()))


@app.command("scenarios")
def list_scenarios(json: AsJson = False) -> None:
    """List the scenarios that come with Bellwether."""
    stories = [
        (name, scenario.parse((scenario.FOLDER / f"{name}.toml").read_bytes(), name)) for name in scenario.names()
    ]
    if json:
        print_json([{"name": name, **msgspec.to_builtins(story)} for name, story in stories])
    else:
        print_table(
            ("scenario", "clock at school", "steps", "ends after s", "what happens"),
            [
                (name, story.school_clock, len(story.steps), story.ends_at_seconds, story.summary)
                for name, story in stories
            ],
        )


@app.command("scenario")
def rehearse_scenarios(
    names: Annotated[
        list[str] | None, typer.Argument(help="By name, or by path ending in .toml; all that expect something.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Play scenarios in virtual time against the real status engine; exit 1 where they do not come to what they expect.

    Needs PostgreSQL on this machine, for a database that is gone afterwards; no broker and no agent.
    """
    from ops.simulator.rehearsal import Rehearsed, rehearse_all

    stories = [(name, scenario.read(name)) for name in names or scenario.proofs()]
    if silent := [name for name, story in stories if story.expect is None]:
        fail(f"no [expect] in {', '.join(silent)}", code=ExitCode.USAGE)
    _log_to_stderr()
    played: list[Rehearsed] = asyncio.run(rehearse_all(stories))
    if json:
        print_json(played)
    else:
        print_table(
            ("scenario", "what", "expected", "seen"),
            [
                (one.scenario, different.what, different.expected, different.seen)
                for one in played
                for different in one.differences
            ]
            or [(one.scenario, "everything", "as written", "as expected") for one in played],
        )
    if any(one.differences for one in played):
        raise typer.Exit(ExitCode.FAILED)


@app.command("run")
def run(
    scenario_name: Annotated[
        str, typer.Option("--scenario", help="By name, or by path ending in .toml.")
    ] = "school-day",
    home: Annotated[
        Path | None, typer.Option(help="Folder of the centre that runs; BELLWETHER_HOME, else ./var.")
    ] = None,
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of the broker, if not the home's own.")] = None,
    start_seconds: Annotated[float, typer.Option(min=0, help="Spread the start of all agents over so long.")] = 25.0,
    real_school: Annotated[bool, typer.Option(help="Run one school as processes of its own.")] = True,
    json: AsJson = False,
) -> None:
    """Run all 698 real agents against the simulated district until SIGTERM or Ctrl-C."""
    where = Home(home) if home is not None else Home.from_environment()
    host, port = _broker(where, broker)
    if not (where.district / "agents.csv").is_file():
        district_folder.write(generate(), where.district)
    try:
        made = district_folder.read(where.district)
    except (OSError, ValueError) as error:
        fail(f"the district in {where.district} cannot be read: {error}", hint="`bellwether sim district` writes one")
    links, agents = [link.link for link in made.links], [agent.agent for agent in made.agents]
    options = SimulationOptions(
        home=where.folder,
        scenario_name=scenario_name,
        scenario=scenario.load(scenario_name, links, agents, [device.device for device in made.devices]),
        broker_host=host,
        broker_port=port,
        start_seconds=start_seconds,
        real_school=real_school,
        centre=_centre(where),
    )
    # Here, not above: the other commands of this noun need no agent.
    from ops.simulator.run import Simulation

    _log_to_stderr()
    where.logs.mkdir(parents=True, exist_ok=True)
    processes = Register(where.folder / SIMULATOR_FILE)
    try:
        asyncio.run(Simulation(options, made, processes.enter, _teller(json)).run())
    finally:
        processes.clear()


def _centre(home: Home) -> CentreAccess | None:
    """Return the HTTP side of the home's own centre, if one runs there."""
    from cloud.desired.keys import open_key

    console = read_state(home.folder).console
    if not console:
        return None
    address = urlsplit(console)
    return CentreAccess(address.hostname or "127.0.0.1", address.port or 80, open_key(home.content))


def _broker(home: Home, broker: str | None) -> tuple[str, int]:
    if broker is not None:
        host, _, port = broker.rpartition(":")
        if not host or not port.isdigit():
            fail(f"--broker must be HOST:PORT, not {broker!r}", code=ExitCode.USAGE)
        return host, int(port)
    port_of_home = read_state(home.folder).broker_port
    if not port_of_home:
        fail(
            f"no centre runs in {home.folder}",
            hint="start `bellwether demo`, or name a broker with --broker HOST:PORT",
        )
    return "127.0.0.1", port_of_home


def _teller(json: bool) -> Callable[[AnyReport], None]:
    def tell(report: AnyReport) -> None:
        if json:
            sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
            sys.stdout.flush()
        elif words := in_words(report):
            say(words)

    return tell


def _log_to_stderr() -> None:
    """Warnings and worse: 698 agents that each told of every connection would be heard by nobody."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


measure = typer.Typer(
    help="Measure the district as a whole.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
app.add_typer(measure, name="measure")


@measure.callback()
def measurements() -> None:
    """Measure the district as a whole; figures, not verdicts."""


@measure.command("return")
def measure_return(
    hours: Annotated[float, typer.Option(min=0.01, max=48, help="How long all schools were cut off.")] = 0.5,
    home: Annotated[Path | None, typer.Option(help="Folder to work in; by default a temporary one.")] = None,
    json: AsJson = False,
) -> None:
    """All 43 schools come back at once with hours of backlog: how old is the live state, how fast does it drain?"""
    from ops.simulator.measure import ReturnMeasurement

    _log_to_stderr()
    with tempfile.TemporaryDirectory(prefix="bellwether-return-") as temporary:
        Path(temporary).chmod(0o711)
        figures = asyncio.run(ReturnMeasurement(home or Path(temporary), hours, say).run())
    if json:
        print_json(figures)
    else:
        print_facts(msgspec.structs.asdict(figures).items())
