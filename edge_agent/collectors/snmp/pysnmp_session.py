"""The seam over pysnmp (≥ 7.1.26): v2c and v3, from noAuthNoPriv to SHA-2 with AES-256.

Known traps, and what is done about them here:

* an engine belongs to one event loop and costs about 0.1 s to make, and its user table is keyed by user name: one
  engine per credential set, kept for the driver's life;
* its MIB lookup costs four times the request itself: requests go in as numeric OIDs below the MIB layer (`cmdgen`),
  and answers are read by our own few types;
* its address table grows by a row per distinct timeout: timeouts are constants of the target;
* it remembers which engine lives at an address: a device replaced by another is only found again when that memory
  expires, after about five minutes;
* its defaults (5 retries, HMAC-MD5, DES, walks to the end of the agent) are all replaced.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_agent.collectors.snmp.session import Answer, Failure, TableAnswer, Value
from edge_agent.collectors.targets import AuthProtocol, CommunityV2c, Credentials, DeviceTarget, PrivProtocol

with warnings.catch_warnings():  # where pysmi is installed too, pysnmp imports a name that pysmi deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyasn1.type.univ import Null, ObjectIdentifier, OctetString  # type: ignore[import-untyped]
    from pysnmp.entity.rfc3413 import cmdgen
    from pysnmp.error import PySnmpError
    from pysnmp.hlapi.v3arch.asyncio import (
        USM_AUTH_HMAC96_SHA,
        USM_AUTH_HMAC128_SHA224,
        USM_AUTH_HMAC192_SHA256,
        USM_AUTH_HMAC256_SHA384,
        USM_AUTH_HMAC384_SHA512,
        USM_PRIV_CFB128_AES,
        USM_PRIV_CFB256_AES,
        USM_PRIV_CFB256_AES_BLUMENTHAL,
        CommunityData,
        SnmpEngine,
        Udp6TransportTarget,
        UdpTransportTarget,
        UsmUserData,
    )
    from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator
    from pysnmp.proto import errind
    from pysnmp.proto.rfc1902 import IpAddress, ObjectName
    from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

REPETITIONS = 16
MAX_ROWS = 4096
TOO_BIG = 1
AUTHORIZATION_ERROR = 16

AUTH = {
    AuthProtocol.SHA1: USM_AUTH_HMAC96_SHA,
    AuthProtocol.SHA224: USM_AUTH_HMAC128_SHA224,
    AuthProtocol.SHA256: USM_AUTH_HMAC192_SHA256,
    AuthProtocol.SHA384: USM_AUTH_HMAC256_SHA384,
    AuthProtocol.SHA512: USM_AUTH_HMAC384_SHA512,
}
PRIV = {
    PrivProtocol.AES128: USM_PRIV_CFB128_AES,
    PrivProtocol.AES256: USM_PRIV_CFB256_AES,
    PrivProtocol.AES256_BLUMENTHAL: USM_PRIV_CFB256_AES_BLUMENTHAL,
}
_REFUSALS = (
    errind.AuthenticationError,
    errind.AuthenticationFailure,
    errind.DecryptionError,
    errind.NoAccessEntry,
    errind.NoGroupName,
    errind.UnknownSecurityName,
    errind.UnknownUserName,
    errind.UnsupportedAuthProtocol,
    errind.UnsupportedPrivProtocol,
    errind.UnsupportedSecurityLevel,
    errind.WrongDigest,
)


@dataclass(slots=True)
class _Exchange:
    """One request and what came of it."""

    rows: list[tuple[str, Any]] = field(default_factory=list)
    at: float = 0.0
    rtt_seconds: float | None = None
    retries: int = 0
    failure: Failure | None = None
    reason: str = ""


class PysnmpDriver:
    """Sessions of one agent on one event loop, sharing an engine per credential set."""

    def __init__(self) -> None:
        self._engines: dict[Credentials, tuple[SnmpEngine, Any]] = {}

    def open(self, target: DeviceTarget) -> PysnmpSession:
        """Return a session; makes the credential set's engine if it is the first of it (about 0.1 s)."""
        if target.credentials not in self._engines:
            self._engines[target.credentials] = (SnmpEngine(), _auth_data(target.credentials))
        engine, auth_data = self._engines[target.credentials]
        return PysnmpSession(target, engine, auth_data)

    async def close(self) -> None:
        """Close the engines' sockets."""
        for engine, _ in self._engines.values():
            engine.close_dispatcher()
        self._engines.clear()


class PysnmpSession:
    """One device. Retries and their timing are kept here, so that the round-trip time is of one attempt."""

    def __init__(self, target: DeviceTarget, engine: SnmpEngine, auth_data: Any) -> None:
        self._target = target
        self._engine = engine
        self._auth_data = auth_data
        self._transport: Any = None
        self._lcd = CommandGeneratorLcdConfigurator()
        self._repetitions = REPETITIONS

    async def get(self, oids: Sequence[str], deadline: float) -> Answer:
        """One GET, one PDU."""
        names = [(ObjectName(oid), Null("")) for oid in oids]

        def send(address: str, done: Callable[..., None]) -> None:
            cmdgen.GetCommandGenerator().send_varbinds(self._engine, address, None, b"", names, done, None)

        exchange = await self._ask(send, deadline)
        return Answer(
            values={oid: value for oid, raw in exchange.rows if (value := value_of(raw)) is not None},
            at=exchange.at,
            rtt_seconds=exchange.rtt_seconds,
            retries=exchange.retries,
            failure=exchange.failure,
            reason=exchange.reason,
        )

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """GETBULK over all columns that have not ended, several rows a time."""
        found: dict[str, dict[str, Value]] = {column: {} for column in columns}
        cursors = {column: column for column in columns}
        rtt_seconds, at, retries = None, 0.0, 0
        while cursors:
            names = [(ObjectName(cursor), Null("")) for cursor in cursors.values()]
            repetitions = max(1, min(self._repetitions, 200 // len(names)))

            def send(
                address: str, done: Callable[..., None], names: list[Any] = names, repetitions: int = repetitions
            ) -> None:
                generator = cmdgen.BulkCommandGenerator()
                generator.send_varbinds(self._engine, address, None, b"", 0, repetitions, names, done, None)

            exchange = await self._ask(send, deadline)
            retries += exchange.retries
            if exchange.failure is Failure.TOO_BIG and repetitions > 1:
                self._repetitions = repetitions // 2
                continue
            if exchange.failure is not None:
                return TableAnswer({}, exchange.at, exchange.rtt_seconds, retries, exchange.failure, exchange.reason)
            at, rtt_seconds = exchange.at, exchange.rtt_seconds
            cursors = _advance(cursors, exchange.rows, found)
            if any(len(rows) > MAX_ROWS for rows in found.values()):
                return TableAnswer({}, at, rtt_seconds, retries, Failure.ERROR, f"more than {MAX_ROWS} rows")
        return TableAnswer(found, at, rtt_seconds, retries)

    async def close(self) -> None:
        """The sockets are the engine's; the driver closes them."""

    async def _ask(self, send: Callable[[str, Callable[..., None]], None], deadline: float) -> _Exchange:
        loop = asyncio.get_running_loop()
        exchange = _Exchange()
        for attempt in range(self._target.retries + 1):
            exchange = _Exchange(retries=attempt)
            started = loop.time()
            if started >= deadline and attempt == 0:
                exchange.failure, exchange.reason = Failure.NOT_ASKED, "no time left"
                return exchange
            try:
                async with asyncio.timeout_at(deadline):
                    await self._attempt(send, exchange)
            except TimeoutError:
                # One whole attempt without an answer is evidence; a wait cut short by the deadline is none.
                exchange.failure = Failure.TIMEOUT if attempt else Failure.NOT_ASKED
                exchange.reason = "no answer before the deadline"
            ended = loop.time()
            exchange.at = (started + ended) / 2
            if exchange.failure is not Failure.TIMEOUT:
                if exchange.failure is not Failure.NETWORK:
                    exchange.rtt_seconds = ended - started
                return exchange
        return exchange

    async def _attempt(self, send: Callable[[str, Callable[..., None]], None], exchange: _Exchange) -> None:
        future: asyncio.Future[tuple[Any, Any, Any]] = asyncio.get_running_loop().create_future()

        def done(
            _engine: Any, _handle: Any, indication: Any, status: Any, _index: Any, rows: Any, _context: Any
        ) -> None:
            if not future.done():
                future.set_result((indication, status, rows))

        try:
            if self._transport is None:
                self._transport = await _transport(self._target)
            address, _ = self._lcd.configure(self._engine, self._auth_data, self._transport, b"")
            send(address, done)
            indication, status, rows = await future
        except (PySnmpError, OSError) as error:
            self._transport = None  # resolve the name again next time
            exchange.failure, exchange.reason = Failure.NETWORK, str(error)[:200]
            return
        exchange.failure, exchange.reason = _failure(indication, status)
        if exchange.failure is None:
            # GETBULK answers come as rows of columns, GET answers as one flat row.
            flat = [pair for row in rows for pair in row] if rows and isinstance(rows[0], list) else list(rows)
            exchange.rows = [(str(name), raw) for name, raw in flat]


def _advance(
    cursors: dict[str, str], answered: list[tuple[str, Any]], found: dict[str, dict[str, Value]]
) -> dict[str, str]:
    """File an answer's varbinds, which come row by row, and return where each unfinished column goes on."""
    following: dict[str, str] = {}
    columns = list(cursors)
    ended: set[str] = set()
    for position, (oid, raw) in enumerate(answered):
        column = columns[position % len(columns)]
        value = value_of(raw)
        if column in ended:
            continue
        if value is None or not oid.startswith(column + "."):
            ended.add(column)
            following.pop(column, None)
            continue
        index = oid[len(column) + 1 :]
        if index in found[column]:  # an agent that does not count upwards would keep us here for ever
            ended.add(column)
            following.pop(column, None)
            continue
        found[column][index] = value
        following[column] = oid
    return following


def value_of(raw: Any) -> Value | None:
    """Return a varbind's value as plain data; None for null and for what the device does not have."""
    if isinstance(raw, (NoSuchInstance, NoSuchObject, EndOfMibView, Null)):
        return None
    if isinstance(raw, ObjectIdentifier):
        return str(raw)
    if isinstance(raw, IpAddress):
        return str(raw.prettyPrint())
    if isinstance(raw, OctetString):
        return bytes(raw.asOctets())
    return int(raw)


def _failure(indication: Any, status: Any) -> tuple[Failure | None, str]:
    if indication:
        if isinstance(indication, errind.RequestTimedOut):
            return Failure.TIMEOUT, "no answer"
        if isinstance(indication, _REFUSALS):
            return Failure.REFUSED, str(indication)
        if isinstance(indication, errind.TooBig):
            return Failure.TOO_BIG, "tooBig"
        return Failure.ERROR, str(indication)
    if status:
        number = int(status)
        if number == TOO_BIG:
            return Failure.TOO_BIG, "tooBig"
        return (Failure.REFUSED if number == AUTHORIZATION_ERROR else Failure.ERROR), status.prettyPrint()
    return None, ""


async def _transport(target: DeviceTarget) -> Any:
    loop = asyncio.get_running_loop()
    try:
        version = ipaddress.ip_address(target.address).version
        address = target.address
    except ValueError:
        found = await loop.getaddrinfo(target.address, target.udp_port, type=socket.SOCK_DGRAM)
        version = 6 if found[0][0] == socket.AF_INET6 else 4
        address = str(found[0][4][0])
    kind = Udp6TransportTarget if version == 6 else UdpTransportTarget
    return await kind.create((address, target.udp_port), timeout=target.timeout_seconds, retries=0)


def _auth_data(credentials: Credentials) -> Any:
    if isinstance(credentials, CommunityV2c):
        return CommunityData(credentials.community, mpModel=1)  # noqa: S508 - what old devices speak, by config
    options: dict[str, Any] = {}
    if credentials.auth_protocol is not None:
        options |= {"authKey": credentials.auth_key, "authProtocol": AUTH[credentials.auth_protocol]}
    if credentials.priv_protocol is not None:
        options |= {"privKey": credentials.priv_key, "privProtocol": PRIV[credentials.priv_protocol]}
    return UsmUserData(credentials.user, **options)  # noqa: S509 - the level is the operator's choice
