"""Many switches in one light process: an SNMPv2c responder that costs little beside the agent it is polled by.

Answers GET, GETNEXT and GETBULK (RFC 3416) for the system group and IF-MIB of each switch, with 64-bit counters that
move at a steady rate per port. One UDP port per switch. Any community is taken; a load, not a model of a device.

    python -m ops.benchmarks.snmp_switches SWITCHES PORTS    prints the UDP ports, one line, then serves until killed
"""

from __future__ import annotations

import bisect
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import lru_cache

from edge_agent.collectors.snmp import oids

Oid = tuple[int, ...]
INTEGER, OCTETS, NULL, OBJECT_ID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER32, GAUGE32, TIME_TICKS, COUNTER64 = 0x41, 0x42, 0x43, 0x46
NO_SUCH_OBJECT, END_OF_MIB_VIEW = 0x80, 0x82
GET, GET_NEXT, RESPONSE, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA5
BYTES_PER_SECOND = 1_250_000
"""Ten megabits on every port."""
LARGEST_ANSWER_BYTES = 60_000


class Switch:
    """One switch's objects: OID → a function that gives the encoded value now."""

    def __init__(self, number: int, ports: int) -> None:
        self._began = time.monotonic() - 86_400
        values: dict[Oid, Callable[[], bytes]] = {
            _oid(oids.SYS_OBJECT_ID): _fixed(OBJECT_ID, _encode_oid(_oid("1.3.6.1.4.1.2011.2.23.92"))),
            _oid(oids.SYS_UP_TIME): lambda: _tlv(TIME_TICKS, _unsigned(int(self._uptime() * 100))),
            _oid("1.3.6.1.2.1.1.5.0"): _fixed(OCTETS, f"sw{number:02}".encode()),
        }
        for port in range(1, ports + 1):
            name = f"GigabitEthernet0/0/{port}".encode()
            rows: dict[str, Callable[[], bytes]] = {
                oids.IF_DESCR: _fixed(OCTETS, name),
                oids.IF_NAME: _fixed(OCTETS, name),
                oids.IF_ALIAS: _fixed(OCTETS, f"room {port}".encode()),
                oids.IF_TYPE: _fixed(INTEGER, _unsigned(6)),
                oids.IF_SPEED: _fixed(GAUGE32, _unsigned(1_000_000_000)),
                oids.IF_HIGH_SPEED: _fixed(GAUGE32, _unsigned(1000)),
                oids.IF_PHYS_ADDRESS: _fixed(OCTETS, bytes([2, 0, 0, 0, number, port])),
                oids.IF_ADMIN_STATUS: _fixed(INTEGER, _unsigned(1)),
                oids.IF_OPER_STATUS: _fixed(INTEGER, _unsigned(1)),
                oids.IF_LAST_CHANGE: _fixed(TIME_TICKS, _unsigned(100)),
                oids.IF_COUNTER_DISCONTINUITY_TIME: _fixed(TIME_TICKS, _unsigned(0)),
                oids.IF_HC_IN_OCTETS: self._octets(port),
                oids.IF_HC_OUT_OCTETS: self._octets(port + ports),
            }
            for column in (oids.IF_IN_ERRORS, oids.IF_OUT_ERRORS, oids.IF_IN_DISCARDS, oids.IF_OUT_DISCARDS):
                rows[column] = _fixed(COUNTER32, _unsigned(0))
            values.update({(*_oid(column), port): value for column, value in rows.items()})
        self._values = values
        self._order = sorted(values)

    def answer(self, request: bytes) -> bytes | None:
        """Return the response to a request, or None to one that is not understood."""
        try:
            return self._answer(request)
        except (IndexError, ValueError):
            return None

    def _answer(self, request: bytes) -> bytes | None:
        (_, message), _ = _read(request, 0)
        version, community, (kind, pdu) = list(_items(message))
        request_id, first, second, (_, bindings) = list(_items(pdu))
        asked = [_decode_oid(next(_items(binding))[1]) for _, binding in _items(bindings)]
        if kind == GET:
            found = [_binding(oid, self._values.get(oid)) for oid in asked]
        elif kind == GET_NEXT:
            found = [self._next(oid)[1] for oid in asked]
        elif kind == GET_BULK:
            found = self._bulk(asked, int.from_bytes(first[1], "big"), int.from_bytes(second[1], "big"))
        else:
            return None
        response = _tlv(*request_id) + _tlv(INTEGER, b"\0") + _tlv(INTEGER, b"\0") + _tlv(SEQUENCE, b"".join(found))
        return _tlv(SEQUENCE, _tlv(*version) + _tlv(*community) + _tlv(RESPONSE, response))

    def _bulk(self, asked: list[Oid], non_repeaters: int, repetitions: int) -> list[bytes]:
        found = [self._next(oid)[1] for oid in asked[:non_repeaters]]
        rest, size_bytes = asked[non_repeaters:], 0
        for _ in range(repetitions):
            for index, oid in enumerate(rest):
                rest[index], binding = self._next(oid)
                found.append(binding)
                size_bytes += len(binding)
            if size_bytes > LARGEST_ANSWER_BYTES:
                break
        return found

    def _next(self, oid: Oid) -> tuple[Oid, bytes]:
        place = bisect.bisect_right(self._order, oid)
        if place == len(self._order):
            return oid, _tlv(SEQUENCE, _tlv(OBJECT_ID, _encode_oid(oid)) + _tlv(END_OF_MIB_VIEW, b""))
        following = self._order[place]
        return following, _binding(following, self._values[following])

    def _octets(self, factor: int) -> Callable[[], bytes]:
        return lambda: _tlv(COUNTER64, _unsigned(int(self._uptime() * BYTES_PER_SECOND) + factor))

    def _uptime(self) -> float:
        return time.monotonic() - self._began


def _binding(oid: Oid, value: Callable[[], bytes] | None) -> bytes:
    return _tlv(SEQUENCE, _tlv(OBJECT_ID, _encode_oid(oid)) + (_tlv(NO_SUCH_OBJECT, b"") if value is None else value()))


def _fixed(tag: int, content: bytes) -> Callable[[], bytes]:
    encoded = _tlv(tag, content)
    return lambda: encoded


def _tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def _read(data: bytes, at: int) -> tuple[tuple[int, bytes], int]:
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
    if at + length > len(data):
        raise ValueError("truncated")
    return (tag, data[at : at + length]), at + length


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        item, at = _read(data, at)
        yield item


def _unsigned(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def _oid(text: str) -> Oid:
    return tuple(int(arc) for arc in text.split("."))


@lru_cache(maxsize=65_536)
def _encode_oid(oid: Oid) -> bytes:
    out = bytearray([oid[0] * 40 + oid[1]])
    for arc in oid[2:]:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return bytes(out)


@lru_cache(maxsize=65_536)
def _decode_oid(content: bytes) -> Oid:
    arcs, arc = [content[0] // 40, content[0] % 40], 0
    for octet in content[1:]:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    return tuple(arcs)


def serve(switches: int, ports: int) -> None:
    """Serve until killed."""
    chosen = selectors.DefaultSelector()
    numbers = []
    for number in range(switches):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind(("127.0.0.1", 0))
        numbers.append(listener.getsockname()[1])
        chosen.register(listener, selectors.EVENT_READ, Switch(number, ports))
    sys.stdout.write(" ".join(str(number) for number in numbers) + "\n")
    sys.stdout.flush()
    while True:
        for key, _ in chosen.select():
            assert isinstance(key.fileobj, socket.socket)
            request, asker = key.fileobj.recvfrom(65_535)
            if (response := key.data.answer(request)) is not None:
                key.fileobj.sendto(response, asker)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
