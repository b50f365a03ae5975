"""The agent's content cache: blobs by their SHA-256, encrypted at rest, fetched once, served on the LAN."""

from edge_agent.content.cache import ContentCache, Source
from edge_agent.content.pace import Caps
from edge_agent.content.store import BlobGone, BlobStore, NoRoom, WrongBlob
from edge_agent.content.wants import Listed, Readiness

__all__ = ["BlobGone", "BlobStore", "Caps", "ContentCache", "Listed", "NoRoom", "Readiness", "Source", "WrongBlob"]
