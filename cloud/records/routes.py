"""Routes of records: how many arrived, what the services refused. Their contents belong to the services."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.schemas import FieldProblem
from cloud.http.token import operator_token
from cloud.records import reading
from cloud.records.consuming import Consumer
from cloud.records.schemas import RecordCounts, RecordReplay, RefusedRecordsList, ReplayOfConsumer

router = APIRouter(tags=["records"])

ConsumerName = Annotated[
    str | None, Query(max_length=63, examples=["teaching"], description="Only this service; default all.")
]


def _consumers(request: Request) -> dict[str, Consumer]:
    consumers: dict[str, Consumer] = request.app.state.rooms.consumers
    return consumers


Consumers = Annotated[dict[str, Consumer], Depends(_consumers)]


@router.get("/records/counts", responses=problems.responses(422, 503))
async def record_counts(
    reader: Reader,
    agent: Annotated[str | None, Query(max_length=160, description="Agent id; default all agents.")] = None,
) -> RecordCounts:
    """Classroom records by type: stored once, sent again, in conflict."""
    return await reading.counts(reader, agent)


@router.get("/records/refusals", responses=problems.responses(422, 503))
async def record_refusals(
    reader: Reader,
    consumer: ConsumerName = None,
    school_class: Annotated[str | None, Query(max_length=63, description="Only records of this class.")] = None,
) -> RefusedRecordsList:
    """Records that a service refused and has not taken since, counted by service and reason."""
    return await reading.refusals(reader, consumer, school_class)


@router.post(
    "/records/refusals/replay", dependencies=[Depends(operator_token)], responses=problems.responses(401, 422, 503)
)
async def replay_record_refusals(consumers: Consumers, consumer: ConsumerName = None) -> RecordReplay:
    """Have refused records tried again, after a roster has been imported, say; what is refused again stays."""
    if consumer is not None and consumer not in consumers:
        raise problems.invalid_input(
            [FieldProblem(field="consumer", detail=f"no service {consumer!r}", allowed=sorted(consumers))]
        )
    chosen = list(consumers.values()) if consumer is None else [consumers[consumer]]
    items = []
    for one in chosen:
        tried, taken = await one.replay()
        items.append(ReplayOfConsumer(consumer=one.name, tried=tried, taken=taken))
    return RecordReplay(items=items)
