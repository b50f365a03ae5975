"""The metric catalogue: one sample type per kind of thing, one field per metric, the unit in the field's name.

The catalogue is the single source of columns: the wire's blocks (`protocols.blocks`), the database's tables and the
console's charts are derived from or tested against it. A field that was not measured is None, never 0.
Ranges are physical limits, checked before spooling and again by the cloud; an implausible but possible value is
flagged by an event, not clipped. Sources: IF-MIB (RFC 2863) for counters, HOST-RESOURCES-MIB for hosts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from protocols.identity import Milliseconds, ThingKey


class Kind(StrEnum):
    """Kinds of thing that are measured; each has its sample type and its table."""

    LINK = "link"
    PORT = "port"
    DEVICE = "device"
    PROBE = "probe"
    HOST = "host"
    TERMINAL = "terminal"
    CLASSROOM = "classroom"


class Vantage(StrEnum):
    """From which end of a link something was seen."""

    SCHOOL = "school"
    CENTRE = "centre"


def _metric(text: str, *, ge: float = 0, le: float | None = None) -> Meta:
    return Meta(ge=ge, le=le, description=text)


BitsPerSecond = Annotated[int, _metric("bits per second", le=10**13)]
PerSecond = Annotated[float, _metric("per second", le=1e10)]
Octets = Annotated[int, _metric("raw counter, ifHC*Octets; left out above 2^63 - 1", le=2**63 - 1)]
Ratio = Annotated[float, _metric("0 to 1", le=1)]
Seconds = Annotated[float, _metric("seconds", le=1e10)]
Bytes = Annotated[int, _metric("bytes", le=2**62)]
Celsius = Annotated[float, _metric("degrees Celsius", ge=-100, le=300)]
Dbm = Annotated[float, _metric("dBm", ge=-200, le=50)]
SignedSeconds = Annotated[float, _metric("seconds, positive when ahead", ge=-1e10, le=1e10)]
Quantity = Annotated[int, _metric("count", le=2**31 - 1)]
ShortText = Annotated[str, Meta(max_length=64, description="short text")]


class Sample(Struct, frozen=True, kw_only=True):
    """What every sample carries.

    `observed_at_ms` is the edge's wall clock (UTC, milliseconds since 1970), kept as it was even when wrong;
    `monotonic_ms` is milliseconds since the machine's boot (CLOCK_BOOTTIME), from which the cloud derives a corrected
    time. `resolution_seconds` is 0 for a raw sample and the bucket's width for an aggregate left by thinning.
    """

    kind: ClassVar[Kind]

    thing: ThingKey
    observed_at_ms: Milliseconds
    monotonic_ms: Milliseconds
    resolution_seconds: Annotated[int, Meta(ge=0, le=3_600)] = 0


class PortMetrics(Sample, frozen=True, kw_only=True):
    """Metrics of an interface, shared by ports and links (IF-MIB names, rates over the device's own sysUpTime)."""

    in_bps: BitsPerSecond | None = None
    out_bps: BitsPerSecond | None = None
    in_errors_per_second: PerSecond | None = None
    out_errors_per_second: PerSecond | None = None
    in_discards_per_second: PerSecond | None = None
    out_discards_per_second: PerSecond | None = None
    in_octets_total: Octets | None = None
    out_octets_total: Octets | None = None
    speed_bps: BitsPerSecond | None = None
    oper_up: bool | None = None


class PortSample(PortMetrics, frozen=True, kw_only=True):
    """An interface of a device; `thing` is `device/ifName`."""

    kind = Kind.PORT

    admin_up: bool | None = None


class LinkSample(PortMetrics, frozen=True, kw_only=True):
    """A link (school to centre) seen from one end; counters and probes arrive as separate, partly null samples."""

    kind = Kind.LINK

    vantage: Vantage
    loss_ratio: Ratio | None = None
    rtt_seconds: Seconds | None = None
    jitter_seconds: Seconds | None = None


class DeviceSample(Sample, frozen=True, kw_only=True):
    """A polled device as a whole."""

    kind = Kind.DEVICE

    reachable: bool
    rtt_seconds: Seconds | None = None
    uptime_seconds: Seconds | None = None
    cpu_ratio: Ratio | None = None
    memory_used_ratio: Ratio | None = None
    temperature_celsius: Celsius | None = None


class ProbeSample(Sample, frozen=True, kw_only=True):
    """One run of an active check; `thing` is `agent/probe-name`. `success` false is data, not an error."""

    kind = Kind.PROBE

    success: bool
    loss_ratio: Ratio | None = None
    rtt_seconds: Seconds | None = None
    jitter_seconds: Seconds | None = None
    resolve_seconds: Seconds | None = None
    connect_seconds: Seconds | None = None
    tls_seconds: Seconds | None = None
    first_byte_seconds: Seconds | None = None
    status_code: Quantity | None = None
    reason: ShortText | None = None


class HostSample(Sample, frozen=True, kw_only=True):
    """The machine an agent runs on; `thing` is the agent id."""

    kind = Kind.HOST

    cpu_ratio: Ratio | None = None
    memory_used_ratio: Ratio | None = None
    disk_used_ratio: Ratio | None = None
    disk_free_bytes: Bytes | None = None
    temperature_celsius: Celsius | None = None
    uptime_seconds: Seconds | None = None
    clock_offset_seconds: SignedSeconds | None = None
    clock_synchronised: bool | None = None
    agent_rss_bytes: Bytes | None = None
    agent_cpu_ratio: Seconds | None = None


class TerminalSample(Sample, frozen=True, kw_only=True):
    """A terminal's last check-in as its agent knows it, every five minutes and on change."""

    kind = Kind.TERMINAL

    present: bool
    battery_ratio: Ratio | None = None
    charging: bool | None = None
    storage_free_bytes: Bytes | None = None
    wifi_rssi_dbm: Dbm | None = None
    app_version: ShortText | None = None
    content_token: ShortText | None = None


class ClassroomSample(Sample, frozen=True, kw_only=True):
    """One minute of a classroom's terminals in sum."""

    kind = Kind.CLASSROOM

    terminals_present: Quantity
    terminals_known: Quantity
    checkins: Quantity | None = None
    battery_low: Quantity | None = None
    wifi_weak: Quantity | None = None


SAMPLE_TYPES: dict[Kind, type[Sample]] = {
    sample_type.kind: sample_type
    for sample_type in (LinkSample, PortSample, DeviceSample, ProbeSample, HostSample, TerminalSample, ClassroomSample)
}
"""Every sample type by its kind."""
