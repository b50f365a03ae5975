"""What agents report becomes current state: in sync, on its way, refused; terminals by their five facts."""

from __future__ import annotations

import hashlib
import time

import msgspec
import psycopg
import pytest

from cloud.desired.sync import desired_content
from protocols.content import Content, Manifest
from protocols.desired import (
    DesiredTokens,
    DocumentKind,
    Reported,
    ReportedDocument,
    ReportedTerminal,
    Validity,
    content_token,
)

FILE = b"a lesson about fractions" * 100
HASH = hashlib.sha256(FILE).hexdigest()
ERASURE = "0" * 31 + "1"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def content(token, validity=Validity.VALID, **more):
    return ReportedDocument(kind=DocumentKind.CONTENT, token=token, validity=validity, **more)


async def report(edge, *documents, at_ms=None, terminals=(), erased=()):
    said = Reported(
        agent=edge.agent,
        at_ms=at_ms or now_ms(),
        documents=list(documents),
        terminals=list(terminals),
        erased=list(erased),
    )
    answer = await edge.ask("reported", "POST", content=msgspec.json.encode(said))
    assert answer.status_code == 204, answer.text


@pytest.fixture
async def pushed(api, classes, refresh):
    await api.put(f"/api/v1/content/blobs/{HASH}", content=FILE)
    body = {"title": "分数", "audience": ["class:s01-g3c1"], "resources": [{"sha256": HASH, "title": "分数.mp4"}]}
    made = (await api.post("/api/v1/content/manifests", json=body)).json()
    await refresh.refresh(DocumentKind.CONTENT)
    return made


async def token_of(edge) -> str:
    tokens = msgspec.json.decode((await edge.ask("tokens")).content, type=DesiredTokens)
    return tokens.tokens[DocumentKind.CONTENT]


async def standing(api, agent):
    rows = (await api.get("/api/v1/sync/agents", params={"kind": "content"})).json()["items"]
    return next(row for row in rows if row["agent"] == agent)


async def readiness(api, pushed):
    return (await api.get(f"/api/v1/content/manifests/{pushed['manifest']}")).json()["readiness"]


async def test_an_agent_is_in_sync_once_it_reports_the_desired_token_whole(api, edge, pushed):
    gateway = edge("s01-gw")
    token = await token_of(gateway)
    assert (await standing(api, "s01-gw"))["state"] == "unknown"
    await report(gateway, content(token, missing_bytes=500))
    assert (await standing(api, "s01-gw"))["state"] == "pending"
    assert await readiness(api, pushed) == {"agents": 2, "ready": 0, "pending": 1, "invalid": 0, "unknown": 1}
    await report(gateway, content(token, missing_bytes=0, proved_at_ms=now_ms() - 60_000))
    row = await standing(api, "s01-gw")
    assert (row["state"], row["desired"], row["reported"]) == ("synced", token, token)
    assert 60 <= row["proof_age_seconds"] < 90
    assert await readiness(api, pushed) == {"agents": 2, "ready": 1, "pending": 0, "invalid": 0, "unknown": 1}
    await report(gateway, content(token, Validity.INVALID, reason="the disk is full"))
    assert (await standing(api, "s01-gw"))["reason"] == "the disk is full"
    assert (await readiness(api, pushed))["invalid"] == 1


async def test_an_earlier_push_stays_ready_while_a_later_one_is_on_its_way(api, edge, pushed, refresh):
    gateway = edge("s01-gw")
    await report(gateway, content(await token_of(gateway)))
    body = {"title": "next", "audience": ["school:s01"], "resources": [{"sha256": HASH, "title": "x"}]}
    later = (await api.post("/api/v1/content/manifests", json=body)).json()
    await refresh.refresh(DocumentKind.CONTENT)
    assert (await readiness(api, pushed))["ready"] == 1
    assert (await readiness(api, later))["pending"] == 1


async def test_a_clock_that_is_three_hours_wrong_does_not_age_the_proof(api, edge, pushed):
    gateway = edge("s01-gw")
    wrong = now_ms() - 3 * 3_600_000
    await report(gateway, content(await token_of(gateway), proved_at_ms=wrong - 10_000), at_ms=wrong)
    assert 10 <= (await standing(api, "s01-gw"))["proof_age_seconds"] < 40


async def test_a_report_replaces_the_one_before_and_receipts_stay(edge, pushed, database):
    gateway = edge("s01-gw")
    heard = ReportedTerminal(terminal="s01-c01-t01", seen_at_ms=now_ms(), present=True)
    stranger = ReportedTerminal(terminal="s02-c01-t01", seen_at_ms=now_ms(), present=True)
    await report(gateway, content("0" * 32), terminals=[heard, stranger], erased=[ERASURE])
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT terminal FROM reported_terminals").fetchall() == [("s01-c01-t01",)]
        first = connection.execute("SELECT erasure, applied_at FROM erasure_receipts").fetchall()
        assert [row[0] for row in first] == [ERASURE]
    await report(gateway, erased=[ERASURE])
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM reported_terminals").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM reported_documents").fetchone() == (0,)
        assert connection.execute("SELECT erasure, applied_at FROM erasure_receipts").fetchall() == first


async def test_a_terminal_is_where_it_was_heard_last(edge, pushed, database):
    def heard(age_ms):
        return ReportedTerminal(terminal="s01-c01-t02", seen_at_ms=now_ms() - age_ms, present=True)

    await report(edge("s01-c01"), terminals=[heard(1_000)])
    await report(edge("s01-gw"), terminals=[heard(60_000)])
    with psycopg.connect(database) as connection:
        query = "SELECT a.agent FROM reported_terminals JOIN agents AS a USING (agent_id)"
        assert connection.execute(query).fetchall() == [("s01-c01",)]


async def test_a_class_shows_what_each_terminal_has_and_should_have(api, edge, pushed, refresh):
    await api.put("/api/v1/desired/terminals", json={"app_version": "3.2", "configuration": {"camera": False}})
    await refresh.refresh(DocumentKind.TERMINALS)
    ready = ReportedTerminal(
        terminal="s01-c01-t02",
        seen_at_ms=now_ms() - 5_000,
        present=True,
        app_version="3.1",
        content_token=content_token([pushed["token"]]),
        unsent=2,
        oldest_unsent_at_ms=now_ms() - 30_000,
        battery_ratio=0.5,
        storage_free_bytes=10**9,
        missing_bytes=0,
    )
    await report(edge("s01-gw"), terminals=[ready])
    answer = (await api.get("/api/v1/sync/terminals", params={"school_class": "s01-g3c1"})).json()
    assert answer["total"] == 3  # the pupil's own, and the two of nobody that stand in the class's room
    row = next(row for row in answer["items"] if row["terminal"] == "s01-c01-t02")
    assert (row["holder"], row["agent"], row["present"]) == ("p-s01-1", "s01-gw", True)
    assert row["content"]["state"] == "synced"
    assert row["app"] == {"desired": "3.2", "reported": "3.1", "state": "pending"}
    assert row["configuration"]["state"] == "unknown"
    assert row["roster"]["state"] == "none"
    assert (row["unsent"], row["battery_ratio"], row["missing_bytes"]) == (2, 0.5, 0)
    assert 5 <= row["seen_age_seconds"] < 30 <= row["oldest_unsent_seconds"] < 60
    silent = next(row for row in answer["items"] if row["terminal"] == "s01-c01-t01")
    assert (silent["present"], silent["seen_at"], silent["content"]["state"]) == (None, None, "none")
    school = (await api.get("/api/v1/sync/terminals", params={"school": "s01", "limit": 2})).json()
    assert (school["total"], len(school["items"])) == (6, 2)


def test_what_a_terminal_should_hold_follows_its_pupils_classes():
    def manifest(token, *classes):
        return Manifest(manifest=token, token=token * 32, title=token, resources=[], classes=list(classes))

    held = Content(manifests=[manifest("a"), manifest("b", "c1"), manifest("c", "c2")])
    first, other, nobody = (
        content_token(["a" * 32, "b" * 32]),
        content_token(["a" * 32, "c" * 32]),
        content_token(["a" * 32]),
    )
    assert desired_content(held, ["c1", "c2"], None) == first
    assert desired_content(held, ["c1", "c2"], other) == other
    assert desired_content(held, ["c1", "c2"], nobody) == first
    assert desired_content(held, [], None) == nobody
    assert desired_content(Content(manifests=[manifest("b", "c1")]), [], None) is None
    assert desired_content(None, ["c1"], None) is None


async def test_terminals_of_nothing_that_exists_are_refused(api, classes):
    assert (await api.get("/api/v1/sync/terminals")).status_code == 422
    refused = await api.get("/api/v1/sync/terminals", params={"school": "s77", "school_class": "s77-g1c1"})
    assert [error["field"] for error in refused.json()["errors"]] == ["school", "school_class"]


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"agent":"s01-gw","at_ms":-1,"documents":[]}'])
async def test_a_report_that_is_not_one_is_refused(edge, body):
    refused = await edge("s01-gw").ask("reported", "POST", content=body)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "body")


async def test_nobody_reports_for_another(edge):
    said = msgspec.json.encode(Reported(agent="s02-gw", at_ms=now_ms(), documents=[]))
    refused = await edge("s01-gw").ask("reported", "POST", content=said)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "agent")


async def test_a_report_of_endless_length_is_refused(edge):
    refused = await edge("s01-gw").ask("reported", "POST", content=b" " * (5 * 1024 * 1024))
    assert refused.status_code == 413
