"""Documents: what is held was signed by the centre for this agent, never goes back, and is there with the line cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.cipher import Cipher
from edge_agent.downlink import Documents
from edge_agent.downlink.errors import (
    DocumentsUnwritable,
    MisdirectedDocument,
    OlderDocument,
    UnreadableDocument,
    WrongSignature,
)
from edge_agent.durable import replace_durably
from protocols.desired import SIGNED_PREFIX, DocumentKind, SignedDocument, token_of
from tests.edge_agent.downlink.centre import AGENT, KEY, PUBLIC_KEY, roster, signed, timetable


def backwards(data: bytes) -> bytes:
    """A cipher that shows whether it was used."""
    return data[::-1]


CIPHER = Cipher(backwards, backwards)
ROSTER = DocumentKind.ROSTER


def opened(folder: Path) -> Documents:
    documents = Documents(folder, agent=AGENT, public_key=PUBLIC_KEY, cipher=CIPHER)
    documents.load()
    return documents


def test_a_document_is_in_force_once_accepted_and_after_a_restart(tmp_path):
    documents = opened(tmp_path / "desired")
    changed: list[DocumentKind] = []
    documents.on_change(changed.append)
    one = signed(roster("七年级1班"))
    documents.accept(one)
    assert documents.body(ROSTER) == roster("七年级1班")
    assert documents.token(ROSTER) == token_of(one.payload)
    assert changed == [ROSTER]
    again = opened(tmp_path / "desired")
    assert again.body(ROSTER) == roster("七年级1班")
    assert again.token(ROSTER) == token_of(one.payload)
    assert again.document(ROSTER) == documents.document(ROSTER)
    assert again.body(DocumentKind.TIMETABLE) is None
    assert again.token(DocumentKind.TIMETABLE) is None


def test_the_same_document_again_changes_nothing(tmp_path):
    documents = opened(tmp_path)
    documents.accept(signed(roster("a")))
    changed: list[DocumentKind] = []
    documents.on_change(changed.append)
    written = (tmp_path / "roster.sealed").stat().st_mtime_ns
    documents.accept(signed(roster("a")))
    assert changed == []
    assert (tmp_path / "roster.sealed").stat().st_mtime_ns == written


def test_what_was_signed_with_another_key_is_refused(tmp_path):
    documents = opened(tmp_path)
    with pytest.raises(WrongSignature, match="does not verify"):
        documents.accept(signed(roster("a"), key=Ed25519PrivateKey.generate()))
    one = signed(roster("a"))
    with pytest.raises(WrongSignature):
        documents.accept(SignedDocument(key_id="k", payload=one.payload + b" ", signature=one.signature))
    with pytest.raises(WrongSignature):
        documents.accept(SignedDocument(key_id="k", payload=one.payload, signature=one.signature[:-1]))
    assert documents.body(ROSTER) is None
    assert list(tmp_path.iterdir()) == []


def test_what_is_another_agents_or_of_another_kind_is_refused(tmp_path):
    documents = opened(tmp_path)
    with pytest.raises(MisdirectedDocument, match="s08-gw"):
        documents.accept(signed(roster("a"), agent="s08-gw"))
    with pytest.raises(MisdirectedDocument, match="a body of timetable"):
        documents.accept(signed(timetable(), kind=ROSTER))


def test_a_payload_of_another_version_is_refused(tmp_path):
    payload = b'{"version": 2}'
    one = SignedDocument(key_id="k", payload=payload, signature=KEY.sign(SIGNED_PREFIX + payload))
    with pytest.raises(UnreadableDocument):
        opened(tmp_path).accept(one)


def test_an_old_document_that_is_replayed_does_nothing_even_after_a_restart(tmp_path):
    documents = opened(tmp_path)
    documents.accept(signed(roster("new"), 5))
    for holder in (documents, opened(tmp_path)):
        with pytest.raises(OlderDocument, match="serial 4, held is 5"):
            holder.accept(signed(roster("old"), 4))
        assert holder.body(ROSTER) == roster("new")


def test_a_damaged_file_is_set_aside_and_its_kind_fetched_again(tmp_path):
    documents = opened(tmp_path)
    documents.accept(signed(roster("a"), 3))
    documents.accept(signed(timetable(), 2))
    path = tmp_path / "roster.sealed"
    path.write_bytes(path.read_bytes()[:-20])
    again = opened(tmp_path)
    assert again.token(ROSTER) is None
    assert again.body(DocumentKind.TIMETABLE) == timetable()
    assert (tmp_path / "roster.damaged").exists()
    again.accept(signed(roster("a"), 3))
    assert opened(tmp_path).body(ROSTER) == roster("a")


def test_files_are_verified_again_when_the_centres_key_changed(tmp_path):
    opened(tmp_path).accept(signed(roster("a"), 3))
    other = Ed25519PrivateKey.generate()
    documents = Documents(tmp_path, agent=AGENT, public_key=other.public_key().public_bytes_raw(), cipher=CIPHER)
    documents.load()
    assert documents.token(ROSTER) is None
    documents.accept(signed(roster("b"), 1, key=other))
    assert documents.body(ROSTER) == roster("b")


def test_files_are_sealed(tmp_path):
    opened(tmp_path).accept(signed(roster("七年级1班")))
    assert b"s07-c01" in backwards((tmp_path / "roster.sealed").read_bytes())
    assert b"s07-c01" not in (tmp_path / "roster.sealed").read_bytes()
    assert (tmp_path / "roster.sealed").stat().st_mode & 0o077 == 0


def test_a_disk_that_refuses_leaves_the_document_before(tmp_path, monkeypatch):
    documents = opened(tmp_path)
    documents.accept(signed(roster("a"), 1))

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(DocumentsUnwritable, match="No space left"):
            documents.accept(signed(roster("b"), 2))
    assert documents.body(ROSTER) == roster("a")
    assert opened(tmp_path).body(ROSTER) == roster("a")


@pytest.mark.faults
def test_a_kill_in_mid_write_keeps_the_old_document(tmp_path):
    """The process dies with SIGKILL after half of the new file was written."""
    opened(tmp_path).accept(signed(roster("old"), 1))
    newer = tmp_path / "newer.msgpack"
    newer.write_bytes(msgspec.msgpack.encode(signed(roster("new"), 2)))
    program = f"""
import os, signal, sys
from pathlib import Path
import msgspec
from tests.edge_agent.downlink.test_documents import opened
from protocols.desired import SignedDocument
def die(descriptor):
    os.truncate(descriptor, os.fstat(descriptor).st_size // 2)
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = die
signed = msgspec.msgpack.decode(Path({str(newer)!r}).read_bytes(), type=SignedDocument)
opened(Path({str(tmp_path)!r})).accept(signed)
"""
    died = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert (tmp_path / "roster.sealed.new").exists()
    documents = opened(tmp_path)
    assert documents.body(ROSTER) == roster("old")
    documents.accept(signed(roster("new"), 2))
    assert opened(tmp_path).body(ROSTER) == roster("new")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["a", "b"]), st.booleans()), max_size=12))
def test_the_serial_never_goes_back_and_what_is_held_survives(steps):
    with TemporaryDirectory() as name:
        folder = Path(name)
        documents, highest, held = opened(folder), 0, None
        for serial, title, reopen in steps:
            if serial < highest:
                with pytest.raises(OlderDocument):
                    documents.accept(signed(roster(title), serial))
            else:
                documents.accept(signed(roster(title), serial))
                highest, held = serial, title
            if reopen:
                documents = opened(folder)
            assert documents.body(ROSTER) == (None if held is None else roster(held))
            document = documents.document(ROSTER)
            assert (0 if document is None else document.serial) == highest


def test_a_file_is_replaced_whole(tmp_path):
    replace_durably(tmp_path / "file", b"one")
    replace_durably(tmp_path / "file", b"two")
    assert (tmp_path / "file").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
