"""`bellwether homework`: assignments, who handed in what, what waits for a teacher, wrong questions."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any
from urllib.parse import quote

import typer

from ops.cli import output
from ops.cli.centre import AsJson
from ops.cli.content import DEFAULT_URL, Token, Url

app = typer.Typer(
    name="homework",
    help="Assignments, who handed in what, what waits for a teacher, wrong questions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command()
def assignments(
    school_class: Annotated[
        str | None, typer.Option("--class", help="Only what is for this class.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, latest deadline first.")] = 100,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: AsJson = False,
) -> None:
    """List assignments, the latest deadline first."""
    document = _ask(url, token, "/assignments", school_class=school_class, limit=limit)
    if json:
        output.print_json(document)
        return
    columns = ["assignment", "title", "due_at", "pupils", "submitted"]
    output.print_table(columns, [[row[name] for name in columns] for row in document["items"]])


@app.command()
def submissions(
    assignment: Annotated[str, typer.Argument(help="Key of the assignment.", show_default=False)],
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: AsJson = False,
) -> None:
    """Show who handed in what; every pupil shown is noted as looked at."""
    document = _ask(url, token, f"/assignments/{quote(assignment, safe='')}/papers")
    if json:
        output.print_json(document)
        return
    rows = []
    for paper in document["items"]:
        counts = next((one for one in paper["versions"] if one["counts"]), None)
        missing = 0 if counts is None else sum(not part["arrived"] for part in counts["parts"])
        grade = None if counts is None else counts["grade"]
        rows.append(
            (
                paper["person"],
                paper["school_class"],
                paper["state"],
                paper["timeliness"],
                None if counts is None else counts["version"],
                len(paper["versions"]),
                missing,
                None if grade is None else grade["score"],
                sum(len(one["conflicts"]) for one in paper["versions"]),
            )
        )
    output.print_table(
        ["pupil", "class", "state", "in time", "counts", "versions", "missing files", "score", "conflicts"], rows
    )


@app.command("wrong-questions")
def wrong_questions(
    person: Annotated[str, typer.Argument(help="Reference of the pupil.", show_default=False)],
    mastered: Annotated[bool, typer.Option("--mastered", help="Those that are right by now as well.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: AsJson = False,
) -> None:
    """List a pupil's wrong questions, the newest first; the look is noted."""
    document = _ask(url, token, f"/pupils/{quote(person, safe='')}/wrong-questions", mastered=mastered)
    if json:
        output.print_json(document)
        return
    columns = ["question", "assignment", "times_wrong", "attempts", "response", "correct_response", "mastered"]
    output.print_table(columns, [[row[name] for name in columns] for row in document["items"]])


@app.command()
def todo(
    school_class: Annotated[str | None, typer.Option("--class", help="Of this class.", show_default=False)] = None,
    teacher: Annotated[
        str | None, typer.Option(help="Of every class that this teacher teaches, by reference.", show_default=False)
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
    json: AsJson = False,
) -> None:
    """Show what waits for a teacher: work to grade, conflicts, files on their way, records not taken."""
    if (school_class is None) == (teacher is None):
        output.fail("give either --class or --teacher", code=output.ExitCode.USAGE)
    document = _ask(url, token, "/todo", school_class=school_class, teacher=teacher)
    if json:
        output.print_json(document)
        return
    names = ("to_grade", "conflicts", "incomplete")
    output.print_facts([(name, document[name]) for name in (*names, "refused")])
    output.print_table(
        ["assignment", "title", "due_at", *names],
        [
            [row["assignment"], row["title"], row["due_at"], *(len(row[name]) for name in names)]
            for row in document["items"]
        ],
    )


def _ask(url: str, token: str, path: str, **query: Any) -> dict[str, Any]:
    from ops.cli.content_upload import Centre

    with closing(Centre(url, token, below="homework")) as centre:
        return centre.ask("GET", path, params={name: value for name, value in query.items() if value is not None})
