"""The vault: what it seals only its own key opens, and its key survives or is missed in clear words."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import Retry
from edge_agent.vault import KEY_FILE, NotOurs, Vault, VaultUnusable


def test_what_is_sealed_is_opened_again_after_a_restart(tmp_path):
    sealed = Vault(tmp_path).seal(b"a pupil's answer")
    assert b"answer" not in sealed
    assert Vault(tmp_path).open(sealed) == b"a pupil's answer"
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_the_same_bytes_are_never_sealed_alike(tmp_path):
    vault = Vault(tmp_path)
    assert vault.seal(b"same") != vault.seal(b"same")


def test_another_key_opens_nothing(tmp_path):
    sealed = Vault(tmp_path / "a").seal(b"secret")
    with pytest.raises(NotOurs) as refused:
        Vault(tmp_path / "b").open(sealed)
    assert refused.value.retry is Retry.NEVER


@given(st.binary(max_size=200), st.data())
def test_what_was_changed_is_not_opened(tmp_path_factory, plain, data):
    vault = Vault(tmp_path_factory.mktemp("vault"))
    sealed = bytearray(vault.seal(plain))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotOurs):
        vault.open(bytes(sealed))
    with pytest.raises(NotOurs):
        vault.open(bytes(sealed[:place]))


def test_a_damaged_key_is_set_aside_and_another_made(tmp_path):
    sealed = Vault(tmp_path).seal(b"secret")
    (tmp_path / KEY_FILE).write_bytes(b"short")
    vault = Vault(tmp_path)
    with pytest.raises(NotOurs):
        vault.open(sealed)
    assert (tmp_path / "vault.damaged").read_bytes() == b"short"
    assert Vault(tmp_path).open(vault.seal(b"new")) == b"new"


def test_a_disk_that_refuses_is_asked_again(tmp_path, monkeypatch):
    vault = Vault(tmp_path)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(VaultUnusable, match="No space left") as refused:
            vault.seal(b"secret")
    assert refused.value.retry is Retry.BACKOFF
    assert vault.open(vault.seal(b"secret")) == b"secret"


def test_threads_that_come_first_together_share_one_key(tmp_path):
    vault = Vault(tmp_path)
    with ThreadPoolExecutor(8) as executor:
        sealed = list(executor.map(lambda number: vault.seal(bytes([number])), range(32)))
    assert [Vault(tmp_path).open(one) for one in sealed] == [bytes([number]) for number in range(32)]
