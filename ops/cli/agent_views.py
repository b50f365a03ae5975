"""What `bellwether agent` fetches and how it shows it: status, spool, one run of the collectors."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.agent import SPOOL_FILE
from edge_agent.collectors.catalogue import probe_once as measure_once
from edge_agent.collectors.snmp.drivers import SnmpLibrary
from edge_agent.config import AgentConfig, load_config
from edge_agent.health import AgentStatus, CentreState
from edge_agent.jobs import Planned, plan
from edge_agent.process import read_status
from edge_agent.spool.inspection import SpoolContent, inspect_spool
from ops.cli import output
from protocols.events import Event
from protocols.samples import Sample

HTTP_SECONDS = 10.0


def status_of(config: Path | None, url: str | None, token: str | None) -> AgentStatus:
    """Ask a running agent how it is, over its socket or its LAN API; leave with a hint if it is not there."""
    if config is not None:
        data_dir = load_config(config).config.agent.data_dir
        try:
            return read_status(data_dir)
        except (OSError, msgspec.DecodeError) as error:
            output.fail(
                f"no agent answers at {data_dir} ({error})",
                hint=f"is it running? what it holds shows with: bellwether agent spool --config {config}",
            )
    import httpx

    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    try:
        answer = httpx.get(f"{url}".rstrip("/") + "/v1/status", headers=headers, timeout=HTTP_SECONDS)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            output.fail(f"{url} wants its LAN token", hint="give --token, or set BELLWETHER_LAN_TOKEN")
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError(f"HTTP {answer.status_code} {answer.reason_phrase}")
        return msgspec.json.decode(answer.content, type=AgentStatus)
    except (httpx.HTTPError, httpx.InvalidURL, msgspec.DecodeError) as error:
        output.fail(
            f"{url} does not tell its status ({error})",
            hint="is it an agent's LAN API, and can it be reached from here?",
        )


def print_status(status: AgentStatus) -> None:
    """Show a status to people."""
    uplink, stats = status.uplink, status.spool
    output.print_facts(
        [
            ("agent", f"{status.agent} ({status.role.value}), {status.software}"),
            ("running since", f"{_moment(status.started_at_ms)}, {_ago(status.started_at_ms, status.at_ms)}"),
            ("uplink", f"{uplink.phase.value} for {_span(uplink.since_ms, status.at_ms)}: {uplink.reason}"),
            ("broker", f"{uplink.broker}, session {uplink.session}, credit {uplink.credit}"),
            ("in flight", uplink.in_flight),
            ("last receipt", _ago(uplink.last_receipt_at_ms or stats.last_receipt_at_ms, status.at_ms)),
            ("clock skew", _skew(uplink.skew_seconds)),
            (
                "spool",
                f"{_size(stats.file_bytes + stats.wal_bytes)} on disk, {stats.used_ratio:.1%} of its budget used",
            ),
            ("epoch", f"{stats.position.epoch}, next seq {stats.position.next_seq}, low {stats.position.low}"),
            ("books", _books(stats.books)),
            ("refused items", stats.refused_items),
            ("terminals", f"{status.terminals.present} present of {status.terminals.known} known"),
            ("memory", None if status.agent_rss_bytes is None else _size(status.agent_rss_bytes)),
        ]
    )
    output.print_text("")
    output.print_table(
        ["held lane", "segments", "items", "size", "oldest"],
        [
            [lane.lane.value, lane.segments, lane.items, _size(lane.size_bytes), _ago(lane.oldest_at_ms, status.at_ms)]
            for lane in stats.held
        ],
    )
    if status.devices:
        output.print_text("")
        output.print_table(
            ["device", "state", "last poll"],
            [
                [
                    device.device,
                    "refuses the credentials"
                    if device.refused
                    else {None: "not polled yet", True: "answers", False: "does not answer"}[device.reachable],
                    _ago(device.polled_at_ms, status.at_ms),
                ]
                for device in status.devices
            ],
        )
    if status.centre is not None:
        output.print_text("")
        print_desired(status.centre, status.at_ms)
    troubled = [course for course in status.collectors if course.errors_total or course.late_total]
    if troubled:
        output.print_text("")
        output.print_table(
            ["collector", "runs", "late", "errors", "last error"],
            [
                [course.target, course.runs_total, course.late_total, course.errors_total, course.last_error]
                for course in troubled
            ],
        )
    for one in status.receivers:
        output.print_text(
            f"{one.receiver:<12} {one.listen}: received {one.received_total:,}, told {one.told_total:,}, "
            f"thinned {one.thinned_total:,}, below {one.below_total:,}, refused {sum(one.refused_total.values()):,}"
            + "".join(f"; {reason}: {count:,}" for reason, count in one.refused_total.items())
        )
    for fault in status.faults:
        output.say(f"fault: {fault}")


def print_desired(centre: CentreState, now_ms: int) -> None:
    """Show what the centre wants of an agent, and whether it is in force."""
    answers = {None: "not asked yet", True: "answers", False: f"does not answer: {centre.reason}"}[centre.reachable]
    output.print_facts(
        [
            ("centre", f"{centre.url} {answers}"),
            ("last report", _ago(centre.reported_at_ms, now_ms)),
        ]
    )
    output.print_table(
        ["desired", "state", "token", "made", "reason"],
        [
            [one.kind.value, one.validity.value, (one.token or "")[:8], _ago(one.made_at_ms, now_ms), one.reason]
            for one in centre.documents
        ],
    )


def spool_of(config: AgentConfig) -> SpoolContent:
    """Read the spool of a config's agent."""
    return inspect_spool(config.agent.data_dir / SPOOL_FILE)


def print_spool(spool: SpoolContent) -> None:
    """Show a spool to people."""
    now_ms = time.time_ns() // 1_000_000
    output.print_facts(
        [
            ("spool", spool.path),
            ("agent", spool.agent),
            ("size", f"{_size(spool.file_bytes)} and {_size(spool.wal_bytes)} of log"),
            ("session", str(spool.session)),
            ("last receipt", _ago(spool.last_receipt_at_ms, now_ms)),
            ("clock skew", _skew(spool.skew_seconds)),
        ]
    )
    output.print_text("")
    output.print_table(
        ["held lane", "segments", "items", "size", "oldest", "newest"],
        [
            [
                lane.lane,
                lane.segments,
                lane.items,
                _size(lane.size_bytes),
                _ago(lane.oldest_at_ms, now_ms),
                _ago(lane.newest_at_ms, now_ms),
            ]
            for lane in spool.lanes
        ],
    )
    output.print_text("")
    output.print_table(
        ["epoch", "now", "next seq", "produced", "confirmed", "rejected", "thinned", "damaged", "held"],
        [
            [
                one.epoch,
                one.current,
                one.next_seq,
                one.books.produced_items,
                one.books.confirmed_items,
                one.books.rejected_items,
                one.books.thinned_items,
                one.books.damaged_items,
                one.books.held_items,
            ]
            for one in spool.epochs
        ],
    )
    if spool.set_aside:
        output.print_text("")
        output.print_table(
            ["set aside", "seq", "lane", "items", "reason"],
            [[one.epoch, one.seq, one.lane, one.items, one.reason] for one in spool.set_aside],
        )
    for name in spool.damaged_files:
        output.say(f"damaged file kept: {name}")


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one target gave in one run."""

    target: str
    seconds: float
    samples: list[dict[str, Any]] = []
    events: list[Event] = []
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is something to put right: the collector broke, or the target did not answer as it should."""
        answers = [sample.get(name) for sample in self.samples for name in ("success", "reachable")]
        return bool(self.error) or False in answers or any(sample.get("loss_ratio") == 1 for sample in self.samples)


async def probe_once(config: AgentConfig, name: str | None) -> list[ProbeResult]:
    """Measure the targets called `name` (all if None) side by side, as the agent would, and return what they read."""
    chosen = [one for one in plan(config) if name is None or name in {one.name, one.name.split(" ")[1]}]
    return list(await asyncio.gather(*(_probe(one, config.snmp.library) for one in chosen)))


async def _probe(planned: Planned, library: SnmpLibrary) -> ProbeResult:
    began = time.monotonic()
    try:
        reading = await measure_once(planned.target, library)
    except Exception as error:  # noqa: BLE001 - a collector's own fault is what the person at the terminal wants to see
        return ProbeResult(
            target=planned.name, seconds=time.monotonic() - began, error=f"{type(error).__name__}: {error}"
        )
    return ProbeResult(
        target=planned.name,
        seconds=time.monotonic() - began,
        samples=[_measured(sample) for sample in reading.samples],
        events=list(reading.events),
    )


def print_probes(results: list[ProbeResult]) -> None:
    """Show readings to people, one line per sample."""
    for result in results:
        output.print_text(f"{result.target}  ({result.seconds:.2f} s)")
        if result.error:
            output.print_text(f"  failed: {result.error}")
        for sample in result.samples:
            figures = "  ".join(f"{name}={value}" for name, value in sample.items() if name not in {"kind", "thing"})
            output.print_text(f"  {sample['kind']} {sample['thing']}  {figures}")
        for event in result.events:
            said = "  ".join(f"{name}={value}" for name, value in event.attributes.items() if value is not None)
            output.print_text(f"  event {event.type} {event.thing}  {said}")


def _measured(sample: Sample) -> dict[str, Any]:
    left_out = {"observed_at_ms", "monotonic_ms", "resolution_seconds"}
    values = {name: getattr(sample, name) for name in sample.__struct_fields__ if name not in left_out}
    measured = {name: value for name, value in values.items() if value is not None}
    return {"kind": sample.kind.value, **measured}


def _books(books: Any) -> str:
    return ", ".join(f"{getattr(books, name):,} {name.removesuffix('_items')}" for name in books.__struct_fields__)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _ago(then_ms: int | None, now_ms: int) -> str:
    return "never" if then_ms is None else f"{_span(then_ms, now_ms)} ago"


def _span(then_ms: int, now_ms: int) -> str:
    seconds = max(0.0, (now_ms - then_ms) / 1000)
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _skew(seconds: float | None) -> str:
    return "not known yet" if seconds is None else f"{seconds:+.3f} s"


def _size(size_bytes: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"
