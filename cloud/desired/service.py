"""What agents may ask and report, and what operators set for terminals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from cloud.content.models import AgentPlace
from cloud.db.pool import Pool
from cloud.desired import reading, repository
from cloud.desired.keys import CentreKey
from cloud.desired.models import DISTRICT, Setting
from cloud.http.problems import ProblemError, invalid_input, not_found
from cloud.http.schemas import FieldProblem
from protocols.content import Content
from protocols.desired import (
    Document,
    DocumentKind,
    Reported,
    ReportedDocument,
    ReportedTerminal,
    SignedDocument,
    Validity,
)

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


async def admit(pool: Pool, key: CentreKey, agent: str, authorization: str | None) -> AgentPlace:
    """Return the agent that asks; no connection is held afterwards.

    Raises:
        ProblemError: 401 without its token, 403 when it is not or no longer in the inventory.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key.admits(agent, token.strip()):
        raise ProblemError(
            401,
            "token-needed",
            detail=f"this route needs the token of agent {agent!r}",
            hint="Send `Authorization: Bearer` with what `bellwether cloud agent-token` prints at the centre.",
            headers={"www-authenticate": "Bearer"},
        )
    async with pool.connection() as connection:
        place = await reading.agent_place(connection, agent)
    if place is None:
        raise ProblemError(
            403,
            "agent-unknown",
            detail=f"agent {agent!r} is not in the district's inventory, or has left it",
            hint="Import an inventory that names it.",
        )
    return place


async def document(
    connection: psycopg.AsyncConnection, key: CentreKey, agent: AgentPlace, kind: DocumentKind
) -> SignedDocument:
    """Return a document of an agent, signed.

    Raises:
        ProblemError: 404 while there is none of that kind.
    """
    found = await reading.payload(connection, agent.agent_id, kind)
    if found is None:
        raise not_found("document", kind, hint="GET tokens names the documents there are; it is made within seconds.")
    return key.sign(found[1])


async def take_report(
    connection: psycopg.AsyncConnection, agent: AgentPlace, reported: Reported, now: datetime
) -> None:
    """Keep an agent's whole report as its current state, its moments on the centre's clock.

    Raises:
        ProblemError: 422 when it speaks for another agent.
    """
    if reported.agent != agent.agent:
        detail = f"is {reported.agent!r}, but {agent.agent!r} sends it"
        raise invalid_input([FieldProblem(field="agent", detail=detail)])
    skew = now.timestamp() * 1000 - reported.at_ms

    def moment(at_ms: int | None) -> datetime | None:
        if at_ms is None:
            return None
        try:
            at = datetime.fromtimestamp((at_ms + skew) / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            at = _LATEST if at_ms + skew > 0 else _EARLIEST
        return min(max(at, _EARLIEST), now + timedelta(minutes=5))

    documents = {one.kind: one for one in reported.documents}
    await repository.put_report(
        connection,
        agent.agent_id,
        now,
        [_document_row(one, moment(one.proved_at_ms)) for one in documents.values()],
        [
            _terminal_row(one, moment(one.seen_at_ms), moment(one.oldest_unsent_at_ms))
            for one in {one.terminal: one for one in reported.terminals}.values()
        ],
        reported.erased,
    )
    if (content := documents.get(DocumentKind.CONTENT)) is not None:
        await _prove_content(connection, agent, content, now)


async def set_targets(
    connection: psycopg.AsyncConnection, school: str | None, app_version: str | None, configuration: dict[str, Setting]
) -> None:
    """Set what the terminals of a school, or of the district, should run.

    Raises:
        ProblemError: 422 for an unknown school.
    """
    if school is not None and not await reading.school_in_use(connection, school):
        raise invalid_input([FieldProblem(field="school", detail=f"there is no school {school!r}")])
    await repository.put_targets(connection, school or DISTRICT, app_version, configuration)


async def _prove_content(
    connection: psycopg.AsyncConnection, agent: AgentPlace, content: ReportedDocument, now: datetime
) -> None:
    """Remember which manifests an agent holds whole: all of the desired document, once it says so of that one."""
    if content.validity is Validity.INVALID:
        await repository.hold_manifests(connection, agent.agent_id, [], now)
    elif content.validity is Validity.VALID and not content.missing_bytes:
        found = await reading.payload(connection, agent.agent_id, DocumentKind.CONTENT)
        if found is not None and found[0] == content.token:
            body = msgspec.json.decode(found[1], type=Document).body
            assert isinstance(body, Content)
            await repository.hold_manifests(connection, agent.agent_id, body.manifests, now)


def _document_row(one: ReportedDocument, proved_at: datetime | None) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "token": one.token,
        "validity": one.validity,
        "reason": one.reason,
        "proved_at": proved_at,
        "missing_bytes": one.missing_bytes,
    }


def _terminal_row(one: ReportedTerminal, seen_at: datetime | None, oldest_unsent_at: datetime | None) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.structs.asdict(one)
    del row["seen_at_ms"], row["oldest_unsent_at_ms"]
    return {
        **row,
        "seen_at": None if seen_at is None else seen_at.isoformat(),
        "oldest_unsent_at": None if oldest_unsent_at is None else oldest_unsent_at.isoformat(),
    }
