"""Desired state kept up to date: asks the centre what there is, fetches what changed, says what is in force.

The centre is asked at the start, when it accepts the agent anew, on a nudge that names something new, and once a
minute anyway; a nudge that was lost costs that minute. What was fetched stays in force however long the centre is away,
which is normal and is logged once when it begins and once when it ends. Nothing here goes by wall time.

Erasures come first: they are applied before another document of the same answer is in force, and by `prepare` before
anything is served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from random import Random

import structlog

from edge_agent.clock import Clock
from edge_agent.downlink import reporting
from edge_agent.downlink.centre import Centre
from edge_agent.downlink.documents import Documents
from edge_agent.downlink.erasure import Erasing
from edge_agent.downlink.errors import (
    CentreAway,
    CentreRefuses,
    DocumentRefused,
    DocumentsUnwritable,
    MisdirectedDocument,
)
from edge_agent.downlink.reporting import Standing
from edge_agent.errors import EdgeError
from edge_agent.health import CentreState, DesiredDocumentState
from edge_agent.uplink.backoff import Backoff
from protocols.content import Content
from protocols.desired import DocumentKind, Erasures, Nudge, Reported, ReportedTerminal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the centre is asked and told, in seconds; `ask` is jittered by a quarter."""

    ask: float = 60.0
    report: float = 60.0
    look: float = 5.0
    """How often it is looked whether there is something new to report: the shortest time between two reports."""
    nudge: float = 1.0
    """A nudge reaches many agents at once: each asks at its own moment within this time."""
    retry_first: float = 2.0
    retry_most: float = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """What others know and the report carries."""

    terminals: Callable[[], Sequence[ReportedTerminal]]
    missing_bytes: Callable[[], int | None]
    """What this machine lacks of the content in force; None while nobody knows."""


class Downlink:
    """Desired state of one agent. `prepare`, then `start`; `stop` in the end. Belongs to one event loop."""

    def __init__(
        self,
        *,
        agent: str,
        documents: Documents,
        centre: Centre,
        erasing: Erasing,
        said: Said,
        clock: Clock,
        executor: Executor,
        random: Random,
        pace: Pace | None = None,
    ) -> None:
        self._agent = agent
        self._documents = documents
        self._centre = centre
        self._erasing = erasing
        self._said = said
        self._clock = clock
        self._executor = executor
        self._random = random
        self._pace = pace or Pace()
        self._backoff = Backoff(random, self._pace.retry_first, self._pace.retry_most)
        self._desired: dict[DocumentKind, str] = {}
        self._refused: dict[DocumentKind, tuple[str, str]] = {}
        self._troubles: dict[DocumentKind, str] = {}
        self._ask_at = 0.0
        self._report_at = 0.0
        self._told: tuple[object, ...] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reachable: bool | None = None
        self._reason = "not asked yet"
        self._since_ms = clock.wall_ms()
        self._reported_at_ms: int | None = None

    async def prepare(self) -> None:
        """Read what is held and apply the erasures in it; nothing may be served before this returned. Never fails."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._documents.load)
        await self._erasing.load()
        await self._erase()

    async def start(self) -> None:
        """Begin to ask and to report."""
        self._ask_at = asyncio.get_running_loop().time()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"downlink {self._agent}")

    async def stop(self) -> None:
        """Stop asking; what is held stays on disk."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self._centre.close()

    def news(self, nudge: Nudge | None) -> None:
        """Take note of a nudge, or, with None, that nudges may have been lost."""
        if nudge is not None and all(self._documents.token(kind) == token for kind, token in nudge.tokens.items()):
            return
        if self._task is not None:
            now = asyncio.get_running_loop().time()
            self._ask_at = min(self._ask_at, now + self._random.uniform(0, self._pace.nudge))
            self._wake.set()

    def state(self) -> CentreState:
        """Return how desired state stands now."""
        documents = []
        for kind, standing in sorted(self._standings().items()):
            one = reporting.document(kind, standing, self._clock.wall_ms(), self._missing_bytes())
            held = self._documents.document(kind)
            documents.append(
                DesiredDocumentState(
                    kind=kind,
                    token=one.token,
                    made_at_ms=None if held is None else held.made_at_ms,
                    validity=one.validity,
                    reason=one.reason,
                )
            )
        return CentreState(
            url=self._centre.url,
            reachable=self._reachable,
            reason=self._reason,
            since_ms=self._since_ms,
            documents=documents,
            reported_at_ms=self._reported_at_ms,
        )

    # -- the task

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._turn()
            except CentreAway as error:
                self._met(error)
                self._put_off(error)
            except Exception as error:
                log.error("downlink_turn_failed", agent=self._agent, exc_info=error)
                self._put_off(error)
            await self._sleep()

    async def _turn(self) -> None:
        if self._now() >= self._ask_at:
            await self._ask()
            self._met(None)
            self._backoff.reset()
            self._ask_at = self._now() + self._pace.ask * self._random.uniform(0.75, 1.25)
        if self._reachable:
            await self._report()

    def _put_off(self, error: Exception) -> None:
        worst = isinstance(error, CentreRefuses)
        wait = self._backoff.most_seconds() if worst else self._backoff.next_seconds()
        self._ask_at = self._now() + wait

    async def _sleep(self) -> None:
        wait = self._ask_at - self._now()
        if self._reachable:
            wait = min(wait, self._pace.look)
        try:
            async with asyncio.timeout(max(0.0, wait)):
                await self._wake.wait()
        except TimeoutError:
            return

    # -- asking

    async def _ask(self) -> None:
        self._desired = (await self._centre.tokens()).tokens
        self._troubles.clear()
        # Erasures first, then in the order of the enumeration.
        for kind in sorted(
            self._desired, key=lambda kind: (kind is not DocumentKind.ERASURE, list(DocumentKind).index(kind))
        ):
            token = self._desired[kind]
            if token != self._documents.token(kind) and self._refused.get(kind, ("", ""))[0] != token:
                await self._fetch(kind, token)
        await self._erase()

    async def _fetch(self, kind: DocumentKind, token: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            signed = await self._centre.document(kind)
            held = await loop.run_in_executor(self._executor, self._documents.verify, signed)
            if held.document.kind is not kind:
                raise MisdirectedDocument(f"asked for {kind.value}, the centre sent {held.document.kind.value}")
            await loop.run_in_executor(self._executor, self._documents.store, signed, held)
        except DocumentRefused as error:
            # Asked for again only when there is another: the same bytes would be refused for the same reason.
            self._refused[kind] = (token, str(error))
            log.error(
                "desired_document_refused", agent=self._agent, kind=kind.value, reason=str(error), hint=error.hint
            )
        except (CentreRefuses, DocumentsUnwritable) as error:
            self._trouble(kind, error)
        else:
            # The centre may have made another one since it told the token.
            self._desired[kind] = held.token
            self._refused.pop(kind, None)
            if isinstance(held.document.body, Erasures):
                await self._erasing.apply(held.document.body)
            self._documents.put_in_force(held)

    def _trouble(self, kind: DocumentKind, error: EdgeError) -> None:
        self._troubles[kind] = str(error)
        log.warning(
            "desired_document_not_taken", agent=self._agent, kind=kind.value, reason=str(error), hint=error.hint
        )

    async def _erase(self) -> None:
        if isinstance(body := self._documents.body(DocumentKind.ERASURE), Erasures):
            await self._erasing.apply(body)

    # -- reporting

    def _standings(self) -> dict[DocumentKind, Standing]:
        standings = {}
        for kind in DocumentKind:
            desired, held = self._desired.get(kind), self._documents.token(kind)
            if desired is None and held is None:
                continue
            refused_token, refusal = self._refused.get(kind, ("", ""))
            refused = refused_token == desired
            reason = refusal if refused else self._troubles.get(kind, "")
            if kind is DocumentKind.ERASURE:
                reason = reason or self._erasing.fault
            standings[kind] = Standing(desired, held, refused=refused, reason=reason)
        return standings

    def _reported(self) -> Reported:
        return reporting.report(
            self._agent,
            self._clock.wall_ms(),
            self._standings(),
            self._said.terminals(),
            self._erasing.erased(),
            self._missing_bytes(),
        )

    def _missing_bytes(self) -> int | None:
        body = self._documents.body(DocumentKind.CONTENT)
        return 0 if isinstance(body, Content) and not body.manifests else self._said.missing_bytes()

    async def _report(self) -> None:
        reported = self._reported()
        essence = reporting.essence(reported)
        if essence == self._told and self._now() < self._report_at:
            return
        await self._centre.report(reported)
        self._told = essence
        self._reported_at_ms = reported.at_ms
        self._report_at = self._now() + self._pace.report

    def _met(self, error: CentreAway | None) -> None:
        """Take note of an answer or a failure; a change is logged once."""
        reachable, reason = error is None, "" if error is None else str(error)
        if reachable != self._reachable:
            self._since_ms = self._clock.wall_ms()
            if error is not None:
                log.warning("centre_away", agent=self._agent, url=self._centre.url, reason=reason, hint=error.hint)
            else:
                log.info("centre_answers", agent=self._agent, url=self._centre.url)
        self._reachable, self._reason = reachable, reason

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
