"""One MQTT connection: paho driven from the event loop, one client object per connection.

paho keeps unacknowledged messages over a reconnect and sends them all at once, whatever its inflight limit
(paho.mqtt.python#492); a client that lives for one connection has nothing to keep. Its socket is watched by the loop,
the blocking connect and TLS handshake run in the executor, and its callbacks only report: `report` must only enqueue.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.errors import Retry
from edge_agent.uplink.errors import NotConnected
from edge_agent.uplink.values import Broker, Loss, Tls
from protocols.codec import MSGPACK

PACKET_TOO_LARGE = 0x95
PAYLOAD_FORMAT_INVALID = 0x99
SESSION_TAKEN_OVER = 0x8E
_ONLY_A_PERSON = {
    0x84: "the broker does not speak MQTT 5",
    0x85: "the broker refuses our client id",
    0x86: "the broker refuses our user name or password",
    0x87: "the broker does not authorise this agent",
    0x8A: "the broker has banned this agent",
    0x8C: "the broker wants another way of authentication",
    SESSION_TAKEN_OVER: "session taken over: another program connects under our client id",
    0x9C: "the broker says: use another server",
    0x9D: "the broker says: server moved",
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Connected:
    """CONNACK with success; `receive_maximum` is how many unacknowledged messages the broker takes."""

    receive_maximum: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK with success."""


@dataclass(frozen=True, slots=True)
class Acked:
    """PUBACK of the message published under `mid`; `refusal` is the reason code from 0x80 up, or None."""

    mid: int
    refusal: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message from the cloud."""

    topic: str
    payload: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is gone, or never came about. Reported once, and the last that is reported."""

    loss: Loss


Happening = Connected | Subscribed | Acked | Arrived | Lost


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this connection dies."""

    topic: str
    payload: bytes


class _CertificatesUnusable(Exception):
    pass


class _ClosableContext(ssl.SSLContext):
    """A TLS context that can close the socket it wrapped: paho leaves one whose handshake failed to the collector."""

    _wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self._wrapped = super().wrap_socket(*args, **kwargs)
        return self._wrapped

    def close_wrapped(self) -> None:
        """Close the socket of a connection that failed."""
        if self._wrapped is not None:
            self._wrapped.close()


class MqttConnection:
    """A single connection, from `open` to `close` or to its loss. Belongs to one event loop."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        username: str,
        will: Will,
        executor: Executor,
        report: Callable[[Happening], None],
    ) -> None:
        self._broker = broker
        self._executor = executor
        self._report = report
        self._ended = False
        self._attached: int | None = None
        self._loop = asyncio.get_running_loop()
        self._opening: asyncio.Future[None] | None = None
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = broker.connect_timeout_seconds
        client.username_pw_set(username, broker.password)
        client.max_inflight_messages_set(1024)  # the window is ours; paho must never queue
        client.will_set(will.topic, will.payload, qos=1, retain=True, properties=_content_type(PacketTypes.WILLMESSAGE))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        self._client = client

    def open(self) -> None:
        """Begin to connect; `Connected` or `Lost` is reported when it is known."""
        self._opening = self._loop.run_in_executor(self._executor, self._connect)
        self._opening.add_done_callback(self._opened)

    def _connect(self) -> None:
        broker = self._broker
        context = None
        if broker.tls is not None:
            try:
                context = _tls_context(broker.tls)
            except OSError as error:
                raise _CertificatesUnusable(f"the certificates for the broker cannot be used: {error}") from error
            self._client.tls_set_context(context)
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        try:
            self._client.connect(
                broker.host, broker.port, keepalive=broker.keepalive_seconds, clean_start=True, properties=properties
            )
        except OSError:
            if context is not None:
                context.close_wrapped()
            raise

    def _opened(self, opening: asyncio.Future[None]) -> None:
        if opening.cancelled():
            return
        if (error := opening.exception()) is not None:
            self._end(_loss_of_connecting(error, self._broker))
            return
        if self._ended:
            self._drop_socket()
            return
        sock = self._client.socket()
        if sock is None:
            self._end(Loss(f"broker {self._broker.address} closed the connection at once", by_broker=True))
            return
        self._attached = sock.fileno()
        self._loop.add_reader(self._attached, self._readable)
        if self._client.want_write():
            self._loop.add_writer(self._attached, self._writable)

    def subscribe(self, *topics: str) -> None:
        """Subscribe with QoS 1; `Subscribed` or `Lost` follows."""
        self._client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hand over a message with QoS 1 and return its mid; `Acked` follows unless the connection is lost first.

        Raises:
            NotConnected: the client did not take it.
        """
        if self._ended or not self._client.is_connected():
            raise NotConnected("not connected")
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=_content_type(PacketTypes.PUBLISH))
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnected(f"the client did not take the message: {info.rc.name}")
        return info.mid

    def tick(self) -> None:
        """Let paho send its keepalive and notice a broker that does not answer it; call every few seconds."""
        if self._attached is not None:
            self._client.loop_misc()

    def close(self) -> None:
        """Say DISCONNECT as far as the socket takes it, so that the will is not published, and end."""
        if self._attached is not None and self._client.is_connected():
            self._ended = True
            self._client.disconnect()
            self._client.loop_write()
        self.abort()

    def abort(self) -> None:
        """End without a word; nothing is reported any more. The broker will publish the will."""
        self._ended = True
        self._drop_socket()

    # -- the loop's side

    def _readable(self) -> None:
        self._client.loop_read()
        sock = self._client.socket()
        # What TLS has decrypted already does not make the socket readable again.
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._client.loop_read()
            sock = self._client.socket()

    def _writable(self) -> None:
        self._client.loop_write()

    def _detach(self) -> None:
        if self._attached is not None:
            self._loop.remove_reader(self._attached)
            self._loop.remove_writer(self._attached)
            self._attached = None

    def _drop_socket(self) -> None:
        self._detach()
        sock = self._client.socket()
        if sock is not None:
            sock.close()
            # paho has no word for "drop it": reading from the closed socket makes it tidy up.
            self._client.loop_read()

    def _end(self, loss: Loss) -> None:
        self._detach()
        if not self._ended:
            self._ended = True
            self._report(Lost(loss))

    # -- paho's side: called on the loop, except the write callbacks while connecting, which find nothing attached

    def _on_register_write(self, _client: Client, _userdata: Any, _sock: Any) -> None:
        if self._attached is not None:
            self._loop.add_writer(self._attached, self._writable)

    def _on_unregister_write(self, _client: Client, _userdata: Any, _sock: Any) -> None:
        if self._attached is not None:
            self._loop.remove_writer(self._attached)

    def _on_socket_close(self, _client: Client, _userdata: Any, _sock: Any) -> None:
        self._detach()

    def _on_connect(
        self, _client: Client, _userdata: Any, _flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._end(_loss_of_code(code.value, str(code), self._broker))
        elif not self._ended:
            self._report(Connected(getattr(properties, "ReceiveMaximum", 65535)))

    def _on_disconnect(
        self, _client: Client, _userdata: Any, flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._end(_loss_of_code(code.value, str(code), self._broker))
        else:
            self._end(_loss_of_line(code, self._broker))

    def _on_subscribe(
        self, _client: Client, _userdata: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            reason = f"the broker refuses our subscription: {', '.join(refused)}"
            self._end(Loss(reason, Retry.MAX_BACKOFF, by_broker=True))
            self._drop_socket()
        elif not self._ended:
            self._report(Subscribed())

    def _on_publish(
        self, _client: Client, _userdata: Any, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if not self._ended:
            self._report(Acked(mid, code.value if code.is_failure else None, str(code)))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        if not self._ended:
            content_type = getattr(message.properties, "ContentType", MSGPACK)
            self._report(Arrived(message.topic, bytes(message.payload), content_type))


def _content_type(packet: int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    properties.ContentType = MSGPACK
    return properties


def _tls_context(tls: Tls) -> _ClosableContext:
    context = _ClosableContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _loss_of_connecting(error: BaseException, broker: Broker) -> Loss:
    if isinstance(error, _CertificatesUnusable):
        return Loss(str(error), Retry.MAX_BACKOFF)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"the certificate of broker {broker.address} is not trusted: {error.verify_message}"
        return Loss(reason, Retry.MAX_BACKOFF)
    if isinstance(error, ssl.SSLError):
        return Loss(f"TLS with broker {broker.address} failed: {error.reason or error}", Retry.MAX_BACKOFF)
    if isinstance(error, socket.gaierror):
        return Loss(f"the name of broker {broker.host!r} cannot be resolved: {error.strerror}")
    if isinstance(error, TimeoutError):
        return Loss(f"broker {broker.address} does not answer")
    if isinstance(error, OSError):
        return Loss(f"broker {broker.address} cannot be reached: {error.strerror or error}")
    return Loss(f"cannot connect to broker {broker.address}: {error}", Retry.MAX_BACKOFF)


def _loss_of_code(code: int, text: str, broker: Broker) -> Loss:
    if code in _ONLY_A_PERSON:
        return Loss(f"{_ONLY_A_PERSON[code]} ({text})", Retry.MAX_BACKOFF, by_broker=True)
    return Loss(
        f"broker {broker.address} ended the session: {text}", by_broker=True, too_large=code == PACKET_TOO_LARGE
    )


def _loss_of_line(code: ReasonCode, broker: Broker) -> Loss:
    text = str(code)
    if text == "Keep alive timeout":
        return Loss(f"broker {broker.address} does not answer the keepalive: half-open line")
    return Loss(f"connection to broker {broker.address} lost", by_broker=True)
