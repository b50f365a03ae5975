"""Routes that say whether the process lives and whether what it needs is there. Never cached, never a lie."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Request, Response

from cloud.api.schemas import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz(request: Request) -> Health:
    """The process answers; says nothing about database and broker."""
    return Health(status="ok", version=version("bellwether"), started_at=request.app.state.rooms.started_at)


@router.get(
    "/readyz",
    responses={503: {"model": Readiness, "description": "Something the cloud needs is away; `checks` says what."}},
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Whether database, migrations and broker are there, looked up now (the broker at most every two seconds)."""
    readiness: Readiness = await request.app.state.rooms.readiness.look()
    response.status_code = 200 if readiness.ready else 503
    response.headers["cache-control"] = "no-store"
    return readiness
