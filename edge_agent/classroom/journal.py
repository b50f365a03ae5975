"""The facts of the live classes on disk, sealed, so that a restarted agent shows the same board.

A file of frames that is only appended to and rewritten when it has grown: each frame is its length (4 bytes, big
endian) and one sealed batch of facts, MessagePack within. A batch is written after the spool's commit and before the
app is answered, so whoever was answered is on the board after kill -9; whoever was not sends again. There is no fsync:
a power cut may take the last seconds from the board, never from the spool. A torn last frame is cut off; a frame that
does not open ends the reading, and what came before it stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.classroom.values import AnyFact
from edge_agent.durable import replace_durably
from edge_agent.errors import EdgeError, Retry

COMPACT_BYTES = 4 * 1024 * 1024
_MOST_FRAME_BYTES = 16 * 1024 * 1024
_BATCH = 500

log = structlog.get_logger(__name__)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[AnyFact])


class Journal:
    """One file. Every method works on the disk and belongs into a thread, one at a time."""

    def __init__(self, path: Path, cipher: Cipher) -> None:
        self._path = path
        self._cipher = cipher
        self._descriptor: int | None = None
        self.size_bytes = 0

    def read(self) -> list[AnyFact]:
        """Return every fact that can be read, in order; a file that is not there holds none.

        Raises:
            OSError: the disk refuses. EdgeError: there is no key at the moment.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        facts: list[AnyFact] = []
        place = 0
        while place + 4 <= len(content):
            length = int.from_bytes(content[place : place + 4], "big")
            frame = content[place + 4 : place + 4 + length]
            if length > _MOST_FRAME_BYTES or len(frame) < length:
                break
            try:
                facts += _decoder.decode(self._cipher.open(frame))
            except (EdgeError, msgspec.DecodeError) as error:
                if isinstance(error, EdgeError) and error.retry is not Retry.NEVER:
                    raise
                log.warning("classroom_journal_damaged", file=str(self._path), at_byte=place, reason=str(error))
                break
            place += 4 + length
        return facts

    def rewrite(self, facts: Iterable[AnyFact]) -> None:
        """Replace the file by one that holds these facts, and go on appending to it.

        Raises:
            OSError, EdgeError: the disk refuses, or there is no key; the file is as it was.
        """
        held = list(facts)
        content = b"".join(self._frame(held[at : at + _BATCH]) for at in range(0, len(held), _BATCH))
        replace_durably(self._path, content)
        self.close()
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self.size_bytes = len(content)

    @property
    def is_open(self) -> bool:
        """Whether facts can be added: `rewrite` has worked."""
        return self._descriptor is not None

    def append(self, facts: Sequence[AnyFact]) -> None:
        """Add facts at the end.

        Raises:
            OSError, EdgeError: the disk refuses, or there is no key; nothing was added that `read` would return.
        """
        assert self._descriptor is not None, "facts are added after a `rewrite` that worked"
        frame = self._frame(facts)
        try:
            _write(self._descriptor, frame)
        except OSError:
            # Half a frame would hide everything after it.
            os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += len(frame)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _frame(self, facts: Sequence[AnyFact]) -> bytes:
        sealed = self._cipher.seal(_encoder.encode(facts))
        return len(sealed).to_bytes(4, "big") + sealed


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
