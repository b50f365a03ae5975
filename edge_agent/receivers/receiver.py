"""Listens at one address and tells what comes in: the part that traps and syslog share.

A message becomes an event of the device that its source address belongs to, of the agent itself when nobody knows the
address. What is too much, too chatty or not believed is counted, and the sums are told every five minutes and at the
end. An address that cannot be had is a fault to show and to try again, no reason to die.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import structlog

from edge_agent.clock import Clock
from edge_agent.collectors.reading import Reading, event, stamp
from edge_agent.collectors.targets import DeviceTarget
from edge_agent.receivers.books import Books, ReceiverState
from edge_agent.receivers.gate import Gate
from edge_agent.receivers.sources import Sources, plain_address
from edge_agent.receivers.streams import LogStreams
from edge_agent.receivers.values import NotTaken, Outcome
from protocols.events import AttributeValue, Event
from protocols.samples import Kind

SUM_SECONDS = 300.0
RETRY_SECONDS = 30.0
LOOK_UP_SECONDS = 600.0
MOST_READ_PER_MINUTE = 1_200
"""Datagrams of one sender that are even looked into: reading a trap costs about a millisecond."""

Read = Callable[[bytes, DeviceTarget | None], Outcome]
"""From a datagram and the device it came from to what it says; raises `NotTaken`."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a receiver listens, what its events are called (`trap`, `log`), and how much of a sender it tells."""

    name: str
    subject: str
    host: str
    port: int
    per_minute: int
    tcp: bool = False


class Receiver:
    """One address of the agent that devices send to."""

    def __init__(
        self, post: Post, agent: str, read: Read, sources: Sources, clock: Clock, deliver: Callable[[Reading], None]
    ) -> None:
        self._post = post
        self._agent = agent
        self._read = read
        self._sources = sources
        self._clock = clock
        self._deliver = deliver
        self._books = Books()
        self._doors = Gate(MOST_READ_PER_MINUTE)
        self._notable, self._chatter = Gate(post.per_minute), Gate(post.per_minute)
        self._transport: asyncio.DatagramTransport | None = None
        self._streams = LogStreams(self.take) if post.tcp else None
        self._tasks: list[asyncio.Task[None]] = []
        self._broken = False
        self.fault = ""
        self.port = post.port
        self._log = structlog.get_logger("receiver").bind(agent=agent, receiver=post.name)

    async def start(self) -> None:
        """Begin to listen; when the address cannot be had, say so in `fault` and go on trying."""
        await self._sources.refresh()
        await self._listen()
        self._tasks = [asyncio.get_running_loop().create_task(self._keep(), name=f"receive {self._post.name}")]

    async def stop(self) -> None:
        """Close the socket and tell the last sums."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
        if self._streams is not None:
            await self._streams.close()
        self.tell_sums()

    def state(self) -> ReceiverState:
        """Return the receiver's books."""
        return self._books.state(self._post.name, f"{self._post.host}:{self.port}", self.fault)

    def take(self, data: bytes, sender: str, reply: Callable[[bytes], None] | None = None) -> None:
        """Take one message; whatever it holds, nothing is raised."""
        self._books.received += 1
        now = self._clock.monotonic_ms() / 1000
        device = None
        try:
            address = plain_address(sender)
            device = self._sources.of(address)
            if not self._doors.admits(address, now):
                self._thin(device)
                return
            outcome = self._read(data, device)
        except NotTaken as refused:
            self._books.refused[str(refused)] += 1
            return
        except Exception as error:  # noqa: BLE001 - a library's fault over what anybody on the network may send
            self._books.refused["not readable"] += 1
            if not self._broken:
                self._broken = True
                self._log.exception("message_not_readable", error=type(error).__name__)
            return
        if outcome.reply is not None and reply is not None:
            reply(outcome.reply)
        meaning = outcome.meaning
        if meaning is None:
            self._books.below += 1
            return
        if not (self._notable if meaning.notable else self._chatter).admits(address, now):
            self._thin(device)
            return
        self._books.told += 1
        attributes = {"source": address, **meaning.attributes}
        self._deliver(Reading(events=(self._event(meaning.event, device, meaning.port, attributes),)))

    def tell_sums(self) -> None:
        """Tell what was thinned, by device, and refused, by reason, since the last sums."""
        thinned, refused = self._books.take_sums()
        devices = {target.device: target for target in self._sources.devices}
        told = [
            self._event(f"{self._post.subject}.thinned", devices.get(device or ""), None, {"items": items})
            for device, items in thinned.items()
        ]
        told += [
            self._event(f"{self._post.subject}.refused", None, None, {"items": items, "reason": reason})
            for reason, items in refused.items()
        ]
        if told:
            self._deliver(Reading(events=tuple(told)))

    def _thin(self, device: DeviceTarget | None) -> None:
        self._books.thinned[None if device is None else device.device] += 1

    def _event(
        self, name: str, device: DeviceTarget | None, port: str | None, attributes: dict[str, AttributeValue]
    ) -> Event:
        if device is None:
            kind, thing = Kind.HOST, self._agent
        elif port is not None:
            kind, thing = Kind.PORT, f"{device.device}/{port}"
        else:
            kind, thing = Kind.DEVICE, device.device
        return event(name, kind, thing, stamp(self._clock), **attributes)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self._post.host, self.port)
            )
            if self._streams is not None:
                try:
                    await self._streams.listen(self._post.host, transport.get_extra_info("sockname")[1])
                except OSError:
                    transport.close()
                    raise
        except OSError as error:
            fault = f"{self._post.name} cannot listen on {self._post.host}:{self.port} ({error.strerror})"
            if fault != self.fault:
                self._log.error("receiver_not_listening", host=self._post.host, port=self.port, reason=error.strerror)
            self.fault = fault
            return
        self.fault = ""
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        self._log.info("receiver_listening", host=self._post.host, port=self.port)

    async def _keep(self) -> None:
        """Look names up again, tell sums, and try for the address while it cannot be had."""
        loop = asyncio.get_running_loop()
        sums_at, look_up_at = loop.time() + SUM_SECONDS, loop.time() + LOOK_UP_SECONDS
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self._transport is None:
                await self._listen()
            if loop.time() >= look_up_at:
                look_up_at = loop.time() + LOOK_UP_SECONDS
                await self._sources.refresh()
            if loop.time() >= sums_at:
                sums_at = loop.time() + SUM_SECONDS
                self.tell_sums()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # asyncio's own is no subclass before 3.12

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        def reply(answer: bytes) -> None:
            if self._transport is not None:
                with contextlib.suppress(OSError):
                    self._transport.sendto(answer, address)

        self._receiver.take(data, address[0], reply)
