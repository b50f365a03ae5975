"""One attempt to hand a message to a receiver. What it says beside the status is neither kept nor logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from cloud.feeds.judging import judge
from cloud.feeds.models import Message, Outcome, Verdict

CONNECT_SECONDS = 10.0
ATTEMPT_SECONDS = 30.0
MAX_ANSWER_BYTES = 65_536


class Sender:
    """Sends over kept-alive connections; follows no redirect, as a signed message is for one address."""

    def __init__(self, client: httpx.AsyncClient, attempt_seconds: float) -> None:
        self._client = client
        self._attempt_seconds = attempt_seconds

    async def send(self, message: Message) -> Outcome:
        """Return what came of it; never raises for what the receiver does."""
        try:
            async with asyncio.timeout(self._attempt_seconds):
                return await self._send(message)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Outcome(Verdict.AWAY, "no_connection")
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(Verdict.FAILED, "timeout")
        except httpx.HTTPError:
            return Outcome(Verdict.FAILED, "connection_lost")

    async def _send(self, message: Message) -> Outcome:
        async with self._client.stream("POST", message.url, headers=message.headers, content=message.body) as response:
            read = 0
            async for chunk in response.aiter_raw():  # a short answer is read to its end, so the connection is kept
                if (read := read + len(chunk)) > MAX_ANSWER_BYTES:
                    break
            if response.status_code == message.known_status:
                return Outcome(Verdict.TAKEN, "known")
            return judge(response.status_code, response.headers.get("retry-after"))


@asynccontextmanager
async def open_sender(attempt_seconds: float = ATTEMPT_SECONDS) -> AsyncIterator[Sender]:
    """Lend a sender for the time of the context."""
    timeout = httpx.Timeout(attempt_seconds, connect=min(CONNECT_SECONDS, attempt_seconds))
    headers = {"user-agent": "Bellwether"}
    async with httpx.AsyncClient(timeout=timeout, headers=headers, trust_env=False) as client:
        yield Sender(client, attempt_seconds)
