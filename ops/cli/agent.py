"""`bellwether agent`: run an agent, check its config, ask how it is, look into its spool and around its network."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.cli import output

app = typer.Typer(
    name="agent", help="Run, check and inspect an edge agent.", no_args_is_help=True, pretty_exceptions_enable=False
)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The agent's TOML file.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def run(
    config: ConfigFile,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run an agent until SIGTERM or Ctrl-C."""
    _leave_out_rich()
    from edge_agent.agent import Agent
    from edge_agent.config import load_config
    from edge_agent.process import configure_logging
    from edge_agent.process import run as run_agent

    if log_level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        output.fail(
            f"no log level {log_level!r}", hint="one of DEBUG, INFO, WARNING, ERROR", code=output.ExitCode.USAGE
        )
    loaded = load_config(config)
    configure_logging(log_level.upper())
    asyncio.run(run_agent(Agent(loaded.config)))


def _leave_out_rich() -> None:
    """Let structlog do without Rich in this process: its pretty tracebacks would cost a tenth of an agent's memory.

    structlog imports Rich whenever it is there, and has no setting against it.
    """
    if "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


@app.command("check-config")
def check_config(config: ConfigFile, json: AsJson = False) -> None:
    """Check a config and print what will be used, secrets masked. A bad one: every problem at once, exit code 2."""
    from edge_agent.config import effective_toml, effective_values, load_config

    loaded = load_config(config)
    for warning in loaded.warnings:
        output.say(f"warning: {config}: {warning}")
    if json:
        output.print_json(effective_values(loaded.config))
    else:
        output.print_text(effective_toml(loaded.config))


@app.command()
def status(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Config of an agent on this machine.")] = None,
    url: Annotated[str | None, typer.Option(help="LAN API of an agent, e.g. http://10.7.0.9:8740")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="BELLWETHER_LAN_TOKEN", help="LAN token, where the agent wants one.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Say how a running agent is: connection, held segments, last receipt, clock skew, books, devices, terminals."""
    from ops.cli import agent_views

    if (config is None) == (url is None):
        output.fail("give either --config or --url", code=output.ExitCode.USAGE)
    found = agent_views.status_of(config, url, token)
    if json:
        output.print_json(found)
    else:
        agent_views.print_status(found)


@app.command()
def spool(config: ConfigFile, json: AsJson = False) -> None:
    """Look into an agent's spool, read-only, also when the agent is down."""
    from edge_agent.config import load_config
    from ops.cli import agent_views

    found = agent_views.spool_of(load_config(config).config)
    if json:
        output.print_json(found)
    else:
        agent_views.print_spool(found)


@app.command()
def probe(
    config: ConfigFile,
    name: Annotated[str | None, typer.Argument(help="One target, e.g. s07-sw01; all if left out.")] = None,
    json: AsJson = False,
) -> None:
    """Run the collectors once and print what they read; counters are read twice, for their rates.

    Exits 1 when a target does not answer as it should.
    """
    from edge_agent.config import load_config
    from edge_agent.process import configure_logging
    from ops.cli import agent_views

    configure_logging()  # to stderr: stdout is for what was read
    results = asyncio.run(agent_views.probe_once(load_config(config).config, name))
    if not results:
        output.fail(f"no target is called {name!r}", hint="bellwether agent check-config shows them all")
    if json:
        output.print_json(results)
    else:
        agent_views.print_probes(results)
    if failed := [result.target for result in results if result.failed]:
        output.fail(
            f"no good answer from {', '.join(failed)}",
            hint="check address, port, community or keys there, and that the target admits this machine",
        )


@app.command()
def discover(
    address: Annotated[
        list[str] | None, typer.Option(help="Where to begin; may be given again.", show_default=False)
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Begin at its devices and ask with their credentials.")
    ] = None,
    community: Annotated[
        str | None, typer.Option(envvar="BELLWETHER_SNMP_COMMUNITY", help="SNMP v2c community; better by environment.")
    ] = None,
    udp_port: Annotated[int, typer.Option(min=1, max=65_535, help="SNMP's port.")] = 161,
    depth: Annotated[int, typer.Option(min=0, max=16, help="Steps from neighbour to neighbour.")] = 4,
    arp: Annotated[bool, typer.Option("--arp", help="Ask every address of the ARP tables too.")] = False,
    school: Annotated[str, typer.Option(help="School id for the rows.")] = "",
    agent: Annotated[str, typer.Option(help="Agent id for the rows.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for devices.csv and ports.csv.", show_default=False)] = None,
    json: AsJson = False,
) -> None:
    """Propose an inventory from SNMP, LLDP, CDP and ARP, as CSV to review; begins at this machine's gateway."""
    from edge_agent.discovery.proposing import propose
    from ops.cli import agent_discover

    first = agent_discover.starts(address or [], config, community, udp_port)
    found = agent_discover.find(first, depth=depth, arp=arp)
    proposal = propose(found.answered, school=school, agent=agent)
    if out is not None and proposal.devices:
        agent_discover.write(out, proposal)
    if json:
        output.print_json(agent_discover.as_json(found, proposal))
    else:
        agent_discover.print_found(found, proposal)
    if not proposal.devices:
        output.fail("nothing answered", hint="look at address, community and whether the devices let this machine ask")
