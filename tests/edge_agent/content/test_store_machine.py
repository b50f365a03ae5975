"""Blobs under any order of writing, crashing, rotting, pinning and crowding: what is read is right, or it is absent."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.content.store import SLOT_EXTRA, BlobGone, BlobStore, NoRoom, chunks_of
from edge_agent.vault import Vault
from protocols.content import CHUNK_BYTES

SIZES = (1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 77)
CONTENTS = [hashlib.shake_128(bytes([number])).digest(size) for number, size in enumerate(SIZES)]
NAMES = [hashlib.sha256(content).hexdigest() for content in CONTENTS]
MAX_BYTES = 6 * CHUNK_BYTES
"""Two or three of the blobs fit, never all."""

blobs = st.integers(0, len(CONTENTS) - 1)


class StoreMachine(RuleBasedStateMachine):
    """The model knows, of each blob, which chunks were settled or whether it was named; eviction only ever forgets.

    Half blobs are never idle here: the store asks their files for that, and files have the real time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="bellwether-store-"))
        self.clock = 1000.0
        self.pinned: set[str] = set()
        self.settled: dict[int, set[int]] = {}
        self.whole: set[int] = set()
        self.reopen()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule()
    def reopen(self) -> None:
        """Die and start again: nothing but the disk is remembered."""
        self.store = BlobStore(
            self.folder / "content",
            Vault(self.folder).cipher(),
            max_bytes=MAX_BYTES,
            floor_bytes=0,
            now=lambda: self.clock,
        )
        self.store.pinned = lambda sha256: sha256 in self.pinned
        self.store.open()

    @rule(blob=blobs, seed=st.integers(0, 3))
    def write(self, blob: int, seed: int) -> None:
        """Put one chunk of a blob on disk, beginning the blob where that is needed."""
        name, content = NAMES[blob], CONTENTS[blob]
        if blob in self.whole or not self.begun(blob):
            return
        number = seed % -(-len(content) // CHUNK_BYTES)
        self.store.write(name, len(content), number, content[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES])
        self.store.settle(name, len(content))
        self.settled.setdefault(blob, set()).add(number)

    @rule(blob=blobs, needed=st.booleans())
    def bring(self, blob: int, needed: bool) -> None:
        """Put all of a blob on disk and name it."""
        if needed:
            self.pinned.add(NAMES[blob])
        for seed in range(-(-len(CONTENTS[blob]) // CHUNK_BYTES)):
            self.write(blob, seed)
        self.finish(blob)

    @rule(blob=blobs)
    def finish(self, blob: int) -> None:
        """Name a blob exactly when all of it has come."""
        if blob not in self.settled:
            return
        complete = len(self.settled[blob]) == -(-len(CONTENTS[blob]) // CHUNK_BYTES)
        assert self.store.finish(NAMES[blob], len(CONTENTS[blob])) == complete
        if complete:
            self.whole.add(blob)
            del self.settled[blob]

    @rule(blob=blobs)
    def pin_or_let_go(self, blob: int) -> None:
        """Begin or cease to need a blob."""
        self.pinned ^= {NAMES[blob]}

    @rule(seconds=st.integers(1, 4000))
    def wait(self, seconds: int) -> None:
        """Let time go by."""
        self.clock += seconds

    @precondition(lambda self: self.whole)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """Read any whole blob: every byte is right."""
        blob = data.draw(st.sampled_from(sorted(self.whole)))
        with self.store.take(NAMES[blob]) as file:
            numbers = chunks_of((0, len(CONTENTS[blob])))
            assert b"".join(self.store.chunk(file, NAMES[blob], one) for one in numbers) == CONTENTS[blob]

    @precondition(lambda self: self.whole)
    @rule(data=st.data())
    def rot(self, data: st.DataObject) -> None:
        """Change a byte of a whole blob on disk: it is noticed when that is read, and the blob is gone."""
        blob = data.draw(st.sampled_from(sorted(self.whole)))
        name, size = NAMES[blob], len(CONTENTS[blob])
        path = next((self.folder / "content" / "blobs").rglob(f"{name}.*"))
        raw = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place] ^= 1
        path.write_bytes(raw)
        damaged = min(place // (CHUNK_BYTES + SLOT_EXTRA), -(-size // CHUNK_BYTES) - 1)
        try:
            with self.store.take(name) as file:
                self.store.chunk(file, name, damaged)
        except BlobGone:
            self.whole.discard(blob)
        else:
            raise AssertionError("a damaged chunk was served")

    @rule(blob=blobs)
    def remove(self, blob: int) -> None:
        """Erase a blob, whole or half."""
        self.store.remove(NAMES[blob])
        self.whole.discard(blob)
        self.settled.pop(blob, None)

    def begun(self, blob: int) -> bool:
        """Have room for a blob, whatever has to go for it; False when there is none."""
        try:
            self.store.begin(NAMES[blob], len(CONTENTS[blob]))
        except NoRoom:
            return False
        finally:
            self.forget_evicted()
        return True

    def forget_evicted(self) -> None:
        """Follow what the store let go of; what is pinned must still be there."""
        for blob in list(self.whole):
            if self.store.size(NAMES[blob]) is None:
                assert NAMES[blob] not in self.pinned
                self.whole.discard(blob)

    @invariant()
    def what_is_whole_is_here_and_the_rest_is_missing(self) -> None:
        for blob, (name, content) in enumerate(zip(NAMES, CONTENTS, strict=True)):
            assert (self.store.size(name) is not None) == (blob in self.whole)
            lacking = {one for span in self.store.missing(name, len(content)) for one in chunks_of(span)}
            everything = set(range(-(-len(content) // CHUNK_BYTES)))
            assert lacking == (set() if blob in self.whole else everything - self.settled.get(blob, set()))

    @invariant()
    def no_more_room_is_taken_than_was_given(self) -> None:
        assert self.store.used_bytes <= MAX_BYTES


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
