"""The broker's rules, tried out: production's configuration with real certificates, and the embedded one.

Mosquitto answers a forbidden publish with "Not authorized" and drops what a client may not read without a word, so
that a subscription's silence is shown by a message that does arrive after the forbidden one.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ops.embedded import EmbeddedMosquitto
from ops.embedded.account import service_account, settle
from ops.embedded.mosquitto import ACL, CLOUD_USER, obtain_mosquitto
from ops.embedded.mosquitto_program import default_tools
from ops.embedded.process import ServerProcess, free_port, last_lines, wait_until
from protocols.topics import SEGMENTS_FILTER, STATUS_FILTER, DownChannel, Lane, down_topic, segment_topic, status_topic
from tests.fixtures.requirements import require_program

pytestmark = pytest.mark.broker

DOCKER = Path(__file__).parents[2] / "docker"
SECONDS = 120
NOT_AUTHORIZED = "Not authorized"
AGENT, NEIGHBOUR = "s07-gw", "s08-gw"


class Client:
    """A blocking MQTT 5 client for tests: what arrives and what the broker answers is waited for, never slept for."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None, user: str = "", password: str = "") -> None:
        self.messages: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._connected: queue.Queue[str] = queue.Queue()
        self._answers: queue.Queue[str] = queue.Queue()
        self._mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        if tls is not None:
            self._mqtt.tls_set_context(tls)
        if user:
            self._mqtt.username_pw_set(user, password or None)
        self._mqtt.on_connect = lambda _c, _u, _f, reason, _p: self._connected.put(str(reason))
        self._mqtt.on_disconnect = lambda _c, _u, _f, reason, _p: self._connected.put(f"disconnected: {reason}")
        self._mqtt.on_publish = lambda _c, _u, _m, reason, _p: self._answers.put(str(reason))
        self._mqtt.on_subscribe = lambda _c, _u, _m, reasons, _p: self._answers.put(str(reasons[0]))
        self._mqtt.on_message = lambda _c, _u, message: self.messages.put((message.topic, bytes(message.payload)))
        self._port = port

    def connect(self) -> str:
        """Connect and return the broker's word on it."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 0
        self._mqtt.connect("localhost", self._port, clean_start=True, properties=properties)
        self._mqtt.loop_start()
        return self._connected.get(timeout=SECONDS)

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """Publish with QoS 1 and return the broker's answer."""
        self._mqtt.publish(topic, payload, qos=1)
        return self._answers.get(timeout=SECONDS)

    def subscribe(self, topic: str) -> str:
        """Subscribe with QoS 1 and return the broker's answer."""
        self._mqtt.subscribe(topic, qos=1)
        return self._answers.get(timeout=SECONDS)

    def received(self) -> tuple[str, bytes]:
        """Return the next message."""
        return self.messages.get(timeout=SECONDS)

    def close(self) -> None:
        """Disconnect and end the client's thread."""
        self._mqtt.disconnect()
        self._mqtt.loop_stop()


@contextmanager
def connected(port: int, **how: object) -> Iterator[Client]:
    """A client that the broker has accepted."""
    client = Client(port, **how)  # type: ignore[arg-type]
    assert client.connect() == "Success"
    try:
        yield client
    finally:
        client.close()


def _is_let_in(client: Client) -> bool:
    """Return whether the broker accepts the client; with TLS 1.3 it may drop it only after the handshake."""
    try:
        return client.connect() == "Success"
    except (ssl.SSLError, ConnectionError):
        return False
    finally:
        client.close()


@pytest.fixture(scope="module")
def certificates(service_home: Path) -> Path:
    """A district's authority with certificates of two agents and the cloud, made by docker/certificates."""
    require_program("openssl")
    folder = service_home / "certificates"
    issue = [str(DOCKER / "certificates"), str(folder)]
    for arguments in (["init", "localhost"], *(["issue", name] for name in (AGENT, NEIGHBOUR, CLOUD_USER, "stolen"))):
        subprocess.run([*issue, *arguments], check=True)
    return folder


class ProductionBroker:
    """Mosquitto with docker/mosquitto/mosquitto.conf; only its paths and its port are this machine's."""

    def __init__(self, home: Path, certificates: Path) -> None:
        self.port = free_port()
        self._certificates = certificates
        self._account = service_account(home / "production")
        self._folder = settle(home / "production", self._account)
        for source in (DOCKER / "mosquitto" / "acl", *(certificates / name for name in self._FILES)):
            self.put(source)
        config = (DOCKER / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
        config = re.sub(r"/mosquitto/(certs|config)/", f"{self._folder}/", config)
        config = config.replace("listener 8883", f"listener {self.port} 127.0.0.1")
        (self._folder / "mosquitto.conf").write_text(config, encoding="utf-8")
        self._process: ServerProcess | None = None

    _FILES = ("ca.crt", "server.crt", "server.key", "revoked.crl")

    def put(self, source: Path) -> None:
        """Give the broker a file."""
        target = self._folder / source.name
        shutil.copyfile(source, target)
        if self._account.switch:
            os.chown(target, self._account.uid, self._account.gid)

    def start(self) -> None:
        """Start and wait until the broker listens."""
        program = obtain_mosquitto(default_tools())
        log = self._folder / "log"
        self._process = ServerProcess.spawn(
            [str(program.path), "-c", str(self._folder / "mosquitto.conf")],
            self._account,
            self._folder,
            log,
            program.environment,
        )
        process = self._process
        listening = f" 0100007F:{self.port:04X} 00000000:0000 0A "
        assert wait_until(
            lambda: not process.running or listening in Path("/proc/net/tcp").read_text(encoding="ascii"), SECONDS
        )
        assert process.running, last_lines(log)

    def stop(self) -> None:
        """Stop."""
        assert self._process is not None
        self._process.send(signal.SIGTERM)
        assert self._process.wait_gone(SECONDS)

    def reload(self) -> None:
        """Have the broker read its certificates and lists anew."""
        assert self._process is not None
        self._process.send(signal.SIGHUP)

    def trusting(self, name: str | None) -> ssl.SSLContext:
        """Return a client's TLS context with the certificate of `name`, or without one."""
        context = ssl.create_default_context(cafile=str(self._certificates / "ca.crt"))
        if name is not None:
            context.load_cert_chain(self._certificates / f"{name}.crt", self._certificates / f"{name}.key")
        return context


@pytest.fixture(scope="module")
def production(service_home: Path, certificates: Path) -> Iterator[ProductionBroker]:
    """Production's broker, started once for this file."""
    broker = ProductionBroker(service_home, certificates)
    broker.start()
    yield broker
    broker.stop()


def _rules_hold(agent: Client, neighbour: Client, cloud: Client) -> None:
    """Assert the wire's rules with three connected clients."""
    # An agent writes what is its own, and nothing else.
    assert cloud.subscribe(f"$share/ingest/{SEGMENTS_FILTER}") == "Granted QoS 1"
    assert cloud.subscribe(STATUS_FILTER) == "Granted QoS 1"
    for lane in Lane:
        assert agent.publish(segment_topic(NEIGHBOUR, lane), b"forged") == NOT_AUTHORIZED
        assert agent.publish(segment_topic(AGENT, lane), b"own") == "Success"
        assert cloud.received() == (segment_topic(AGENT, lane), b"own")
    assert agent.publish(status_topic(NEIGHBOUR), b"forged") == NOT_AUTHORIZED
    assert agent.publish(down_topic(AGENT, DownChannel.RECEIPT), b"forged") == NOT_AUTHORIZED
    assert agent.publish(down_topic(NEIGHBOUR, DownChannel.RECEIPT), b"forged") == NOT_AUTHORIZED
    assert agent.publish("elsewhere", b"forged") == NOT_AUTHORIZED
    assert agent.publish(status_topic(AGENT), b"own") == "Success"
    assert cloud.received() == (status_topic(AGENT), b"own")
    # An agent hears what the cloud says to it, and nothing else.
    # A filter of everything is granted, but lets only the agent's own topics through.
    assert agent.subscribe("#") == "Granted QoS 1"
    assert neighbour.publish(segment_topic(NEIGHBOUR, Lane.LIVE), b"private") == "Success"
    assert neighbour.publish(status_topic(NEIGHBOUR), b"private") == "Success"
    cloud.publish(down_topic(NEIGHBOUR, DownChannel.RECEIPT), b"private")
    assert cloud.publish(down_topic(AGENT, DownChannel.RECEIPT), b"for you") == "Success"
    assert agent.received() == (down_topic(AGENT, DownChannel.RECEIPT), b"for you")


def test_production_keeps_agents_apart_by_their_certificates(production):
    with (
        connected(production.port, tls=production.trusting(AGENT)) as agent,
        connected(production.port, tls=production.trusting(NEIGHBOUR)) as neighbour,
        connected(production.port, tls=production.trusting(CLOUD_USER)) as cloud,
    ):
        _rules_hold(agent, neighbour, cloud)


def test_production_takes_the_name_from_the_certificate_not_from_the_client(production):
    with connected(production.port, tls=production.trusting(AGENT), user=NEIGHBOUR) as liar:
        assert liar.publish(segment_topic(NEIGHBOUR, Lane.LIVE)) == NOT_AUTHORIZED
        assert liar.publish(segment_topic(AGENT, Lane.LIVE)) in {"Success", "No matching subscribers"}


def test_production_drops_a_client_without_a_certificate(production):
    assert not _is_let_in(Client(production.port, tls=production.trusting(None)))
    assert _is_let_in(Client(production.port, tls=production.trusting(AGENT)))


def test_production_drops_a_revoked_certificate_after_a_signal(production, certificates):
    assert _is_let_in(Client(production.port, tls=production.trusting("stolen")))
    subprocess.run([str(DOCKER / "certificates"), str(certificates), "revoke", "stolen"], check=True)
    production.put(certificates / "revoked.crl")
    production.reload()
    assert wait_until(lambda: not _is_let_in(Client(production.port, tls=production.trusting("stolen"))), SECONDS)
    assert _is_let_in(Client(production.port, tls=production.trusting(AGENT)))


def test_production_speaks_no_plain_mqtt(production):
    assert not _is_let_in(Client(production.port, user=CLOUD_USER))


def test_the_embedded_broker_has_the_same_rules(mosquitto):
    with (
        connected(mosquitto.port, user=AGENT) as agent,
        connected(mosquitto.port, user=NEIGHBOUR) as neighbour,
        connected(mosquitto.port, user=CLOUD_USER) as cloud,
    ):
        _rules_hold(agent, neighbour, cloud)


def test_the_embedded_broker_gives_a_client_without_a_name_nothing(mosquitto):
    with connected(mosquitto.port) as nobody:
        assert nobody.publish(segment_topic(AGENT, Lane.LIVE)) == NOT_AUTHORIZED


def test_with_passwords_a_claimed_name_must_be_proved(own_home):
    with EmbeddedMosquitto(own_home, passwords={AGENT: "right", CLOUD_USER: "other"}) as broker:
        with connected(broker.port, user=AGENT, password="right") as agent:
            assert agent.publish(segment_topic(AGENT, Lane.LIVE)) in {"Success", "No matching subscribers"}
        for user, password in ((AGENT, "wrong"), (AGENT, "other"), (AGENT, ""), ("", ""), (NEIGHBOUR, "right")):
            client = Client(broker.port, user=user, password=password)
            assert client.connect() == NOT_AUTHORIZED, (user, password)
            client.close()


def test_both_brokers_read_the_same_rules():
    production_rules = (DOCKER / "mosquitto" / "acl").read_text(encoding="utf-8")
    assert _rules(production_rules) == _rules(ACL)


def _rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]
