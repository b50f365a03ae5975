"""Asks the MQTT broker whether it takes the cloud in: one CONNECT, its CONNACK, one DISCONNECT.

Sources: MQTT 5.0 §3.1, §3.2, §3.14.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl

from cloud.config import Broker

_REFUSALS = {
    0x86: "bad user name or password",
    0x87: "not authorised",
    0x88: "server unavailable",
    0x89: "server busy",
    0x8A: "banned",
    0x97: "quota exceeded",
    0x9F: "connection rate exceeded",
}


async def look(broker: Broker, timeout_seconds: float = 2.0) -> str:
    """Return an empty text when the broker accepts the cloud's login, otherwise what is wrong."""
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=_tls(broker))
            try:
                writer.write(_connect(broker))
                await writer.drain()
                return _refusal(await reader.readexactly(4))
            finally:
                writer.write(b"\xe0\x00")
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return f"no answer from {broker.host}:{broker.port} within {timeout_seconds:g} s"
    except asyncio.IncompleteReadError:
        return f"{broker.host}:{broker.port} closed the connection without an answer"
    except OSError as error:
        return f"{broker.host}:{broker.port}: {error.strerror or error}"


def _connect(broker: Broker) -> bytes:
    flags, credentials = 0x02, b""
    if broker.username:
        flags |= 0x80
        credentials += _text(broker.username)
        if broker.password:
            flags |= 0x40
            credentials += _text(broker.password)
    client = _text(f"bellwether-readiness-{secrets.token_hex(4)}")
    body = _text("MQTT") + bytes([5, flags]) + (10).to_bytes(2, "big") + b"\x00" + client + credentials
    return b"\x10" + _length(len(body)) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _length(number: int) -> bytes:
    encoded = bytearray()
    while True:
        number, digit = divmod(number, 128)
        encoded.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def _refusal(answer: bytes) -> str:
    if answer[0] != 0x20:
        return "what answers is not an MQTT broker"
    code = answer[3]
    return "" if code == 0 else f"refused: {_REFUSALS.get(code, f'reason code 0x{code:02x}')}"


def _tls(broker: Broker) -> ssl.SSLContext | None:
    if not broker.tls_ca:
        return None
    context = ssl.create_default_context(cafile=broker.tls_ca)
    if broker.tls_cert:
        context.load_cert_chain(broker.tls_cert, broker.tls_key)
    return context
