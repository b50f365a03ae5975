"""The uplink, wired: the session's decisions, the window, the spool and one MQTT connection at a time, in one task.

The connection's callbacks and the spool's listener only put something into the inbox or raise a flag; everything is
decided and done in `_turn`, by one task, so nothing here needs a lock. Whatever goes wrong in a turn is logged and
counted, and the uplink goes on with a new connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from random import Random

import msgspec
import structlog

from edge_agent.clock import Clock
from edge_agent.errors import Retry
from edge_agent.spool import HeldSegment, Identity, Spool, SpoolError
from edge_agent.uplink import session as decisions
from edge_agent.uplink.errors import NotConnected
from edge_agent.uplink.mqtt import (
    PACKET_TOO_LARGE,
    PAYLOAD_FORMAT_INVALID,
    Acked,
    Arrived,
    Connected,
    Happening,
    Lost,
    MqttConnection,
    Subscribed,
    Will,
)
from edge_agent.uplink.session import Session
from edge_agent.uplink.skew import Skew
from edge_agent.uplink.suspects import Suspects
from edge_agent.uplink.values import Broker, Loss, Phase, Speaker, Timing, UplinkSnapshot
from edge_agent.uplink.window import Window
from protocols.codec import DecodeError, decode_down, decode_nudge, encode
from protocols.desired import Nudge
from protocols.receipts import Receipt, SegmentReceipt, Verdict, Welcome
from protocols.status import Presence, Status
from protocols.topics import DownChannel, Lane, down_topic, segment_topic, status_topic

SPOOL_RETRY_SECONDS = 5.0
GOODBYE_SECONDS = 2.0
BATCH_SEGMENTS = 8
"""Most segments whose payloads are in memory at once on their way to the client."""

News = Callable[[Nudge | None], None]
"""Told of every nudge, and with None when the centre accepted us anew: nudges may have been lost before."""

log = structlog.get_logger(__name__)


class Uplink:
    """Sends what the spool holds and lets the spool go of what the cloud has receipted.

    `start` returns at once: a broker that is away is waited for. `executor` runs the blocking connect (up to the
    connect timeout each); give it threads of its own where many agents share a process, so that SQLite never waits
    behind it. With `news`, the agent also hears when desired state changed; `news` must only note the fact.
    """

    def __init__(
        self,
        *,
        spool: Spool,
        speaker: Speaker,
        broker: Broker,
        clock: Clock,
        executor: Executor,
        random: Random,
        timing: Timing | None = None,
        news: News | None = None,
    ) -> None:
        self._spool = spool
        self._news = news
        self._receipts_topic = down_topic(speaker.agent, DownChannel.RECEIPT)
        self._speaker = speaker
        self._broker = broker
        self._clock = clock
        self._executor = executor
        self._timing = timing or Timing()
        self._session = Session(random, self._timing, broker.reconnect_most_seconds)
        self._window = Window(self._timing)
        self._suspects = Suspects()
        self._skew = Skew()
        self._connection: MqttConnection | None = None
        self._inbox: deque[tuple[MqttConnection, Happening]] = deque()
        self._wake = asyncio.Event()
        self._mids: dict[int, Identity | None] = {}
        self._number = 0
        self._waiting = True
        self._spool_retry_at: float | None = None
        self._in_flight_since: float | None = None
        self._status_unacked_at: float | None = None
        self._only_urgent = False
        self._drained = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._since_ms = clock.wall_ms()
        self._shown: tuple[Phase, str] = (Phase.STOPPED, "")
        self._last_receipt_at_ms: int | None = None
        self._connects = 0
        self._resends = 0

    async def start(self) -> None:
        """Begin to connect and send."""
        if self._task is None:
            self._spool.listen(self._spool_has_more)
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"uplink {self._speaker.agent}")

    async def stop(self, flush_seconds: float = 5.0) -> None:
        """Send what is not backlog for at most `flush_seconds`, say goodbye and disconnect."""
        if self._task is None:
            return
        if self._session.phase in (Phase.JOINING, Phase.SENDING):
            self._only_urgent = self._waiting = True
            self._wake.set()
            try:
                async with asyncio.timeout(flush_seconds):
                    await self._drained.wait()
            except TimeoutError:
                log.info("uplink_flush_cut_short", agent=self._speaker.agent, in_flight=len(self._window.in_flight))
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        await self._say_goodbye()
        self._session.stop()
        self._spool.expect_sending(False)

    def snapshot(self) -> UplinkSnapshot:
        """Return how the uplink stands now."""
        return UplinkSnapshot(
            phase=self._session.phase,
            reason=self._session.reason,
            since_ms=self._since_ms,
            broker=self._broker.address,
            session=self._number,
            credit=self._window.credit,
            in_flight=len(self._window.in_flight),
            connects=self._connects,
            resends=self._resends,
            last_receipt_at_ms=self._last_receipt_at_ms,
            skew_seconds=self._skew_seconds(),
        )

    # -- the task

    async def _run(self) -> None:
        while True:
            try:
                if self._session.phase is Phase.STOPPED:
                    await self._perform(self._session.start(self._now()))
                await self._turn()
            except Exception as error:
                log.error("uplink_turn_failed", agent=self._speaker.agent, exc_info=error)
                loss = Loss(f"internal fault: {error}", Retry.MAX_BACKOFF)
                await self._perform(self._session.lost(self._now(), loss, close=True))
            self._show()
            await self._sleep()

    async def _turn(self) -> None:
        self._wake.clear()
        receipts: list[SegmentReceipt] = []
        while self._inbox:
            connection, happening = self._inbox.popleft()
            if connection is self._connection:
                await self._handle(happening, receipts)
        if receipts:
            await self._confirm(receipts)
        now = self._now()
        if self._window.give_up_waiting(now):
            self._waiting = True
        if self._connection is not None:
            self._connection.tick()
        await self._perform(
            self._session.tick(now, in_flight_since=self._in_flight_since, unacked_since=self._unacked_since())
        )
        if self._session.phase is Phase.SENDING:
            await self._send()
        else:
            self._spool_retry_at = None
        self._spool.expect_sending(self._session.phase is Phase.SENDING and self._window.room() > 0)

    async def _sleep(self) -> None:
        now = self._now()
        candidates = [now + self._timing.tick, self._session.next_at(), self._window.next_due(), self._spool_retry_at]
        timeout = max(0.0, min(at for at in candidates if at is not None) - now)
        try:
            # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with the wake.
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _handle(self, happening: Happening, receipts: list[SegmentReceipt]) -> None:
        now = self._now()
        match happening:
            case Connected(receive_maximum):
                # Two places are kept for a birth and a goodbye.
                self._window.limit_handed(receive_maximum - 2)
                await self._perform(self._session.connected(now))
            case Subscribed():
                await self._perform(self._session.subscribed(now))
            case Acked():
                await self._acked(happening)
            case Arrived(topic, payload, content_type):
                if topic == self._receipts_topic:
                    await self._arrived(payload, content_type, receipts)
                else:
                    self._nudged(payload, content_type)
            case Lost(loss):
                await self._lost(loss)

    async def _acked(self, acked: Acked) -> None:
        identity = self._mids.pop(acked.mid, None)
        if identity is None:
            self._status_unacked_at = None
        if acked.refusal is None:
            if identity is not None:
                self._suspects.passed(identity)
                self._window.acked(identity)
                self._waiting = True
        elif identity is not None and acked.refusal in (PACKET_TOO_LARGE, PAYLOAD_FORMAT_INVALID):
            # Left in flight: it is tried again when its receipt is overdue, not at once.
            self._window.acked(identity)
            if (convicted := self._suspects.refused(identity)) is not None:
                await self._set_aside(convicted, f"the broker refuses it: {acked.text}")
        else:
            loss = Loss(f"the broker refuses what we publish: {acked.text}", Retry.MAX_BACKOFF)
            await self._perform(self._session.lost(self._now(), loss, close=True))

    async def _arrived(self, payload: bytes, content_type: str, receipts: list[SegmentReceipt]) -> None:
        try:
            message = decode_down(payload, content_type)
        except DecodeError as error:
            log.warning("uplink_message_undecodable", agent=self._speaker.agent, reason=str(error))
            return
        if message.agent != self._speaker.agent:
            log.warning("uplink_message_for_another", agent=self._speaker.agent, meant_for=message.agent)
            return
        self._skew.heard(message.cloud_time_ms, self._clock.monotonic_ms())
        self._window.grant(message.credit)
        self._waiting = True
        match message:
            case Receipt(segments=segments):
                self._session.progressed(self._now())
                self._last_receipt_at_ms = self._clock.wall_ms()
                receipts.extend(segments)
            case Welcome():
                before = self._session.phase
                await self._perform(self._session.welcomed(self._now(), self._judged(message)))
                if self._news is not None and before is not Phase.SENDING and self._session.phase is Phase.SENDING:
                    self._news(None)

    def _nudged(self, payload: bytes, content_type: str) -> None:
        try:
            nudge = decode_nudge(payload, content_type)
        except DecodeError as error:
            log.warning("uplink_message_undecodable", agent=self._speaker.agent, reason=str(error))
            return
        if self._news is not None and nudge.agent == self._speaker.agent:
            self._news(nudge)

    def _judged(self, welcome: Welcome) -> Welcome:
        """Return the welcome as it must be taken: a centre that knows more than was ever sent has met a later spool.

        It accepts us because we sealed new segments under those seqs before we were born; they must not go out.
        """
        if welcome.verdict is Verdict.ACCEPTED and welcome.high_seq > self._spool.sent_seq():
            return msgspec.structs.replace(welcome, verdict=Verdict.RESTART_EPOCH)
        return welcome

    async def _confirm(self, receipts: list[SegmentReceipt]) -> None:
        try:
            await self._spool.confirm(receipts, skew_seconds=self._skew_seconds())
        except SpoolError as error:
            # Still held, so still in flight: sent again when overdue, and receipted again as a duplicate.
            log.warning("uplink_confirm_failed", agent=self._speaker.agent, reason=str(error))
            return
        for receipt in receipts:
            self._window.receipted(Identity(receipt.epoch, receipt.seq))
            if receipt.reason:
                log.error(
                    "segment_rejected",
                    agent=self._speaker.agent,
                    epoch=receipt.epoch,
                    seq=receipt.seq,
                    reason=receipt.reason,
                )
        if not self._window.in_flight:
            self._in_flight_since = None

    async def _lost(self, loss: Loss) -> None:
        if (convicted := self._suspects.lost(self._window.unacked(), loss)) is not None:
            await self._set_aside(convicted, loss.reason)
        self._forget_connection()
        await self._perform(self._session.lost(self._now(), loss))

    async def _set_aside(self, identity: Identity, reason: str) -> None:
        try:
            await self._spool.set_aside(identity, reason[:200])
        except SpoolError as error:
            log.warning("uplink_set_aside_failed", agent=self._speaker.agent, reason=str(error))
            return
        self._window.receipted(identity)

    # -- doing what the session decides

    async def _perform(self, actions: list[decisions.Action]) -> None:
        for action in actions:
            match action:
                case decisions.Connect():
                    await self._connect()
                case decisions.Subscribe():
                    if self._connection is not None:
                        nudges = (DownChannel.CONFIG, DownChannel.CONTENT) if self._news is not None else ()
                        topics = [down_topic(self._speaker.agent, channel) for channel in nudges]
                        self._connection.subscribe(self._receipts_topic, *topics)
                case decisions.PublishStatus():
                    await self._publish_status()
                case decisions.RestartEpoch():
                    await self._restart_epoch()
                case decisions.Close(clean):
                    self._close(clean=clean)

    async def _connect(self) -> None:
        self._forget_connection()
        self._number = await self._take_session()
        self._session.number(self._number)
        self._connects += 1
        speaker = self._speaker
        connection: MqttConnection

        def report(happening: Happening) -> None:
            self._inbox.append((connection, happening))
            self._wake.set()

        connection = MqttConnection(
            self._broker,
            client_id=speaker.client_id,
            username=speaker.agent,
            will=Will(status_topic(speaker.agent), encode(self._farewell())),
            executor=self._executor,
            report=report,
        )
        self._connection = connection
        connection.open()

    async def _take_session(self) -> int:
        try:
            return max(self._number + 1, await self._spool.take_session())
        except SpoolError as error:
            # A full disk must not keep us from the sending that would empty it; the wall clock keeps the number rising.
            log.warning("uplink_session_not_persisted", agent=self._speaker.agent, reason=str(error))
            return max(self._number + 1, self._clock.wall_ms())

    def _farewell(self) -> Status:
        speaker = self._speaker
        return Status(agent=speaker.agent, presence=Presence.OFFLINE, session=self._number, instance=speaker.instance)

    async def _publish_status(self) -> None:
        speaker, clock = self._speaker, self._clock
        stats = await self._spool.stats()
        status = Status(
            agent=speaker.agent,
            presence=Presence.ONLINE,
            session=self._number,
            instance=speaker.instance,
            role=speaker.role,
            software=speaker.software,
            host=speaker.host,
            boot=clock.boot,
            sent_at_ms=clock.wall_ms(),
            monotonic_ms=clock.monotonic_ms(),
            position=stats.position,
            books=stats.books,
            held=stats.held,
            skew_seconds=self._skew_seconds(),
        )
        if self._publish(status_topic(speaker.agent), encode(status), None, retain=True):
            self._status_unacked_at = self._status_unacked_at or self._now()

    def _publish(self, topic: str, payload: bytes, identity: Identity | None, *, retain: bool = False) -> bool:
        """Hand a message to the connection; False when there is none, whose loss is then on its way in the inbox."""
        if self._connection is None:
            return False
        try:
            mid = self._connection.publish(topic, payload, retain=retain)
        except NotConnected:
            return False
        self._mids[mid] = identity
        return True

    async def _restart_epoch(self) -> None:
        await self._spool.restart_epoch()
        self._waiting = True
        await self._perform(self._session.epoch_restarted(self._now()))

    def _close(self, *, clean: bool) -> None:
        if self._connection is not None:
            if clean:
                self._connection.close()
            else:
                self._connection.abort()
        self._forget_connection()

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._connection = None
        self._mids.clear()
        self._window.clear()
        self._waiting = True
        self._in_flight_since = self._status_unacked_at = None

    # -- sending

    async def _send(self) -> None:
        if self._spool_retry_at is not None:
            if self._now() < self._spool_retry_at:
                return
            self._spool_retry_at = None
        while self._waiting and (room := self._room()):
            connection = self._connection
            try:
                segments = await self._next_segments(min(room, BATCH_SEGMENTS))
            except SpoolError as error:
                log.warning("uplink_spool_unreadable", agent=self._speaker.agent, reason=str(error))
                self._spool_retry_at = self._now() + SPOOL_RETRY_SECONDS
                return
            if connection is not self._connection or self._inbox:
                # Something happened meanwhile, maybe the end of this connection: look at that first.
                self._wake.set()
                if any(isinstance(happening, Lost) for _, happening in self._inbox):
                    return
            if not segments:
                self._waiting = False
            for segment in segments:
                if not self._send_one(segment):
                    return
        if self._only_urgent and not self._waiting and not self._window.holds_urgent():
            self._drained.set()

    def _room(self) -> int:
        room = self._window.room()
        if self._suspects.careful:
            return 0 if self._window.unacked() else min(room, 1)
        return room

    async def _next_segments(self, limit: int) -> list[HeldSegment]:
        in_flight = frozenset(self._window.in_flight)
        suspects = self._suspects.known - in_flight
        # The listener may raise the flag again while the spool is being read.
        self._waiting = False
        segments = await self._spool.next_segments(limit, skip=in_flight | suspects, choose=self._choose)
        if not segments and suspects:
            segments = await self._spool.next_segments(1, skip=in_flight, choose=self._choose)
        if segments:
            self._waiting = True
        return segments

    def _choose(self, waiting: Mapping[Lane, int], limit: int) -> Sequence[Lane]:
        if self._only_urgent:
            waiting = {**waiting, Lane.BACKLOG: 0}
        return self._window.choose(waiting, limit)

    def _send_one(self, segment: HeldSegment) -> bool:
        topic = segment_topic(self._speaker.agent, segment.lane)
        if not self._publish(topic, segment.payload, segment.identity):
            return False
        now = self._now()
        if self._window.sent(segment.identity, segment.lane, now):
            self._resends += 1
        if self._in_flight_since is None:
            self._in_flight_since = now
        return True

    def _unacked_since(self) -> float | None:
        times = (self._window.oldest_unacked_at(), self._status_unacked_at)
        return min((at for at in times if at is not None), default=None)

    def _spool_has_more(self) -> None:
        self._waiting = True
        self._wake.set()

    # -- ending, telling

    async def _say_goodbye(self) -> None:
        if self._connection is not None and self._session.phase in (Phase.JOINING, Phase.SENDING):
            self._inbox.clear()
            self._mids.clear()
            if self._publish(status_topic(self._speaker.agent), encode(self._farewell()), None, retain=True):
                try:
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await self._goodbye_acked()
                except TimeoutError:
                    log.info("uplink_goodbye_unacknowledged", agent=self._speaker.agent)
            self._connection.close()
        self._forget_connection()

    async def _goodbye_acked(self) -> None:
        while True:
            self._wake.clear()
            while self._inbox:
                _, happening = self._inbox.popleft()
                if isinstance(happening, Lost) or (isinstance(happening, Acked) and happening.mid in self._mids):
                    return
            await self._wake.wait()

    def _skew_seconds(self) -> float | None:
        return self._skew.seconds(self._clock.wall_ms(), self._clock.monotonic_ms())

    def _show(self) -> None:
        """Log a change of phase once, and remember since when it holds."""
        shown = (self._session.phase, self._session.reason)
        if shown == self._shown:
            return
        if shown[0] is not self._shown[0]:
            self._since_ms = self._clock.wall_ms()
        self._shown = shown
        # A refusal ends by nothing the agent does: somebody has to look.
        tell = log.warning if shown[0] is Phase.REFUSED else log.info
        tell("uplink_" + shown[0].value, agent=self._speaker.agent, reason=shown[1], session=self._number)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
