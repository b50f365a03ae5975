"""The MQTT connection of the centre: paho driven by the event loop, reconnecting with full jitter.

One owner, one thread: paho's socket is read and written when the loop says it is ready, and only `connect` (name
look-up, TCP, TLS) runs in an executor because it blocks. A message handler that raises is counted and logged; it never
ends the connection. Sessions are clean and expire at once: the broker keeps nothing, and what a dead worker had not
receipted is sent again by its agents. Sources: MQTT 5.0 §3.1, §4.8.2 (shared subscriptions).
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.config import Broker
from cloud.errors import BrokerUnavailable
from protocols.codec import JSON, MSGPACK

KEEPALIVE_SECONDS = 20
MAX_BACKOFF_SECONDS = 15.0
CONNECT_TIMEOUT_SECONDS = 5.0
RECEIVE_WINDOW = 2_000
SEND_WINDOW = 500
MAX_PACKET_BYTES = 1024 * 1024
"""Eight times the largest segment: larger ones are not even delivered, so that nobody can fill this memory."""

MessageHandler = Callable[[str, bytes, str, bool], None]
"""Called with topic, payload, content type and whether the broker had retained the message."""

_log = structlog.get_logger(__name__)


class BrokerConnection:
    """A connection that is always wanted; `run` keeps it up until it is cancelled."""

    def __init__(
        self,
        broker: Broker,
        *,
        client_id: str,
        subscriptions: Sequence[str],
        on_message: MessageHandler,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._subscriptions = list(subscriptions)
        self._on_message = on_message
        self._client: mqtt.Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()
        self._subscribed: set[int] = set()
        self._accepted = False
        self.connected = False
        self.ready = asyncio.Event()
        self.reason = "not connected yet"
        self.received_total = 0
        self.handler_errors_total = 0

    async def run(self) -> None:
        """Connect, subscribe and stay; reconnect with full jitter, saying once why the broker is away."""
        self._loop = asyncio.get_running_loop()
        attempt = 0
        told = False
        try:
            while True:
                try:
                    await self._connect()
                    await self._lost.wait()
                    if self._accepted:  # a broker that only answers, to refuse us, is as good as away
                        attempt, told = 0, False
                except (OSError, BrokerUnavailable) as error:
                    self.reason = str(error) or type(error).__name__
                if not told:
                    _log.warning("broker_unavailable", reason=self.reason, hint=BrokerUnavailable.hint)
                    told = True
                self._drop()
                await asyncio.sleep(random.uniform(0, min(0.5 * 2**attempt, MAX_BACKOFF_SECONDS)))
                attempt = min(attempt + 1, 10)
        finally:
            if self._client is not None and self.connected:
                self._client.disconnect()
            self._drop()

    def publish(self, topic: str, payload: bytes, *, content_type: str = MSGPACK) -> bool:
        """Send a QoS 1 message, or return False without a connection: then nobody waits for it here."""
        if self._client is None or not self.connected:
            return False
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = content_type
        return bool(self._client.publish(topic, payload, qos=1, properties=properties).rc == mqtt.MQTT_ERR_SUCCESS)

    def subscribe(self, topic_filter: str) -> None:
        """Add a subscription now and for every later connection."""
        if topic_filter not in self._subscriptions:
            self._subscriptions.append(topic_filter)
            if self._client is not None and self.connected:
                self._client.subscribe(topic_filter, options=SubscribeOptions(qos=1))

    async def _connect(self) -> None:
        assert self._loop is not None
        self._lost.clear()
        self._accepted = False
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self._client = client
        client.max_inflight_messages_set(SEND_WINDOW)
        client.connect_timeout = CONNECT_TIMEOUT_SECONDS
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls_ca:
            context = ssl.create_default_context(cafile=self._broker.tls_ca)
            if self._broker.tls_cert:
                context.load_cert_chain(self._broker.tls_cert, self._broker.tls_key)
            client.tls_set_context(context)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_subscribe = self._granted
        client.on_socket_open = self._socket_open
        client.on_socket_close = self._socket_close
        client.on_socket_register_write = self._register_write
        client.on_socket_unregister_write = self._unregister_write
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_WINDOW
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        await self._loop.run_in_executor(
            None,
            lambda: client.connect(
                self._broker.host, self._broker.port, KEEPALIVE_SECONDS, clean_start=True, properties=properties
            ),
        )
        self._loop.create_task(self._tick(client))

    async def _tick(self, client: mqtt.Client) -> None:
        while client is self._client and not self._lost.is_set():
            if client.loop_misc() != mqtt.MQTT_ERR_SUCCESS:
                self._lose("the connection was lost")
                return
            await asyncio.sleep(1)

    def _drop(self) -> None:
        client, self._client = self._client, None
        self.connected = False
        self.ready.clear()
        if client is not None and (sock := client.socket()) is not None:
            self._remove(sock.fileno())
            client.on_socket_close = None
            sock.close()

    def _lose(self, reason: str) -> None:
        self.connected = False
        self.ready.clear()
        if not self._lost.is_set():  # what is said after the first reason only follows from it
            self.reason = reason
            self._lost.set()

    def _connected(self, client: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        if code.is_failure:
            self._lose(f"the broker refuses the login: {code}")
            return
        self.connected = self._accepted = True
        self.reason = ""
        _log.info("broker_connected", host=self._broker.host, port=self._broker.port)
        self._subscribed = set()
        for topic_filter in self._subscriptions:
            _, mid = client.subscribe(topic_filter, options=SubscribeOptions(qos=1))
            if mid is not None:
                self._subscribed.add(mid)

    def _granted(self, _c: mqtt.Client, _u: Any, mid: int, codes: list[ReasonCode], _p: Any) -> None:
        if any(code.is_failure for code in codes):
            self._lose(f"the broker refuses a subscription: {', '.join(map(str, codes))}")
            return
        self._subscribed.discard(mid)
        if not self._subscribed:
            self.ready.set()

    def _disconnected(self, client: mqtt.Client, _u: Any, _f: Any, code: ReasonCode, _p: Any) -> None:
        if client is self._client:
            self._lose(f"disconnected: {code}")

    def _received(self, _c: mqtt.Client, _u: Any, message: mqtt.MQTTMessage) -> None:
        self.received_total += 1
        try:
            content_type = getattr(message.properties, "ContentType", None)
            if content_type is None:
                content_type = JSON if message.payload[:1] == b"{" else MSGPACK
            self._on_message(message.topic, bytes(message.payload), content_type, message.retain)
        except Exception:  # noqa: BLE001 - the outermost loop of this room: paho would end the connection
            self.handler_errors_total += 1
            _log.exception("message_handler_failed", topic=message.topic[:200])

    def _socket_open(self, client: mqtt.Client, _u: Any, sock: Any) -> None:
        # Called from the executor's thread during connect.
        assert self._loop is not None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.call_soon_threadsafe(self._add_reader, client, sock.fileno())

    def _add_reader(self, client: mqtt.Client, descriptor: int) -> None:
        if client is self._client and self._loop is not None:
            self._loop.add_reader(descriptor, self._readable, client)

    @staticmethod
    def _readable(client: mqtt.Client) -> None:
        client.loop_read()
        sock = client.socket()
        # What TLS has decrypted already does not make the socket readable again.
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            client.loop_read()
            sock = client.socket()

    def _socket_close(self, _c: mqtt.Client, _u: Any, sock: Any) -> None:
        self._remove(sock.fileno())

    def _remove(self, descriptor: int) -> None:
        if self._loop is not None and descriptor >= 0:
            self._loop.remove_reader(descriptor)
            self._loop.remove_writer(descriptor)

    def _register_write(self, client: mqtt.Client, _u: Any, sock: Any) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._add_writer, client, sock.fileno())

    def _add_writer(self, client: mqtt.Client, descriptor: int) -> None:
        if client is self._client and self._loop is not None and client.want_write():
            self._loop.add_writer(descriptor, client.loop_write)

    def _unregister_write(self, _c: mqtt.Client, _u: Any, sock: Any) -> None:
        if self._loop is not None and sock.fileno() >= 0:
            self._loop.remove_writer(sock.fileno())
