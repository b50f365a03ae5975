"""The centre's figures as the demo shows them, read from the same REST API that the console uses.

Only what is shown is read; whatever else the API answers is left alone. A centre that does not answer is a fact to
show, not an error.
"""

from __future__ import annotations

import httpx
import msgspec
from msgspec import Struct

READ_SECONDS = 5.0
"""How long a read may take while the next is due soon."""


class GridRow(Struct, frozen=True, kw_only=True):
    """One link."""

    link: str
    school: str
    status: str


class Freshness(Struct, frozen=True, kw_only=True):
    """How current the centre's picture is."""

    age_seconds: float | None = None
    agents_online: int = 0
    agents_total: int = 0
    segments_per_second: float | None = None
    rows_per_second: float | None = None


class Backlog(Struct, frozen=True, kw_only=True):
    """What agents hold by their own reports."""

    segments: int = 0
    items: int = 0


class Ledger(Struct, frozen=True, kw_only=True):
    """The books, in items."""

    produced: int = 0
    stored: int = 0
    held: int = 0
    thinned: int = 0
    quarantined: int = 0
    damaged: int = 0
    lost: int = 0


class Figures(Struct, frozen=True, kw_only=True):
    """The overview, as far as it is shown here."""

    links: dict[str, int] = {}
    gateways: dict[str, int] = {}
    classrooms: dict[str, int] = {}
    terminals: dict[str, int] = {}
    grid: list[GridRow] = []
    freshness: Freshness = Freshness()
    backlog: Backlog = Backlog()
    ledger: Ledger = Ledger()

    def status_of(self, school: str) -> str:
        """Return the status word of a school's link."""
        return next((row.status for row in self.grid if row.school == school), "unknown")


_decoder = msgspec.json.Decoder(Figures)


def decode(document: bytes) -> Figures:
    """Return the figures of an overview document.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decoder.decode(document)


class FigureReader:
    """Reads the overview over one kept connection."""

    def __init__(self, console: str, *, timeout_seconds: float = READ_SECONDS) -> None:
        self._client = httpx.AsyncClient(base_url=console, timeout=timeout_seconds, trust_env=False)
        self.reason = "not asked yet"

    async def read(self) -> Figures | None:
        """Return the figures now, or None with `reason` set."""
        try:
            answer = await self._client.get("/api/v1/overview")
            answer.raise_for_status()
            figures = decode(answer.content)
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            self.reason = _in_words(error)
            return None
        self.reason = ""
        return figures

    async def ready(self) -> bool:
        """Return whether the centre says that it is ready."""
        try:
            answer = await self._client.get("/readyz")
        except httpx.HTTPError as error:
            self.reason = _in_words(error)
            return False
        self.reason = "" if answer.is_success else answer.text[:300]
        return answer.is_success

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


def _in_words(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "is too busy to answer in time"  # httpx' timeouts carry no words
    return str(error) or type(error).__name__
