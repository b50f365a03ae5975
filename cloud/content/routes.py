"""Routes of content: blobs in and out, pushes made, listed and withdrawn."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.content import reading, service
from cloud.content.schemas import Missing, NewPush, PushDetail, PushList
from cloud.content.transfer import BlobTransfer
from cloud.http import problems
from cloud.http.database import Reader, Writer, read_only
from cloud.http.paging import Limit, Offset
from cloud.http.token import operator_token
from protocols.content import MAX_BLOB_BYTES

router = APIRouter(tags=["content"])

BlobHash = Annotated[
    str,
    Path(pattern="^[0-9a-f]{64}$", examples=["9f86d081884c7d659a2feaa0c55ad015" + "0" * 32], description="SHA-256."),
]
SizeBytes = Annotated[int, Query(ge=0, le=MAX_BLOB_BYTES, description="Size of the whole blob in bytes.")]
ManifestId = Annotated[str, Path(max_length=63, examples=["m-2f1c9a0b4d5e6f708192a3b4"], description="The push.")]

_BYTES: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": _BYTES,
        "description": "The blob's bytes, or those of one `Content-Range: bytes first-last/total`.",
    }
}
"""What FastAPI cannot see of a body that is streamed."""
UPLOADED: dict[int | str, dict[str, Any]] = {
    200: {"model": Missing, "description": "It was there already"},
    201: {"model": Missing, "description": "It is whole and verified"},
    202: {"model": Missing, "description": "More of it is needed"},
    **problems.responses(401, 408, 411, 413, 422, 503, 507),
}
DOWNLOADED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole blob", "content": _BYTES},
    206: {"description": "The range asked for", "content": _BYTES},
    304: {"description": "The client has it"},
    **problems.responses(404, 416, 422, 503),
}


def _transfer(request: Request) -> BlobTransfer:
    transfer: BlobTransfer = request.app.state.rooms.transfer
    return transfer


Transfer = Annotated[BlobTransfer, Depends(_transfer)]


@router.get("/content/blobs/{sha256}/missing", responses=problems.responses(422, 503))
async def missing_of_blob(sha256: BlobHash, size_bytes: SizeBytes, transfer: Transfer) -> Missing:
    """What of a blob has still to be uploaded; ask before sending, and after a cut."""
    return await transfer.missing(sha256, size_bytes)


@router.put(
    "/content/blobs/{sha256}",
    dependencies=[Depends(operator_token)],
    responses=UPLOADED,
    openapi_extra=UPLOAD,
    response_class=Response,
)
async def upload_blob(sha256: BlobHash, request: Request, transfer: Transfer) -> Response:
    """Upload a blob, whole or in ranges; a hash that is here costs nothing."""
    return await transfer.receive(request, sha256)


async def _no_attachment(request: Request, sha256: BlobHash) -> None:
    """Refuse what a pupil handed in: its own route notes who looks."""
    async with read_only(request.app.state.rooms.pool) as connection:
        if await reading.is_attachment(connection, sha256):
            raise problems.not_found(
                "content",
                sha256,
                hint="GET /api/v1/homework/submissions/{record_id}/parts/{sha256} serves attachments.",
            )


@router.get(
    "/content/blobs/{sha256}",
    dependencies=[Depends(_no_attachment)],
    responses=DOWNLOADED,
    response_class=Response,
)
async def download_blob(sha256: BlobHash, request: Request, transfer: Transfer) -> Response:
    """Download a blob, or one `Range` of it; the ETag is its hash."""
    return await transfer.send(request, sha256)


@router.get("/content/manifests", responses=problems.responses(422, 503))
async def pushes(
    reader: Reader,
    state: Annotated[
        Literal["live", "withdrawn", "all"], Query(description="Those that count, those withdrawn, or both.")
    ] = "live",
    limit: Limit = 100,
    offset: Offset = 0,
) -> PushList:
    """Pushes, newest first, with where they have arrived."""
    return await service.listing(reader, {"live": False, "withdrawn": True, "all": None}[state], limit, offset)


@router.get("/content/manifests/{manifest}", responses=problems.responses(404, 422, 503))
async def push(manifest: ManifestId, reader: Reader) -> PushDetail:
    """One push with every agent that should hold it."""
    return await service.detail(reader, manifest)


@router.post(
    "/content/manifests",
    dependencies=[Depends(operator_token)],
    status_code=201,
    responses={
        200: {"model": PushDetail, "description": "The same push was there"},
        **problems.responses(401, 422, 503),
    },
)
async def create_push(new: NewPush, writer: Writer, response: Response) -> PushDetail:
    """Push files to an audience; the same files for the same audience are the same push."""
    detail, made = await service.create(writer, new)
    response.status_code = 201 if made else 200
    return detail


@router.delete(
    "/content/manifests/{manifest}",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 404, 422, 503),
)
async def withdraw_push(manifest: ManifestId, writer: Writer) -> PushDetail:
    """Withdraw a push; agents let go of its files, and what it was stays listed."""
    return await service.withdraw(writer, manifest)
