"""The limit of the records' benchmark: the least server that gives an app the same promise.

The same web server and framework, the same body decoded by the same library, and bare SQLite with group commit behind
it (`spool_limit.BareWriter`): 201 after the fsync. No identities remembered, no conflicts found, no purposes checked,
nothing encoded for the wire, nothing encrypted, no books.

`python -m ops.benchmarks.records_limit PORT FILE` serves until it is ended.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.records.values import BatchBody
from ops.benchmarks.spool_limit import BareWriter
from protocols.events import Event
from protocols.samples import Kind

_decoder = msgspec.json.Decoder(BatchBody)


def app(writer: BareWriter) -> Starlette:
    """Return the server's application."""

    async def take(request: Request) -> Response:
        batch = _decoder.decode(await request.body())
        rows = [
            Event(
                event_id=one.record_id,
                type=type(one.fact).__name__,
                kind=Kind.TERMINAL,
                thing=one.subject or "",
                observed_at_ms=one.observed_at_ms,
                monotonic_ms=one.observed_at_ms,
                attributes={"fact": msgspec.json.encode(one.fact).decode()},
            )
            for one in batch.records
        ]
        await writer.append(rows)
        return Response(b'{"stored":1,"known":0}', 201, media_type="application/json")

    return Starlette(routes=[Route("/v1/records", take, methods=["POST"])])


async def serve(port: int, path: Path) -> None:
    """Serve on the loopback until cancelled."""
    config = uvicorn.Config(app(BareWriter(path)), "127.0.0.1", port, log_level="warning", access_log=False)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
