"""The class API over real HTTP: what teachers do, what terminals poll, what listeners are told, and who may."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
import pytest

from edge_agent.lan import LanServer, Teaching, lan_app
from edge_agent.lan import class_stream as streams
from edge_agent.lan import desired as desired_api
from edge_agent.lan.teachers import MOST_WRONG, WRONG_SECONDS, Guesses
from edge_agent.terminals import CheckIn
from protocols.desired import DocumentKind
from tests.edge_agent.classroom.stage import CLASS, LESSON, NOON_MS, Documents, fine, roster, staged

QUESTION = {"prompt": "2 + 2 = ?", "options": ["3", "4", "5"], "correct": "B"}
CODE = "chalk-and-talk"
TOKEN = "lan-word"


@asynccontextmanager
async def served(stage, token=None, code=None):
    server = LanServer(lan_app(stage, token, Teaching(stage.rooms, stage.terminals, code)), "127.0.0.1", 0)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
            yield client
            stage.rooms.pulses.close()
    finally:
        await server.stop()


@pytest.fixture
async def stage(tmp_path):
    async with staged(tmp_path) as stage:
        yield stage


@pytest.fixture
async def lan(stage):
    async with served(stage) as client:
        yield client


async def events(answer):
    """Yield the events of a stream by name and body."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def test_a_lesson_is_led_over_http(lan, stage):
    taught = (await lan.get("/v1/classes")).json()
    assert [(one["school_class"], one["now"]["lesson"], one["pupils"]) for one in taught["classes"]] == [
        (CLASS, LESSON, 6)
    ]
    opened = await lan.post(f"/v1/classes/{CLASS}/questions", json=QUESTION)
    assert opened.status_code == HTTPStatus.CREATED
    question = opened.json()["question"]
    record = {
        "record_id": "a" * 32, "observed_at_ms": NOON_MS, "subject": "p-01", "school_class": CLASS, "lesson": LESSON,
        "fact": {"type": "answer", "question": question, "response": "B"},
    }  # fmt: skip
    assert (await lan.post("/v1/records", json={"records": [record]})).status_code == HTTPStatus.CREATED
    board = (await lan.get(f"/v1/classes/{CLASS}/board")).json()
    assert (board["answered"], board["total"], board["correct"], board["options"][1]["count"]) == (1, 6, 1, 1)
    assert (await lan.post(f"/v1/classes/{CLASS}/questions/{question}/close")).json()["closed_at_ms"] == NOON_MS
    held = await lan.post(f"/v1/classes/{CLASS}/lease", json={"kind": "lock", "seconds": 600})
    assert held.status_code == HTTPStatus.CREATED
    assert held.json()["ends_at_ms"] == NOON_MS + 600_000
    assert (await lan.get(f"/v1/classes/{CLASS}")).json()["lease"] == held.json()
    assert (await lan.delete(f"/v1/classes/{CLASS}/lease")).status_code == HTTPStatus.NO_CONTENT
    assert (await lan.delete(f"/v1/classes/{CLASS}/lease")).status_code == HTTPStatus.CONFLICT
    assert [step for step, _ in await stage.steps()] == ["question_opened", "question_closed", "locked", "released"]


async def test_a_lesson_without_a_timetable_is_opened_and_closed_over_http(tmp_path):
    async with staged(tmp_path, Documents(roster())) as stage, served(stage) as lan:
        opened = await lan.post(f"/v1/classes/{CLASS}/lesson", json={"topic": "数学", "seconds": 600})
        assert opened.status_code == HTTPStatus.CREATED
        assert opened.json()["opened_here"] is True
        assert (await lan.post(f"/v1/classes/{CLASS}/lesson", json={})).status_code == HTTPStatus.CONFLICT
        assert (await lan.delete(f"/v1/classes/{CLASS}/lesson")).status_code == HTTPStatus.NO_CONTENT
        assert (await lan.delete(f"/v1/classes/{CLASS}/lesson")).status_code == HTTPStatus.CONFLICT


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("questions", {"options": ["only one"]}, 422, "options"),
        ("questions", {"options": ["a", "b"], "correct": "C"}, 422, "correct"),
        ("questions", {"options": ["a", "b"], "question": "no spaces"}, 422, "question"),
        ("questions", {"options": ["a", "b"], "hint": "x"}, 422, "hint"),
        ("lease", {"kind": "detention", "seconds": 5}, 422, "kind"),
        ("lease", {"kind": "lock", "seconds": 0}, 422, "seconds"),
        ("lesson", {"seconds": 10**6}, 422, "seconds"),
    ],
)
async def test_a_wrong_field_is_named(lan, path, body, status, field):
    answer = await lan.post(f"/v1/classes/{CLASS}/{path}", json=body)
    assert answer.status_code == status
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert answer.json()["hint"]


async def test_what_is_not_there_is_said_and_a_form_from_elsewhere_is_not_taken(lan):
    for path in (f"/v1/classes/{CLASS}-x", f"/v1/classes/{CLASS}-x/board", f"/v1/classes/{CLASS}-x/stream"):
        assert (await lan.get(path)).status_code == HTTPStatus.NOT_FOUND
    assert (await lan.post(f"/v1/classes/{CLASS}/questions/q-9/close")).status_code == HTTPStatus.NOT_FOUND
    body = json.dumps({"kind": "lock", "seconds": 60})
    forged = await lan.post(f"/v1/classes/{CLASS}/lease", content=body, headers={"content-type": "text/plain"})
    assert forged.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


async def test_a_terminal_that_waits_is_answered_when_a_question_opens_and_not_for_anothers_news(lan, stage):
    url = "/v1/terminals/t-02/desired"
    first = await lan.get(url)
    etag = first.headers["etag"]
    assert first.json()["person"] == "p-02"
    stage.clock.pass_seconds(1)
    unchanged = await lan.get(url, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.headers["etag"]) == (304, etag)
    assert unchanged.headers[desired_api.TIME_HEADER] == str(NOON_MS + 1000)
    waiting = asyncio.create_task(lan.get(url, params={"wait": 25}, headers={"if-none-match": etag}))
    while not stage.rooms.pulses.waiting:
        await asyncio.sleep(0.01)
    stage.check_in(CheckIn("t-03", fine()))
    began = time.monotonic()
    await lan.post(f"/v1/classes/{CLASS}/questions", json=QUESTION)
    told = await waiting
    assert time.monotonic() - began < 20
    assert told.json()["question"]["options"] == QUESTION["options"]
    assert "correct" not in told.json()["question"]
    assert told.headers["etag"] != etag
    held = asyncio.create_task(lan.get(url, params={"wait": 1}, headers={"if-none-match": told.headers["etag"]}))
    assert (await held).status_code == 304


async def test_a_terminals_question_is_checked_too(lan, monkeypatch):
    assert (await lan.get("/v1/terminals/t 1/desired")).status_code == 422
    for wait in ("56", "-1", "x"):
        answer = await lan.get("/v1/terminals/t-1/desired", params={"wait": wait})
        assert answer.json()["errors"][0]["field"] == "wait"
    monkeypatch.setattr(desired_api, "MOST_WAITING", 0)
    etag = (await lan.get("/v1/terminals/t-1/desired")).headers["etag"]
    refused = await lan.get("/v1/terminals/t-1/desired?wait=5", headers={"if-none-match": etag})
    assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE


async def test_seven_hundred_waiting_terminals_cost_nothing_until_there_is_news(stage, lan):
    assert lan.base_url.port is not None

    async def poll(terminal: str) -> bytes:
        """Ask twice over one connection, as a terminal does; httpx's pool is slow with so many."""
        reader, writer = await asyncio.open_connection("127.0.0.1", lan.base_url.port)
        known = b""
        for wait in (0, 55):
            writer.write(
                f"GET /v1/terminals/{terminal}/desired?wait={wait} HTTP/1.1\r\nhost: a\r\n".encode()
                + b"if-none-match: %s\r\n\r\n" % known
            )
            head = await reader.readuntil(b"\r\n\r\n")
            headers = dict(line.split(b": ", 1) for line in head.splitlines()[1:] if line)
            known = headers[b"etag"]
            await reader.readexactly(int(headers.get(b"content-length", b"0")))
        writer.close()
        return head.split()[1]

    tasks = [asyncio.create_task(poll(f"t-{number:03}")) for number in range(700)]
    while stage.rooms.pulses.waiting < 700:
        await asyncio.sleep(0.05)
    used = time.process_time()
    await asyncio.sleep(1)
    assert time.process_time() - used < 0.5
    del stage.mirror.bodies[DocumentKind.TERMINALS]
    stage.rooms.mirrored(DocumentKind.TERMINALS)
    assert set(await asyncio.gather(*tasks)) == {b"200"}


async def test_a_stream_begins_with_all_there_is_and_tells_many_answers_in_few_events(lan, stage):
    await stage.rooms.open_question(CLASS, question="q-1", prompt="", options=["", ""], correct=None)
    async with lan.stream("GET", f"/v1/classes/{CLASS}/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events(answer)
        assert (await anext(told))[0] == "class"
        assert (await anext(told))[1]["answered"] == 0
        answering = asyncio.gather(*(stage.answer(n, "A") for n in range(1, 7)))
        boards = []
        async for name, body in told:
            assert name == "board"
            boards.append(body["answered"])
            if body["answered"] == 6:
                break
        await answering
        assert boards == sorted(boards)
        assert len(boards) <= 6
        stage.check_in(CheckIn("t-01", fine()))
        name, body = await anext(told)
        assert (name, body["seats"][0]["cause"]) == ("class", "ready")


async def test_a_quiet_stream_says_the_time_and_streams_are_bounded(lan, stage, monkeypatch):
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(streams, "MOST_LISTENERS", 1)
    async with lan.stream("GET", f"/v1/classes/{CLASS}/stream") as answer:
        told = events(answer)
        names = [(await anext(told))[0] for _ in range(3)]
        assert names == ["class", "board", "time"]
        refused = await lan.get(f"/v1/classes/{CLASS}/stream")
        assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        assert "streams are open" in refused.json()["detail"]


async def test_with_a_code_nobody_leads_a_class_without_it(stage):
    async with served(stage, TOKEN, CODE) as lan:
        refused = await lan.get("/v1/classes")
        assert refused.status_code == HTTPStatus.UNAUTHORIZED
        assert "X-Teacher-Code" in refused.json()["hint"]
        lease = {"kind": "lock", "seconds": 60}
        assert (await lan.post(f"/v1/classes/{CLASS}/lease", json=lease)).status_code == HTTPStatus.UNAUTHORIZED
        for headers in ({"x-teacher-code": CODE}, {"authorization": f"Bearer {TOKEN}"}):
            assert (await lan.get("/v1/classes", headers=headers)).status_code == HTTPStatus.OK
        assert (await lan.get("/v1/classes", headers={"authorization": "Bearer x"})).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert (await lan.get("/v1/terminals/t-1/desired", headers=bearer)).status_code == HTTPStatus.OK
        # a terminal has no use for the teacher's code
        assert (await lan.get("/v1/terminals/t-1/desired", headers={"x-teacher-code": CODE})).status_code == 401


async def test_a_browser_shows_the_code_once_and_keeps_a_cookie_that_nobody_else_can_make(stage):
    async with served(stage, None, CODE) as lan:
        page = await lan.get(f"/class/{CLASS}")
        assert (page.status_code, page.headers["location"]) == (303, f"/teacher?next=/class/{CLASS}")
        form = await lan.get(page.headers["location"])
        assert "教师口令" in form.text
        wrong = await lan.post(page.headers["location"], data={"code": "x"})
        assert wrong.status_code == HTTPStatus.UNAUTHORIZED
        assert "口令不正确" in wrong.text
        right = await lan.post(page.headers["location"], data={"code": CODE})
        assert (right.status_code, right.headers["location"]) == (303, f"/class/{CLASS}")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert (await lan.get(f"/class/{CLASS}")).status_code == HTTPStatus.OK
        assert (await lan.get("/v1/classes")).status_code == HTTPStatus.OK
        until, _, signature = lan.cookies["bellwether_teacher"].partition(".")
        lan.cookies.clear()
        forged = {"cookie": f"bellwether_teacher={int(until) + 1}.{signature}"}
        assert (await lan.get("/v1/classes", headers=forged)).status_code == HTTPStatus.UNAUTHORIZED
        elsewhere = await lan.post("/teacher?next=//evil.example/", data={"code": CODE})
        assert elsewhere.headers["location"] == "/"


async def test_whoever_guesses_waits(stage):
    async with served(stage, None, CODE) as lan:
        for _ in range(MOST_WRONG):
            assert (await lan.get("/v1/classes", headers={"x-teacher-code": "x"})).status_code == 401
        waits = await lan.get("/v1/classes", headers={"x-teacher-code": CODE})
        assert waits.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert "请一分钟后再试" in (await lan.post("/teacher", data={"code": CODE})).text


def test_guesses_are_forgotten_after_a_minute_and_do_not_fill_the_memory():
    now = 0.0
    guesses = Guesses(lambda: now)
    for _ in range(MOST_WRONG):
        guesses.wrong("10.7.0.9")
    assert guesses.wait_seconds("10.7.0.9") == WRONG_SECONDS
    assert guesses.wait_seconds("10.7.0.10") == 0
    now = WRONG_SECONDS
    assert guesses.wait_seconds("10.7.0.9") == 0
    for number in range(5000):
        guesses.wrong(f"address {number}")
    assert len(guesses._wrong) <= 1024


async def test_the_pages_run_nothing_but_this_agents_own_files(lan, stage):
    stage.mirror.bodies[DocumentKind.ROSTER] = roster()
    for path in (f"/class/{CLASS}", f"/board/{CLASS}", "/teacher"):
        page = await lan.get(path, params={"lang": "en"})
        assert page.status_code == HTTPStatus.OK
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?! type=\"application/json\"| type=\"module\" src=\"/assets/)", page.text)
        assert not re.search(r"\son\w+=|\sstyle=|https?://", page.text)
        for file in re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text):
            assert (await lan.get(file)).status_code == HTTPStatus.OK
    assert (await lan.get("/assets/../page.py")).status_code == HTTPStatus.NOT_FOUND
    assert (await lan.get("/assets/secret.js")).status_code == HTTPStatus.NOT_FOUND
    unknown = await lan.get("/class/<script>", params={"lang": "en"})
    assert unknown.status_code == HTTPStatus.NOT_FOUND
    assert "serves no such class" in unknown.text


def test_every_word_of_the_pages_is_there_in_both_languages():
    from importlib.resources import files

    from edge_agent.classroom.seats import Cause, Mark
    from edge_agent.lan.teacher_words import BOARD, CLASS, COMMON

    for name, table in (("class.js", COMMON | CLASS), ("board.js", COMMON | BOARD), ("listening.js", COMMON)):
        source = files("edge_agent.lan").joinpath("assets", name).read_text(encoding="utf-8")
        assert set(re.findall(r'\bsay\("(\w+)"', source)) <= set(table), name
    assert {f"{kind}_{cause.value}" for cause in Cause for kind in ("say", "short")} <= set(CLASS)
    assert {f"mark_{mark.value}" for mark in Mark if mark is not Mark.UNASKED} <= set(CLASS)
    for chinese, english in (COMMON | CLASS | BOARD).values():
        assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", english)) or "{n}" in chinese
