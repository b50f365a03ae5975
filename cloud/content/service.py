"""Pushes: checked whole, the same one once, listed with where they have arrived."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import psycopg

from cloud.content import audience, readiness, reading, repository
from cloud.content.addressing import district
from cloud.content.models import Push
from cloud.content.schemas import AgentReadiness, NewPush, PushDetail, PushedResource, PushList, PushRow
from cloud.desired import reading as desired
from cloud.http.problems import invalid_input, not_found
from cloud.http.schemas import FieldProblem
from protocols.content import Resource
from protocols.desired import DocumentKind
from protocols.records import Part

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


async def create(connection: psycopg.AsyncConnection, new: NewPush) -> tuple[PushDetail, bool]:
    """Make a push and tell whether it is new.

    The same files for the same audience are the same push: its title and moment are set, nothing else changes, and one
    that was withdrawn counts again.

    Raises:
        ProblemError: 422 with every wrong field.
    """
    problems: list[FieldProblem] = []
    words = await _words(connection, new, problems)
    resources = await _resources(connection, new, problems)
    if new.before_at is not None and not _EARLIEST <= new.before_at < _LATEST:
        problems.append(FieldProblem(field="before_at", detail="lies outside the years 2000 to 2199"))
    if problems:
        raise invalid_input(problems)
    content = msgspec.json.encode(resources)
    manifest = "m-" + hashlib.sha256(content + b"\n" + "\n".join(words).encode()).hexdigest()[:24]
    made = await repository.note_push(
        connection,
        manifest=manifest,
        token=hashlib.sha256(content).hexdigest()[:32],
        title=new.title,
        audience=words,
        before_at=new.before_at,
        resources=resources,
    )
    return await detail(connection, manifest), made


async def withdraw(connection: psycopg.AsyncConnection, manifest: str) -> PushDetail:
    """Withdraw a push: agents let go of its files. Withdrawing it again changes nothing.

    Raises:
        ProblemError: 404.
    """
    await repository.withdraw_push(connection, manifest)
    return await detail(connection, manifest)


async def detail(connection: psycopg.AsyncConnection, manifest: str) -> PushDetail:
    """Return one push with every agent that should hold it.

    Raises:
        ProblemError: 404.
    """
    for push in await reading.pushes(connection, manifests=[manifest]):
        agents = (await _arrived(connection, [push]))[push.manifest]
        return PushDetail(**dict(_row(push, agents)), agents=agents)
    raise not_found("manifest", manifest, hint="GET /api/v1/content/manifests lists what there is.")


async def listing(connection: psycopg.AsyncConnection, withdrawn: bool | None, limit: int, offset: int) -> PushList:
    """Return a page of pushes, newest first."""
    pushes = await reading.pushes(connection, withdrawn=withdrawn, limit=limit, offset=offset)
    arrived = await _arrived(connection, pushes)
    return PushList(
        total=await reading.push_count(connection, withdrawn),
        limit=limit,
        offset=offset,
        items=[_row(push, arrived[push.manifest]) for push in pushes],
    )


async def _arrived(connection: psycopg.AsyncConnection, pushes: Sequence[Push]) -> dict[str, list[AgentReadiness]]:
    agents = await reading.agents(connection)
    where = await district(connection)
    found = await desired.document_states(connection, kind=DocumentKind.CONTENT)
    states = {state.agent: state for state in found}
    held = await desired.held_manifests(connection, [push.manifest for push in pushes])
    return {push.manifest: readiness.of_agents(push, agents, where, states, held) for push in pushes}


def _row(push: Push, agents: Sequence[AgentReadiness]) -> PushRow:
    return PushRow(
        manifest=push.manifest,
        token=push.token,
        title=push.title,
        audience=push.audience,
        before_at=push.before_at,
        created_at=push.created_at,
        withdrawn_at=push.withdrawn_at,
        size_bytes=sum(resource.blob.size_bytes for resource in push.resources),
        resources=[
            PushedResource(
                resource=resource.resource,
                title=resource.title,
                sha256=resource.blob.sha256,
                size_bytes=resource.blob.size_bytes,
                media_type=resource.blob.media_type,
            )
            for resource in push.resources
        ],
        readiness=readiness.counted(agents),
    )


async def _words(connection: psycopg.AsyncConnection, new: NewPush, problems: list[FieldProblem]) -> list[str]:
    words: list[audience.Word] = []
    for place, text in enumerate(new.audience):
        try:
            words.append(audience.parse(text))
        except ValueError as error:
            problems.append(FieldProblem(field=f"audience.{place}", detail=str(error), allowed=audience.FORMS))
    said = [str(word) for word in audience.normal(words)]
    known = await reading.known_words(connection, said) | {str(audience.Scope.ALL)}
    problems += [
        FieldProblem(field="audience", detail=f"{word!r} names nothing that is in use")
        for word in said
        if word not in known
    ]
    return said


async def _resources(connection: psycopg.AsyncConnection, new: NewPush, problems: list[FieldProblem]) -> list[Resource]:
    resources: list[Resource] = []
    for place, wanted in enumerate(new.resources):
        blob = await reading.blob(connection, wanted.sha256)
        name = wanted.resource or f"r-{wanted.sha256[:24]}"
        if blob is None:
            detail = f"no blob {wanted.sha256} is here; upload it first"
            problems.append(FieldProblem(field=f"resources.{place}.sha256", detail=detail))
        elif any(resource.resource == name for resource in resources):
            problems.append(FieldProblem(field=f"resources.{place}.resource", detail=f"{name!r} is there twice"))
        else:
            part = Part(sha256=blob.sha256, size_bytes=blob.size_bytes, media_type=blob.media_type)
            resources.append(Resource(resource=name, title=wanted.title, blob=part))
    return resources
