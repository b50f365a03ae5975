"""One terminal: asks its agent what it should have and show, says how it is, keeps what its pupil made until safe.

Four loops that do not wait for each other, so that a lesson goes on while a film is still coming: `desired` is polled
(a long poll), records go out of the outbox, content comes in, and a check-in says how it stands. Losing the agent costs
nothing but time; each loop tries again with a full-jitter pause. Times in records are the agent's clock as far as it is
known, so that a terminal whose own clock is wrong does no harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import structlog
from msgspec import structs

from edge_agent.durable import replace_durably
from edge_agent.terminal_client.outbox import Outbox, Waiting
from edge_agent.terminal_client.store import BlobDamaged, TerminalStore
from edge_agent.terminal_client.values import Desired, Manifests
from edge_agent.terminals.values import CheckInBody
from protocols.records import Answer, AnyFact, RecordBody

WAIT_SECONDS = 25
CHECK_IN_SECONDS = 30.0
CONTENT_SECONDS = 60.0
BATCH = 100
LONGEST_PAUSE_SECONDS = 10.0
TIME_HEADER = "x-bellwether-time-ms"
_TAKEN = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_REFUSED = frozenset({HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST})

_encoder = msgspec.json.Encoder()
_desired = msgspec.json.Decoder(Desired)
_manifests = msgspec.json.Decoder(Manifests)


def own_clock_ms() -> int:
    """Return this terminal's wall clock."""
    return time.time_ns() // 1_000_000


class TerminalClient:
    """A terminal with its own folder and a connection to its agent. `run` works until cancelled."""

    def __init__(
        self,
        terminal: str,
        folder: Path,
        agent: httpx.AsyncClient,
        *,
        person: str | None = None,
        app_version: str = "1.0.0",
        senses: Callable[[], CheckInBody] = CheckInBody,
        clock_ms: Callable[[], int] = own_clock_ms,
    ) -> None:
        self.terminal = terminal
        self.outbox = Outbox(folder / "outbox.db")
        self.store = TerminalStore(folder / "content")
        self._desired_file = folder / "desired.json"
        self.desired = _last_heard(self._desired_file)
        self.changed = asyncio.Event()
        """Set whenever `desired` is another one; whoever shows it clears it."""
        self._agent = agent
        self._person = person
        self._app_version = app_version
        self._senses = senses
        self._clock_ms = clock_ms
        self._offset_ms = 0
        self._etag = ""
        self._manifests = Manifests()
        self._to_send = asyncio.Event()
        self._content_due = asyncio.Event()
        self._safe_again = asyncio.Event()
        self._said_unsafe = False
        self._log = structlog.get_logger("terminal").bind(terminal=terminal)

    def close(self) -> None:
        """Close the outbox."""
        self.outbox.close()

    async def run(self) -> None:
        """Do everything a terminal does, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for step in (self.poll, self.send, self.fetch, self.check_in):
                tasks.create_task(self._for_ever(step), name=f"{self.terminal} {step.__name__}")

    # ---------------------------------------------------------------------------------------------------- for the app

    @property
    def person(self) -> str | None:
        """Who uses it: as told, else as the agent says."""
        return self._person or (None if self.desired is None else self.desired.person)

    @property
    def now_ms(self) -> int:
        """The agent's clock as far as it is known, else its own."""
        return self._clock_ms() + self._offset_ms

    @property
    def locked(self) -> bool:
        """Whether a lease is in force; it ends by itself, also out of reach of the agent."""
        lease = None if self.desired is None else self.desired.lease
        return lease is not None and self.now_ms < lease.ends_at_ms

    def waiting(self) -> Waiting:
        """Return what is not safe yet."""
        return self.outbox.waiting()

    async def answer(self, question: str, response: str, attempt: int = 1) -> str:
        """Answer a question; on disk when this returns. Returns the record's id."""
        return await self.tell(Answer(question=question, response=response, attempt=attempt))

    async def tell(self, fact: AnyFact) -> str:
        """Keep a fact about this terminal's user; on disk when this returns. Returns the record's id."""
        desired = self.desired
        record = RecordBody(
            record_id=secrets.token_hex(16),
            observed_at_ms=self.now_ms,
            subject=self.person,
            terminal=self.terminal,
            school_class=None if desired is None else desired.school_class,
            lesson=None if desired is None or desired.lesson is None else desired.lesson.lesson,
            fact=fact,
        )
        await asyncio.to_thread(self.outbox.add, record)
        self._to_send.set()
        return record.record_id

    # ------------------------------------------------------------------------------------------------------ the loops

    async def poll(self) -> None:
        """Ask once what is desired; return when it changed or nothing did for the length of the wait."""
        known = {"if-none-match": self._etag} if self._etag else {}
        response = await self._agent.get(
            f"/v1/terminals/{self.terminal}/desired",
            params={"wait": WAIT_SECONDS if known else 0},
            headers=known,
            timeout=WAIT_SECONDS + 15,
        )
        if (said := response.headers.get(TIME_HEADER)) is not None:
            self._offset_ms = int(said) - self._clock_ms()
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return
        response.raise_for_status()
        before, self.desired = self.desired, _desired.decode(response.content)
        await asyncio.to_thread(replace_durably, self._desired_file, response.content)
        self._etag = response.headers["etag"]
        if not self._manifests.content_token or before is None or before.content != self.desired.content:
            self._content_due.set()
        self.changed.set()

    async def send(self) -> None:
        """Send what waits; return when the outbox is empty and something new was made."""
        self._to_send.clear()
        await self.flush()
        await self._to_send.wait()

    async def flush(self) -> None:
        """Send everything that waits; what the agent does not take goes on waiting, and httpx.HTTPError says why."""
        while records := await asyncio.to_thread(self.outbox.oldest, BATCH):
            await self._hand_over(records)
        if self._said_unsafe:
            self._safe_again.set()

    async def fetch(self) -> None:
        """Bring the class's content here; return when it is time to look again."""
        self._content_due.clear()
        desired = self.desired
        if desired is not None and desired.content.manifests_url:
            response = await self._agent.get(desired.content.manifests_url)
            response.raise_for_status()
            self._manifests = _manifests.decode(response.content)
            wanted = [resource.blob for manifest in self._manifests.manifests for resource in manifest.resources]
            for blob in await asyncio.to_thread(self.store.missing, wanted):
                try:
                    await self.store.fetch(self._agent, f"/v1/blobs/{blob.sha256}", blob)
                except BlobDamaged as error:
                    self._log.warning("blob_damaged", reason=str(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONTENT_SECONDS):
                await self._content_due.wait()

    async def check_in(self) -> None:
        """Say once how this terminal is; wait for the next time, or until work that was not safe has become so."""
        self._safe_again.clear()
        report = await asyncio.to_thread(self.report)
        self._said_unsafe = bool(report.unsent)
        response = await self._agent.post(f"/v1/terminals/{self.terminal}/checkin", content=_encoder.encode(report))
        response.raise_for_status()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHECK_IN_SECONDS * random.uniform(0.9, 1.0)):
                await self._safe_again.wait()

    def report(self) -> CheckInBody:
        """Return what the next check-in says: how it is, what it holds, what is not safe."""
        desired, waiting = self.desired, self.outbox.waiting()
        wanted = [resource.blob for manifest in self._manifests.manifests for resource in manifest.resources]
        missing_bytes = self.store.missing_bytes(wanted)
        return structs.replace(
            self._senses(),
            app_version=self._app_version,
            content_token=self._manifests.content_token if missing_bytes == 0 else None,
            missing_bytes=missing_bytes,
            holder=self.person,
            configuration_token=None if desired is None else desired.configuration_token,
            roster_token=None if desired is None else desired.roster_token,
            unsent=waiting.unsent,
            oldest_unsent_at_ms=waiting.oldest_at_ms,
        )

    async def _hand_over(self, records: list[RecordBody]) -> None:
        response = await self._agent.post("/v1/records", content=_encoder.encode({"records": records}))
        if response.status_code in _TAKEN:
            await asyncio.to_thread(self.outbox.sent, [one.record_id for one in records])
        elif response.status_code not in _REFUSED:
            response.raise_for_status()
        elif len(records) == 1:
            await asyncio.to_thread(self.outbox.refuse, records[0].record_id, response.text)
            self._log.error("record_refused", record=records[0].record_id, status=response.status_code)
        else:
            # One bad record must not hold up the others: each goes alone.
            for record in records:
                await self._hand_over([record])

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        pause = 0.25
        while True:
            try:
                await step()
                pause = 0.25
            except httpx.HTTPError as error:
                self._log.debug("agent_away", step=step.__name__, reason=str(error) or type(error).__name__)
                await asyncio.sleep(random.uniform(0, pause))
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _last_heard(path: Path) -> Desired | None:
    """Return what the agent said last, so that a terminal switched on out of its reach knows who holds it."""
    try:
        return _desired.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return None
