"""Ways to ping, best first: the kernel's ping socket, a raw socket, the program fping, a TCP connect.

Which of them a machine allows is found out at the first ping, per address family, and said once in the log and in every
result. The ping socket needs `net.ipv4.ping_group_range`, the raw socket CAP_NET_RAW, fping has its own file
capability; a TCP connect (any answer counts, a refusal too) needs nothing and says least.

One socket per family serves all targets of an agent. An answer is matched by sender, random token and sequence number,
and timed by the monotonic clock, so that neither stray answers nor a stepped clock make a figure.
Sources: RFC 792, RFC 4443 §4, icmp(7), raw(7).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import shutil
import socket
import struct
import time
from collections.abc import Callable
from enum import StrEnum

import structlog

from edge_agent.collectors.pinger import Pinger, PingResult

_log = structlog.get_logger(__name__)

ECHO_REQUEST_V4, ECHO_REPLY_V4 = 8, 0
ECHO_REQUEST_V6, ECHO_REPLY_V6 = 128, 129
_HEADER = struct.Struct("!BBHHH")
_TOKEN_BYTES = 8
_PADDING = bytes(48)
_SOL_RAW, _ICMP_FILTER = 255, 1
_ICMP6_FILTER = 1
TCP_PING_PORT = 80


class PingMethod(StrEnum):
    """How it is measured."""

    PING_SOCKET = "ping_socket"
    RAW_SOCKET = "raw_socket"
    FPING = "fping"
    TCP_CONNECT = "tcp_connect"


class AutomaticPinger:
    """The best way this machine allows, chosen per address family at the first ping."""

    def __init__(self) -> None:
        self._by_family: dict[int, Pinger] = {}

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Ping an address or a host name."""
        try:
            family, numeric = await _resolve(address)
        except OSError as error:
            return PingResult((), "none", f"cannot resolve: {error.strerror or error}")
        if family not in self._by_family:
            self._by_family[family] = _best_pinger(family)
        return await self._by_family[family].ping(
            numeric,
            count=count,
            interval_seconds=interval_seconds,
            timeout_seconds=timeout_seconds,
            deadline=deadline,
        )

    async def close(self) -> None:
        """Release sockets."""
        for pinger in self._by_family.values():
            await pinger.close()
        self._by_family.clear()


class SocketPinger:
    """ICMP echo over an open ping or raw socket. `address` is numeric."""

    def __init__(self, sock: socket.socket, method: PingMethod) -> None:
        self._socket = sock
        self._method = method
        self._v6 = sock.family == socket.AF_INET6
        self._identifier = secrets.randbelow(2**16)
        self._waiting: dict[tuple[bytes, int, str], Callable[[float], None]] = {}
        self._reading = False

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Send a burst; the answers are awaited together, so a dead target costs one timeout and not `count`."""
        loop = asyncio.get_running_loop()
        if not self._reading:
            self._reading = True
            loop.add_reader(self._socket.fileno(), self._read)
        token = secrets.token_bytes(_TOKEN_BYTES)
        sender = address.partition("%")[0]
        rtts: list[float | None] = []
        answered = 0
        complete = asyncio.Event()
        begin = loop.time()
        try:
            for sequence in range(count):
                due = begin + sequence * interval_seconds
                if due >= deadline:
                    break
                await asyncio.sleep(max(0.0, due - loop.time()))
                rtts.append(None)
                sent = time.perf_counter()

                def answer(received: float, sequence: int = sequence, sent: float = sent) -> None:
                    nonlocal answered
                    rtts[sequence] = received - sent
                    answered += 1
                    if answered == count:
                        complete.set()

                self._waiting[(token, sequence, sender)] = answer
                try:
                    self._socket.sendto(self._request(token, sequence), (address, 0))
                except OSError:
                    continue  # no route, or a full buffer: that request got no answer
            until = min(loop.time() + timeout_seconds, deadline)
            if not complete.is_set():
                try:
                    async with asyncio.timeout_at(until):
                        await complete.wait()
                except TimeoutError:
                    pass  # those without an answer are None already
        finally:
            for sequence in range(len(rtts)):
                self._waiting.pop((token, sequence, sender), None)
        return PingResult(tuple(rtts), self._method.value)

    async def close(self) -> None:
        """Close the socket."""
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._reading = False
        self._socket.close()

    def _request(self, token: bytes, sequence: int) -> bytes:
        kind = ECHO_REQUEST_V6 if self._v6 else ECHO_REQUEST_V4
        payload = token + _PADDING
        header = _HEADER.pack(kind, 0, 0, self._identifier, sequence)
        # The kernel fills in the checksum of ICMPv6, and of ping sockets.
        return _HEADER.pack(kind, 0, _checksum(header + payload), self._identifier, sequence) + payload

    def _read(self) -> None:
        while True:
            try:
                packet, sender = self._socket.recvfrom(2048)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error for an earlier request, reported on the socket
            received = time.perf_counter()
            reply = parse_reply(packet, v6=self._v6, raw=self._method is PingMethod.RAW_SOCKET)
            if reply is None:
                continue
            answer = self._waiting.pop((*reply, sender[0].partition("%")[0]), None)
            if answer is not None:  # else a stray, a duplicate, or too late
                answer(received)


class FpingPinger:
    """The program fping, which has its own capability."""

    def __init__(self, program: str) -> None:
        self._program = program

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Run fping once."""
        loop = asyncio.get_running_loop()
        process = await asyncio.create_subprocess_exec(
            self._program,
            "-q",
            f"-C{count}",
            f"-p{max(10, round(interval_seconds * 1000))}",
            f"-t{max(50, round(timeout_seconds * 1000))}",
            address,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
        )
        try:
            async with asyncio.timeout(max(0.0, deadline - loop.time())):
                _, said = await process.communicate()
        except TimeoutError:
            return PingResult((), PingMethod.FPING.value, "no time left")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _fping_result(address, said.decode(errors="replace"))

    async def close(self) -> None:
        """Nothing is held between runs."""


class TcpPinger:
    """The time of a TCP handshake, or of its refusal."""

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Connect `count` times, one after the other."""
        loop = asyncio.get_running_loop()
        rtts: list[float | None] = []
        for sequence in range(count):
            if sequence:
                await asyncio.sleep(interval_seconds)
            if loop.time() >= deadline:
                break
            rtts.append(await self._connect(address, min(loop.time() + timeout_seconds, deadline)))
        return PingResult(tuple(rtts), PingMethod.TCP_CONNECT.value)

    async def close(self) -> None:
        """Nothing is held between runs."""

    async def _connect(self, address: str, until: float) -> float | None:
        started = time.perf_counter()
        try:
            async with asyncio.timeout_at(until):
                _, writer = await asyncio.open_connection(address, TCP_PING_PORT)
        except ConnectionRefusedError:
            return time.perf_counter() - started
        except (TimeoutError, OSError):
            return None
        rtt = time.perf_counter() - started
        writer.transport.abort()
        return rtt


def parse_reply(packet: bytes, *, v6: bool, raw: bool) -> tuple[bytes, int] | None:
    """Return token and sequence number of an echo reply; None for anything else that a socket may deliver."""
    if raw and not v6 and packet:
        packet = packet[(packet[0] & 0x0F) * 4 :]  # raw IPv4 sockets deliver the IP header too
    if len(packet) < _HEADER.size + _TOKEN_BYTES:
        return None
    kind, _, _, _, sequence = _HEADER.unpack_from(packet)
    if kind != (ECHO_REPLY_V6 if v6 else ECHO_REPLY_V4):
        return None
    return packet[_HEADER.size : _HEADER.size + _TOKEN_BYTES], sequence


def open_socket(family: int, method: PingMethod) -> socket.socket:
    """Open a ping or raw socket.

    Raises:
        OSError: this machine does not allow it.
    """
    v6 = family == socket.AF_INET6
    kind = socket.SOCK_DGRAM if method is PingMethod.PING_SOCKET else socket.SOCK_RAW
    sock = socket.socket(family, kind, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    try:
        sock.setblocking(False)
        if method is PingMethod.RAW_SOCKET:  # a raw socket would see everybody's ICMP: let echo replies through alone
            if v6:
                allowed = [0xFFFFFFFF] * 8
                allowed[ECHO_REPLY_V6 // 32] &= ~(1 << ECHO_REPLY_V6 % 32) & 0xFFFFFFFF
                sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *allowed))
            else:
                sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << ECHO_REPLY_V4) & 0xFFFFFFFF))
    except OSError:
        sock.close()
        raise
    return sock


def _best_pinger(family: int) -> Pinger:
    refusals: dict[str, str] = {}
    for method in (PingMethod.PING_SOCKET, PingMethod.RAW_SOCKET):
        try:
            sock = open_socket(family, method)
        except OSError as error:
            refusals[method.value] = error.strerror or str(error)
            continue
        _log.info("ping_method_chosen", method=method.value, ipv6=family == socket.AF_INET6, refused=refusals)
        return SocketPinger(sock, method)
    program = shutil.which("fping") or shutil.which("fping", path="/usr/sbin:/usr/local/sbin")
    method = PingMethod.FPING if program else PingMethod.TCP_CONNECT
    _log.info("ping_method_chosen", method=method.value, ipv6=family == socket.AF_INET6, refused=refusals)
    return FpingPinger(program) if program else TcpPinger()


def _fping_result(address: str, said: str) -> PingResult:
    """Read fping's `address : 0.05 - 0.06` (milliseconds)."""
    for line in said.splitlines():
        name, colon, figures = line.rpartition(" : ")
        if colon and name.strip() == address:
            rtts = tuple(None if figure == "-" else float(figure) / 1000 for figure in figures.split())
            return PingResult(rtts, PingMethod.FPING.value)
    return PingResult((), PingMethod.FPING.value, said.strip()[:200] or "fping said nothing")


async def _resolve(address: str) -> tuple[int, str]:
    try:
        numeric = ipaddress.ip_address(address)
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(address, None, type=socket.SOCK_DGRAM)
        return found[0][0], str(found[0][4][0])
    # As the kernel spells it: an answer from "::1" would not be one of "0:0:0:0:0:0:0:1".
    return (socket.AF_INET6 if numeric.version == 6 else socket.AF_INET), str(numeric)


def _checksum(data: bytes) -> int:
    """RFC 1071; the data has an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
