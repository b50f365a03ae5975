"""Files to the centre over HTTP: hashed, asked about, and only what is missing sent, in pieces, across cut lines."""

from __future__ import annotations

import hashlib
import mimetypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PIECE_BYTES = 8 * 1024 * 1024
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.5
TIMEOUT_SECONDS = 60.0


class CentreRefused(Exception):
    """The centre answered with a problem, which says itself what to do."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or f"the centre answers with status {status}")
        self.status = status
        self.hint = problem.get("hint") or "look into the centre's log"


class CentreAway(Exception):
    """The centre does not answer."""

    hint = "check --url, and that the centre's API runs there; run the command again to go on where it stopped"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to push, with the hash of what it holds."""

    path: Path
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> LocalFile:
        """Hash a file. Raises OSError."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(path, digest, file.tell())

    @property
    def media_type(self) -> str:
        """What its name says it is."""
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


class Centre:
    """The routes of the centre's API below one name; only those of content take uploads."""

    def __init__(
        self, url: str, token: str = "", *, below: str = "content", pause: Callable[[float], None] = time.sleep
    ) -> None:
        headers = {"x-bellwether-token": token} if token else {}
        base = f"{url.rstrip('/')}/api/v1/{below}"
        self._client = httpx.Client(base_url=base, headers=headers, timeout=TIMEOUT_SECONDS)
        self._url = url
        self._pause = pause

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """Return a JSON answer.

        Raises:
            CentreRefused: the centre says no.
            CentreAway: it does not answer.
        """
        with self._reached():
            answer: dict[str, Any] = _answered(self._client.request(method, path, **more)).json()
            return answer

    def upload(self, file: LocalFile, sent: Callable[[int], None]) -> None:
        """Send what the centre lacks of a file; `sent` is told the bytes that need not be sent any more.

        A cut line is waited for, and the upload goes on with what is missing then.

        Raises:
            CentreRefused: the centre says no, also when the file changed under way.
            CentreAway: it did not answer several times in a row.
        """
        attempt = told = 0
        while True:
            try:
                left = self._missing(file)
                done = file.size_bytes - sum(end - start for start, end in left)
                sent(done - told)
                if done > told:
                    attempt = 0
                told = done
                if self._send_first(file, left):
                    sent(file.size_bytes - told)
                    return
            except (httpx.TransportError, CentreRefused) as error:
                attempt += 1
                if isinstance(error, CentreRefused) and error.status != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                if attempt >= ATTEMPTS:
                    raise CentreAway(f"the centre at {self._url} does not answer: {error}") from error
                self._pause(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))

    def _missing(self, file: LocalFile) -> list[tuple[int, int]]:
        answer = self._client.get(f"/blobs/{file.sha256}/missing", params={"size_bytes": file.size_bytes})
        return [(start, end) for start, end in _answered(answer).json()["missing"]]

    def _send_first(self, file: LocalFile, left: list[tuple[int, int]]) -> bool:
        """Send the first piece that is missing; True when the blob is whole then."""
        url, headers = f"/blobs/{file.sha256}", {"content-type": file.media_type}
        if not left:
            # An empty file lacks nothing even before it was ever sent.
            return bool(file.size_bytes) or bool(_answered(self._client.put(url, content=b"", headers=headers)))
        start, end = left[0][0], min(left[0][1], left[0][0] + PIECE_BYTES)
        with file.path.open("rb") as source:
            source.seek(start)
            piece = source.read(end - start)
        headers["content-range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
        return not _answered(self._client.put(url, content=piece, headers=headers)).json()["missing"]

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise CentreAway(f"the centre at {self._url} does not answer: {error}") from error


def _answered(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    raise CentreRefused(answer.status_code, problem if isinstance(problem, dict) else {})
