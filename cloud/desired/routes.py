"""Routes of desired state: what agents ask and report with their token, what operators set and see."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from cloud.content.models import AgentPlace
from cloud.content.routes import DOWNLOADED, UPLOAD, UPLOADED, BlobHash, SizeBytes, Transfer
from cloud.content.schemas import Missing
from cloud.desired import reading, service, sync
from cloud.desired.keys import CentreKey, SigningKeyUnusable
from cloud.desired.models import DISTRICT
from cloud.desired.schemas import AgentSync, NewTargets, TargetsList, TargetsRow, TerminalSyncList
from cloud.http import problems
from cloud.http.bodies import wire_body
from cloud.http.database import Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.problems import ProblemError
from cloud.http.token import operator_token
from protocols.desired import DesiredTokens, DocumentKind, Reported
from protocols.identity import AGENT_ID_PATTERN

router = APIRouter(tags=["desired"])

MAX_REPORT_BYTES = 4 * 1024 * 1024
"""Ten times the report of a school of a thousand terminals."""
_reported = msgspec.json.Decoder(Reported)
_JSON = "application/json"
_REFUSED = problems.responses(401, 403, 422, 503)

Kind = Annotated[DocumentKind, Path(examples=["content"], description="Kind of document.")]
School = Annotated[str | None, Query(max_length=63, description="School; default all.")]


def _wire(name: str) -> dict[str, Any]:
    """Describe a body that is a struct of the wire contract, by its name in `protocols.desired`."""
    return {_JSON: {"schema": {"type": "object", "title": name, "description": f"`{name}` of protocols/desired.py."}}}


async def _key(request: Request) -> CentreKey:
    try:
        key: CentreKey = await request.app.state.rooms.keys.key()
    except SigningKeyUnusable as unusable:
        raise ProblemError(503, "signing-key-unusable", detail=str(unusable), hint=unusable.hint) from unusable
    return key


Key = Annotated[CentreKey, Depends(_key)]


async def _edge_agent(
    request: Request,
    key: Key,
    agent: Annotated[str, Path(pattern=AGENT_ID_PATTERN, examples=["s01-gw"], description="The agent that asks.")],
    authorization: Annotated[str | None, Header(description="`Bearer` and the agent's token.")] = None,
) -> AgentPlace:
    return await service.admit(request.app.state.rooms.pool, key, agent, authorization)


EdgeAgent = Annotated[AgentPlace, Depends(_edge_agent)]


async def _report(_: EdgeAgent, request: Request) -> Reported:
    return await wire_body(request, _reported, max_bytes=MAX_REPORT_BYTES)


Report = Annotated[Reported, Depends(_report)]
"""Read before a transaction begins: a slow line must not hold a connection of the database."""


@router.get(
    "/edge/{agent}/tokens",
    response_class=Response,
    responses={200: {"description": "The tokens", "content": _wire("DesiredTokens")}, **_REFUSED},
)
async def desired_tokens(agent: EdgeAgent, reader: Reader) -> Response:
    """The token of every document of an agent: the cheap question whether there is anything new."""
    tokens = await reading.tokens(reader, agent.agent_id)
    now_ms = round(datetime.now(UTC).timestamp() * 1000)
    answer = DesiredTokens(agent=agent.agent, tokens=tokens, cloud_time_ms=now_ms)
    return Response(msgspec.json.encode(answer), media_type=_JSON)


@router.get(
    "/edge/{agent}/documents/{kind}",
    response_class=Response,
    responses={
        200: {"description": "The document", "content": _wire("SignedDocument")},
        **problems.responses(401, 403, 404, 422, 503),
    },
)
async def desired_document(agent: EdgeAgent, kind: Kind, reader: Reader, key: Key) -> Response:
    """One document of an agent, signed."""
    return Response(msgspec.json.encode(await service.document(reader, key, agent, kind)), media_type=_JSON)


@router.post(
    "/edge/{agent}/reported",
    status_code=204,
    openapi_extra={"requestBody": {"required": True, "content": _wire("Reported")}},
    responses=problems.responses(401, 403, 413, 422, 503),
)
async def report(agent: EdgeAgent, reported: Report, writer: Writer) -> None:
    """An agent's whole reported state, in place of the one before."""
    await service.take_report(writer, agent, reported, datetime.now(UTC))


@router.get("/edge/{agent}/blobs/{sha256}/missing", responses=_REFUSED)
async def missing_of_agents_blob(
    agent: EdgeAgent, sha256: BlobHash, size_bytes: SizeBytes, transfer: Transfer
) -> Missing:
    """What of a blob an agent has still to upload."""
    return await transfer.missing(sha256, size_bytes)


@router.put(
    "/edge/{agent}/blobs/{sha256}",
    responses={**UPLOADED, **problems.responses(403)},
    openapi_extra=UPLOAD,
    response_class=Response,
)
async def upload_agents_blob(agent: EdgeAgent, sha256: BlobHash, request: Request, transfer: Transfer) -> Response:
    """Upload a blob from an agent, whole or in ranges; a hash that is here costs nothing."""
    return await transfer.receive(request, sha256)


@router.get(
    "/edge/{agent}/blobs/{sha256}", responses={**DOWNLOADED, **problems.responses(401, 403)}, response_class=Response
)
async def download_agents_blob(agent: EdgeAgent, sha256: BlobHash, request: Request, transfer: Transfer) -> Response:
    """Download a blob to an agent, or one `Range` of it."""
    return await transfer.send(request, sha256)


@router.get("/desired/terminals", responses=problems.responses(503))
async def terminal_targets(reader: Reader) -> TargetsList:
    """What terminals should run: for the district, and for schools with values of their own."""
    targets = await reading.targets(reader)
    return TargetsList(
        items=[
            TargetsRow(
                school=None if scope == DISTRICT else scope,
                app_version=one.app_version,
                configuration=one.configuration,
                set_at=one.set_at,
            )
            for scope, one in targets.items()
        ]
    )


@router.put(
    "/desired/terminals",
    dependencies=[Depends(operator_token)],
    status_code=204,
    responses=problems.responses(401, 422, 503),
)
async def set_terminal_targets(targets: NewTargets, writer: Writer) -> None:
    """Set what the terminals of a school or the district should run; agents learn it within seconds."""
    await service.set_targets(writer, targets.school, targets.app_version, targets.configuration)


@router.get("/sync/agents", responses=problems.responses(422, 503))
async def agents_in_sync(
    reader: Reader,
    kind: Annotated[DocumentKind | None, Query(description="Kind of document; default all.")] = None,
    school: School = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> AgentSync:
    """Desired beside reported documents of agents, with the age of the proof."""
    return await sync.agents(reader, kind, school, limit, offset)


@router.get("/sync/terminals", responses=problems.responses(422, 503))
async def terminals_in_sync(
    reader: Reader,
    school_class: Annotated[
        str | None, Query(max_length=63, examples=["s01-g3c1"], description="Class; or give a school.")
    ] = None,
    school: School = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> TerminalSyncList:
    """Terminals of a class or school: reachable, content, app, configuration, work not handed in, battery, storage."""
    return await sync.terminals(reader, school, school_class, limit, offset)
