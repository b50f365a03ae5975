"""Desired beside reported, for people: agents by document, terminals by the five facts of the class page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.desired import reading
from cloud.desired.models import DocumentState, targets_of, value_state
from cloud.desired.schemas import AgentDocument, AgentSync, Compared, TerminalSync, TerminalSyncList
from cloud.http.problems import invalid_input
from cloud.http.schemas import FieldProblem
from protocols.content import Content
from protocols.desired import Document, DocumentKind, TerminalTargets, content_token


async def agents(
    connection: psycopg.AsyncConnection, kind: DocumentKind | None, school: str | None, limit: int, offset: int
) -> AgentSync:
    """Return a page of the documents of agents."""
    states = await reading.document_states(connection, kind=kind, school=school)
    now = datetime.now(UTC)
    return AgentSync(
        total=len(states),
        limit=limit,
        offset=offset,
        items=[_agent_document(state, now) for state in states[offset : offset + limit]],
    )


async def terminals(
    connection: psycopg.AsyncConnection, school: str | None, school_class: str | None, limit: int, offset: int
) -> TerminalSyncList:
    """Return a page of the terminals of a school or class.

    Raises:
        ProblemError: 422 for neither, or for one that is not in use.
    """
    await _require_known(connection, school, school_class)
    values = {"school": school, "school_class": school_class, "limit": limit, "offset": offset}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(reading.QUERIES["terminals"], values)
        rows = await cursor.fetchall()
    heard = sorted({row["agent"] for row in rows})
    held = await reading.documents_of(connection, DocumentKind.CONTENT, heard)
    rosters = await reading.documents_of(connection, DocumentKind.ROSTER, heard)
    contents = {agent: _content(payload) for agent, (_, payload) in held.items()}
    targets = await reading.targets(connection)
    now = datetime.now(UTC)
    return TerminalSyncList(
        total=rows[0]["total"] if rows else 0,
        limit=limit,
        offset=offset,
        items=[
            _terminal(
                row,
                now,
                desired_content(contents.get(row["agent"]), row["classes"], row["content_token"]),
                rosters[row["agent"]][0] if row["agent"] in rosters else None,
                targets_of(row["school"], targets),
            )
            for row in rows
        ],
    )


def desired_content(content: Content | None, classes: Sequence[str], reported: str | None) -> str | None:
    """Return the token that a terminal should report of its agent's content; None when it needs nothing. Pure.

    It is that of every push for the whole school or the terminal's class. A pupil of several classes has the content of
    the one that has a lesson, so what is reported counts when it is right for any of them.
    """
    if content is None:
        return None
    wanted: list[str | None] = []
    for school_class in classes or [""]:
        tokens = [one.token for one in content.manifests if not one.classes or school_class in one.classes]
        wanted.append(content_token(tokens) if tokens else None)
    return reported if reported in wanted else wanted[0]


async def _require_known(connection: psycopg.AsyncConnection, school: str | None, school_class: str | None) -> None:
    problems = []
    if school is None and school_class is None:
        problems.append(FieldProblem(field="school_class", detail="give school_class or school"))
    if school is not None and not await reading.school_in_use(connection, school):
        problems.append(FieldProblem(field="school", detail=f"there is no school {school!r}"))
    if school_class is not None and not await reading.class_in_use(connection, school_class):
        problems.append(FieldProblem(field="school_class", detail=f"there is no class {school_class!r}"))
    if problems:
        raise invalid_input(problems)


def _agent_document(state: DocumentState, now: datetime) -> AgentDocument:
    return AgentDocument(
        agent=state.agent,
        school=state.school,
        kind=state.kind,
        desired=state.desired,
        desired_at=state.made_at,
        reported=state.reported,
        state=state.state,
        reason=state.reason,
        missing_bytes=state.missing_bytes,
        proved_at=state.proved_at,
        proof_age_seconds=_age(state.proved_at, now),
        reported_at=state.reported_at,
    )


def _terminal(
    row: Mapping[str, Any], now: datetime, content: str | None, roster: str | None, targets: TerminalTargets
) -> TerminalSync:
    return TerminalSync(
        terminal=row["terminal"],
        school=row["school"],
        classroom=row["classroom"],
        agent=row["agent"],
        holder=row["holder"],
        present=row["present"],
        seen_at=row["seen_at"],
        seen_age_seconds=_age(row["seen_at"], now),
        content=_compared(content, row["content_token"]),
        app=_compared(targets.app_version, row["app_version"]),
        configuration=_compared(targets.configuration_token, row["configuration_token"]),
        roster=_compared(roster, row["roster_token"]),
        missing_bytes=row["missing_bytes"],
        unsent=row["unsent"],
        oldest_unsent_at=row["oldest_unsent_at"],
        oldest_unsent_seconds=_age(row["oldest_unsent_at"], now),
        battery_ratio=row["battery_ratio"],
        storage_free_bytes=row["storage_free_bytes"],
    )


def _compared(desired: str | None, reported: str | None) -> Compared:
    return Compared(desired=desired, reported=reported, state=value_state(desired, reported))


def _age(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else round(max(0.0, (now - at).total_seconds()), 3)


def _content(payload: bytes) -> Content | None:
    body = msgspec.json.decode(payload, type=Document).body
    return body if isinstance(body, Content) else None
