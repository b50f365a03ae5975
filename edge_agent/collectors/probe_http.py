"""HTTP: one GET, timed phase by phase; reads the status line and headers and hangs up.

`resolve`, `connect`, `tls` and `first_byte` follow each other (first byte counts from the request's sending);
`rtt_seconds` is all of them together. Redirects are not followed and, unless expected, are a failure: a captive portal
answers every request with one. Sources: RFC 9110, RFC 9112 §3 and §4.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from edge_agent.collectors.addresses import resolve
from edge_agent.collectors.probe import Measure, Outcome
from edge_agent.collectors.probe_tcp import connect, reason_of
from edge_agent.collectors.targets import HttpTarget

HEAD_BYTES = 64 * 1024
USER_AGENT = "bellwether-probe"


class _Refused(Exception):
    """The answer is not HTTP, or not as expected."""


@dataclass(slots=True)
class _Phases:
    resolve_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    first_byte_seconds: float | None = None
    status_code: int | None = None
    location: str = ""
    contexts: dict[tuple[bool, str | None], ssl.SSLContext] = field(default_factory=dict)


def http_measure() -> Measure[HttpTarget]:
    """Return the check; it keeps its TLS contexts, which cost tens of milliseconds to make."""
    contexts: dict[tuple[bool, str | None], ssl.SSLContext] = {}

    async def measure(target: HttpTarget, deadline: float) -> Outcome:
        loop = asyncio.get_running_loop()
        started = loop.time()
        phases = _Phases(contexts=contexts)
        reason: str | None = None
        try:
            async with asyncio.timeout_at(min(deadline, started + target.timeout_seconds)):
                await _run(target, phases)
        except TimeoutError:
            reason = "timeout"
        except ssl.SSLCertVerificationError as error:
            reason = f"certificate: {error.verify_message}"
        except ssl.SSLError as error:
            reason = f"tls: {error.reason or error}"
        except OSError as error:
            reason = reason_of(error)
        except (_Refused, ValueError) as error:
            reason = str(error)
        else:
            reason = _unexpected(target, phases)
        return Outcome(
            success=reason is None,
            reason=reason,
            rtt_seconds=loop.time() - started if phases.first_byte_seconds is not None else None,
            resolve_seconds=phases.resolve_seconds,
            connect_seconds=phases.connect_seconds,
            tls_seconds=phases.tls_seconds,
            first_byte_seconds=phases.first_byte_seconds,
            status_code=phases.status_code,
        )

    return measure


async def _run(target: HttpTarget, phases: _Phases) -> None:
    loop = asyncio.get_running_loop()
    url = urlsplit(target.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise _Refused("not an http address")
    secure = url.scheme == "https"
    started = loop.time()
    addresses = await resolve(url.hostname)
    if addresses[0].looked_up:
        phases.resolve_seconds = loop.time() - started
    sock, phases.connect_seconds = await connect(addresses, url.port or (443 if secure else 80))
    started = loop.time()
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock,
            limit=HEAD_BYTES,
            ssl=_context(target, phases) if secure else None,
            server_hostname=url.hostname if secure else None,
        )
    except BaseException:
        sock.close()
        raise
    try:
        if secure:
            phases.tls_seconds = loop.time() - started
        started = loop.time()
        writer.write(_request(url))
        await writer.drain()
        await _read_head(reader, phases, started)
    finally:
        writer.transport.abort()  # no goodbye: the body is not wanted


async def _read_head(reader: asyncio.StreamReader, phases: _Phases, started: float) -> None:
    first = await reader.read(1)
    phases.first_byte_seconds = asyncio.get_running_loop().time() - started
    try:
        head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        head = first + error.partial
    except asyncio.LimitOverrunError:
        raise _Refused("endless headers") from None
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if not version.startswith("HTTP/") or not rest[:3].isdecimal():
        raise _Refused("not an HTTP answer" if head else "closed without an answer")
    phases.status_code = int(rest[:3])
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "location":
            phases.location = value.strip()


def _unexpected(target: HttpTarget, phases: _Phases) -> str | None:
    status = phases.status_code or 0
    if status in target.expected_status or (not target.expected_status and 200 <= status < 300):
        return None
    if 300 <= status < 400 and phases.location:
        return f"status {status}, redirects to {phases.location}"
    return f"status {status}"


def _request(url: SplitResult) -> bytes:
    path = url.path or "/"
    if url.query:
        path += f"?{url.query}"
    host = url.netloc.rpartition("@")[2]
    lines = (f"GET {path} HTTP/1.1", f"Host: {host}", f"User-Agent: {USER_AGENT}", "Accept: */*", "Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", errors="strict")


def _context(target: HttpTarget, phases: _Phases) -> ssl.SSLContext:
    key = (target.verify_tls, target.ca_file)
    if key not in phases.contexts:
        context = ssl.create_default_context(cafile=target.ca_file)
        if not target.verify_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        phases.contexts[key] = context
    return phases.contexts[key]
