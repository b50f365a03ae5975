"""The centre's HTTP API as an agent asks it: tokens, documents, reports. One connection, kept; every answer is bounded.

httpx is imported when the first question is asked. Redirects and proxies of the environment are not followed: a token
goes to the configured centre and nowhere else.
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
import sys
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from edge_agent.downlink.errors import CentreAway, CentreRefuses
from protocols.desired import DesiredTokens, DocumentKind, Reported, SignedDocument

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""Longest wait between two pieces of an answer: a roster may take minutes on a bad line, as long as it moves."""
WHOLE_SECONDS = 300.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024

T = TypeVar("T")
_tokens = msgspec.json.Decoder(DesiredTokens)
_document = msgspec.json.Decoder(SignedDocument)
_encoder = msgspec.json.Encoder()


class Centre:
    """One agent's way to the centre. Belongs to one event loop; `close` when done.

    `ca_file` is trusted beside the machine's own authorities.
    """

    def __init__(self, url: str, *, agent: str, token: str, ca_file: Path | None = None) -> None:
        self.url = url.rstrip("/")
        self._agent = agent
        self._token = token
        self._ca_file = ca_file
        self._client: httpx.AsyncClient | None = None

    async def tokens(self) -> DesiredTokens:
        """Ask for the token of every document.

        Raises:
            CentreAway, CentreRefuses.
        """
        desired = self._decoded(_tokens, await self._ask("GET", "tokens"))
        if desired.agent != self._agent:
            raise CentreAway(f"the centre answered for agent {desired.agent!r}")
        return desired

    async def document(self, kind: DocumentKind) -> SignedDocument:
        """Fetch a document, as it came; verifying it is for `Documents`.

        Raises:
            CentreAway, CentreRefuses.
        """
        return self._decoded(_document, await self._ask("GET", f"documents/{kind.value}"))

    async def report(self, reported: Reported) -> None:
        """Hand in the whole reported state.

        Raises:
            CentreAway, CentreRefuses.
        """
        await self._ask("POST", "reported", _encoder.encode(reported))

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, method: str, what: str, body: bytes | None = None) -> bytes:
        httpx = slim_httpx()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                client = self._client or await self._connected()
                headers = {} if body is None else {"content-type": "application/json"}
                address = f"{self.url}/api/v1/edge/{self._agent}/{what}"
                async with client.stream(method, address, content=body, headers=headers) as answer:
                    return self._accepted(answer, await _bounded(answer), what)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise CentreAway(f"{type(error).__name__} at {self.url}: {error}".rstrip(": ")) from error
        except TimeoutError as error:
            raise CentreAway(f"{self.url} took longer than {WHOLE_SECONDS:g} s for {what}") from error

    async def _connected(self) -> httpx.AsyncClient:
        httpx = slim_httpx()
        # Reading the machine's authorities takes tens of milliseconds.
        context = await asyncio.to_thread(self._tls) if self.url.startswith("https:") else False
        self._client = httpx.AsyncClient(
            headers={"authorization": f"Bearer {self._token}"},
            timeout=httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            verify=context,
            follow_redirects=False,
            trust_env=False,
        )
        return self._client

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                raise CentreAway(f"the certificates in {self._ca_file} cannot be used: {error}") from error
        return context

    def _accepted(self, answer: httpx.Response, content: bytes, what: str) -> bytes:
        if answer.is_success:
            return content
        reason = f"{self.url} answers {answer.status_code} {answer.reason_phrase} for {what}".replace("  ", " ")
        if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise CentreRefuses(reason)
        raise CentreAway(reason)

    def _decoded(self, decoder: msgspec.json.Decoder[T], content: bytes) -> T:
        try:
            return decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CentreAway(f"{self.url} answers what this agent cannot read: {error}") from error


def slim_httpx() -> Any:
    """Return httpx without its command line, which would bring click, Pygments and Rich: 17 MB against 2."""
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
        try:
            importlib.import_module("httpx")
        finally:
            del sys.modules["httpx._main"]
    return sys.modules["httpx"]


async def _bounded(answer: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    async for part in answer.aiter_bytes():
        size_bytes += len(part)
        if size_bytes > MAX_ANSWER_BYTES:
            raise CentreAway(f"an answer of the centre is larger than {MAX_ANSWER_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)
