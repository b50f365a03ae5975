"""The signing key: made once whoever comes first, readable by its owner only, and what tokens are derived from."""

from __future__ import annotations

import base64
import multiprocessing
import stat

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.desired.keys import FILE_NAME, SigningKeyUnusable, open_key
from protocols.desired import SIGNED_PREFIX


def key_id_of(folder) -> str:
    return open_key(folder).key_id


def test_processes_that_come_together_make_one_key(tmp_path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        ids = set(pool.map(key_id_of, [tmp_path / "content"] * 8, chunksize=1))
    assert len(ids) == 1
    assert [path.name for path in (tmp_path / "content").iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / "content" / FILE_NAME).stat().st_mode) == 0o600


def test_a_signature_verifies_with_the_public_key_and_for_no_other_bytes(tmp_path):
    key = open_key(tmp_path)
    signed = key.sign(b"payload")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_text))
    public.verify(signed.signature, SIGNED_PREFIX + b"payload")
    with pytest.raises(InvalidSignature):
        public.verify(signed.signature, b"payload")
    assert signed.key_id == key.key_id == open_key(tmp_path).key_id


def test_a_token_admits_its_agent_only(tmp_path):
    key = open_key(tmp_path)
    assert key.agent_token("s01-gw") == open_key(tmp_path).agent_token("s01-gw")
    assert key.admits("s01-gw", key.agent_token("s01-gw"))
    assert not key.admits("s02-gw", key.agent_token("s01-gw"))
    assert not key.admits("s01-gw", "")
    assert not key.admits("s01-gw", "é\udc80")


def test_a_key_that_cannot_be_read_is_told_with_its_path(tmp_path):
    (tmp_path / FILE_NAME).write_text("garbage")
    with pytest.raises(SigningKeyUnusable, match=str(tmp_path / FILE_NAME)):
        open_key(tmp_path)
