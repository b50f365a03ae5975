"""Resources on a terminal: one file per SHA-256, fetched in ranges, verified before it is shown.

What is there is there whole: a partial file is another name, so a terminal that loses power goes on where it was.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import httpx

from protocols.content import CHUNK_BYTES
from protocols.records import Part


class BlobDamaged(Exception):
    """The bytes that came do not have the promised hash; what was fetched is thrown away."""


class TerminalStore:
    """The files of one terminal below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where a whole blob lies or will lie."""
        return self._folder / sha256

    def missing(self, blobs: Iterable[Part]) -> list[Part]:
        """Return the blobs that are not here, each once."""
        wanted = {blob.sha256: blob for blob in blobs}
        return [blob for blob in wanted.values() if not self.path(blob.sha256).is_file()]

    def missing_bytes(self, blobs: Iterable[Part]) -> int:
        """Return how much has to come before all are here."""
        total = 0
        for blob in self.missing(blobs):
            partial = self._partial(blob.sha256)
            total += blob.size_bytes - (partial.stat().st_size if partial.is_file() else 0)
        return total

    async def fetch(self, http: httpx.AsyncClient, url: str, blob: Part) -> int:
        """Bring a blob here from `url`, going on where a partial file ends; return the bytes that came.

        Raises:
            BlobDamaged: start again. httpx.HTTPError: try again, what came is kept.
        """
        partial = self._partial(blob.sha256)
        have = partial.stat().st_size if partial.is_file() else 0
        came = 0
        if have < blob.size_bytes or blob.size_bytes == 0:
            headers = {"range": f"bytes={have}-"} if have else {}
            async with http.stream("GET", url, headers=headers) as response:
                response.raise_for_status()
                mode = "ab" if response.status_code == httpx.codes.PARTIAL_CONTENT else "wb"
                with partial.open(mode) as file:
                    async for piece in response.aiter_bytes(CHUNK_BYTES):
                        file.write(piece)
                        came += len(piece)
        await asyncio.to_thread(self._settle, blob)
        return came

    def _settle(self, blob: Part) -> None:
        partial = self._partial(blob.sha256)
        with partial.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        if found != blob.sha256:
            partial.unlink()
            raise BlobDamaged(f"{blob.sha256} came as {found}")
        partial.replace(self.path(blob.sha256))

    def _partial(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.part"
