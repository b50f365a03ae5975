"""An optional mirror of telemetry into InfluxDB, for districts that already run it. Off by default.

It may be slow or down without ingest noticing anything but a counter: stored segments are offered to a bounded queue, a
task of its own turns them into line protocol and writes them in a thread; what does not fit, or is refused, is dropped
and counted. The database stays the store, so nothing is ever read back from here. One measurement per kind, the thing
and the agent as tags, the metrics as fields. The mirror keeps the edge's own times.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, cast

import structlog
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from cloud.config import Influx
from cloud.ingest.models import Fate, Reading
from cloud.telemetry.tables import TABLES
from protocols.receipts import Outcome

LINES_PER_WRITE = 5_000
WRITE_TIMEOUT_MS = 10_000

_log = structlog.get_logger(__name__)
_PRECISION = cast("WritePrecision", WritePrecision.MS)
_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\n", "\r": r"\r", "\\": "/"})
"""For tags. A backslash cannot be escaped there, and one at the end would spoil the line and all that go with it."""
_TEXT_ESCAPES = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " "})


def lines(reading: Reading) -> Iterator[str]:
    """Return the line protocol of a segment's samples; a sample without any measured field has no line."""
    segment = reading.segment
    for read in reading.blocks:
        block, kind = read.block, read.kind
        columns = [(column.name, getattr(block, column.name)) for column in TABLES[kind].metrics]
        measured = [(name, values) for name, values in columns if values is not None]
        agent = segment.agent.translate(_ESCAPES)
        for index, (thing, time_ms) in enumerate(zip(block.thing, read.observed_ms, strict=True)):
            tags = f"{kind.value},agent={agent},thing={thing.translate(_ESCAPES)}"
            fields = ",".join(
                f"{name}={_field(values[index])}" for name, values in measured if values[index] is not None
            )
            if fields:
                yield f"{tags} {fields} {time_ms}"


def _field(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value)
    return f'"{str(value).translate(_TEXT_ESCAPES)}"'


class InfluxMirror:
    """The mirror of one ingest process."""

    def __init__(self, settings: Influx) -> None:
        self._settings = settings
        self._queue: deque[Reading] = deque()
        self._queued_rows = 0
        self._filled = asyncio.Event()
        self.written_total = 0
        self.dropped_total = 0

    def offer(self, readings: Sequence[Reading], fates: Sequence[Fate]) -> None:
        """Queue what was stored; drop and count what does not fit. Never waits."""
        stored = {(fate.agent, fate.epoch, fate.seq) for fate in fates if fate.outcome is Outcome.STORED}
        for reading in readings:
            rows = reading.segment.samples
            if not rows or reading.identity not in stored:
                continue
            if self._queued_rows + rows > self._settings.queue_rows:
                self.dropped_total += rows
                continue
            self._queue.append(reading)
            self._queued_rows += rows
            self._filled.set()

    async def run(self) -> None:
        """Write what is queued until cancelled."""
        client = InfluxDBClient(
            url=self._settings.url, token=self._settings.token, org=self._settings.org, timeout=WRITE_TIMEOUT_MS
        )
        failing = False
        try:
            writer = client.write_api(write_options=SYNCHRONOUS)
            while True:
                await self._filled.wait()
                batch = self._take()
                if not batch:
                    self._filled.clear()
                    continue
                try:
                    await asyncio.to_thread(
                        writer.write,
                        bucket=self._settings.bucket,
                        record=batch,
                        write_precision=_PRECISION,
                    )
                except (ApiException, InfluxDBError, HTTPError, OSError) as error:
                    self.dropped_total += len(batch)
                    if not failing:
                        failing = True
                        _log.warning("influx_mirror_failing", reason=str(error).strip()[:200])
                    await asyncio.sleep(1)
                else:
                    self.written_total += len(batch)
                    if failing:
                        failing = False
                        _log.info("influx_mirror_recovered", dropped=self.dropped_total)
        finally:
            client.close()  # type: ignore[no-untyped-call]

    def _take(self) -> list[str]:
        batch: list[str] = []
        while self._queue and len(batch) < LINES_PER_WRITE:
            reading = self._queue.popleft()
            self._queued_rows -= reading.segment.samples
            batch.extend(lines(reading))
        return batch
