"""Records at rest: a segment of their lane is stored encrypted with the agent's key, and opened when it is handed out.

What is stored is `MARK` and the sealed payload; the checksum and every size are of what is stored, so damage is found
without the key. A payload without the mark is stored as it is sent: events and health, which say nothing of pupils,
and records that a version before layout 2 took in (a zstd frame begins otherwise, RFC 8878 §3.1.1). Cipher does not
change what is sent: it is opened to the very bytes that were encoded.
"""

from __future__ import annotations

import structlog

from edge_agent.cipher import Cipher
from edge_agent.errors import EdgeError, Retry
from edge_agent.spool.errors import SpoolError, SpoolUnwritable
from edge_agent.spool.values import StoredLane

MARK = b"BWS1"

log = structlog.get_logger(__name__)


class SealedElsewhere(SpoolError):
    """A segment that this agent's key does not open."""

    hint = "the key of the data folder was lost or replaced; put the old one back to have the segment delivered"


class NoKey(SpoolUnwritable):
    """There is no key at the moment: records can be neither stored nor sent, everything else can."""

    hint = "check the key in data_dir: the agent's user must be able to read it, or the disk to take a new one"


class Secrecy:
    """Seals what must be, opens what was. Without a `cipher`, as in simulations, nothing is sealed."""

    def __init__(self, cipher: Cipher | None) -> None:
        self._cipher = cipher
        self._without_key = False

    def stored(self, lane: StoredLane, payload: bytes) -> bytes:
        """Return a payload as it is to be stored.

        Raises:
            NoKey: nothing is stored in the clear for that.
        """
        if lane is not StoredLane.RECORDS or self._cipher is None:
            return payload
        try:
            sealed = self._cipher.seal(payload)
        except EdgeError as error:
            raise self._no_key(error) from error
        self._without_key = False
        return MARK + sealed

    def opened(self, stored: bytes) -> bytes:
        """Return the payload as it is to be sent.

        Raises:
            SealedElsewhere: this agent has no key, or another one. NoKey.
        """
        if not stored.startswith(MARK):
            return stored
        if self._cipher is None:
            raise SealedElsewhere("it is sealed, and this agent has no key")
        try:
            payload = self._cipher.open(stored[len(MARK) :])
        except EdgeError as error:
            if error.retry is not Retry.NEVER:
                raise self._no_key(error) from error
            raise SealedElsewhere(f"it cannot be opened with this agent's key: {error}") from error
        self._without_key = False
        return payload

    def _no_key(self, error: EdgeError) -> NoKey:
        """Return the refusal; that there is no key is logged once, until there is one again."""
        if not self._without_key:
            log.error("spool_without_key", reason=str(error), hint=error.hint)
        self._without_key = True
        return NoKey(f"records can be neither sealed nor opened: {error}")
