"""Both SNMP libraries behind the one seam, against Debian's snmpd and recorded devices: the same answers from each."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from edge_agent.collectors.snmp.drivers import SnmpLibrary, open_driver
from edge_agent.collectors.snmp.oids import IF_DESCR, IF_HC_IN_OCTETS, IF_NAME, SYS_OBJECT_ID, SYS_UP_TIME
from edge_agent.collectors.snmp.session import Failure, SnmpDriver
from edge_agent.collectors.targets import AuthProtocol, CommunityV2c, DeviceTarget, UserV3
from ops.simulator.snmp_agents import LocalSnmpd, RecordedDevices
from tests.fixtures.snmp_agents import AUTH_KEY, SNMP_USERS, local_target, recorded_target

NET_SNMP_ON_LINUX = "1.3.6.1.4.1.8072.3.2.10"
NO_SUCH_COLUMN = "1.3.6.1.2.1.31.1.1.1.99"


@pytest.fixture(params=[SnmpLibrary.GUFO, SnmpLibrary.PYSNMP])
async def driver(request: pytest.FixtureRequest) -> AsyncIterator[SnmpDriver]:
    driver = open_driver(request.param)
    yield driver
    await driver.close()


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


async def test_a_get_returns_plain_values_and_leaves_out_what_the_device_does_not_have(
    driver: SnmpDriver, snmpd: LocalSnmpd
):
    session = driver.open(local_target(snmpd))
    asked = [SYS_UP_TIME, SYS_OBJECT_ID, f"{IF_NAME}.1", f"{IF_NAME}.99999", NO_SUCH_COLUMN + ".1"]
    answer = await session.get(asked, soon())
    assert answer.failure is None
    assert set(answer.values) == {SYS_UP_TIME, SYS_OBJECT_ID, f"{IF_NAME}.1"}
    assert isinstance(answer.values[SYS_UP_TIME], int)
    assert answer.values[SYS_OBJECT_ID] == NET_SNMP_ON_LINUX
    assert answer.values[f"{IF_NAME}.1"] == b"lo"
    assert answer.rtt_seconds is not None
    assert answer.rtt_seconds > 0
    assert answer.retries == 0
    await session.close()


@pytest.mark.parametrize("user", SNMP_USERS, ids=lambda user: user.user)
async def test_every_security_level_of_v3_works(driver: SnmpDriver, snmpd: LocalSnmpd, user: UserV3):
    session = driver.open(local_target(snmpd, user))
    for _ in range(2):
        answer = await session.get([SYS_UP_TIME, SYS_OBJECT_ID], soon())
        assert (answer.failure, answer.reason) == (None, "")
        assert answer.values[SYS_OBJECT_ID] == NET_SNMP_ON_LINUX
    await session.close()


@pytest.mark.parametrize(
    "wrong",
    [
        UserV3("nobody-knows"),
        UserV3("nobody-knows-either", AuthProtocol.SHA256, AUTH_KEY),
        dataclasses.replace(SNMP_USERS[1], auth_key="wrong horse"),
        dataclasses.replace(SNMP_USERS[4], auth_key="wrong horse"),
        UserV3("sha256-aes128"),
    ],
    ids=["unknown user", "unknown user with a key", "wrong key", "wrong key with privacy", "level too low"],
)
async def test_wrong_v3_credentials_are_a_refusal_and_not_a_silence(
    driver: SnmpDriver, snmpd: LocalSnmpd, wrong: UserV3
):
    session = driver.open(local_target(snmpd, wrong))
    answer = await session.get([SYS_UP_TIME, SYS_OBJECT_ID], soon())
    assert answer.failure is Failure.REFUSED
    assert answer.values == {}
    await session.close()


async def test_two_users_of_one_name_with_other_keys_do_not_disturb_each_other(driver: SnmpDriver, snmpd: LocalSnmpd):
    right = local_target(snmpd, SNMP_USERS[4])
    wrong = local_target(snmpd, dataclasses.replace(SNMP_USERS[4], auth_key="wrong horse"))
    good, bad = driver.open(right), driver.open(wrong)
    for _ in range(3):
        first, second = await asyncio.gather(good.get([SYS_UP_TIME], soon()), bad.get([SYS_UP_TIME], soon()))
        assert first.failure is None
        assert second.failure is Failure.REFUSED
    await good.close()
    await bad.close()


async def test_a_wrong_community_is_silence(driver: SnmpDriver, snmpd: LocalSnmpd):
    target = local_target(snmpd, CommunityV2c("wrong"), timeout_seconds=0.3)
    answer = await driver.open(target).get([SYS_UP_TIME], soon())
    assert answer.failure is Failure.TIMEOUT
    assert answer.retries == 1
    assert answer.rtt_seconds is None


async def test_ipv6_and_host_names_work(driver: SnmpDriver, snmpd: LocalSnmpd):
    for address in ("::1", "localhost"):
        session = driver.open(_at(snmpd, address))
        answer = await session.get([SYS_UP_TIME], soon())
        assert answer.failure is None
        await session.close()


def _at(snmpd: LocalSnmpd, address: str) -> DeviceTarget:
    return dataclasses.replace(local_target(snmpd), address=address)


async def test_a_name_that_nobody_knows_is_a_network_failure(driver: SnmpDriver, snmpd: LocalSnmpd):
    answer = await driver.open(_at(snmpd, "no-such-device.invalid")).get([SYS_UP_TIME], soon())
    assert answer.failure is Failure.NETWORK


async def test_the_deadline_ends_a_wait_that_retries_would_prolong(driver: SnmpDriver, snmpd: LocalSnmpd):
    target = dataclasses.replace(local_target(snmpd, CommunityV2c("wrong")), timeout_seconds=0.3, retries=500)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(100):  # its retries alone would take 150
        answer = await driver.open(target).get([SYS_UP_TIME], loop.time() + 3.0)
    assert answer.failure is Failure.TIMEOUT


async def test_a_wait_cut_short_by_the_deadline_says_nothing_of_the_device(driver: SnmpDriver, snmpd: LocalSnmpd):
    target = dataclasses.replace(local_target(snmpd, CommunityV2c("wrong")), timeout_seconds=30.0)
    loop = asyncio.get_running_loop()
    for patience in (0.2, -1.0):
        answer = await driver.open(target).get([SYS_UP_TIME], loop.time() + patience)
        assert answer.failure is Failure.NOT_ASKED


async def test_a_table_stops_at_the_ends_of_its_columns(driver: SnmpDriver, snmpd: LocalSnmpd):
    session = driver.open(local_target(snmpd))
    table = await session.get_table([IF_DESCR, IF_HC_IN_OCTETS, NO_SUCH_COLUMN], soon())
    assert table.failure is None
    assert table.columns[IF_DESCR]["1"] == b"lo"
    assert set(table.columns[IF_HC_IN_OCTETS]) == set(table.columns[IF_DESCR])
    assert table.columns[NO_SUCH_COLUMN] == {}
    await session.close()


async def test_a_recorded_switch_of_39_interfaces_is_walked_in_several_steps(
    driver: SnmpDriver, recorded_devices: RecordedDevices
):
    session = driver.open(recorded_target(recorded_devices, "huawei-s5720"))
    table = await session.get_table([IF_DESCR, IF_NAME, IF_HC_IN_OCTETS], soon())
    assert table.failure is None
    assert [len(rows) for rows in table.columns.values()] == [39, 39, 39]
    assert table.columns[IF_NAME]["42"] == b"Vlanif200"
    await session.close()


async def test_a_lost_request_is_asked_again_and_counted(driver: SnmpDriver, snmpd: LocalSnmpd):
    async with _lossy_line(snmpd, lose=1) as port:
        target = dataclasses.replace(local_target(snmpd), udp_port=port, timeout_seconds=3.0)
        answer = await driver.open(target).get([SYS_UP_TIME], soon())
    assert answer.failure is None
    assert answer.retries == 1
    assert isinstance(answer.values[SYS_UP_TIME], int)


async def test_garbage_for_an_answer_is_a_failure_and_no_exception(driver: SnmpDriver, snmpd: LocalSnmpd):
    loop = asyncio.get_running_loop()
    troubles: list[object] = []
    loop.set_exception_handler(lambda _loop, context: troubles.append(context))

    class Babbler(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            for garbage in (b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\xff" * 200, data[:-3], data):
                self.transport.sendto(garbage, addr)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Babbler, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    for credentials in (CommunityV2c("public"), SNMP_USERS[4]):
        target = dataclasses.replace(local_target(snmpd, credentials), udp_port=port, timeout_seconds=0.3)
        session = driver.open(target)
        answer = await session.get([SYS_UP_TIME, SYS_OBJECT_ID], soon())
        table = await session.get_table([IF_DESCR], soon())
        assert answer.failure in (Failure.ERROR, Failure.TIMEOUT, Failure.NETWORK)
        assert table.failure in (Failure.ERROR, Failure.TIMEOUT, Failure.NETWORK)
        await session.close()
    transport.close()
    assert troubles == []


async def test_a_v3_session_survives_the_devices_restart(driver: SnmpDriver, tmp_path_factory: pytest.TempPathFactory):
    user = SNMP_USERS[4]
    agent = LocalSnmpd(tmp_path_factory.mktemp("restarting"), users=[user])
    agent.start()
    try:
        session = driver.open(local_target(agent, user, timeout_seconds=3.0))
        assert (await session.get([SYS_UP_TIME], soon())).failure is None
        agent.stop()
        silent = await session.get([SYS_UP_TIME], soon())
        assert silent.failure in (Failure.TIMEOUT, Failure.NETWORK)
        agent.start()
        assert (await session.get([SYS_UP_TIME], soon())).failure is None
        await session.close()
    finally:
        agent.stop()


@asynccontextmanager
async def _lossy_line(snmpd: LocalSnmpd, lose: int) -> AsyncIterator[int]:
    """A UDP relay in front of snmpd that swallows the first `lose` requests; yields its port."""
    loop = asyncio.get_running_loop()
    lost = 0

    class Inward(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            nonlocal lost
            if lost < lose:
                lost += 1
                return
            tasks.add(loop.create_task(self._ask(data, addr)))

        async def _ask(self, data: bytes, addr: tuple[str, int]) -> None:
            answered: asyncio.Future[bytes] = loop.create_future()

            class Outward(asyncio.DatagramProtocol):
                def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                    answered.set_result(data)

            outward, _ = await loop.create_datagram_endpoint(Outward, remote_addr=(snmpd.address, snmpd.udp_port))
            outward.sendto(data)
            self.transport.sendto(await answered, addr)  # type: ignore[attr-defined]
            outward.close()

    tasks: set[asyncio.Task[None]] = set()
    transport, _ = await loop.create_datagram_endpoint(Inward, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
