"""`bellwether cloud`: serve the centre in one or in parts, migrate its database, check its config."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of

app = typer.Typer(
    name="cloud", help="Serve, migrate and check the centre.", no_args_is_help=True, pretty_exceptions_enable=False
)

LogLevel = Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")]


@app.command()
def serve(config: ConfigFile = None, log_level: LogLevel = "INFO") -> None:
    """Run everything: migrate, then ingest, services and API as child processes, until SIGTERM or Ctrl-C."""
    from cloud.db import migrate, wait_for_database
    from cloud.process import run_until_signalled
    from cloud.serve import ChildProcess, supervise

    settings = settings_of(config, log_level=log_level)
    options = ("--log-level", log_level, *(("--config", str(config)) if config else ()))
    program = (sys.executable, "-m", "ops.cli.main", "cloud")
    children = [
        *(ChildProcess(f"ingest-{n}", (*program, "ingest", *options)) for n in range(1, settings.ingest.workers + 1)),
        ChildProcess("services", (*program, "services", *options)),
        ChildProcess("api", (*program, "api", *options)),
    ]

    async def main() -> None:
        await wait_for_database(settings.database.dsn)
        migrate(settings.database.dsn)
        await supervise(children)

    run_until_signalled(main())


@app.command()
def ingest(config: ConfigFile = None, log_level: LogLevel = "INFO") -> None:
    """Run one ingest worker until SIGTERM or Ctrl-C; several may run at once."""
    from cloud.ingest.worker import IngestWorker
    from cloud.process import run_until_signalled

    run_until_signalled(IngestWorker(settings_of(config, log_level=log_level)).run())


@app.command()
def services(config: ConfigFile = None, log_level: LogLevel = "INFO") -> None:
    """Run the teaching, homework and evaluation services until SIGTERM or Ctrl-C; of several one works."""
    from cloud.process import run_until_signalled
    from cloud.services import ServicesProcess

    run_until_signalled(ServicesProcess(settings_of(config, log_level=log_level)).run())


@app.command()
def api(config: ConfigFile = None, log_level: LogLevel = "INFO") -> None:
    """Run one API process with the console until SIGTERM or Ctrl-C."""
    from cloud.api.server import ApiServer
    from cloud.process import run_until_signalled

    settings = settings_of(config, log_level=log_level)

    async def main() -> None:
        server = ApiServer(settings)
        await server.start()
        try:
            await asyncio.shield(server.wait())  # a cancelled wait must not cancel the server, which ends by `stop`
        finally:
            await server.stop()

    run_until_signalled(main())


@app.command("migrate")
def migrate_database(config: ConfigFile = None, json: AsJson = False) -> None:
    """Bring the database to this version's schema."""
    from cloud.db import migrate

    settings = settings_of(config)
    applied = migrate(settings.database.dsn)
    if json:
        output.print_json({"applied": applied})
    else:
        output.print_text("\n".join(f"applied {name}" for name in applied) or "nothing to do: the schema is current")


@app.command("check-config")
def check_config(config: ConfigFile = None, json: AsJson = False) -> None:
    """Check a config and print the effective values, secrets masked; a bad one gives every problem and exit code 2."""
    from cloud.config import effective

    values = effective(settings_of(config))
    if json:
        output.print_json(values)
    else:
        output.print_facts(
            (f"{section}.{key}", value if isinstance(value, bool) else str(value))  # a port is no quantity
            for section, content in values.items()
            for key, value in content.items()
        )


@app.command("agent-token")
def agent_token(
    agent: Annotated[str, typer.Argument(help="The agent's id, e.g. s01-gw.", show_default=False)],
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Print an agent's token and the centre's public key, for its config; run it where the content folder is."""
    from cloud.desired.keys import open_key
    from protocols.identity import is_agent_id

    if not is_agent_id(agent):
        output.fail(
            f"{agent!r} cannot be an agent's id", hint="lower case, digits and hyphens", code=output.ExitCode.USAGE
        )
    key = open_key(Path(settings_of(config).content.folder))
    facts = {"agent": agent, "token": key.agent_token(agent), "public_key": key.public_text, "key_id": key.key_id}
    if json:
        output.print_json(facts)
    else:
        output.print_facts(facts.items())
