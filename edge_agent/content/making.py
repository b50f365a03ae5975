"""From a config to a content cache: which folder, which sources, which caps."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import time
from random import Random

from edge_agent.cipher import Cipher
from edge_agent.config.model import AgentConfig
from edge_agent.content.cache import ContentCache, Source
from edge_agent.content.pace import Caps
from edge_agent.content.store import BlobStore

FOLDER = "content"


def make_content(
    config: AgentConfig, cipher: Cipher, executor: Executor, in_lesson: Callable[[], bool], random: Random
) -> ContentCache:
    """Return the cache of a config's agent; nothing is read before its `start`."""
    section = config.content
    folder = config.agent.data_dir / FOLDER
    store = BlobStore(folder, cipher, max_bytes=section.max_bytes, floor_bytes=section.floor_bytes)
    centre = _centre(config)
    parent = None
    if section.parent is not None:
        token = None if section.parent_token is None else section.parent_token.reveal()
        parent = Source(f"{section.parent.rstrip('/')}/v1/blobs", token, _trusted(section.parent, None))
    starts, _, ends = section.night.partition("-")
    caps = Caps(
        section.lesson_bps,
        section.day_bps,
        section.night_bps,
        (time.fromisoformat(starts), time.fromisoformat(ends)),
    )
    return ContentCache(
        store,
        folder,
        executor,
        origin=parent or centre,
        centre=centre,
        caps=caps,
        in_lesson=in_lesson,
        partial_days=section.partial_days,
        random=random,
    )


def _centre(config: AgentConfig) -> Source | None:
    if config.centre is None:
        return None
    url = f"{config.centre.url.rstrip('/')}/api/v1/edge/{config.agent.id}/blobs"
    ca_file = config.uplink.tls_ca
    return Source(url, config.centre.token.reveal(), _trusted(url, None if ca_file is None else str(ca_file)))


def _trusted(url: str, ca_file: str | None) -> Callable[[], ssl.SSLContext | bool]:
    """Return how whoever answers there is verified, worked out when it is first needed."""

    def context() -> ssl.SSLContext | bool:
        if not url.startswith("https:"):
            return False
        made = ssl.create_default_context()
        if ca_file is not None:
            made.load_verify_locations(ca_file)
        return made

    return context
