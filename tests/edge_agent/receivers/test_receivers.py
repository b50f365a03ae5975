"""Traps and syslog as devices send them, over real sockets, with net-snmp's own `snmptrap` as the sender."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.reading import Reading
from edge_agent.collectors.targets import AuthProtocol, CommunityV2c, DeviceTarget, PrivProtocol, UserV3
from edge_agent.receivers.gate import ALL_SENDERS_FACTOR, Gate
from edge_agent.receivers.log_messages import MESSAGE_LENGTH, read_log_message
from edge_agent.receivers.making import log_read, trap_read
from edge_agent.receivers.receiver import Post, Receiver
from edge_agent.receivers.sources import Sources
from edge_agent.receivers.trap_meanings import meaning_of
from edge_agent.receivers.trap_messages import TrapReader
from edge_agent.receivers.values import NotTaken, Trap
from protocols.events import Event
from protocols.samples import Kind

V3 = UserV3("warner", AuthProtocol.SHA256, "authentic-words", PrivProtocol.AES128, "private-words")
SWITCH = DeviceTarget("s07-sw01", "127.0.0.1", CommunityV2c("school-word"))


class Heard:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def deliver(self, reading: Reading) -> None:
        self.events += reading.events

    def said(self) -> list[tuple[str, Kind, str]]:
        return [(one.type, one.kind, one.thing) for one in self.events]


def _receiver(heard: Heard, read, *, subject: str = "trap", per_minute: int = 60, tcp: bool = False, devices=(SWITCH,)):
    post = Post("traps" if subject == "trap" else "syslog", subject, "127.0.0.1", 0, per_minute, tcp)
    return Receiver(post, "s07-gw", read, Sources(devices), SystemClock(), heard.deliver)


def _traps(heard: Heard, **options):
    names = {7: "GigabitEthernet0/0/7"}
    return _receiver(heard, trap_read(TrapReader((V3,)), lambda _device, index: names.get(index)), **options)


async def _until(receiver: Receiver, received: int) -> None:
    async with asyncio.timeout(10):
        while receiver.state().received_total < received:
            await asyncio.sleep(0.01)


async def _snmptrap(folder, *arguments: str) -> None:
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""}
    process = await asyncio.create_subprocess_exec("snmptrap", *arguments, env=environment)
    assert await process.wait() == 0


def _closed(receiver: Receiver) -> None:
    state = receiver.state()
    told = state.told_total + state.thinned_total + state.below_total + sum(state.refused_total.values())
    assert state.received_total == told


async def test_real_traps_and_informs_of_v2c_and_v3_become_events_and_wrong_ones_are_counted(tmp_path):
    heard = Heard()
    receiver = _traps(heard)
    await receiver.start()
    at = f"127.0.0.1:{receiver.port}"
    v2c = ("-v2c", "-c", "school-word", at, "")
    keys = ("-l", "authPriv", "-a", "SHA-256", "-A", "authentic-words", "-x", "AES", "-X", "private-words")
    v3 = ("-v3", "-e", "0x8000000001020304", "-u", "warner")
    link_down = "1.3.6.1.6.3.1.1.5.3"
    try:
        await _snmptrap(tmp_path, *v2c, link_down, "1.3.6.1.2.1.2.2.1.1.7", "i", "7", "1.3.6.1.2.1.2.2.1.7.7", "i", "1")
        await _snmptrap(tmp_path, "-Ci", *v2c, "1.3.6.1.6.3.1.1.5.1")  # waits for the answer
        await _snmptrap(tmp_path, *v3, *keys, at, "", "1.3.6.1.4.1.2011.5.1", "1.3.6.1.4.1.2011.6", "s", "fan")
        await _snmptrap(tmp_path, "-Ci", "-v3", "-u", "warner", *keys, at, "", "1.3.6.1.6.3.1.1.5.5")
        await _snmptrap(tmp_path, "-v2c", "-c", "guessed", at, "", link_down)
        await _snmptrap(tmp_path, *v3, "-l", "noAuthNoPriv", at, "", link_down)
        await _snmptrap(tmp_path, *v3, *keys[:5], "other-words-here", *keys[6:], at, "", link_down)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for garbage in (b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", os.urandom(200)):
                sender.sendto(garbage, ("127.0.0.1", receiver.port))
        await _until(receiver, 11)
    finally:
        await receiver.stop()
    assert heard.said()[:4] == [
        ("trap.link_down", Kind.PORT, "s07-sw01/GigabitEthernet0/0/7"),
        ("trap.cold_start", Kind.DEVICE, "s07-sw01"),
        ("trap.received", Kind.DEVICE, "s07-sw01"),
        ("trap.authentication_failure", Kind.DEVICE, "s07-sw01"),
    ]
    assert heard.events[0].attributes["admin_up"] is True
    assert heard.events[2].attributes["varbinds"] == "1.3.6.1.4.1.2011.6 = fan"
    refused = receiver.state().refused_total
    assert {"wrong community": 1, "security level too low": 1, "wrong digest": 1}.items() <= refused.items()
    assert {one.attributes["reason"] for one in heard.events[4:]} == set(refused)
    assert {one.type for one in heard.events[4:]} == {"trap.refused"}
    _closed(receiver)


async def test_a_flood_is_told_as_a_sum_and_changes_of_state_still_come_through():
    heard = Heard()
    receiver = _receiver(heard, log_read(4), subject="log", per_minute=10)
    await receiver.start()
    for number in range(100):
        receiver.take(f"<188>chatter {number}".encode(), "127.0.0.1")
    receiver.take(b"<187>fan failed", "127.0.0.1")
    receiver.take(b"<191>debug", "127.0.0.1")
    receiver.take(b"no priority at all", "10.9.9.9")
    await receiver.stop()
    assert [one.type for one in heard.events] == ["log.received"] * 11 + ["log.thinned", "log.refused"]
    assert heard.events[10].attributes["message"] == "fan failed"
    assert heard.events[11].attributes == {"items": 90}
    assert heard.events[11].thing == "s07-sw01"
    assert heard.events[12].kind is Kind.HOST
    assert heard.events[12].thing == "s07-gw"
    assert receiver.state().below_total == 1
    _closed(receiver)


async def test_syslog_over_tcp_is_read_by_octet_count_and_by_line():
    heard = Heard()
    receiver = _receiver(heard, log_read(7), subject="log", tcp=True, devices=())
    await receiver.start()
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        writer.write(b"11 <13>counted<14>a line\n<15>another\r\n")
        await writer.drain()
        await _until(receiver, 3)
        writer.close()
    finally:
        await receiver.stop()
    assert [one.attributes["message"] for one in heard.events] == ["counted", "a line", "another"]
    assert {one.attributes["source"] for one in heard.events} == {"127.0.0.1"}


async def test_an_address_that_is_taken_is_a_fault_and_no_reason_to_die():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        receiver = _receiver(Heard(), log_read(4), subject="log")
        receiver.port = other.getsockname()[1]
        await receiver.start()
        await receiver.stop()
    assert receiver.fault == f"syslog cannot listen on 127.0.0.1:{receiver.port} (Address already in use)"


@pytest.mark.parametrize(
    ("data", "severity", "host", "program", "message"),
    [
        (b"<187>Oct 11 22:14:15 sw01 LINK: Port 3 down", 3, "sw01", "LINK", "LINK: Port 3 down"),
        (b"<189>Oct  1 2026 02:14:15 HUAWEI %%01IFNET/4/LINK(l): down", 5, "HUAWEI", "", "%%01IFNET/4/LINK(l): down"),
        (b"<34>1 2026-10-11T22:14:15.003Z ap7 su - ID47 - \xef\xbb\xbffailed", 2, "ap7", "su", "failed"),
        (b'<165>1 - - evntslog - ID47 [a@1 b="]c"][d@2] text', 5, "", "evntslog", "text"),
        ("<11>端口断开".encode("gb18030"), 3, "", "", "端口断开"),
        (b"<11>login user=zhangsan from 13812345678, a.b@c.example", 3, "", "", "login user=*** from ***, ***"),
    ],
)
def test_syslog_of_both_standards_is_read_and_names_are_veiled(data, severity, host, program, message):
    said = read_log_message(data)
    assert (said.severity, said.host, said.program, said.message) == (severity, host, program, message)


def test_a_long_message_is_cut_and_one_without_a_priority_refused():
    assert len(read_log_message(b"<11>" + b"x" * 5000).message) == MESSAGE_LENGTH
    for bad in (b"", b"<>x", b"<192>x", b"<9999>x", b"<11>"):
        with pytest.raises(NotTaken):
            read_log_message(bad)


@pytest.mark.parametrize(
    ("oid", "varbinds", "event", "attributes"),
    [
        (
            "1.3.6.1.2.1.33.2.1",
            [("1.3.6.1.2.1.33.1.2.3.0", 12), ("1.3.6.1.2.1.33.1.2.2.0", 20)],
            "trap.ups_on_battery",
            {"on_battery_seconds": 20, "remaining_seconds": 720},
        ),
        (
            "1.3.6.1.2.1.33.2.0.4",
            [("1.3.6.1.2.1.33.1.6.2.1.2.1", "1.3.6.1.2.1.33.1.6.3.3")],
            "trap.ups_condition",
            {"condition": "low_battery", "begins": False},
        ),
        (
            "1.3.6.1.2.1.105.0.1",
            [("1.3.6.1.2.1.105.1.1.1.6.1.9", 4)],
            "trap.poe_port",
            {"group": 1, "poe_port": 9, "status": "fault"},
        ),
        (
            "1.3.6.1.2.1.105.0.2",
            [("1.3.6.1.2.1.105.1.3.1.1.4.1", 340)],
            "trap.poe_usage",
            {"power_watts": 340, "begins": True},
        ),
    ],
)
def test_notifications_of_ups_and_poe_say_what_they_mean(oid, varbinds, event, attributes):
    meaning = meaning_of(Trap(oid, tuple(varbinds)), lambda _index: None)
    assert (meaning.event, dict(meaning.attributes)) == (event, attributes)
    assert meaning_of(Trap(oid), lambda _index: None).event == event  # a device may leave its varbinds out


def test_no_sender_silences_another_and_all_together_are_bounded():
    gate = Gate(5)
    assert [gate.admits("a", 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert gate.admits("b", 0.0)
    assert gate.admits("a", 12.0)
    assert sum(Gate(5).admits("a", 0.0) for _ in range(3)) == 3
    many = Gate(5)
    assert sum(many.admits(f"sender {number}", 0.0) for number in range(5000)) == 5 * ALL_SENDERS_FACTOR
