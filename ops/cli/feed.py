"""`bellwether feed`: tell records to systems that the district already runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    import psycopg

    from cloud.db.pool import Pool

Answer = TypeVar("Answer")

app = typer.Typer(
    name="feed",
    help="Tell records to systems that the district already runs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(help="Name of the feed.", show_default=False)]


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Option(help="http or https address; for xapi without /statements.", show_default=False)],
    secret_file: Annotated[
        Path,
        typer.Option(
            help="File with a key of at least 24 bytes (webhook), user:password or a bearer token (xapi); `-`: stdin.",
            exists=True,
            dir_okay=False,
            allow_dash=True,
            show_default=False,
        ),
    ],
    types: Annotated[str, typer.Option(help="Record types, with commas; default all.", show_default=False)] = "",
    format_: Annotated[str, typer.Option("--format", help="webhook or xapi.")] = "webhook",
    school: Annotated[str | None, typer.Option(help="Only records of this school.", show_default=False)] = None,
    home_page: Annotated[
        str, typer.Option(help="Under which address things are named in xAPI statements.")
    ] = "https://bellwether.example",
    from_beginning: Annotated[
        bool,
        typer.Option("--from-beginning/--from-now", help="Begin with the oldest record that is kept, or with now."),
    ] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Register a receiver; it is told every record of its types at least once."""
    from cloud.feeds import service
    from cloud.feeds.schemas import FeedOrder

    secret = (sys.stdin.read() if str(secret_file) == "-" else secret_file.read_text("utf-8")).strip()
    order = FeedOrder.model_construct(
        feed=name,
        url=url,
        format=format_,
        secret=secret,
        types=[one.strip() for one in types.split(",") if one.strip()],
        school=school,
        home_page=home_page,
        from_beginning=from_beginning,
    )
    _run(database_of(config), lambda pool: service.add(pool, order))
    output.say(f"feed {name} is running; `bellwether feed show {name}` tells how it does")
    if json:
        _show(config, name, json=True)


@app.command("list")
def list_feeds(config: ConfigFile = None, json: AsJson = False) -> None:
    """List feeds with what was delivered, what waits and what fails."""
    from cloud.feeds import reading

    found = _ask(database_of(config), reading.feeds)
    if json:
        output.print_json(found.model_dump(mode="json")["items"])
        return
    output.print_table(
        ["feed", "format", "state", "delivered", "waiting", "refused", "failures", "problem", "url"],
        [
            (
                one.feed,
                one.format,
                one.state,
                one.delivered,
                one.waiting,
                one.refused,
                one.failures,
                one.problem,
                one.url,
            )
            for one in found.items
        ],
    )


@app.command()
def show(name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show one feed: its cursor, what waits and how long, what went wrong last."""
    _show(config, name, json=json)


@app.command()
def refusals(
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 100,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the records that a receiver would not take, with the reason."""
    from cloud.feeds import reading

    dsn = database_of(config)
    _row(dsn, name)
    found = _ask(dsn, lambda to: reading.refusals(to, name, limit, 0))
    rows = found.model_dump(mode="json")["items"]
    if json:
        output.print_json(rows)
        return
    columns = ["record_id", "reason", "refused_at", "tries", "again"]
    output.print_table(columns, [[row[column] for column in columns] for row in rows])


@app.command()
def pause(name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Tell a receiver nothing for a while; nothing is lost meanwhile."""
    _change(config, name, "set_state", state="paused")
    if json:
        _show(config, name, json=True)


@app.command()
def resume(name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Go on where a feed was paused; one that waits after failures is tried at once."""
    _change(config, name, "set_state", state="running")
    if json:
        _show(config, name, json=True)


@app.command()
def remove(name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Forget a feed, its place and what its receiver refused."""
    _change(config, name, "remove_feed")
    if json:
        output.print_json({"removed": name})


@app.command()
def retry(name: Name, config: ConfigFile = None, json: AsJson = False) -> None:
    """Have everything that the receiver refused sent once more, records and erasures."""
    from cloud.feeds import repository

    async def ask(to: psycopg.AsyncConnection) -> tuple[int, int]:
        records = await repository.change(to, "ask_again", feed=name)
        return records, await repository.change(to, "ask_erasures_again", feed=name)

    records, erasures = _ask(database_of(config), ask)
    if json:
        output.print_json({"records": records, "erasures": erasures})
        return
    output.say(f"{records} refused records and {erasures} refused erasures of {name} are sent once more")


def _row(dsn: str, name: str) -> dict[str, Any]:
    from cloud.errors import FeedUnknown
    from cloud.feeds import reading

    found = _ask(dsn, lambda to: reading.feeds(to, name)).items
    if not found:
        raise FeedUnknown(f"no feed {name!r}")
    return found[0].model_dump(mode="json")


def _show(config: Path | None, name: str, *, json: bool) -> None:
    row = _row(database_of(config), name)
    if json:
        output.print_json(row)
    else:
        output.print_facts({**row, "types": ", ".join(row["types"])}.items())


def _change(config: Path | None, name: str, query: str, **values: str) -> None:
    from cloud.errors import FeedUnknown
    from cloud.feeds import repository

    if not _ask(database_of(config), lambda to: repository.change(to, query, feed=name, **values)):
        raise FeedUnknown(f"no feed {name!r}")


def _run(dsn: str, work: Callable[[Pool], Awaitable[Answer]]) -> Answer:
    from cloud.db import open_pool

    async def run() -> Answer:
        async with open_pool(dsn, max_size=1, name="feed") as pool:
            return await work(pool)

    return asyncio.run(run())


def _ask(dsn: str, question: Callable[[psycopg.AsyncConnection], Awaitable[Answer]]) -> Answer:
    async def ask(pool: Pool) -> Answer:
        async with pool.connection() as connection, connection.transaction():
            return await question(connection)

    return _run(dsn, ask)
