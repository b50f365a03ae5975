"""The duty that forgets half uploads that nobody goes on with."""

from __future__ import annotations

import asyncio
import time

import structlog

from cloud.content.store import BlobStore

INTERVAL_SECONDS = 3600.0
_DAY_SECONDS = 86_400

_log = structlog.get_logger(__name__)


class PartialExpiry:
    """Removes stale half uploads every hour until `run` is cancelled."""

    def __init__(self, store: BlobStore, *, partial_days: int) -> None:
        self._store = store
        self._partial_days = partial_days

    async def run(self) -> None:
        """Work until cancelled. A folder that cannot be read now is tried again in an hour."""
        while True:
            try:
                removed = await asyncio.to_thread(self._store.expire, time.time() - self._partial_days * _DAY_SECONDS)
            except OSError as error:
                _log.warning("partials_not_expired", reason=str(error))
            else:
                if removed:
                    _log.info("partials_expired", uploads=removed)
            await asyncio.sleep(INTERVAL_SECONDS)
