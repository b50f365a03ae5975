"""`bellwether quarantine`: list, show and replay what the centre could not take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    import psycopg

Answer = TypeVar("Answer")

app = typer.Typer(
    name="quarantine",
    help="List, show and replay what the centre could not take.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Reason = Annotated[str | None, typer.Option(help="Only this reason, e.g. unknown_agent.", show_default=False)]
Agent = Annotated[str | None, typer.Option(help="Only this agent.", show_default=False)]


@app.command("list")
def list_entries(
    reason: Reason = None,
    agent: Agent = None,
    state: Annotated[str, typer.Option(help="open, replayed or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, newest first.")] = 100,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List entries, newest first."""
    from cloud.quarantine import repository

    if state not in ("open", "replayed", "all"):
        output.fail(f"no state {state!r}", hint="one of open, replayed, all", code=output.ExitCode.USAGE)
    entries = _query(
        database_of(config),
        lambda connection: repository.entries(
            connection, reason=reason, agent=agent, state=None if state == "all" else state, limit=limit
        ),
    )
    if json:
        output.print_json([asdict(entry) for entry in entries])
        return
    columns = ["id", "received", "agent", "reason", "seq", "items", "bytes", "arrivals", "state"]
    output.print_table(
        columns,
        [
            (
                entry.quarantine_id,
                f"{entry.received_at:%Y-%m-%d %H:%M:%S}",
                entry.agent,
                entry.reason,
                entry.seq,
                entry.items,
                entry.size_bytes,
                entry.arrivals,
                entry.state,
            )
            for entry in entries
        ],
    )


@app.command()
def show(
    quarantine_id: Annotated[int, typer.Argument(help="The entry's number.", show_default=False)],
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Show one entry with its reason and the beginning of its bytes."""
    from cloud.errors import QuarantineUnknown
    from cloud.quarantine import repository

    found = _query(database_of(config), lambda connection: repository.entry(connection, quarantine_id))
    if found is None:
        raise QuarantineUnknown(f"no entry {quarantine_id}")
    entry, payload = found
    if json:
        output.print_json({**asdict(entry), "payload_hex": payload.hex()})
        return
    output.print_facts(asdict(entry).items())
    output.print_text(payload[:256].hex(" ", 4))


@app.command()
def replay(
    quarantine_id: Annotated[int | None, typer.Argument(help="One entry; without it, see the options.")] = None,
    reason: Reason = None,
    agent: Agent = None,
    everything: Annotated[bool, typer.Option("--all", help="Every open entry.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Send open entries through ingest again; what is stored leaves quarantine, what is refused again stays."""
    from cloud.ingest.replay import replay as replay_entries

    if quarantine_id is None and reason is None and agent is None and not everything:
        output.fail(
            "name an entry, --reason, --agent or --all", hint="bellwether quarantine list", code=output.ExitCode.USAGE
        )
    result = asyncio.run(replay_entries(database_of(config), reason=reason, agent=agent, quarantine_id=quarantine_id))
    if json:
        output.print_json(asdict(result))
    else:
        output.print_facts((name, value) for name, value in asdict(result).items() if name != "reasons")
        output.print_facts((f"refused: {reason}", count) for reason, count in result.reasons.items())


def _query(dsn: str, question: Callable[[psycopg.AsyncConnection], Awaitable[Answer]]) -> Answer:
    import psycopg

    from cloud.errors import DatabaseUnavailable

    async def ask() -> Answer:
        try:
            async with await psycopg.AsyncConnection.connect(dsn, connect_timeout=10) as connection:
                return await question(connection)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error).strip()) from error

    return asyncio.run(ask())
