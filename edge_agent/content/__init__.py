"""The agent's content cache: blobs by their SHA-256, encrypted at rest, fetched once, served on the LAN."""

from edge_agent.content.cache import ContentCache, Readiness, Source
from edge_agent.content.pace import Caps
from edge_agent.content.store import BlobGone, BlobStore, NoRoom, WrongBlob

__all__ = ["BlobGone", "BlobStore", "Caps", "ContentCache", "NoRoom", "Readiness", "Source", "WrongBlob"]
