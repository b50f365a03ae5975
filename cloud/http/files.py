"""Lists as files for a spreadsheet: what a client may ask, and the answer. Times in a file are the district's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request, Response

from cloud.http import problems
from cloud.sheets.tables import Table
from cloud.sheets.writing import SheetFormat, write_table

MOST_ROWS = 100_000
"""Most rows of a file whose list has no end, the newest or most urgent first."""


@dataclass(frozen=True, slots=True)
class AskedFile:
    """The file that a client wants."""

    form: SheetFormat
    english: bool


def _asked(
    form: Annotated[SheetFormat, Query(alias="format", description="`csv` or `xlsx`.")] = SheetFormat.CSV,
    lang: Annotated[Literal["zh-CN", "en"], Query(description="Language of headings and names.")] = "zh-CN",
) -> AskedFile:
    return AskedFile(form, english=lang == "en")


Asked = Annotated[AskedFile, Depends(_asked)]


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route that answers a file says of its answers; `codes` are its problems."""
    content = {form.media_type: {"schema": {"type": "string"}} for form in SheetFormat}
    return {200: {"description": "The file", "content": content}, **problems.responses(*codes)}


async def file_answer(request: Request, asked: AskedFile, table: Table, rows: Sequence[object]) -> Response:
    """Return rows as a file to be saved under the table's name."""
    english = asked.english
    time_zone: str = request.app.state.rooms.settings.district.time_zone
    content = await asyncio.to_thread(
        write_table,
        asked.form,
        table.title(english=english),
        table.headings(english=english),
        (table.cells(row, english=english) for row in rows),
        time_zone,
    )
    headers = {"content-disposition": f'attachment; filename="{table.name}.{asked.form}"'}
    return Response(content, media_type=asked.form.media_type, headers=headers)
