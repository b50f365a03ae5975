"""Assembles the API: every domain's routes, the stream, health, metrics, the console, around the rooms they need.

The only place that knows all rooms of the API. `assemble` has no effect and no settings, enough to describe the app;
`create_app` makes it run. Reads are open and change nothing; the few routes that change something ask for the
operator's token when one is configured. Another origin may read nothing (no CORS).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse

import cloud.content.routes
import cloud.desired.routes
import cloud.devices.routes
import cloud.evaluation.routes
import cloud.feeds.routes
import cloud.fleet.routes
import cloud.homework.routes
import cloud.incidents.routes
import cloud.inventory.routes
import cloud.lessons.routes
import cloud.live.routes
import cloud.maintenance.routes
import cloud.notifications.routes
import cloud.overview.routes
import cloud.privacy.routes
import cloud.quarantine.routes
import cloud.records.routes
import cloud.reports.routes
import cloud.roster.routes
import cloud.schooldays.routes
import cloud.search.routes
import cloud.teaching.routes
import cloud.telemetry.routes
import cloud.terminals.routes
import cloud.timemachine.routes
import cloud.topology.routes
from cloud.api import console, errors, health, metrics, openapi
from cloud.api.middleware import CompressionMiddleware, RequestMiddleware
from cloud.api.rooms import Rooms
from cloud.config import Settings

PREFIX = "/api/v1"
_COMPRESSED_FROM_BYTES = 1024
_GZIP_LEVEL = 5


def assemble() -> FastAPI:
    """Return the app with every described route and no effect."""
    app = FastAPI(title="Bellwether", openapi_url=None, docs_url=None, redoc_url=None)
    routes = APIRouter(prefix=PREFIX)
    for domain in (
        cloud.overview,
        cloud.inventory,
        cloud.incidents,
        cloud.lessons,
        cloud.maintenance,
        cloud.notifications,
        cloud.reports,
        cloud.telemetry,
        cloud.timemachine,
        cloud.topology,
        cloud.search,
        cloud.devices,
        cloud.schooldays,
        cloud.terminals,
        cloud.fleet,
        cloud.quarantine,
        cloud.records,
        cloud.roster,
        cloud.content,
        cloud.desired,
        cloud.teaching,
        cloud.homework,
        cloud.evaluation,
        cloud.feeds,
        cloud.privacy,
        cloud.live,
    ):
        routes.include_router(domain.routes.router)
    app.include_router(routes)
    app.include_router(health.router)
    errors.install(app)
    return app


def create_app(settings: Settings, *, console_dir: Path = console.DIST, evaluate: bool = True) -> FastAPI:
    """Return the app of one API process. Nothing is opened before its lifespan begins.

    `evaluate` false leaves the evaluation of status to other processes.
    """
    app = assemble()
    document = openapi.document(app)
    rooms = Rooms(settings, evaluate=evaluate)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await rooms.start()
        try:
            yield
        finally:
            await rooms.stop()

    async def serve_document(_: Request) -> Response:
        return JSONResponse(document)

    async def serve_metrics(_: Request) -> Response:
        return Response(await metrics.exposition(rooms), media_type=metrics.CONTENT_TYPE)

    app.router.lifespan_context = lifespan
    app.state.rooms = rooms
    app.add_route("/openapi.json", serve_document, include_in_schema=False)
    app.add_route("/metrics", serve_metrics, include_in_schema=False)
    app.include_router(console.router(console_dir))
    app.add_middleware(CompressionMiddleware, minimum_size=_COMPRESSED_FROM_BYTES, compresslevel=_GZIP_LEVEL)
    app.add_middleware(RequestMiddleware, metrics=rooms.metrics)
    return app
