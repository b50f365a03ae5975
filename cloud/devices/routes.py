"""Routes of one device, one port and one classroom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request

from cloud.devices import reading
from cloud.devices.schemas import ClassroomDetail, DeviceDetail, PortDetail
from cloud.http import problems
from cloud.http.database import Reader

router = APIRouter(tags=["devices"])

DeviceKey = Annotated[str, Path(max_length=160, examples=["s07-sw01"], description="Device id.")]


@router.get("/devices/{device}", responses=problems.responses(404, 422, 503))
async def device(device: DeviceKey, reader: Reader) -> DeviceDetail:
    """One device with its ports, what hangs on it, and what happened to it."""
    found = await reading.device(reader, device)
    if found is None:
        raise problems.not_found("device", device, hint="GET /api/v1/search finds devices by key and name.")
    return found


@router.get("/devices/{device}/ports/{port:path}", responses=problems.responses(404, 422, 503))
async def port(
    device: DeviceKey,
    port: Annotated[
        str, Path(max_length=160, examples=["GigabitEthernet0/0/1"], description="The port's name; slashes may stand.")
    ],
    reader: Reader,
) -> PortDetail:
    """One port with the link that ends at it and what happened to it."""
    found = await reading.port(reader, device, port)
    if found is None:
        raise problems.not_found("port", f"{device}/{port}", hint="GET /api/v1/devices/{device} lists its ports.")
    return found


@router.get("/classrooms/{classroom}", responses=problems.responses(404, 422, 503))
async def classroom(
    request: Request,
    classroom: Annotated[str, Path(max_length=160, examples=["s07-c03"], description="Classroom id.")],
    reader: Reader,
) -> ClassroomDetail:
    """One classroom with its agent, today's lessons in it, and what happened to it."""
    zone = ZoneInfo(request.app.state.rooms.settings.district.time_zone)
    found = await reading.classroom(reader, classroom, datetime.now(zone).date())
    if found is None:
        raise problems.not_found("classroom", classroom, hint="GET /api/v1/schools/{school} lists its classrooms.")
    return found
