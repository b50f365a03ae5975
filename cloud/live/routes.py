"""Route of the live stream (server-sent events, WHATWG HTML §9.2)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from cloud.http import problems
from cloud.live.hub import Hub

router = APIRouter(tags=["live"])

_DESCRIPTION = (
    "Server-sent events: `overview` (an `Overview`), `link` (a `LinkEvent`), `agent` (an `AgentEvent`), "
    "`incident` (an `IncidentEvent`), `lesson` (a `LessonsEvent`), `ping` (a `PingEvent`)."
)


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.rooms.hub
    return hub


class EventStreamResponse(StreamingResponse):
    """A response that never ends."""

    media_type = "text/event-stream"


@router.get(
    "/stream",
    response_class=EventStreamResponse,
    responses={
        200: {
            "description": _DESCRIPTION,
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: 7\nevent: ping\ndata: {"at":"2026-11-23T08:00:00Z","database":true}\n\n',
                }
            },
        },
        **problems.responses(503),
    },
)
async def stream(hub: Annotated[Hub, Depends(_hub)]) -> StreamingResponse:
    """The live stream: the full `overview` first, then what changes, at most one message of a kind per second.

    A `link`, `agent` or `incident` message carries every row that changed since the one before, a `lesson` message the
    keys of lessons with new facts; `ping` comes every 15 seconds. A client that reads slowly gets fewer messages, never
    older ones.
    """
    return EventStreamResponse(
        hub.subscribe(),
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
