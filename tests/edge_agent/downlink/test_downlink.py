"""Desired state over real HTTP: what changed is fetched, what was refused is said, a cut line changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from edge_agent.cipher import Cipher
from edge_agent.clock import SystemClock
from edge_agent.downlink.centre import Centre
from edge_agent.downlink.documents import Documents
from edge_agent.downlink.erasure import Erasing
from edge_agent.downlink.service import Downlink, Pace, Said
from edge_agent.records.memory import Forgotten
from protocols.content import Content, Manifest
from protocols.desired import DocumentKind, Nudge, ReportedTerminal, Validity, token_of
from tests.edge_agent.downlink.centre import AGENT, PUBLIC_KEY, erasures, roster, signed, timetable
from tests.edge_agent.downlink.fake_centre import TOKEN, FakeCentre, running_centre

KINDS = DocumentKind
PACE = Pace(ask=0.2, report=0.5, look=0.05, nudge=0.01, retry_first=0.05, retry_most=0.2)
SELDOM = Pace(ask=600, report=600, look=0.05, nudge=0.01, retry_first=0.05, retry_most=0.2)


class Edge:
    """One agent's downlink with what it needs."""

    def __init__(self, folder, executor, centre: FakeCentre, pace: Pace, token: str) -> None:
        self.documents = Documents(
            folder, agent=AGENT, public_key=PUBLIC_KEY, cipher=Cipher(lambda data: data, lambda data: data)
        )
        self.forgotten: list[str] = []
        self.disk_refuses = False
        self.terminals: list[ReportedTerminal] = []
        self.missing_bytes: int | None = None
        self.downlink = Downlink(
            agent=AGENT,
            documents=self.documents,
            centre=Centre(centre.url, agent=AGENT, token=token),
            erasing=Erasing(folder, self._forget, executor),
            said=Said(lambda: self.terminals, lambda: self.missing_bytes),
            clock=SystemClock(),
            executor=executor,
            random=Random(1),
            pace=pace,
        )

    async def _forget(self, subject, _records) -> Forgotten:
        if self.disk_refuses:
            raise sqlite3.OperationalError("database or disk is full")
        self.forgotten.append(subject)
        return Forgotten(1, [])


@pytest.fixture
async def centre():
    async with running_centre() as running:
        yield running


@pytest.fixture
async def edge(centre, tmp_path):
    """Make started downlinks over one data folder; each new one stops the one before."""
    started: list[Edge] = []

    async def make(pace: Pace = PACE, token: str = TOKEN) -> Edge:
        for one in started:
            await one.downlink.stop()
        one = Edge(tmp_path / "desired", executor, centre, pace, token)
        started.append(one)
        await one.downlink.prepare()
        await one.downlink.start()
        return one

    with ThreadPoolExecutor(1) as executor:
        yield make
        for one in started:
            await one.downlink.stop()


def of(report, kind):
    return next((one for one in report.documents if one.kind is kind), None)


def valid(kind, token):
    return lambda report: (one := of(report, kind)) and one.token == token and one.validity is Validity.VALID


async def test_what_the_centre_holds_is_fetched_verified_and_reported(centre, edge):
    tokens = [centre.publish(roster("a")), centre.publish(timetable())]
    one = await edge()
    report = await centre.reported(valid(KINDS.TIMETABLE, tokens[1]))
    assert valid(KINDS.ROSTER, tokens[0])(report)
    assert of(report, KINDS.ROSTER).proved_at_ms is not None
    assert report.agent == AGENT
    assert one.documents.body(KINDS.ROSTER) == roster("a")
    assert centre.fetched == [KINDS.ROSTER, KINDS.TIMETABLE]
    token = centre.publish(roster("b"))
    await centre.reported(valid(KINDS.ROSTER, token))
    assert centre.fetched == [KINDS.ROSTER, KINDS.TIMETABLE, KINDS.ROSTER]


async def test_a_nudge_is_followed_at_once_and_one_without_news_is_not(centre, edge):
    token = centre.publish(roster("a"))
    one = await edge(SELDOM)
    await centre.reported(valid(KINDS.ROSTER, token))
    asked = centre.asked
    one.downlink.news(Nudge(agent=AGENT, tokens={KINDS.ROSTER: token}))
    await asyncio.sleep(0.2)
    assert centre.asked == asked
    token = centre.publish(roster("b"))
    one.downlink.news(Nudge(agent=AGENT, tokens=centre.tokens()))
    await centre.reported(valid(KINDS.ROSTER, token))
    token = centre.publish(roster("c"))
    one.downlink.news(None)
    await centre.reported(valid(KINDS.ROSTER, token))


async def test_a_forged_document_is_refused_said_and_not_fetched_again_and_the_old_one_stays(centre, edge):
    token = centre.publish(roster("a"))
    one = await edge()
    await centre.reported(valid(KINDS.ROSTER, token))
    centre.publish(roster("forged"), key=Ed25519PrivateKey.generate())
    report = await centre.reported(lambda report: of(report, KINDS.ROSTER).validity is Validity.INVALID)
    assert of(report, KINDS.ROSTER).token == token
    assert "does not verify" in of(report, KINDS.ROSTER).reason
    assert one.documents.body(KINDS.ROSTER) == roster("a")
    fetched = len(centre.fetched)
    asked = centre.asked
    while centre.asked < asked + 6:
        await asyncio.sleep(0.05)
    assert len(centre.fetched) == fetched
    token = centre.publish(roster("b"))
    await centre.reported(valid(KINDS.ROSTER, token))


async def test_a_document_of_another_kind_than_asked_for_is_refused(centre, edge):
    centre.put(KINDS.ROSTER, signed(timetable(), 9))
    one = await edge()
    report = await centre.reported(lambda report: of(report, KINDS.ROSTER).validity is Validity.INVALID)
    assert "asked for roster" in of(report, KINDS.ROSTER).reason
    assert one.documents.body(KINDS.TIMETABLE) is None


async def test_the_centre_away_is_logged_once_and_what_is_held_stays(centre, edge):
    token = centre.publish(roster("a"))
    one = await edge()
    await centre.reported(valid(KINDS.ROSTER, token))
    with capture_logs() as said:
        await centre.stop()
        while one.downlink.state().reachable:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.6)
        again = await edge()
        assert again.documents.body(KINDS.ROSTER) == roster("a")
        state = again.downlink.state()
        assert [(one.kind, one.token) for one in state.documents] == [(KINDS.ROSTER, token)]
        token = centre.publish(roster("b"))
        await centre.start()
        await centre.reported(valid(KINDS.ROSTER, token))
    events = [one["event"] for one in said if one["event"].startswith("centre_")]
    assert events == ["centre_away", "centre_away", "centre_answers"]


@pytest.mark.parametrize("status", [401, 404, 500])
async def test_a_centre_that_refuses_is_said_with_what_to_do(centre, edge, status):
    centre.refuse_with = status
    with capture_logs() as said:
        one = await edge()
        while one.downlink.state().reachable is None:
            await asyncio.sleep(0.01)
    assert str(status) in one.downlink.state().reason
    assert [one["event"] for one in said] == ["centre_away"]
    centre.refuse_with = None
    await centre.reported(lambda report: report.documents == [])


async def test_an_answer_that_is_none_is_waited_out(centre, edge, monkeypatch):
    token = centre.publish(roster("a"))
    with monkeypatch.context() as patched:
        patched.setattr("edge_agent.downlink.centre.MAX_ANSWER_BYTES", 20)
        one = await edge()
        while one.downlink.state().reachable is None:
            await asyncio.sleep(0.01)
        assert "larger than 20 bytes" in one.downlink.state().reason
    await centre.reported(valid(KINDS.ROSTER, token))


async def test_terminals_and_missing_content_are_reported_when_they_change(centre, edge):
    manifest = Manifest(manifest="m-1", token="0" * 32, title="分数", resources=[])
    token = centre.publish(Content(manifests=[manifest]))
    one = await edge(SELDOM)
    report = await centre.reported(lambda report: of(report, KINDS.CONTENT))
    assert of(report, KINDS.CONTENT).validity is Validity.UNKNOWN
    assert "not known" in of(report, KINDS.CONTENT).reason
    one.missing_bytes = 0
    await centre.reported(valid(KINDS.CONTENT, token))
    terminal = ReportedTerminal(terminal="s07-c03-t12", seen_at_ms=5, present=True, battery_ratio=0.5)
    one.terminals, one.missing_bytes = [terminal], 4096
    report = await centre.reported(lambda report: report.terminals == [terminal])
    assert of(report, KINDS.CONTENT).missing_bytes == 4096
    count = len(centre.reports)
    one.terminals = [ReportedTerminal(terminal="s07-c03-t12", seen_at_ms=9, present=True, battery_ratio=0.4)]
    await asyncio.sleep(0.3)
    assert len(centre.reports) == count


async def test_erasures_are_applied_first_once_and_reported(centre, edge):
    token = centre.publish(roster("a"))
    erased = centre.publish(erasures("p-1", "p-2"))
    one = await edge()
    report = await centre.reported(valid(KINDS.ERASURE, erased))
    assert centre.fetched == [KINDS.ERASURE, KINDS.ROSTER]
    assert one.forgotten == ["p-1", "p-2"]
    assert report.erased == [f"{1:032x}", f"{2:032x}"]
    await centre.reported(valid(KINDS.ROSTER, token))
    again = await edge()
    assert again.forgotten == []
    erased = centre.publish(erasures("p-1", "p-2", "p-3"))
    report = await centre.reported(valid(KINDS.ERASURE, erased))
    assert again.forgotten == ["p-3"]
    assert len(report.erased) == 3


async def test_an_erasure_that_the_disk_refuses_is_said_and_done_later(centre, edge):
    one = await edge(PACE)
    one.disk_refuses = True
    token = centre.publish(erasures("p-1"))
    report = await centre.reported(lambda report: (found := of(report, KINDS.ERASURE)) and found.reason)
    assert of(report, KINDS.ERASURE).validity is Validity.UNKNOWN
    assert "disk is full" in of(report, KINDS.ERASURE).reason
    assert report.erased == []
    one.disk_refuses = False
    report = await centre.reported(valid(KINDS.ERASURE, token))
    assert report.erased == [f"{1:032x}"]


async def test_erasures_that_are_held_are_applied_before_anything_is_served(centre, edge, tmp_path):
    """The agent died after the document was stored and before it was applied."""
    centre.publish(erasures("p-1"))
    one = await edge()
    await centre.reported(lambda report: report.erased)
    await one.downlink.stop()
    (tmp_path / "desired" / "erased.json").unlink()
    await centre.stop()
    again = await edge()
    assert again.forgotten == ["p-1"]


async def test_a_token_that_is_made_anew_meanwhile_is_no_trouble(centre, edge):
    centre.publish(roster("a"))
    tokens = centre.tokens
    stale = {KINDS.ROSTER: "0" * 32}
    centre.tokens = lambda: stale
    await edge(SELDOM)
    await centre.reported(valid(KINDS.ROSTER, token_of(centre.documents[KINDS.ROSTER].payload)))
    centre.tokens = tokens


async def test_no_content_desired_is_all_of_it_here(centre, edge):
    token = centre.publish(Content(manifests=[]))
    await edge(SELDOM)
    report = await centre.reported(valid(KINDS.CONTENT, token))
    assert of(report, KINDS.CONTENT).missing_bytes == 0
