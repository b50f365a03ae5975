"""The centre's signing key: signs documents, and is what the tokens of agents are derived from.

An Ed25519 key in a file of its own (PKCS 8, PEM, mode 0600) in the content folder, made at first use. Of several
processes that make one at the same moment one wins, because a name is linked and not written. An agent's token is an
HMAC-SHA256 of its id under a key derived from the signing key (HKDF, RFC 5869), so that no list of tokens is kept; an
agent is shut out by retiring it in the inventory. Whoever reads the file can speak for the centre; whoever loses it has
to give every agent the new public key and a new token.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cloud.content.store import sync_folder
from cloud.errors import CloudError
from protocols.desired import SIGNED_PREFIX, SignedDocument

FILE_NAME = "signing.key"
_TOKEN_INFO = b"bellwether agent token 1"


class SigningKeyUnusable(CloudError):
    """The signing key cannot be read or made."""

    hint = "Check [content] folder and who may write there; the key file is readable by the centre's own user only."


class CentreKey:
    """Signs for the centre."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(self.public_key).hexdigest()[:16]
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self._token_key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_TOKEN_INFO).derive(seed)

    @property
    def public_text(self) -> str:
        """The public key as agents' configs want it: base64 of its 32 bytes."""
        return base64.b64encode(self.public_key).decode()

    def sign(self, payload: bytes) -> SignedDocument:
        """Return a document's payload with its signature."""
        return SignedDocument(
            key_id=self.key_id, payload=payload, signature=self._private.sign(SIGNED_PREFIX + payload)
        )

    def agent_token(self, agent: str) -> str:
        """Return the token with which an agent speaks to the centre over HTTP."""
        digest = hmac.digest(self._token_key, agent.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def admits(self, agent: str, token: str) -> bool:
        """Tell whether a token is the agent's, in a time that tells nothing about it."""
        return hmac.compare_digest(self.agent_token(agent).encode(), token.encode("utf-8", "replace"))


def open_key(folder: Path) -> CentreKey:
    """Read the key below `folder`; make it when there is none. Blocks.

    Raises:
        SigningKeyUnusable: it cannot be read, or not be made.
    """
    path = folder / FILE_NAME
    try:
        if not path.exists():
            _make(path)
        private = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyUnusable(f"the signing key {path} cannot be used: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"the signing key {path} is not an Ed25519 key")
    return CentreKey(private)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if os.geteuid() == 0:  # a command run by root must not make a key that the centre's own user cannot read
            owner = path.parent.stat()
            os.chown(fresh, owner.st_uid, owner.st_gid)
        with suppress(FileExistsError):  # another process was first: its key is the key
            os.link(fresh, path)
    finally:
        fresh.unlink()
    sync_folder(path.parent)


class KeyRing:
    """Opens the key at its first use and keeps it; making it has no effect."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key: CentreKey | None = None

    async def key(self) -> CentreKey:
        """Return the key. Raises SigningKeyUnusable."""
        if self._key is None:
            self._key = await asyncio.to_thread(open_key, self._folder)
        return self._key
