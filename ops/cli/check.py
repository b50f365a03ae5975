"""`bellwether check`: before the bell, what the technician has to see to, where."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson
from ops.cli.content import DEFAULT_URL, Url

_WORDS = {
    "line": "the line is out or not seen",
    "gateway": "the gateway is silent",
    "device": "the device does not answer",
    "room": "the room's agent is silent",
    "battery": "tablets with little battery",
    "content": "tablets without all of their content",
}


def check(
    school: Annotated[str | None, typer.Option(help="Only this school.", show_default=False)] = None,
    url: Url = DEFAULT_URL,
    json: AsJson = False,
) -> None:
    """List what is to be seen to before the first lesson, school by school."""
    from ops.cli.content_upload import Centre

    with closing(Centre(url, "", below="")) as centre:
        report = centre.ask("GET", "/check", params={} if school is None else {"school": school})
    if json:
        output.print_json(report)
        return
    rows = []
    for one in report["schools"]:
        rows += [(one["school"], None, _WORDS[fault["what"]], fault["thing"], None) for fault in one["faults"]]
        rows += [
            (one["school"], room["classroom"], _WORDS[fault["what"]], fault["number"], room["first_lesson_at"])
            for room in one["rooms"]
            for fault in room["faults"]
            if fault["what"] not in ("line", "gateway")
        ]
    if rows:
        output.print_table(("school", "classroom", "to see to", "which or how many", "first lesson"), rows)
    output.say(f"{report['green']} classrooms ready, {report['amber']} to see to; due at {report['check_at']}")
