"""The LAN API over real HTTP: check-ins taken, everything else refused with its reason."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import pytest
import structlog

from edge_agent.clock import SystemClock
from edge_agent.health import AgentStatus, CentreState, DesiredDocumentState, DeviceState, TerminalsState
from edge_agent.lan import LanServer, lan_app
from edge_agent.lan.app import MAX_BODY_BYTES
from edge_agent.records import Intake
from edge_agent.spool import SpoolStats
from edge_agent.terminals import CheckIn, CheckInBody, TooManyTerminals
from edge_agent.uplink.values import Phase, UplinkSnapshot
from protocols.desired import DocumentKind, Validity
from protocols.records import Record
from protocols.segments import Books
from protocols.status import LaneHeld, Position, Role
from protocols.topics import Lane


class StandIn:
    """An agent that takes check-ins and says a fixed status."""

    def __init__(self, folder: Path) -> None:
        self.taken: list[CheckIn] = []
        self.full = False
        self.faults: list[str] = []
        self.centre: CentreState | None = None
        self.executor = ThreadPoolExecutor(1)
        self.records = Intake(self._append, SystemClock(), self.executor, folder / "records.db")

    async def _append(self, records: Sequence[Record]) -> None:
        raise AssertionError(f"no test of this file hands in records: {records}")

    def check_in(self, checkin: CheckIn) -> None:
        if self.full:
            raise TooManyTerminals("2 terminals are present, more are not taken")
        self.taken.append(checkin)

    async def status(self) -> AgentStatus:
        return AgentStatus(
            agent="s07-gw",
            role=Role.GATEWAY,
            software="bellwether 0.1.0",
            instance="0" * 16,
            boot="boot-1",
            at_ms=1_800_000_100_000,
            started_at_ms=1_800_000_000_000,
            uplink=UplinkSnapshot(
                phase=Phase.WAITING,
                reason="<connection refused>",
                since_ms=1_800_000_000_000,
                broker="centre.example:1883",
                session=3,
                credit=1,
                in_flight=0,
                connects=2,
                resends=0,
            ),
            spool=SpoolStats(
                position=Position(epoch="a" * 16, next_seq=9, low=4),
                books=Books(produced_items=12, held_items=12),
                held=[
                    LaneHeld(lane=Lane.BACKLOG, segments=5, items=12, size_bytes=4200, oldest_at_ms=1_800_000_000_000)
                ],
                file_bytes=32768,
                wal_bytes=0,
                used_ratio=0.25,
            ),
            spool_max_bytes=536_870_912,
            devices=[
                DeviceState(device="s07-sw01", reachable=False, polled_at_ms=1_800_000_090_000),
                DeviceState(device="s07-rt1", reachable=True, polled_at_ms=1_800_000_090_000),
            ],
            terminals=TerminalsState(known=40, present=38, checkins_total=100),
            collectors=[],
            centre=self.centre,
            faults=self.faults,
        )


@pytest.fixture
def agent(tmp_path):
    return StandIn(tmp_path)


@pytest.fixture
async def lan(agent):
    await agent.records.start()
    server = LanServer(lan_app(agent), "127.0.0.1", 0)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        yield client
    await server.stop()
    await agent.records.stop()
    agent.executor.shutdown()


URL = "/v1/terminals/s07-c03-t12/checkin"


async def test_a_checkin_is_taken_with_all_its_facts(lan, agent):
    body = {
        "battery_ratio": 0.5,
        "charging": False,
        "storage_free_bytes": 12_000_000_000,
        "wifi_rssi_dbm": -61,
        "app_version": "3.2.1",
        "content_token": "c-17",
    }
    answer = await lan.post(URL, json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert agent.taken == [CheckIn("s07-c03-t12", msgspec.convert(body, CheckInBody))]


async def test_a_checkin_without_a_body_is_a_sign_of_life(lan, agent):
    assert (await lan.post(URL)).status_code == 204
    assert agent.taken == [CheckIn("s07-c03-t12", CheckInBody())]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b'{"battery_ratio": 1.5}', 422, "battery_ratio: Expected `float` <= 1.0"),
        (b'{"battery_ratio": "full"}', 422, "battery_ratio: Expected `float | null`, got `str`"),
        (b'{"charging": 1}', 422, "charging: Expected `bool | null`, got `int`"),
        (b'{"storage_free_bytes": -1}', 422, "storage_free_bytes: Expected `int` >= 0"),
        (b'{"wifi_rssi_dbm": 1e400}', 422, "wifi_rssi_dbm: "),
        (b'{"app_version": "' + b"x" * 65 + b'"}', 422, "app_version: Expected `str` of length <= 64"),
        (b'{"app_version": "1.0\\u0000"}', 422, "app_version: Expected `str` matching regex"),
        (b'{"classroom": "s07\\n-c03"}', 422, "classroom: Expected `str` matching regex"),
        (b'{"battery": 1}', 422, "battery: is not a field of a check-in"),
        (b"[1]", 422, "body: Expected `object`, got `array`"),
        (b'"text"', 422, "body: Expected `object`, got `str`"),
        (b"{", 400, "the body is not JSON: Input data was truncated"),
        (b"\xff\xfe", 400, "the body is not JSON"),
        (b'{"app_version": "\xff"}', 400, ""),
        (b"[" * 4000, 422, "body: Expected `object`, got `array`"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_by_name(lan, agent, body, status, detail):
    answer = await lan.post(URL, content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"].startswith(detail)
    assert problem["hint"]
    if status == 422:
        assert problem["errors"][0]["field"] == detail.partition(":")[0]
    assert agent.taken == []


@pytest.mark.parametrize("terminal", ["a b", "%2e%2e", "x" * 64, "-t", "t/1", "终端"])
async def test_a_terminal_id_that_cannot_be_is_refused(lan, agent, terminal):
    answer = await lan.post(f"/v1/terminals/{terminal}/checkin")
    assert answer.status_code in {404, 405, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hint"]
    assert agent.taken == []


async def test_a_large_body_is_refused_before_it_is_read(lan, agent):
    answer = await lan.post(URL, content=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert answer.json() == {
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": 413,
        "detail": "a check-in has at most 8192 bytes",
        "hint": "send no more than the fields that GET /v1/openapi.json describes",
    }
    assert agent.taken == []


async def test_an_endless_body_is_cut_off(lan, agent):
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(10_000):
            sent += 65_536
            yield b" " * 65_536

    try:
        answer = await lan.post(URL, content=endless())
    except httpx.TransportError:
        pass
    else:
        assert answer.status_code == 413
    assert sent < 10_000 * 65_536
    assert agent.taken == []
    assert (await lan.get("/v1/health")).status_code == 200


async def raw(lan, *parts: bytes) -> bytes:
    """Send bytes as they are and return what comes back before the agent closes.

    An agent may answer and close before all was sent; what it said then is read all the same, so no streams here.
    """
    loop = asyncio.get_running_loop()
    said = b""
    with socket.socket() as line, contextlib.suppress(ConnectionError):
        line.setblocking(False)
        await loop.sock_connect(line, ("127.0.0.1", lan.base_url.port))
        with contextlib.suppress(ConnectionError):
            for part in parts:
                await loop.sock_sendall(line, part)
        while chunk := await loop.sock_recv(line, 65_536):
            said += chunk
    return said


@pytest.mark.parametrize("line", [b"x-a: " + b"y" * 60_000, b"y" * 60_000])
async def test_an_endless_head_is_cut_off(lan, agent, line):
    head = b"POST /v1/terminals/t1/checkin HTTP/1.1\r\nhost: agent\r\n"
    for ending in (b"", b"\r\n"):
        answered = await raw(lan, head, *[line + ending] * 20)
        assert answered.startswith(b"HTTP/1.1 431") or not answered
    assert agent.taken == []
    assert (await lan.get("/v1/health")).status_code == 200


async def test_a_head_that_comes_byte_by_byte_is_taken(lan, agent):
    request = (
        b"POST /v1/terminals/t1/checkin HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
    )
    assert (await raw(lan, *(bytes([one]) for one in request))).startswith(b"HTTP/1.1 204")
    assert len(agent.taken) == 1


async def test_a_connection_that_says_nothing_is_closed(lan, monkeypatch):
    monkeypatch.setattr("edge_agent.lan.connection.HEAD_SECONDS", 0.05)
    for said in ((), (b"GET / HT",)):
        answered = await raw(lan, *said)
        assert answered.startswith(b"HTTP/1.1 408")
        problem = json.loads(answered.partition(b"\r\n\r\n")[2])
        assert (problem["detail"], bool(problem["hint"])) == ("no request within 0.05 s", True)


async def test_a_body_that_never_comes_is_given_up(lan, agent, monkeypatch):
    monkeypatch.setattr("edge_agent.lan.body.BODY_SECONDS", 0.05)
    head = b"POST /v1/terminals/t1/checkin HTTP/1.1\r\nhost: agent\r\ncontent-length: 20\r\n\r\n"
    assert (await raw(lan, head, b"{")).startswith(b"HTTP/1.1 408")
    assert agent.taken == []


async def test_what_is_no_http_is_refused(lan):
    assert (await raw(lan, b"\x16\x03\x01\x00\xa5\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_compressed_body_is_not_unpacked(lan, agent):
    answer = await lan.post(URL, content=b"\x1f\x8b", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["detail"]) == (415, "a body with a content-encoding is not taken")
    assert answer.json()["hint"] == "send a check-in without content-encoding"
    assert agent.taken == []


async def test_too_many_terminals_are_told_to_come_back(lan, agent):
    agent.full = True
    answer = await lan.post(URL)
    assert (answer.status_code, answer.json()["detail"]) == (429, "2 terminals are present, more are not taken")
    assert answer.json()["hint"] == TooManyTerminals.hint


async def test_what_is_not_served_is_a_problem_too(lan):
    for answer, status in ((await lan.get("/nothing"), 404), (await lan.get(URL), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["hint"] == "GET /v1/openapi.json describes every route"


async def test_health_tells_the_truth(lan, agent):
    assert (await lan.get("/v1/health")).json() == {"status": "ok", "faults": []}
    agent.faults = ["the spool is full"]
    answer = await lan.get("/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")


async def test_status_says_everything(lan):
    status = (await lan.get("/v1/status")).json()
    assert status["spool"]["held"][0] == {
        "lane": "backlog",
        "segments": 5,
        "items": 12,
        "size_bytes": 4200,
        "oldest_at_ms": 1_800_000_000_000,
    }
    assert status["uplink"]["phase"] == "waiting"


async def test_the_page_speaks_chinese_and_english(lan):
    chinese = (await lan.get("/", headers={"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"})).text
    english = (await lan.get("/", headers={"accept-language": "en-GB,en;q=0.9"})).text
    assert "与区中心的连接" in chinese
    assert "积压" in chinese
    assert "无应答" in chinese
    assert "Connection to the centre" in english
    assert "does not answer" in english
    assert "100 s ago" in english
    assert (await lan.get("/?lang=en")).text.count("Lane") == 1
    for page in (chinese, english):
        assert 'http-equiv="refresh"' in page
        assert "&lt;connection refused&gt;" in page
        assert "<connection" not in page


async def test_the_page_says_what_came_from_the_centre(lan, agent):
    assert "From the centre" not in (await lan.get("/?lang=en")).text
    agent.centre = CentreState(
        url="https://centre.example",
        reachable=False,
        reason="<no route>",
        since_ms=1_800_000_000_000,
        documents=[
            DesiredDocumentState(
                kind=DocumentKind.ROSTER,
                token="c0ffee00" * 4,
                made_at_ms=1_800_000_000_000,
                validity=Validity.VALID,
            ),
            DesiredDocumentState(
                kind=DocumentKind.CONTENT, token=None, made_at_ms=None, validity=Validity.INVALID, reason="<forged>"
            ),
        ],
    )
    english, chinese = (await lan.get("/?lang=en")).text, (await lan.get("/?lang=zh")).text
    for said in ("does not answer; what is held stays in force", "&lt;no route&gt;", "c0ffee00", "&lt;forged&gt;"):
        assert said in english
    for said in ("班级名册", "已生效", "被拒绝"):
        assert said in chinese
    assert (await lan.get("/v1/status")).json()["centre"]["documents"][0]["kind"] == "roster"


async def test_a_token_guards_checkins_and_status_but_not_health(agent):
    server = LanServer(lan_app(agent, token="lan-word"), "127.0.0.1", 0)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic lan-word"}):
            for answer in (await client.post(URL, headers=headers), await client.get("/v1/status", headers=headers)):
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"
                assert "Authorization: Bearer" in answer.json()["hint"]
        assert agent.taken == []
        right = {"authorization": "Bearer lan-word"}
        assert (await client.post(URL, headers=right)).status_code == 204
        assert (await client.get("/v1/status", headers=right)).status_code == 200
        assert (await client.get("/v1/health")).status_code == 200
    await server.stop()


async def test_seven_hundred_terminals_keep_their_connections(lan, agent):
    async def terminal(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", lan.base_url.port)
        body = b'{"battery_ratio": 0.5}'
        request = (
            f"POST /v1/terminals/t{number}/checkin HTTP/1.1\r\nhost: agent\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body
        for _ in range(2):
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(terminal(number) for number in range(700)))
    assert len(agent.taken) == 1400
    assert len({one.terminal for one in agent.taken}) == 700


async def test_a_taken_port_is_a_fault_and_not_a_death(agent):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = LanServer(lan_app(agent), "127.0.0.1", port)
        with structlog.testing.capture_logs() as said:
            await server.start()
        assert server.fault == f"the LAN API cannot listen on 127.0.0.1:{port} (Address already in use)"
        assert [entry["event"] for entry in said] == ["lan_not_listening"]
        await server.stop()


async def test_the_api_describes_itself(lan):
    document = (await lan.get("/v1/openapi.json")).json()
    body = document["paths"]["/v1/terminals/{terminal}/checkin"]["post"]["requestBody"]["content"]["application/json"]
    schemas = document["components"]["schemas"]
    assert body["schema"] == {"$ref": "#/components/schemas/CheckInBody"}
    assert set(schemas["CheckInBody"]["properties"]) == set(CheckInBody.__struct_fields__)
    for path, method, statuses in (
        ("/v1/terminals/{terminal}/checkin", "post", {"204", "400", "401", "408", "413", "415", "422", "429"}),
        ("/v1/status", "get", {"200", "401"}),
        ("/xapi/statements", "put", {"204", "400", "401", "408", "409", "413", "415", "503", "507"}),
        ("/xapi/statements", "post", {"200", "400", "401", "408", "409", "413", "415", "503", "507"}),
        ("/xapi/statements", "get", {"200", "400", "401", "404"}),
        ("/xapi/about", "get", {"200"}),
    ):
        assert set(document["paths"][path][method]["responses"]) == statuses
    assert "hint" in schemas["Problem"]["required"]
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named <= set(schemas)


def test_the_page_brings_everything_with_it():
    source = (Path(__file__).parents[3] / "edge_agent/lan/page.py").read_text()
    assert "<script" not in source
    assert "http://" not in source
    assert "https://" not in source
