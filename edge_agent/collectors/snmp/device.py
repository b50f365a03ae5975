"""The collector of devices: reachability, uptime, vendor health, all wanted ports and, hourly, the neighbours.

Ports are polled with GETs of known ifIndexes, several ports per PDU, each PDU with its own sysUpTime, so that a port's
row is of one moment. PDUs shrink when the device says tooBig.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

from edge_agent.clock import Clock
from edge_agent.collectors.reading import NOTHING, Reading, stamp
from edge_agent.collectors.snmp.conversation import Conversation, Conversations
from edge_agent.collectors.snmp.counters import ClockReading
from edge_agent.collectors.snmp.neighbours import (
    CDP_COLUMNS,
    CDP_DEVICE_ID,
    FIRST_COLUMNS,
    LLDP_COLUMNS,
    LLDP_REM_CHASSIS_ID,
    NeighbourTrack,
    neighbourhood,
)
from edge_agent.collectors.snmp.oids import SNMP_ENGINE_BOOTS, SYS_OBJECT_ID, SYS_UP_TIME
from edge_agent.collectors.snmp.ports import Interface, engine_boots_in, name_in, port_reading
from edge_agent.collectors.snmp.session import Answer, Failure
from edge_agent.collectors.snmp.track import ClockTrack, PortTrack
from edge_agent.collectors.snmp.vendor_files import VendorObjects
from edge_agent.collectors.snmp.vendors import Vitals, sensors_of, vendor_of, vitals_of
from edge_agent.collectors.targets import DeviceTarget
from protocols.events import Event
from protocols.samples import DeviceSample, Kind, PortSample, Sample

PORTS_PER_PDU = 4
"""About 50 varbinds: an answer below one Ethernet frame, so that no device has to fragment."""
MISSED_POLLS_UNTIL_LOOK = 3
SENSORS_SECONDS, RETRY_SENSORS_SECONDS = 3600.0, 300.0
MOST_SENSORS = 40
NEIGHBOURS_SECONDS, RETRY_NEIGHBOURS_SECONDS = 3600.0, 21_600.0
"""A device that chokes on these tables is left in peace with them for hours."""
LONGEST_LOOK_SECONDS = 10.0
SYSTEM = (SYS_UP_TIME, SYS_OBJECT_ID, SNMP_ENGINE_BOOTS)


@dataclass(slots=True)
class _Memory:
    """What is kept of one device between polls."""

    clock: ClockTrack
    neighbours: NeighbourTrack
    tracks: dict[str, PortTrack] = field(default_factory=dict)
    ports_per_pdu: int = PORTS_PER_PDU
    vendor: VendorObjects | None = None
    sensors: tuple[str, ...] = ()
    most_sensors: int = MOST_SENSORS
    sensors_until: float | None = None
    neighbours_until: float | None = None


class DeviceCollector:
    """Polls devices and their ports."""

    def __init__(self, conversations: Conversations, clock: Clock) -> None:
        self._conversations = conversations
        self._clock = clock
        self._memories: dict[str, _Memory] = {}

    async def collect(self, target: DeviceTarget, deadline: float) -> Reading:
        """Poll one device: a device sample, a sample per port that answered, and what changed."""
        conversation = self._conversations.of(target)
        memory = self._memories.get(target.device)
        if memory is None:
            clock = ClockTrack(target.device, target.interval_seconds)
            memory = self._memories[target.device] = _Memory(clock, NeighbourTrack(target.device))
        try:
            async with conversation.turn(deadline) as until:
                reading = await self._poll(target, conversation, memory, until)
        except TimeoutError:  # others were busy with this device for the whole time: nothing is known
            reading = NOTHING
        return reading + Reading(events=conversation.drain_events())

    async def close(self) -> None:
        """Forget the ports; the conversations belong to the agent."""
        self._memories.clear()

    async def _poll(
        self, target: DeviceTarget, conversation: Conversation, memory: _Memory, deadline: float
    ) -> Reading:
        answer = await conversation.get([*SYSTEM, *memory.sensors], deadline)
        while answer.failure is Failure.TOO_BIG and memory.sensors:
            memory.most_sensors = len(memory.sensors) // 2
            memory.sensors = memory.sensors[: memory.most_sensors]
            answer = await conversation.get([*SYSTEM, *memory.sensors], deadline)
        if answer.failure is Failure.NOT_ASKED:
            return NOTHING
        at = stamp(self._clock)
        sys_up_time = answer.values.get(SYS_UP_TIME)
        vitals = Vitals()
        if answer.failure is None and memory.vendor is not None:
            vitals = vitals_of(memory.vendor, answer.values)
        sample = DeviceSample(
            thing=target.device,
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            reachable=answer.failure not in (Failure.TIMEOUT, Failure.NETWORK),
            rtt_seconds=None if answer.rtt_seconds is None else round(answer.rtt_seconds, 6),
            uptime_seconds=sys_up_time / 100 if isinstance(sys_up_time, int) else None,
            cpu_ratio=vitals.cpu_ratio,
            memory_used_ratio=vitals.memory_used_ratio,
            temperature_celsius=vitals.temperature_celsius,
        )
        events: list[Event] = []
        if isinstance(sys_up_time, int):
            events = memory.clock.update(
                ClockReading(
                    sys_up_time_cs=sys_up_time,
                    at_seconds=answer.at,
                    uncertainty_seconds=(answer.rtt_seconds or 0.0) / 2,
                    snmp_engine_boots=engine_boots_in(answer),
                ),
                at,
            )
        reading = Reading((sample,), tuple(events))
        if answer.failure is not None:
            return reading
        if target.ports != ():
            reading += await self._poll_ports(target, conversation, memory, answer, deadline)
        await self._look_for_sensors(conversation, memory, answer, deadline)
        if target.neighbours:
            reading += await self._look_for_neighbours(conversation, memory, deadline)
        return reading

    async def _poll_ports(
        self, target: DeviceTarget, conversation: Conversation, memory: _Memory, first: Answer, deadline: float
    ) -> Reading:
        now = asyncio.get_running_loop().time()
        interfaces = conversation.interfaces
        if await interfaces.refresh(conversation, now, deadline) is not None and not interfaces.by_key:
            return NOTHING
        if target.ports is None:
            wanted = [one for one in interfaces.by_key.values() if one.physical]
        else:
            wanted = [one for port in target.ports if (one := interfaces.find(port)) is not None]
        boots = engine_boots_in(first)
        samples: list[Sample] = []
        events: list[Event] = []
        waiting = list(wanted)
        while waiting:
            group = waiting[: memory.ports_per_pdu]
            answer = await conversation.get([SYS_UP_TIME, *(oid for one in group for oid in one.oids())], deadline)
            if answer.failure is Failure.TOO_BIG and memory.ports_per_pdu > 1:
                memory.ports_per_pdu //= 2
                continue
            if answer.failure is not None:
                break  # the ports not reached are missing, which is what happened
            waiting = waiting[len(group) :]
            for asked in group:
                read = self._port(target, conversation, memory, asked, answer, boots)
                samples += read.samples
                events += read.events
        return Reading(tuple(samples), tuple(events))

    def _port(
        self,
        target: DeviceTarget,
        conversation: Conversation,
        memory: _Memory,
        asked: Interface,
        answer: Answer,
        boots: int | None,
    ) -> Reading:
        interfaces = conversation.interfaces
        name = name_in(asked, answer)
        key = None if name is None else interfaces.key_of(asked, name)
        if key != asked.key:
            moved = name is not None
            track = self._track(target, memory, asked.key)
            track.missing()
            if moved or track.missed_polls >= MISSED_POLLS_UNTIL_LOOK:
                interfaces.forget()
        if key is None or (target.ports is not None and key != asked.key and key not in target.ports):
            return NOTHING
        now = port_reading(asked, key, answer, boots)
        if now is None:
            return NOTHING
        at = stamp(self._clock)
        metrics, events = self._track(target, memory, key).update(now, at)
        if metrics is None:
            return Reading(events=tuple(events))
        sample = PortSample(
            thing=f"{target.device}/{key}",
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            admin_up=now.admin_up,
            **metrics.as_fields(),
        )
        return Reading((sample,), tuple(events))

    def _track(self, target: DeviceTarget, memory: _Memory, key: str) -> PortTrack:
        if key not in memory.tracks:
            memory.tracks[key] = PortTrack(
                Kind.PORT, f"{target.device}/{key}", target.interval_seconds, device_wide=False
            )
        return memory.tracks[key]

    async def _look_for_sensors(
        self, conversation: Conversation, memory: _Memory, answer: Answer, deadline: float
    ) -> None:
        """Find out, hourly, which of the vendor's rows hold anything; they are asked for from the next poll on."""
        now = asyncio.get_running_loop().time()
        if memory.sensors_until is not None and now < memory.sensors_until:
            return
        memory.vendor = vendor_of(str(answer.values.get(SYS_OBJECT_ID, "")))
        table = await conversation.get_table(memory.vendor.columns(), deadline)
        if table.failure is None:
            memory.sensors = sensors_of(table.columns)[: memory.most_sensors]
        memory.sensors_until = now + (SENSORS_SECONDS if table.failure is None else RETRY_SENSORS_SECONDS)

    async def _look_for_neighbours(self, conversation: Conversation, memory: _Memory, deadline: float) -> Reading:
        """Read the neighbours, hourly; what cannot be read leaves standing what was told."""
        now = asyncio.get_running_loop().time()
        if memory.neighbours_until is not None and now < memory.neighbours_until:
            return NOTHING
        memory.neighbours_until = now + RETRY_NEIGHBOURS_SECONDS
        until = min(deadline, now + LONGEST_LOOK_SECONDS)
        first = await conversation.get_optional_table(FIRST_COLUMNS, until)
        more: list[str] = []
        if first.columns.get(LLDP_REM_CHASSIS_ID):
            more += LLDP_COLUMNS
        if first.columns.get(CDP_DEVICE_ID):
            more += CDP_COLUMNS
        columns, failure = dict(first.columns), first.failure
        if more and failure is None:
            await conversation.interfaces.refresh(conversation, now, deadline)
            rest = await conversation.get_optional_table(more, until)
            columns, failure = columns | dict(rest.columns), rest.failure
        if failure is not None:
            return NOTHING
        memory.neighbours_until = now + NEIGHBOURS_SECONDS
        at = stamp(self._clock)
        found = neighbourhood(columns, conversation.interfaces)
        return Reading(events=tuple(memory.neighbours.update(found, at, now, uuid.uuid4().hex)))
