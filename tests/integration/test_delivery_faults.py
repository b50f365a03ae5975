"""The delivery contract when lines are cut, brokers die, receipts are lost, ids clash and old spools come back."""

from __future__ import annotations

import asyncio
import datetime
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge_agent.spool.inspection import inspect_spool
from edge_agent.uplink import Broker, Phase, Tls
from ops.embedded import EmbeddedMosquitto
from ops.embedded.process import free_port
from ops.faults.line import LineProxy
from protocols.events import AttributeValue, Event
from protocols.samples import Kind
from protocols.status import Presence
from protocols.topics import Lane
from tests.edge_agent.uplink.model_cloud import ModelCloud
from tests.fixtures.requirements import require_program
from tests.integration.delivery import AGENT, QUICK, Edge, closes, eventually

pytestmark = [pytest.mark.broker, pytest.mark.faults]


async def test_a_line_that_is_cut_again_and_again_loses_and_doubles_nothing(
    edge: Edge, cloud: ModelCloud, line: LineProxy
) -> None:
    await edge.start()
    for _ in range(5):
        await edge.measure(15)
        await line.cut()
        await edge.measure(10)
        await line.heal()
        held = edge.held_items()
        await eventually(lambda held=held: edge.held_items() < held, "the spool drains again")  # type: ignore[misc]
    await eventually(lambda: edge.held_items() == 0, "all receipted")
    closes(edge, cloud)


async def test_a_half_open_line_is_noticed_and_left(tmp_path: Path, cloud: ModelCloud, line: LineProxy) -> None:
    edge = Edge(tmp_path, line.port, timing=replace(QUICK, connect=4.0, puback=2.0))
    await edge.start()
    await edge.measure(3)
    await eventually(lambda: edge.held_items() == 0, "delivered before the fault")
    await line.black_hole()
    await edge.measure(5)
    await eventually(lambda: edge.phase is not Phase.SENDING, "noticed although nothing ever failed")
    assert "half-open" in edge.reason or "does not answer" in edge.reason
    await line.heal()
    await eventually(lambda: edge.held_items() == 0, "delivered after it")
    closes(edge, cloud)
    await edge.stop(0.0)


async def test_a_broker_killed_and_wiped_in_mid_flow_costs_nothing(
    edge: Edge, mosquitto: EmbeddedMosquitto, cloud: ModelCloud
) -> None:
    await edge.start()
    for _ in range(3):
        await edge.measure(30)
        mosquitto.kill()
        await edge.measure(10)
        mosquitto.start()
    await eventually(lambda: edge.held_items() == 0, "all receipted")
    closes(edge, cloud)


async def test_lost_receipts_are_asked_for_by_sending_again(edge: Edge, cloud: ModelCloud) -> None:
    cloud.lose_receipts = 6
    await edge.start()
    await edge.measure(10)
    await eventually(lambda: edge.held_items() == 0, "all receipted in the end")
    closes(edge, cloud)
    assert cloud[AGENT].duplicates >= 6
    assert edge.uplink.snapshot().resends >= 6


async def test_a_cloud_that_stops_receipting_is_found_again(edge: Edge, cloud: ModelCloud) -> None:
    await edge.start()
    cloud.receipting = False
    await edge.measure(40)
    await eventually(lambda: len(edge.uplink._window.in_flight) == cloud.credit, "the window is full")
    stored = len(cloud[AGENT].stored)
    assert stored <= cloud.credit
    cloud.receipting = True
    await eventually(lambda: edge.held_items() == 0, "all receipted")
    closes(edge, cloud)


async def test_the_credit_is_never_exceeded(edge: Edge, cloud: ModelCloud) -> None:
    cloud.credit = 2
    cloud.receipting = False
    await edge.spool.start()
    await edge.measure(20)
    await edge.start()
    await eventually(lambda: len(cloud[AGENT].stored) == 2, "as many as granted")
    snapshot = edge.uplink.snapshot()
    assert (snapshot.in_flight, snapshot.credit) == (2, 2)
    cloud.receipting = True
    await eventually(lambda: edge.held_items() == 0, "all receipted")


async def test_rejected_segments_leave_the_spool_and_are_counted(edge: Edge, cloud: ModelCloud) -> None:
    cloud.reject = True
    await edge.start()
    await edge.measure(4)
    await eventually(lambda: edge.held_items() == 0, "let go")
    books = edge.spool.books()
    assert (books.rejected_items, books.confirmed_items) == (12, 0)


async def test_after_an_outage_events_and_the_present_come_before_the_backlog(
    edge: Edge, cloud: ModelCloud, line: LineProxy
) -> None:
    await line.cut()
    await edge.start()
    await edge.measure(60)
    # What was just sealed is aged by hand: nobody waits a minute for this.
    edge.spool._store.file.db.execute("UPDATE segments SET sealed_monotonic_ms = sealed_monotonic_ms - 120000")
    await edge.measure(4)
    event = Event(event_id="0" * 32, type="port.changed", kind=Kind.PORT, thing="p", observed_at_ms=1, monotonic_ms=1)
    await edge.spool.append([event])
    edge.made += 1
    await line.heal()
    await eventually(lambda: edge.held_items() == 0, "all receipted")
    lanes = [lane for lane, _ in cloud[AGENT].order]
    assert lanes[0] is Lane.EVENTS
    assert set(lanes[1:5]) == {Lane.LIVE}
    assert lanes.count(Lane.BACKLOG) == 60
    live = [seq for lane, seq in cloud[AGENT].order if lane is Lane.LIVE]
    assert live == sorted(live, reverse=True)
    closes(edge, cloud)


async def test_a_second_agent_with_the_same_id_is_refused_and_says_why(
    edge: Edge, cloud: ModelCloud, mosquitto: EmbeddedMosquitto, tmp_path: Path
) -> None:
    await edge.start()
    await edge.measure(2)
    await eventually(lambda: edge.held_items() == 0, "the first works")
    double = Edge(tmp_path / "double", mosquitto.port)
    await double.start()
    await double.measure(2)
    await eventually(lambda: double.phase is Phase.REFUSED, "the second is refused")
    assert "another instance" in double.reason
    await edge.measure(2)
    await eventually(lambda: edge.held_items() == 0, "the first goes on")
    assert edge.phase is Phase.SENDING
    assert double.held_items() == 6
    closes(edge, cloud)
    await double.stop(0.0)


async def test_an_old_copy_of_the_spool_begins_a_new_epoch_before_it_sends(
    tmp_path: Path, mosquitto: EmbeddedMosquitto, cloud: ModelCloud
) -> None:
    """Restored from a backup, it even collects something before the line is there: no seq is taken twice."""
    first = Edge(tmp_path / "agent", mosquitto.port)
    await first.start()
    await first.measure(5)
    await eventually(lambda: first.held_items() == 0, "delivered")
    await first.stop()
    shutil.copytree(tmp_path / "agent", tmp_path / "backup")
    second = Edge(tmp_path / "agent", mosquitto.port)
    second.made = first.made
    await second.start()
    await second.measure(5)
    await eventually(lambda: second.held_items() == 0, "delivered")
    await second.stop()
    third = Edge(tmp_path / "backup", mosquitto.port)
    third.made = second.made
    await third.spool.start()
    epoch = third.spool.position().epoch
    await third.measure(8)
    await third.uplink.start()
    await eventually(lambda: third.spool.position().epoch != epoch, "a new epoch")
    await eventually(lambda: third.held_items() == 0, "delivered")
    known = cloud[AGENT]
    assert known.conflicts == 0
    # Every sample of three lives, and the event that tells of the new epoch.
    assert known.stored_items == third.made + 1
    assert max(known.items.values()) == 1
    await third.stop()


async def test_a_goodbye_is_said_once_and_the_will_is_not(
    tmp_path: Path, mosquitto: EmbeddedMosquitto, cloud: ModelCloud
) -> None:
    edge = Edge(tmp_path, mosquitto.port)
    await edge.start()
    await edge.measure(3)
    await edge.stop()
    closes_items = cloud[AGENT].stored_items
    assert closes_items == edge.made, "stop flushes what is not backlog"
    await eventually(lambda: not cloud[AGENT].online, "offline")
    offline = [status for status in cloud[AGENT].statuses if status.presence is Presence.OFFLINE]
    assert [status.session for status in offline] == [cloud[AGENT].session]


async def test_the_will_of_a_dead_session_does_not_speak_for_the_next(
    edge: Edge, cloud: ModelCloud, line: LineProxy
) -> None:
    await edge.start()
    await eventually(lambda: edge.phase is Phase.SENDING, "sending")
    first = cloud[AGENT].session
    await line.cut()
    await eventually(lambda: not cloud[AGENT].online, "the will speaks for the dead session")
    await line.heal()
    await eventually(lambda: cloud[AGENT].online, "online again")
    assert cloud[AGENT].session > first
    wills = [one.session for one in cloud[AGENT].statuses if one.presence is Presence.OFFLINE]
    assert wills == [first]


async def test_a_wrong_password_is_said_so_and_not_hammered(own_home: Path, tmp_path: Path) -> None:
    with EmbeddedMosquitto(own_home, passwords={AGENT: "right"}) as broker:
        edge = Edge(tmp_path, broker.port, password="wrong")
        await edge.start()
        await edge.measure(1)
        await eventually(lambda: edge.phase is Phase.WAITING, "waiting")
        assert "the broker does not authorise this agent" in edge.reason or "refuses our user name" in edge.reason
        assert edge.held_items() == 3
        await edge.stop(0.0)


@contextmanager
def own_broker(folder: Path, config: str) -> Iterator[int]:
    """A broker with a configuration of the test's own; yields its port."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mosquitto.conf"
    user = "user root\n" if os.geteuid() == 0 else ""
    path.write_text(f"listener {port} 127.0.0.1\npersistence false\n{user}{config}\n")
    process = subprocess.Popen(
        [require_program("mosquitto"), "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_a_message_the_broker_will_not_carry_is_set_aside_and_the_others_pass(tmp_path: Path) -> None:
    with own_broker(tmp_path / "broker", "allow_anonymous true\nmax_packet_size 20000") as port:
        await eventually(lambda: _answers(port), "the broker is up")
        cloud = ModelCloud("127.0.0.1", port)
        cloud.start()
        edge = Edge(tmp_path / "agent", port)
        await edge.spool.start()
        await edge.measure(3)
        texts: dict[str, AttributeValue] = {f"text{number}": os.urandom(500).hex() for number in range(60)}
        event = Event(
            event_id="1" * 32,
            type="port.changed",
            kind=Kind.PORT,
            thing="p",
            observed_at_ms=1,
            monotonic_ms=1,
            attributes=texts,
        )
        await edge.spool.append([event])
        await edge.measure(3)
        await edge.uplink.start()
        await eventually(lambda: edge.held_items() == 0, "nothing is stuck behind it")
        books = edge.spool.books()
        assert books.damaged_items == 1
        assert books.produced_items == books.confirmed_items + 1
        (aside,) = inspect_spool(edge.spool.path).set_aside
        assert aside.items == 1
        await edge.stop()
        cloud.stop()


class Certificates:
    """An authority and what it has signed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("test authority")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(_pem(self._sign(self._name, self._key.public_key(), authority=True)))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate for `name` and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(_pem(self._sign(_name(name), key.public_key(), authority=False)))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, key_file

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=name,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1),
            not_valid_after=now + datetime.timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        if not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


async def test_tls_with_a_client_certificate_is_who_the_agent_is(tmp_path: Path) -> None:
    ours, others = Certificates(tmp_path / "ours"), Certificates(tmp_path / "others")
    server_certificate, server_key = ours.issue("broker")
    certificate, key = ours.issue(AGENT)
    config = (
        f"allow_anonymous true\ncafile {ours.ca}\ncertfile {server_certificate}\nkeyfile {server_key}\n"
        "require_certificate true\nuse_identity_as_username true"
    )
    with own_broker(tmp_path / "broker", config) as port:
        await eventually(lambda: _answers(port), "the broker is up")
        edge = Edge(tmp_path / "agent", port, broker=Broker("localhost", port, tls=Tls(ours.ca, certificate, key)))
        await edge.start()
        await eventually(lambda: edge.phase is Phase.JOINING, "connected with the certificate")
        await edge.stop(0.0)
        stranger = Edge(tmp_path / "stranger", port, broker=Broker("localhost", port, tls=Tls(others.ca)))
        await stranger.start()
        await eventually(lambda: stranger.phase is Phase.WAITING, "waiting")
        assert "is not trusted" in stranger.reason
        await stranger.stop(0.0)
        without = Edge(tmp_path / "without", port, broker=Broker("localhost", port, tls=Tls(ours.ca / "no such")))
        await without.start()
        await eventually(lambda: without.phase is Phase.WAITING, "waiting")
        assert "certificate" in without.reason
        await without.stop(0.0)


async def test_a_clean_stop_while_the_broker_is_gone_is_quick(tmp_path: Path, mosquitto: EmbeddedMosquitto) -> None:
    mosquitto.stop()
    edge = Edge(tmp_path, mosquitto.port)
    await edge.start()
    await edge.measure(2)
    async with asyncio.timeout(60):
        await edge.stop(600.0)
    assert edge.phase is Phase.STOPPED
