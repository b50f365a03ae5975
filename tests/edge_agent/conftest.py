"""What tests of the edge share."""

from __future__ import annotations

import socket

import pytest

from ops.embedded import process


@pytest.fixture
def free_port() -> int:
    """A TCP port of this machine on which nobody listens, and which no connection gets by chance."""
    return process.free_port()


@pytest.fixture(autouse=True)
def _invalid_names_are_known_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for `.invalid` at once, as RFC 6761 asks of resolvers: one out of reach takes half a minute to say so."""
    ask = socket.getaddrinfo

    def look_up(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
