"""The agent's own key, with which it encrypts what it keeps of pupils: AES-256-GCM, a fresh nonce each time.

The key is made at the first use and lies in the data folder as `vault.key`, readable by the agent's user only. It
protects what leaves without it: a file that is copied, a backup that leaves the key out, a disk of which the key was
wiped first. Whoever has the folder and the key can read everything.

Sealed: a byte of version, 12 of nonce, the ciphertext with its 16 byte tag. Sources: NIST SP 800-38D §8.2.2 (random
nonces: up to 2^32 messages under a key, which an agent's records reach in centuries), RFC 5116.
"""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import structlog

from edge_agent.cipher import Cipher
from edge_agent.durable import replace_durably
from edge_agent.errors import EdgeError, Retry

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE = "vault.key"
KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = b"\x01"

log = structlog.get_logger(__name__)


class VaultUnusable(EdgeError):
    """The key cannot be read or made at the moment; what it sealed is not lost for that."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "free disk space, and check that vault.key in data_dir is the agent's user's"


class NotOurs(EdgeError):
    """What another key sealed, or what was changed since."""

    hint: ClassVar[str] = (
        "the key was lost or replaced, or the file is damaged; put the old vault.key back if you have it"
    )


class Vault:
    """Seals and opens with one agent's key, from any thread. The key is read, or made, when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / KEY_FILE
        self._lock = threading.Lock()
        self._aead: AESGCM | None = None

    def cipher(self) -> Cipher:
        """Return this vault as other rooms take it."""
        return Cipher(self.seal, self.open)

    def seal(self, plain: bytes) -> bytes:
        """Return the bytes encrypted, 29 longer.

        Raises:
            VaultUnusable: there is no key at the moment.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._opened().encrypt(nonce, plain, VERSION)

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            NotOurs: another key sealed it, or it was changed. VaultUnusable.
        """
        from cryptography.exceptions import InvalidTag

        aead = self._opened()
        if len(sealed) < 1 + NONCE_BYTES or sealed[:1] != VERSION:
            raise NotOurs("it was not sealed by an agent of this version")
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return aead.decrypt(nonce, ciphertext, VERSION)
        except InvalidTag:
            raise NotOurs("another key sealed it, or it was changed") from None

    def _opened(self) -> AESGCM:
        # Imported here: it takes 7 MB, and many agents keep nothing that has to be sealed.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        with self._lock:
            if self._aead is None:
                try:
                    self._aead = AESGCM(self._read() or self._make())
                except OSError as error:
                    raise VaultUnusable(f"the key {self._path} cannot be used: {error.strerror or error}") from error
            return self._aead

    def _read(self) -> bytes | None:
        try:
            key = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if len(key) == KEY_BYTES:
            return key
        log.error("vault_key_damaged", file=str(self._path), size_bytes=len(key))
        self._path.replace(self._path.with_suffix(".damaged"))
        return None

    def _make(self) -> bytes:
        """Make a key and have it on disk before anything is sealed with it."""
        key = secrets.token_bytes(KEY_BYTES)
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        replace_durably(self._path, key)
        log.info("vault_key_made", file=str(self._path))
        return key
