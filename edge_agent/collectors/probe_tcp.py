"""TCP connect: whether a port takes connections. `rtt_seconds` and `connect_seconds` are the handshake's time."""

from __future__ import annotations

import asyncio
import socket

from edge_agent.collectors.addresses import Address, resolve
from edge_agent.collectors.probe import Outcome
from edge_agent.collectors.targets import TcpTarget


async def measure_tcp(target: TcpTarget, deadline: float) -> Outcome:
    """Connect once and hang up."""
    loop = asyncio.get_running_loop()
    until = min(deadline, loop.time() + target.timeout_seconds)
    resolve_seconds = None
    try:
        async with asyncio.timeout_at(until):
            started = loop.time()
            addresses = await resolve(target.address)
            if addresses[0].looked_up:
                resolve_seconds = loop.time() - started
            sock, connect_seconds = await connect(addresses, target.port)
            sock.close()
    except TimeoutError:
        return Outcome(False, "timeout", resolve_seconds=resolve_seconds)
    except OSError as error:
        return Outcome(False, reason_of(error), resolve_seconds=resolve_seconds)
    return Outcome(True, resolve_seconds=resolve_seconds, rtt_seconds=connect_seconds, connect_seconds=connect_seconds)


async def connect(addresses: list[Address], port: int) -> tuple[socket.socket, float]:
    """Connect to the first address that takes it; returns the socket and the handshake's seconds.

    Raises:
        OSError: why the last of them did not.
    """
    loop = asyncio.get_running_loop()
    failure: OSError = OSError("no address")
    for address in addresses:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        sock.setblocking(False)
        started = loop.time()
        try:
            await loop.sock_connect(sock, (address.text, port))
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock, loop.time() - started
    raise failure


def reason_of(error: OSError) -> str:
    """Say in a few words why a connection failed."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "cannot resolve the name"
    return (error.strerror or str(error) or type(error).__name__).lower()
