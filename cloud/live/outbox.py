"""What one browser has still to be sent: at most one message of a kind, newer replacing or joining older. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


class Delta(Generic[Row]):
    """Changed rows by key, encoded once for every browser that has nothing else pending."""

    __slots__ = ("_encode", "_encoded", "rows")

    def __init__(self, rows: Mapping[str, Row], encode: Callable[[list[Row]], bytes]) -> None:
        self.rows = dict(rows)
        self._encode = encode
        self._encoded: bytes | None = None

    def joined(self, newer: Delta[Row]) -> Delta[Row]:
        """Return both, the newer row winning."""
        return Delta({**self.rows, **newer.rows}, self._encode)

    @property
    def encoded(self) -> bytes:
        """The rows as a document."""
        if self._encoded is None:
            self._encoded = self._encode(list(self.rows.values()))
        return self._encoded


class Outbox:
    """Pending messages of one browser. Its size is bounded by the number of things, however slowly it reads."""

    def __init__(self) -> None:
        self._documents: dict[str, bytes] = {}
        self._deltas: dict[str, Delta[Any]] = {}

    def put(self, event: str, document: bytes) -> None:
        """Set the document to send; an older one of the kind is forgotten."""
        self._documents[event] = document

    def join(self, event: str, delta: Delta[Any]) -> None:
        """Add changed rows to what is pending of the kind."""
        pending = self._deltas.get(event)
        self._deltas[event] = delta if pending is None else pending.joined(delta)

    def take(self) -> list[tuple[str, bytes]]:
        """Return everything pending, documents first, and forget it."""
        taken = [*self._documents.items(), *((event, delta.encoded) for event, delta in self._deltas.items())]
        self._documents, self._deltas = {}, {}
        return taken

    def __len__(self) -> int:
        return len(self._documents) + sum(len(delta.rows) for delta in self._deltas.values())
