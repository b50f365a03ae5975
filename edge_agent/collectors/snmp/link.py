"""The collector of links: the counters of one port in one PDU, and loss and delay across the link, side by side.

Both are samples of the link from this agent's vantage point, each with what it measured and null for the rest: when
the router does not answer SNMP the ping still says whether the link carries anything, and the other way round.
"""

from __future__ import annotations

import asyncio

from edge_agent.clock import Clock
from edge_agent.collectors.pinger import Pinger
from edge_agent.collectors.probe_icmp import statistics_of
from edge_agent.collectors.reading import NOTHING, Reading, stamp
from edge_agent.collectors.snmp.conversation import Conversation, Conversations
from edge_agent.collectors.snmp.oids import SNMP_ENGINE_BOOTS, SYS_UP_TIME
from edge_agent.collectors.snmp.ports import engine_boots_in, name_in, port_reading
from edge_agent.collectors.snmp.session import Failure
from edge_agent.collectors.snmp.track import PortTrack
from edge_agent.collectors.targets import LinkTarget
from protocols.samples import Kind, LinkSample

LOOK_AGAIN_SECONDS = 60.0


class LinkCollector:
    """Measures links from one end."""

    def __init__(self, conversations: Conversations, pinger: Pinger, clock: Clock) -> None:
        self._conversations = conversations
        self._pinger = pinger
        self._clock = clock
        self._tracks: dict[str, PortTrack] = {}
        self._look_at: dict[str, float] = {}

    async def collect(self, target: LinkTarget, deadline: float) -> Reading:
        """Read the port and ping across, at the same time."""
        counters, delays = await asyncio.gather(self._counters(target, deadline), self._delays(target, deadline))
        return counters + delays

    async def close(self) -> None:
        """Forget the links; conversations and pinger belong to the agent."""
        self._tracks.clear()

    async def _delays(self, target: LinkTarget, deadline: float) -> Reading:
        if target.probe_address is None:
            return NOTHING
        result = await self._pinger.ping(
            target.probe_address,
            count=target.ping_count,
            interval_seconds=target.ping_interval_seconds,
            timeout_seconds=target.ping_timeout_seconds,
            deadline=deadline,
        )
        found = statistics_of(result.rtts_seconds)
        at = stamp(self._clock)
        sample = LinkSample(
            thing=target.link,
            vantage=target.vantage,
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            loss_ratio=found.loss_ratio,
            rtt_seconds=found.rtt_seconds,
            jitter_seconds=found.jitter_seconds,
        )
        return Reading((sample,))

    async def _counters(self, target: LinkTarget, deadline: float) -> Reading:
        if target.device is None or target.port is None:
            return NOTHING
        conversation = self._conversations.of(target.device)
        try:
            async with conversation.turn(deadline) as until:
                reading = await self._read_port(target, target.port, conversation, until)
        except TimeoutError:  # others were busy with this device for the whole time: nothing is known
            reading = NOTHING
        return reading + Reading(events=conversation.drain_events())

    async def _read_port(self, target: LinkTarget, port: str, conversation: Conversation, deadline: float) -> Reading:
        now = asyncio.get_running_loop().time()
        interfaces = conversation.interfaces
        await interfaces.refresh(conversation, now, deadline)
        asked = interfaces.find(port)
        if asked is None:
            self._look_again(target.link, conversation, now)
            return NOTHING
        answer = await conversation.get([SYS_UP_TIME, SNMP_ENGINE_BOOTS, *asked.oids()], deadline)
        if answer.failure is Failure.TOO_BIG:
            answer = await conversation.get([SYS_UP_TIME, *asked.oids()[:6]], deadline)
        if answer.failure is not None:
            return NOTHING
        track = self._tracks.setdefault(
            target.link, PortTrack(Kind.LINK, target.link, target.interval_seconds, device_wide=True)
        )
        name = name_in(asked, answer)
        if name != asked.name:  # moved or gone: its memory stays, the table is read again
            track.missing()
            self._look_again(target.link, conversation, now)
            return NOTHING
        reading = port_reading(asked, asked.key, answer, engine_boots_in(answer), target.speed_bps)
        if reading is None:
            return NOTHING
        at = stamp(self._clock)
        metrics, events = track.update(reading, at)
        if metrics is None:
            return Reading(events=tuple(events))
        sample = LinkSample(
            thing=target.link,
            vantage=target.vantage,
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            **metrics.as_fields(),
        )
        return Reading((sample,), tuple(events))

    def _look_again(self, link: str, conversation: Conversation, now: float) -> None:
        """Have the interface table read again, but not more than once a minute for a port that stays away."""
        if now >= self._look_at.get(link, now):
            self._look_at[link] = now + LOOK_AGAIN_SECONDS
            conversation.interfaces.forget()
