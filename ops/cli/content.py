"""`bellwether content`: push files to classes before the lesson, see where they are, take them back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of

if TYPE_CHECKING:
    from ops.cli.content_upload import Centre, LocalFile

app = typer.Typer(
    name="content",
    help="Push files to classes before the lesson, see where they are, take them back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Url = Annotated[str, typer.Option(envvar="BELLWETHER_CENTRE_URL", help="Address of the centre's API.")]
Token = Annotated[
    str,
    typer.Option(
        envvar="BELLWETHER_OPERATOR_TOKEN", help="The operator's token, when the centre has one.", show_default=False
    ),
]
DEFAULT_URL = "http://127.0.0.1:8080"


@app.command()
def push(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files to push.", exists=True, dir_okay=False, readable=True, show_default=False),
    ],
    to: Annotated[
        list[str],
        typer.Option(
            "--to", help="class:s01-g3c1, grade:三年级, school:s01 or all; several with commas.", show_default=False
        ),
    ],
    before: Annotated[
        str | None,
        typer.Option(help="When it is needed, e.g. 2026-11-24T08:00, in the district's time.", show_default=False),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people call it; default the first file's name.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Upload what the centre lacks and push it; the same again costs nothing, and after a cut it goes on."""
    from ops.cli.content_upload import LocalFile

    zone = _zone(config)
    needed_at = None if before is None else moment(before, zone)
    unique = {file.sha256: file for file in reversed([LocalFile.of(path) for path in files])}
    chosen = list(reversed(unique.values()))
    with _centre(url, token) as centre:
        _upload(centre, chosen)
        document = centre.ask(
            "POST",
            "/manifests",
            json={
                "title": (title or _title(chosen))[:200],
                "audience": [word for words in to for word in words.split(",") if word.strip()],
                "before_at": None if needed_at is None else needed_at.isoformat(),
                "resources": [{"sha256": file.sha256, "title": file.path.name[:200]} for file in chosen],
            },
        )
    if json:
        output.print_json(document)
        return
    output.print_facts(
        [
            ("manifest", document["manifest"]),
            ("title", document["title"]),
            ("for", ", ".join(document["audience"])),
            ("before", _local(document["before_at"], zone)),
            ("files", len(document["resources"])),
            ("bytes", document["size_bytes"]),
            ("agents", document["readiness"]["agents"]),
        ]
    )


@app.command("list")
def list_pushes(
    state: Annotated[str, typer.Option(help="live, withdrawn or all.")] = "live",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, newest first.")] = 100,
    url: Url = DEFAULT_URL,
    token: Token = "",
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List pushes with where they have arrived, newest first."""
    with _centre(url, token) as centre:
        document = centre.ask("GET", "/manifests", params={"state": state, "limit": limit})
    if json:
        output.print_json(document)
        return
    zone = _zone(config)
    output.print_table(
        ["manifest", "title", "for", "before", "files", "bytes", "ready", "agents"],
        [
            (
                row["manifest"],
                row["title"],
                ", ".join(row["audience"]),
                _local(row["before_at"], zone),
                len(row["resources"]),
                row["size_bytes"],
                row["readiness"]["ready"],
                row["readiness"]["agents"],
            )
            for row in document["items"]
        ],
    )


@app.command()
def withdraw(
    manifest: Annotated[str, typer.Argument(help="The push, as `content list` names it.", show_default=False)],
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: AsJson = False,
) -> None:
    """Withdraw a push: agents let go of its files."""
    with _centre(url, token) as centre:
        document = centre.ask("DELETE", f"/manifests/{manifest}")
    if json:
        output.print_json(document)
    else:
        output.say(f"withdrawn: {document['manifest']} {document['title']}")


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Return a time as people write it, without an offset in `zone`; leave with exit code 2 when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f"{text!r} is not a time", hint="for example 2026-11-24T08:00", code=output.ExitCode.USAGE)
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)


@contextmanager
def _centre(url: str, token: str) -> Iterator[Centre]:
    from ops.cli.content_upload import Centre

    with closing(Centre(url, token)) as centre:
        yield centre


def _upload(centre: Centre, files: list[LocalFile]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        for file in files:
            task = progress.add_task(file.path.name, total=file.size_bytes)
            centre.upload(file, lambda count, task=task: progress.advance(task, count))  # type: ignore[misc]


def _title(files: list[LocalFile]) -> str:
    first = files[0].path.stem
    return first if len(files) == 1 else f"{first} (+{len(files) - 1})"


def _zone(config: Path | None) -> ZoneInfo:
    return ZoneInfo(settings_of(config).district.time_zone)


def _local(at: Any, zone: ZoneInfo) -> str | None:
    return None if at is None else f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M}"
