"""A cipher for tests: only the same key opens what it sealed, and nobody reads it in a file."""

from __future__ import annotations

from edge_agent.cipher import Cipher
from edge_agent.errors import EdgeError


class WrongKey(EdgeError):
    """Sealed with another key."""


def cipher_of(key: int = 1) -> Cipher:
    """Return the cipher of a key; no secret, but a stand-in whose sealed bytes show nothing of the plain ones."""

    def open_it(sealed: bytes) -> bytes:
        if sealed[:1] != bytes([key]):
            raise WrongKey("sealed with another key")
        return bytes(byte ^ 0x55 for byte in sealed[1:])

    return Cipher(lambda plain: bytes([key]) + bytes(byte ^ 0x55 for byte in plain), open_it)
