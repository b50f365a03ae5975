"""Keeps who is there: births, heartbeats and wills in, welcomes out.

Only one process of the centre does this at a time (the leader, see `cloud.ingest.leader`), so statuses of one agent are
judged in the order in which the broker delivers them. They are handled in small batches, one transaction each; welcomes
go out after the commit, so an agent that was accepted is known to be.

What lives elsewhere: the decisions (`verdict`, `boots`), which are pure.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from cloud.db import Pool
from cloud.errors import DatabaseUnavailable
from cloud.fleet import ledger
from cloud.fleet.boots import boot_started_at_ms
from cloud.fleet.ledger import QUERIES, EpochAddition
from cloud.fleet.verdict import KnownPresence, believes_offline, verdict_on
from cloud.quarantine import repository as quarantine
from cloud.quarantine.models import NewEntry
from cloud.quarantine.quota import Quota
from protocols.codec import DecodeError, decode_status, encode
from protocols.receipts import Verdict, Welcome
from protocols.segments import content_hash
from protocols.status import Presence, Status
from protocols.topics import DownChannel, down_topic, parse_status_topic

MAX_WAITING = 20_000
MAX_BATCH = 100
GATHER_SECONDS = 0.05
LONGEST_UPTIME_MS = 20 * 366 * 86_400_000
POSTGRES_EPOCH_MS = 946_684_800_000

_TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)
_BAD_DATA = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StatusArrival:
    """One status message; `retained` when the broker had kept it from before we listened."""

    topic: str
    payload: bytes
    content_type: str
    retained: bool
    received_at_ms: int


@dataclass(slots=True)
class _Agent:
    agent_id: int
    presence: KnownPresence | None


@dataclass(slots=True)
class _Known:
    """What is known of one agent, epoch and boot; statuses of one agent in one batch share the first."""

    agent: _Agent
    high_seq: int
    boot_started_at_ms: int | None


_Key = tuple[str, str | None, str | None]


class PresenceKeeper:
    """Handles statuses until cancelled. `publish` sends a payload to a topic; `credit` is the pace of the moment."""

    def __init__(
        self,
        pool: Pool,
        *,
        publish: Callable[[str, bytes], bool],
        credit: Callable[[], int],
        now_ms: Callable[[], int],
        quota: Quota,
    ) -> None:
        self._pool = pool
        self._quota = quota
        self._publish = publish
        self._credit = credit
        self._now_ms = now_ms
        self._waiting: deque[StatusArrival] = deque()
        self._filled = asyncio.Event()
        self.shed_total = 0

    def put(self, arrival: StatusArrival) -> None:
        """Take a status in; one too many is shed, its agent says it again within half a minute."""
        if len(self._waiting) >= MAX_WAITING:
            self.shed_total += 1
            return
        self._waiting.append(arrival)
        self._filled.set()

    async def run(self) -> None:
        """Handle statuses in the order of their arrival; wait for a database that is away."""
        told = False
        while True:
            await self._filled.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._filled.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
                try:
                    welcomes = await self._handle_halving(batch)
                except _TRANSIENT as error:
                    if not told:
                        _log.warning("presence_waits", reason=str(error).strip(), hint=DatabaseUnavailable.hint)
                        told = True
                    self._waiting.extendleft(reversed(batch))
                    await asyncio.sleep(1)
                    continue
                told = False
                for welcome in welcomes:
                    self._publish(down_topic(welcome.agent, DownChannel.RECEIPT), encode(welcome))

    async def _handle_halving(self, batch: Sequence[StatusArrival]) -> list[Welcome]:
        try:
            return await self.handle(batch)
        except _BAD_DATA as error:
            if len(batch) == 1:
                return await self._refuse(batch[0], str(error).strip())
        middle = len(batch) // 2
        return [*await self._handle_halving(batch[:middle]), *await self._handle_halving(batch[middle:])]

    async def _refuse(self, arrival: StatusArrival, detail: str) -> list[Welcome]:
        entry = _refused(arrival, parse_status_topic(arrival.topic), "bad_row", detail)
        async with self._pool.connection() as connection, connection.transaction():
            await self._quarantine(connection.cursor(), [entry])
        return []

    async def _quarantine(self, cursor: psycopg.AsyncCursor[Any], entries: Sequence[NewEntry]) -> None:
        # Where there is no room it is let go: no receipt waits for a status, and its agent says it again.
        admitted = await self._quota.admit(cursor, entries)
        await quarantine.insert(cursor, compress(entries, admitted))

    async def handle(self, batch: Sequence[StatusArrival]) -> list[Welcome]:
        """Judge and save a batch in one transaction; return the welcomes to send."""
        statuses: list[tuple[StatusArrival, Status]] = []
        refused: list[NewEntry] = []
        for arrival in batch:
            read = _read(arrival)
            if isinstance(read, Status):
                statuses.append((arrival, read))
            elif read is not None:
                refused.append(read)
        welcomes: list[Welcome] = []
        async with self._pool.connection() as connection, connection.transaction():
            cursor = connection.cursor()
            if refused:
                await self._quarantine(cursor, refused)
            known = await self._known(cursor, [status for _, status in statuses])
            changed: set[str] = set()
            additions: dict[tuple[int, str], EpochAddition] = {}
            for arrival, status in statuses:
                record = known[status.agent, _epoch(status), status.boot]
                if record is None:
                    await cursor.execute(QUERIES["save_unknown_agent"], _unknown(arrival, status))
                    if status.presence is Presence.OFFLINE:
                        continue
                    welcome = self._welcome(status, Verdict.ACCEPTED, 0, "the inventory does not name this agent")
                elif status.presence is Presence.OFFLINE:
                    await self._offline(cursor, record, arrival, status, changed)
                    continue
                else:
                    welcome = await self._online(cursor, record, arrival, status, changed, additions)
                welcomes.append(welcome)
            if additions:
                # Once, at the end and in the ledger's order of keys: ingest workers lock the same rows meanwhile.
                await ledger.add(cursor, additions.values())
            if changed:
                message = {"source": "fleet", "agents": sorted(changed)[:50], "count": len(changed)}
                await cursor.execute(QUERIES["notify"], {"message": msgspec.json.encode(message).decode()})
        return welcomes

    async def _known(self, cursor: psycopg.AsyncCursor[Any], statuses: Sequence[Status]) -> dict[_Key, _Known | None]:
        wanted = list(dict.fromkeys((status.agent, _epoch(status), status.boot) for status in statuses))
        await cursor.execute(
            QUERIES["presences"],
            {
                "agents": [agent for agent, _, _ in wanted],
                "epochs": [epoch for _, epoch, _ in wanted],
                "boots": [boot for _, _, boot in wanted],
            },
        )
        agents: dict[str, _Agent] = {}
        known: dict[_Key, _Known | None] = {}
        for (
            agent,
            epoch,
            boot,
            agent_id,
            presence,
            session,
            instance,
            heard_at,
            started_at,
            high_seq,
        ) in await cursor.fetchall():
            if agent_id is None:
                known[agent, epoch, boot] = None
                continue
            if agent not in agents:
                silent_seconds = 0.0 if heard_at is None else max(self._now_ms() / 1000 - heard_at.timestamp(), 0.0)
                agents[agent] = _Agent(
                    agent_id,
                    presence and KnownPresence(Presence(presence), session, instance, silent_seconds),
                )
            started_at_ms = None if started_at is None else int(started_at.timestamp() * 1000)
            known[agent, epoch, boot] = _Known(agents[agent], high_seq, started_at_ms)
        return known

    async def _online(
        self,
        cursor: psycopg.AsyncCursor[Any],
        record: _Known,
        arrival: StatusArrival,
        status: Status,
        changed: set[str],
        additions: dict[tuple[int, str], EpochAddition],
    ) -> Welcome:
        verdict = verdict_on(status, record.agent.presence, record.high_seq)
        at = _moment(arrival.received_at_ms)
        if verdict is not Verdict.ACCEPTED:
            changed.add(status.agent)
            _log.warning(
                "birth_refused", agent=status.agent, verdict=verdict.value, host=status.host, session=status.session
            )
            await cursor.execute(
                QUERIES["save_refused"],
                {
                    "agent_id": record.agent.agent_id,
                    "verdict": verdict.value,
                    "instance": status.instance,
                    "host": status.host,
                    "at": at,
                },
            )
            return self._welcome(status, verdict, record.high_seq, _DETAILS[verdict])
        before = record.agent.presence
        if before is None or before.presence is Presence.OFFLINE or before.session != status.session:
            changed.add(status.agent)
            _log.info("agent_online", agent=status.agent, session=status.session, host=status.host)
        record.agent.presence = KnownPresence(Presence.ONLINE, status.session, status.instance, 0.0)
        await self._save_online(cursor, record, arrival, status, at, additions)
        return self._welcome(status, verdict, record.high_seq, "")

    async def _save_online(
        self,
        cursor: psycopg.AsyncCursor[Any],
        record: _Known,
        arrival: StatusArrival,
        status: Status,
        at: datetime,
        additions: dict[tuple[int, str], EpochAddition],
    ) -> None:
        position = status.position
        await cursor.execute(
            QUERIES["save_online"],
            {
                "agent_id": record.agent.agent_id,
                "at": at,
                "session": status.session,
                "instance": status.instance,
                "role": None if status.role is None else status.role.value,
                "software": _clean(status.software),
                "host": _clean(status.host),
                "boot": status.boot,
                "epoch": None if position is None else position.epoch,
                "next_seq": None if position is None else position.next_seq,
                "low": None if position is None else position.low,
                "skew_seconds": status.skew_seconds,
                "held_segments": sum(lane.segments for lane in status.held),
                "held_items": sum(lane.items for lane in status.held),
                "held_bytes": sum(lane.size_bytes for lane in status.held),
            },
        )
        if status.held:
            await cursor.executemany(
                QUERIES["save_lane"],
                [
                    {
                        "agent_id": record.agent.agent_id,
                        "lane": lane.lane.value,
                        "segments": lane.segments,
                        "items": lane.items,
                        "size_bytes": lane.size_bytes,
                        "oldest_at": _moment(lane.oldest_at_ms) if lane.oldest_at_ms else None,
                        "at": at,
                    }
                    for lane in {lane.lane: lane for lane in status.held}.values()
                ],
            )
        if position is not None and status.books is not None:
            received = (arrival.received_at_ms - POSTGRES_EPOCH_MS) * 1000
            line = EpochAddition(record.agent.agent_id, position.epoch, received)
            additions.setdefault((line.agent_id, line.epoch), line).report(status.books, received)
        if (
            status.boot is not None
            and status.monotonic_ms is not None
            and status.monotonic_ms < LONGEST_UPTIME_MS
            and not arrival.retained  # sent some time before it arrived here: it says nothing about the clock
        ):
            record.boot_started_at_ms = boot_started_at_ms(
                record.boot_started_at_ms, arrival.received_at_ms, status.monotonic_ms
            )
            await cursor.execute(
                QUERIES["save_boot"],
                {
                    "agent_id": record.agent.agent_id,
                    "boot": status.boot,
                    "started_at": _moment(record.boot_started_at_ms),
                    "at": at,
                },
            )

    @staticmethod
    async def _offline(
        cursor: psycopg.AsyncCursor[Any],
        record: _Known,
        arrival: StatusArrival,
        status: Status,
        changed: set[str],
    ) -> None:
        if not believes_offline(status, record.agent.presence) or record.agent.presence is None:
            return
        if record.agent.presence.presence is Presence.ONLINE:
            changed.add(status.agent)
            _log.info("agent_offline", agent=status.agent, session=status.session)
        record.agent.presence = KnownPresence(
            Presence.OFFLINE, status.session, status.instance, record.agent.presence.heartbeat_age_seconds
        )
        await cursor.execute(
            QUERIES["save_offline"],
            {
                "agent_id": record.agent.agent_id,
                "session": status.session,
                "instance": status.instance,
                "at": _moment(arrival.received_at_ms),
            },
        )

    def _welcome(self, status: Status, verdict: Verdict, high_seq: int, detail: str) -> Welcome:
        return Welcome(
            agent=status.agent,
            session=status.session,
            verdict=verdict,
            cloud_time_ms=self._now_ms(),
            credit=self._credit(),
            high_seq=high_seq,
            detail=detail,
        )


_DETAILS = {
    Verdict.RESTART_EPOCH: "the centre has taken later segments of this epoch: the spool is an old copy",
    Verdict.DUPLICATE_AGENT: "another process with this agent id is online",
}


def _read(arrival: StatusArrival) -> Status | NewEntry | None:
    if not arrival.payload:
        return None
    try:
        agent = parse_status_topic(arrival.topic)
    except ValueError:
        return None
    try:
        status = decode_status(arrival.payload, arrival.content_type)
    except DecodeError as error:
        return _refused(arrival, agent, error.reason.value, error.detail)
    if status.agent != agent:
        return _refused(arrival, agent, "agent_mismatch", f"a status of {status.agent!r}")
    if "\0" in (status.boot or ""):
        return _refused(arrival, agent, "bad_schema", "boot holds a NUL character")
    return status


def _refused(arrival: StatusArrival, agent: str, reason: str, detail: str) -> NewEntry:
    return NewEntry(
        agent=agent,
        topic=arrival.topic,
        lane="status",
        content_type=arrival.content_type,
        reason=reason,
        detail=detail[:500],
        epoch=None,
        seq=None,
        items=None,
        content_hash=content_hash(arrival.payload),
        payload=arrival.payload,
        received_at=_moment(arrival.received_at_ms),
    )


def _unknown(arrival: StatusArrival, status: Status) -> dict[str, Any]:
    return {
        "agent": status.agent,
        "role": None if status.role is None else status.role.value,
        "host": _clean(status.host),
        "software": _clean(status.software),
        "at": _moment(arrival.received_at_ms),
    }


def _epoch(status: Status) -> str | None:
    return None if status.position is None else status.position.epoch


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(min(time_ms, 253_402_300_799_000) / 1000, UTC)
