"""`bellwether terminal`: the reference client of a terminal, to try an agent with and to build an app after."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output

if TYPE_CHECKING:
    import httpx

    from edge_agent.terminal_client.client import TerminalClient

app = typer.Typer(
    name="terminal",
    help="The reference client of a terminal: find an agent, take part in a lesson.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Terminal = Annotated[
    str, typer.Option(help="The terminal's id in the inventory, e.g. s07-c03-t12.", show_default=False)
]
Folder = Annotated[Path, typer.Option(help="Where this terminal keeps its outbox and content.", show_default=False)]
AgentUrl = Annotated[
    str | None,
    typer.Option("--agent", help="LAN API of the agent, e.g. http://10.7.0.9:8740; found by mDNS if left out."),
]
Token = Annotated[str | None, typer.Option(envvar="BELLWETHER_LAN_TOKEN", help="LAN token, where the agent wants one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command()
def find(
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="How long to listen.")] = 3.0, json: AsJson = False
) -> None:
    """List the agents that announce themselves on this network."""
    from edge_agent.terminal_client.discovery import browse

    found = asyncio.run(browse(seconds))
    if json:
        output.print_json([{"agent": one.agent, "role": one.role, "url": one.url} for one in found])
    elif found:
        output.print_table(["agent", "role", "url"], [(one.agent, one.role, one.url) for one in found])
    else:
        output.say("no agent announced itself; name one with --agent http://ADDRESS:8740")


@app.command()
def run(terminal: Terminal, folder: Folder, agent: AgentUrl = None, token: Token = None) -> None:
    """Be a terminal until Ctrl-C: check in, hold the class's content, send what waits; says what a pupil would see."""
    asyncio.run(_run(terminal, folder, agent, token))


@app.command()
def answer(
    question: Annotated[str, typer.Argument(help="Key of the question.")],
    response: Annotated[str, typer.Argument(help="What the pupil answers.")],
    terminal: Terminal,
    folder: Folder,
    agent: AgentUrl = None,
    token: Token = None,
    person: Annotated[str | None, typer.Option(help="Who answers; by default whoever holds the terminal.")] = None,
) -> None:
    """Answer a question: on this terminal's disk at once, at the agent as soon as it can be reached."""
    asyncio.run(_answer(terminal, folder, agent, token, person, question, response))


@app.command()
def status(folder: Folder, json: AsJson = False) -> None:
    """Say what of a terminal's work is not safe yet. Exits 1 when records were refused."""
    from edge_agent.terminal_client.outbox import Outbox

    outbox = Outbox(folder / "outbox.db")
    waiting, refused = outbox.waiting(), outbox.refused()
    outbox.close()
    if json:
        output.print_json({"waiting": waiting, "refused": refused})
    else:
        output.print_facts(
            [("unsent", waiting.unsent), ("oldest made at, ms", waiting.oldest_at_ms), ("refused", waiting.refused)]
        )
        for one in refused:
            output.print_text(f"{one.record.record_id}: {one.reason}")
    if refused:
        raise typer.Exit(output.ExitCode.FAILED)


async def _agent_url(agent: str | None, terminal: str) -> str:
    if agent is not None:
        return agent
    from edge_agent.terminal_client.discovery import browse, nearest

    found = nearest(await browse(), classroom=terminal.rpartition("-")[0])
    output.say(f"found {found.agent} at {found.url}")
    return found.url


async def _http(agent: str | None, terminal: str, token: str | None) -> httpx.AsyncClient:
    import httpx

    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=await _agent_url(agent, terminal), headers=headers, timeout=15)


async def _run(terminal: str, folder: Path, agent: str | None, token: str | None) -> None:
    from edge_agent.terminal_client.client import TerminalClient

    async with await _http(agent, terminal, token) as http:
        client = TerminalClient(terminal, folder, http)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(client.run())
                tasks.create_task(_show(client))
        finally:
            client.close()


async def _show(client: TerminalClient) -> None:
    while True:
        await client.changed.wait()
        client.changed.clear()
        desired = client.desired
        assert desired is not None
        facts: list[tuple[str, object]] = [
            ("class", desired.school_class),
            ("lesson", None if desired.lesson is None else desired.lesson.lesson),
            ("question", None if desired.question is None else desired.question.question),
            ("options", None if desired.question is None else " / ".join(desired.question.options)),
            ("locked", client.locked),
            ("unsent", client.waiting().unsent),
        ]
        output.print_facts([(name, value) for name, value in facts if value is not None])


async def _answer(
    terminal: str, folder: Path, agent: str | None, token: str | None, person: str | None, question: str, response: str
) -> None:
    import httpx

    from edge_agent.terminal_client.client import TerminalClient

    async with await _http(agent, terminal, token) as http:
        client = TerminalClient(terminal, folder, http, person=person)
        try:
            try:
                await client.poll()
            except httpx.HTTPError as error:
                output.say(f"the agent cannot be reached ({type(error).__name__}); the answer is kept")
            if client.person is None:
                output.fail(
                    "nobody holds this terminal", hint="say who answers with --person", code=output.ExitCode.USAGE
                )
            await client.answer(question, response)
            try:
                await client.flush()
            except httpx.HTTPError:
                output.say("kept in the outbox; `bellwether terminal run` sends it when the agent can be reached")
            output.print_facts([("unsent", client.waiting().unsent), ("refused", client.waiting().refused)])
        finally:
            client.close()
