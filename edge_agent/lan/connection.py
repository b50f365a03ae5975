"""One connection to the LAN API, bounded where uvicorn is not: how large a request's head may be, how long it may take.

uvicorn's httptools protocol gathers a head of any size, and a single endless header costs time that grows with its
square. A connection that does not get its head across in time, or only opens and waits, is closed.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from edge_agent.lan.problems import CONTENT_TYPE, Refusal

MAX_HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 30.0
_END_OF_HEAD = b"\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """Uvicorn's connection with a bound on heads. Between requests the keep-alive timeout rules."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._head_bytes = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head before the parser sees it."""
        if self._in_head:
            if self._head_bytes == 0 and self._patience is None:
                self._wait_for_head()
            end = data.find(_END_OF_HEAD, 0, MAX_HEAD_BYTES + len(_END_OF_HEAD))
            self._head_bytes += len(data) if end < 0 else end
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(
                    Refusal(
                        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                        f"a head has at most {MAX_HEAD_BYTES} bytes",
                        hint="send fewer or shorter headers; a check-in needs none but its length",
                    )
                )
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next bytes are another head."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        refusal = Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            f"no request within {HEAD_SECONDS:g} s",
            hint="connect when there is something to send, and send it at once",
        )
        self._patience = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._refuse, refusal)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, refusal: Refusal) -> None:
        self._stop_waiting()
        if self.transport.is_closing():
            return
        status, body = refusal.status, refusal.encoded()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {CONTENT_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
