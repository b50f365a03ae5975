"""Pinging by each method this machine allows, and the figures made of it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.collectors import ping_methods
from edge_agent.collectors.ping_methods import (
    AutomaticPinger,
    FpingPinger,
    PingMethod,
    SocketPinger,
    TcpPinger,
    open_socket,
    parse_reply,
)
from edge_agent.collectors.pinger import Pinger, PingResult
from edge_agent.collectors.probe import ProbeCollector
from edge_agent.collectors.probe_icmp import PingStatistics, icmp_measure, statistics_of
from edge_agent.collectors.targets import IcmpTarget
from tests.edge_agent.collectors.scripted import SteppedClock
from tests.fixtures.requirements import require_program


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


@pytest.fixture(params=[PingMethod.PING_SOCKET, PingMethod.RAW_SOCKET, PingMethod.FPING, PingMethod.TCP_CONNECT])
async def pinger(request: pytest.FixtureRequest) -> AsyncIterator[Pinger]:
    method: PingMethod = request.param
    made: Pinger
    if method is PingMethod.FPING:
        made = FpingPinger(require_program("fping"))
    elif method is PingMethod.TCP_CONNECT:
        made = TcpPinger()
    else:
        made = AutomaticPinger() if not _allowed(method) else SocketPinger(open_socket(socket.AF_INET, method), method)
    yield made
    await made.close()


def _allowed(method: PingMethod) -> bool:
    try:
        open_socket(socket.AF_INET, method).close()
    except OSError:
        return False
    return True


async def test_loopback_answers_every_request(pinger: Pinger):
    result = await pinger.ping("127.0.0.1", count=4, interval_seconds=0.01, timeout_seconds=30.0, deadline=soon())
    assert len(result.rtts_seconds) == 4
    assert all(rtt is not None and 0 < rtt < 5 for rtt in result.rtts_seconds)
    assert result.method in set(PingMethod)


async def test_the_best_method_that_is_allowed_is_chosen_and_named():
    pinger = AutomaticPinger()
    result = await pinger.ping("127.0.0.1", count=1, interval_seconds=0.0, timeout_seconds=30.0, deadline=soon())
    await pinger.close()
    best = next(
        (one for one in (PingMethod.PING_SOCKET, PingMethod.RAW_SOCKET) if _allowed(one)),
        PingMethod.FPING,
    )
    assert result.method == best


async def test_without_sockets_it_falls_back_to_fping_and_then_to_tcp(monkeypatch: pytest.MonkeyPatch):
    def refused(family: int, method: PingMethod) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(ping_methods, "open_socket", refused)
    require_program("fping")
    for expected in (PingMethod.FPING, PingMethod.TCP_CONNECT):
        pinger = AutomaticPinger()
        result = await pinger.ping("127.0.0.1", count=2, interval_seconds=0.01, timeout_seconds=30.0, deadline=soon())
        assert result.method == expected
        assert None not in result.rtts_seconds
        await pinger.close()
        monkeypatch.setattr("edge_agent.collectors.ping_methods.shutil.which", lambda *_args, **_kwargs: None)


async def test_ipv6_and_names_work_and_an_unknown_name_is_a_reason():
    pinger = AutomaticPinger()
    # An address is matched however the config spells it: a wrong match is a line that looks dead.
    for address in ("::1", "0:0:0:0:0:0:0:1", "0000:0000::0001", "localhost"):
        result = await pinger.ping(address, count=2, interval_seconds=0.01, timeout_seconds=30.0, deadline=soon())
        assert None not in result.rtts_seconds
        assert len(result.rtts_seconds) == 2
    result = await pinger.ping("nowhere.invalid", count=2, interval_seconds=0.01, timeout_seconds=30.0, deadline=soon())
    assert result.rtts_seconds == ()
    assert result.reason.startswith("cannot resolve")
    await pinger.close()


async def test_many_targets_share_one_socket_without_mixing_their_answers():
    pinger = AutomaticPinger()
    results = await asyncio.gather(
        *(
            pinger.ping(f"127.0.0.{host}", count=3, interval_seconds=0.01, timeout_seconds=30.0, deadline=soon())
            for host in range(1, 60)
        )
    )
    await pinger.close()
    assert {len(one.rtts_seconds) for one in results} == {3}
    assert all(None not in one.rtts_seconds for one in results)


REPLY = struct.pack("!BBHHH", 0, 0, 0, 7, 3) + b"8 bytes!" + bytes(48)


def test_an_echo_reply_is_read_with_and_without_its_ip_header():
    assert parse_reply(REPLY, v6=False, raw=False) == (b"8 bytes!", 3)
    assert parse_reply(b"\x45" + bytes(19) + REPLY, v6=False, raw=True) == (b"8 bytes!", 3)
    assert parse_reply(b"\x46" + bytes(23) + REPLY, v6=False, raw=True) == (b"8 bytes!", 3)  # with IP options
    assert parse_reply(b"\x81" + REPLY[1:], v6=True, raw=True) == (b"8 bytes!", 3)


@pytest.mark.parametrize("kind", [3, 8, 11, 128])
def test_no_other_message_is_taken_for_a_reply(kind: int):
    assert parse_reply(bytes([kind]) + REPLY[1:], v6=False, raw=False) is None


@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_no_packet_whatever_breaks_the_reader(packet: bytes, v6: bool, raw: bool):
    found = parse_reply(packet, v6=v6, raw=raw)
    assert found is None or len(found[0]) == 8


def test_statistics_of_a_burst():
    assert statistics_of((0.010, None, 0.020, 0.026)) == PingStatistics(0.25, 0.018667, 0.006)
    assert statistics_of((None, None)) == PingStatistics(1.0, None, None)
    assert statistics_of((0.010,)) == PingStatistics(0.0, 0.01, None)
    assert statistics_of(()) == PingStatistics(None, None, None)


@given(st.lists(st.none() | st.floats(0, 10), max_size=20))
def test_statistics_stay_within_their_ranges(rtts: list[float | None]):
    found = statistics_of(rtts)
    answered = [rtt for rtt in rtts if rtt is not None]
    assert (found.loss_ratio is None) == (not rtts)
    assert found.loss_ratio is None or 0 <= found.loss_ratio <= 1
    assert (found.rtt_seconds is None) == (not answered)
    assert found.jitter_seconds is None or 0 <= found.jitter_seconds <= 10


async def test_the_probe_names_its_method_and_a_change_is_an_event():
    class Answers:
        rtts: tuple[float | None, ...] = (0.001,)

        async def ping(self, address: str, **_: object) -> PingResult:
            return PingResult(self.rtts, "raw_socket")

        async def close(self) -> None:
            """Nothing is open."""

    answers = Answers()
    collector = ProbeCollector(icmp_measure(answers), SteppedClock())
    target = IcmpTarget("s07-gw/centre", "192.0.2.1")
    first = await collector.collect(target, 0.0)
    assert (first.samples[0].success, first.samples[0].reason) == (True, "raw_socket")  # type: ignore[attr-defined]
    assert first.events == ()
    answers.rtts = (None,)
    second = await collector.collect(target, 0.0)
    assert [(one.type, one.thing, one.attributes) for one in second.events] == [
        ("probe.changed", "s07-gw/centre", {"success": False, "reason": "no answer (raw_socket)"})
    ]
    assert (await collector.collect(target, 0.0)).events == ()
