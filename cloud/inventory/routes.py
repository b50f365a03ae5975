"""Routes of links, schools and unclaimed things: what should exist, joined with what is."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from cloud.http import files, problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset, Search, like_pattern
from cloud.inventory import district_map, reading
from cloud.inventory.export import LINKS, SCHOOLS
from cloud.inventory.schemas import DistrictMap, LinkDetail, LinkList, SchoolDetail, SchoolList, UnclaimedList
from protocols.samples import Kind

router = APIRouter(tags=["inventory"])

LinkKey = Annotated[str, Path(max_length=160, examples=["s07-wan"], description="Link id.")]
SchoolKey = Annotated[str, Path(max_length=160, examples=["s07"], description="School id.")]


@router.get("/links", responses=problems.responses(503))
async def links(reader: Reader) -> LinkList:
    """Every link with its status and newest metrics, in district order."""
    return await reading.links(reader)


@router.get("/links/file", response_class=Response, responses=files.responses(422, 503))
async def links_file(request: Request, reader: Reader, asked: files.Asked) -> Response:
    """The same as a file for a spreadsheet."""
    return await files.file_answer(request, asked, LINKS, (await reading.links(reader)).items)


@router.get("/links/{link}", responses=problems.responses(404, 422, 503))
async def link(link: LinkKey, reader: Reader) -> LinkDetail:
    """One link with both ends' newest metrics, its gateway, and what happened to it."""
    detail = await reading.link(reader, link)
    if detail is None:
        raise problems.not_found("link", link, hint="GET /api/v1/links lists every link.")
    return detail


@router.get("/schools", responses=problems.responses(422, 503))
async def schools(reader: Reader, search: Search = None, limit: Limit = 100, offset: Offset = 0) -> SchoolList:
    """Schools with their link, gateway, classrooms and terminals counted by status, in district order."""
    return await reading.schools(reader, like_pattern(search), limit, offset)


@router.get("/schools/file", response_class=Response, responses=files.responses(422, 503))
async def schools_file(request: Request, reader: Reader, asked: files.Asked, search: Search = None) -> Response:
    """The same as a file for a spreadsheet."""
    found = await reading.schools(reader, like_pattern(search), files.MOST_ROWS, 0)
    return await files.file_answer(request, asked, SCHOOLS, found.items)


@router.get("/schools/{school}", responses=problems.responses(404, 422, 503))
async def school(school: SchoolKey, reader: Reader) -> SchoolDetail:
    """One school with its classrooms, devices and ports."""
    detail = await reading.school(reader, school)
    if detail is None:
        raise problems.not_found("school", school, hint="GET /api/v1/schools lists every school.")
    return detail


@router.get("/unclaimed", responses=problems.responses(422, 503))
async def unclaimed(
    reader: Reader,
    kind: Annotated[Kind | None, Query(description="Only things of this kind.")] = None,
    search: Search = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> UnclaimedList:
    """Things that agents measure and the inventory does not know; their samples are stored all the same."""
    return await reading.unclaimed(reader, kind, like_pattern(search), limit, offset)


@router.get("/map", responses=problems.responses(503))
async def map_of_the_district(request: Request) -> DistrictMap:
    """The district's own outline, when the configuration names one; the console draws schools over it."""
    path: str = request.app.state.rooms.settings.district.map_file
    return DistrictMap(outline=await asyncio.to_thread(district_map.read, path) if path else None)
