"""The optional mirror, against an HTTP server that records what it is sent; it may be down, ingest never waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cloud.config import Influx
from cloud.ingest.models import Arrival, Fate, Reading
from cloud.ingest.reading import read
from cloud.telemetry.influx import InfluxMirror, lines
from protocols.blocks import pack
from protocols.codec import MSGPACK, encode
from protocols.receipts import Outcome
from protocols.samples import LinkSample, Sample, TerminalSample, Vantage
from protocols.segments import Books, Segment
from protocols.topics import Lane


class Recorder:
    """An HTTP server that answers 204, or 503 while `down`, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.refused = 0
        self.down = False
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if recorder.down:
                    recorder.refused += 1
                    self.send_response(503)
                else:
                    recorder.bodies.append(body)
                    self.send_response(204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def reading(samples: list[Sample], seq: int = 1) -> Reading:
    segment = Segment(
        agent="s01-gw",
        epoch="e" * 16,
        seq=seq,
        low=1,
        boot="b",
        sealed_at_ms=1,
        sealed_monotonic_ms=1,
        books=Books(),
        blocks=pack(samples),
    )
    item = read(Arrival("s01-gw", Lane.LIVE, "t", MSGPACK, encode(segment), 1_795_000_000_000))
    assert isinstance(item, Reading)
    return item


def stored(item: Reading) -> Fate:
    return Fate("s01-gw", "e" * 16, item.segment.seq, Outcome.STORED)


LINK = LinkSample(
    thing="s01 wan,1", observed_at_ms=1_795_000_000_123, monotonic_ms=1, vantage=Vantage.SCHOOL, in_bps=5, oper_up=True
)


def test_a_sample_is_a_line_with_its_types_and_without_what_was_not_measured() -> None:
    tablet = TerminalSample(
        thing="t1", observed_at_ms=7, monotonic_ms=1, present=False, battery_ratio=0.5, app_version='1"\\2'
    )
    assert list(lines(reading([LINK, tablet]))) == [
        r'link,agent=s01-gw,thing=s01\ wan\,1 in_bps=5i,oper_up=true,vantage="school" 1795000000123',
        r'terminal,agent=s01-gw,thing=t1 present=false,battery_ratio=0.5,app_version="1\"\\2" 7',
    ]


def test_a_backslash_at_a_names_end_does_not_swallow_what_follows() -> None:
    (line,) = lines(reading([TerminalSample(thing="t1\\", observed_at_ms=7, monotonic_ms=1, present=True)]))
    assert line == "terminal,agent=s01-gw,thing=t1/ present=true 7"


async def until(condition: object) -> None:
    async with asyncio.timeout(120):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_what_was_stored_is_mirrored_and_what_was_not_is_not(recorder: Recorder) -> None:
    mirror = InfluxMirror(Influx(enabled=True, url=recorder.url, token="t"))
    task = asyncio.create_task(mirror.run())
    first, second = reading([LINK]), reading([LINK], seq=2)
    mirror.offer([first, second], [stored(first), Fate("s01-gw", "e" * 16, 2, Outcome.DUPLICATE)])
    await until(lambda: mirror.written_total)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert mirror.written_total == 1
    assert recorder.bodies == [next(iter(lines(first)))]


async def test_a_mirror_that_is_down_costs_a_counter_and_recovers(recorder: Recorder) -> None:
    recorder.down = True
    mirror = InfluxMirror(Influx(enabled=True, url=recorder.url, token="t"))
    task = asyncio.create_task(mirror.run())
    first, second = reading([LINK]), reading([LINK], seq=2)
    mirror.offer([first], [stored(first)])
    await until(lambda: mirror.dropped_total == 1)
    recorder.down = False
    mirror.offer([second], [stored(second)])
    await until(lambda: mirror.written_total == 1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_what_does_not_fit_the_queue_is_dropped_and_counted() -> None:
    mirror = InfluxMirror(Influx(enabled=True, url="http://127.0.0.1:1", token="t", queue_rows=1_000))
    many = [reading([LINK] * 300, seq=seq) for seq in range(1, 6)]
    mirror.offer(many, [stored(item) for item in many])
    assert mirror.dropped_total == 600
