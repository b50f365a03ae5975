"""Ports for servers: such as no connection and no other program gets from the kernel by chance."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ops.embedded import process


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_free_port_is_one_that_the_kernel_gives_to_nobody(kind):
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    ports = {process.free_port(kind) for _ in range(20)}
    assert len(ports) > 1
    if first > process.FIRST_FREE_PORT + 100:
        assert not ports & set(range(first, last + 1))
    for port in ports:
        with socket.socket(type=kind) as server:
            server.bind(("127.0.0.1", port))


def test_where_no_other_port_is_free_the_kernel_chooses(monkeypatch):
    monkeypatch.setattr(process, "_can_bind", lambda _port, _kind: False)
    with socket.socket() as server:
        server.bind(("127.0.0.1", process.free_port()))
