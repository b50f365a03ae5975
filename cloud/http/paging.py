"""Query parameters that lists share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=1000, description="Items on a page.")]
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="Items to pass over before the page.")]
Search = Annotated[
    str | None,
    Query(max_length=80, description="Keeps what contains this text in its id or names, whatever the case."),
]


def like_pattern(search: str | None) -> str | None:
    """Return a pattern for ILIKE that finds `search` anywhere, taken literally."""
    if not search:
        return None
    escaped = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("\x00", "")
    return f"%{escaped}%"
