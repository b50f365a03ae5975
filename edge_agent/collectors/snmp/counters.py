"""Counter rules: two readings of one port become rates, or the reason why there are none. Pure: no clock, no I/O.

Each rule answers a fault seen in other tools. Sources: RFC 2863 §3.1.5 and §3.1.6, RFC 3418 (sysUpTime).

* the time base is the *device's* sysUpTime, modulo 2^32 hundredths (497 days), checked against the poller's clock;
* a restart, a discontinuity stamp, another ifIndex, ifPhysAddress or snmpEngineBoots is a reset: no rate, start anew;
* 64-bit deltas modulo 2^64; 32-bit ones only where the counter cannot wrap twice unseen, else refused;
* more than 1.1 × the port's speed is implausible: named, with its raw numbers, never clipped and never published;
* what was not measured is None, never 0; two polls closer than half an interval count as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UPTIME_MODULUS = 2**32
COUNTER32_MODULUS = 2**32
COUNTER64_MODULUS = 2**64
DRIFT_LIMIT_RATIO = 0.05
PLAUSIBLE_FACTOR = 1.1
REFUSE_32_BIT_ABOVE_BPS = 650_000_000
"""RFC 2863 §3.1.6 asks for 64-bit octet counters well below this; from here on a 60 s poll cannot be trusted."""
PHYSICAL_LIMIT_BPS = 10**13
"""Where the speed is unknown: the catalogue's limit."""
SMALLEST_FRAME_BITS = 672
"""64 octets, preamble and gap: no port passes, fails or drops more frames a second than speed / 672."""
TICK_SECONDS = 0.05
"""What sysUpTime's own granularity may add to a comparison of clocks."""


class ResetReason(StrEnum):
    """Why counters started anew."""

    RESTARTED = "restarted"
    DISCONTINUITY = "discontinuity"
    ENGINE_BOOTS = "engine_boots"
    INDEX_MOVED = "index_moved"
    ADDRESS_CHANGED = "address_changed"
    WIDTH_CHANGED = "width_changed"
    COUNTER_WENT_BACK = "counter_went_back"


class RefusalReason(StrEnum):
    """Why 32-bit counters cannot be used."""

    TOO_FAST = "32_bit_above_650_mbps"
    SPEED_UNKNOWN = "32_bit_speed_unknown"
    WRAPS_BETWEEN_POLLS = "32_bit_wraps_between_polls"


DEVICE_WIDE = frozenset({ResetReason.RESTARTED, ResetReason.ENGINE_BOOTS})
"""Resets of the whole device, which every port of it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The device's clock as one PDU showed it at `at_seconds` of the poller's, good to `uncertainty_seconds`."""

    sys_up_time_cs: int
    at_seconds: float
    uncertainty_seconds: float = 0.0
    snmp_engine_boots: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortReading(ClockReading):
    """One port as one PDU showed it."""

    if_name: str
    if_index: int
    if_phys_address: bytes | None = None
    if_counter_discontinuity_time_cs: int | None = None
    if_last_change_cs: int | None = None
    speed_bps: int | None = None
    octets_bits: int = 64
    in_octets: int | None = None
    out_octets: int | None = None
    in_errors: int | None = None
    out_errors: int | None = None
    in_discards: int | None = None
    out_discards: int | None = None
    oper_up: bool | None = None
    admin_up: bool | None = None


@dataclass(frozen=True, slots=True)
class Implausible:
    """A rate that the port cannot have carried; the caller has the raw counters."""

    metric: str
    rate: float
    limit: float


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates over `seconds` of the device's own time; None where not measured, refused by a rule or implausible.

    `drift_ratio` is set when the device's clock and the poller's disagree by more than 5 %.
    """

    seconds: float
    in_bps: int | None = None
    out_bps: int | None = None
    in_errors_per_second: float | None = None
    out_errors_per_second: float | None = None
    in_discards_per_second: float | None = None
    out_discards_per_second: float | None = None
    implausible: tuple[Implausible, ...] = ()
    drift_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class First:
    """Nothing to compare with yet."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Closer than half an interval to the reading before: keep that one as the base."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The counters started anew; begin from this reading."""

    reason: ResetReason


@dataclass(frozen=True, slots=True)
class Refused:
    """The octet counters cannot be used; `rates` still holds errors and discards."""

    reason: RefusalReason
    rates: Rates


Outcome = First | Merged | Reset | Refused | Rates


def compare(before: PortReading | None, now: PortReading, interval_seconds: float) -> Outcome:
    """Return what happened on a port between two readings, by the rules above."""
    if before is None:
        return First()
    if (reason := _reset_reason(before, now)) is not None:
        return Reset(reason)
    elapsed = now.at_seconds - before.at_seconds
    if elapsed < interval_seconds / 2:
        return Merged()
    seconds = _device_seconds(before, now)
    drift_ratio = clock_drift(before, now)
    if seconds == 0:  # a device whose clock stands still gives no time base, and is told so by the drift
        return Rates(0.0, drift_ratio=drift_ratio)

    refusal = _refusal(now, max(seconds, elapsed)) if now.octets_bits == 32 else None
    if refusal is None and _octets_went_back(before, now, seconds):
        return Reset(ResetReason.COUNTER_WENT_BACK)
    rates = _rates(before, now, seconds, drift_ratio, octets=refusal is None)
    return rates if refusal is None else Refused(refusal, rates)


def device_reset(before: ClockReading, now: ClockReading) -> ResetReason | None:
    """Return why the whole device started anew between two readings of its clock, if it did."""
    if _changed(before.snmp_engine_boots, now.snmp_engine_boots):
        return ResetReason.ENGINE_BOOTS
    elapsed = now.at_seconds - before.at_seconds
    tolerance = max(DRIFT_LIMIT_RATIO * elapsed, _slack(before, now))
    if now.sys_up_time_cs < before.sys_up_time_cs:
        # The 497-day wrap goes on at the pace of the poller's clock; a restart does not.
        restarted = abs(_device_seconds(before, now) - elapsed) > tolerance
    else:
        # Up for less time than has passed since the last reading: it started in between, in a long gap.
        restarted = now.sys_up_time_cs / 100 + tolerance < elapsed
    return ResetReason.RESTARTED if restarted else None


def clock_drift(before: ClockReading, now: ClockReading) -> float | None:
    """Return by which ratio the device's clock runs ahead of the poller's, if that is more than 5 %."""
    elapsed = now.at_seconds - before.at_seconds
    seconds = _device_seconds(before, now)
    if elapsed <= 0 or abs(seconds - elapsed) <= max(DRIFT_LIMIT_RATIO * elapsed, _slack(before, now)):
        return None
    return round(seconds / elapsed - 1, 4)


def _device_seconds(before: ClockReading, now: ClockReading) -> float:
    return (now.sys_up_time_cs - before.sys_up_time_cs) % UPTIME_MODULUS / 100


def _slack(before: ClockReading, now: ClockReading) -> float:
    return before.uncertainty_seconds + now.uncertainty_seconds + TICK_SECONDS


def _reset_reason(before: PortReading, now: PortReading) -> ResetReason | None:
    if now.if_index != before.if_index or now.if_name != before.if_name:
        return ResetReason.INDEX_MOVED
    if _changed(before.if_phys_address, now.if_phys_address):
        return ResetReason.ADDRESS_CHANGED
    if (reason := device_reset(before, now)) is not None:
        return reason
    if _changed(before.if_counter_discontinuity_time_cs, now.if_counter_discontinuity_time_cs):
        return ResetReason.DISCONTINUITY
    if now.octets_bits != before.octets_bits:
        return ResetReason.WIDTH_CHANGED
    return None


def _changed(before: bytes | int | None, now: bytes | int | None) -> bool:
    """Tell whether two known values differ; a value missing from one answer proves nothing."""
    return before is not None and now is not None and before != now


def _refusal(now: PortReading, seconds: float) -> RefusalReason | None:
    if not now.speed_bps:
        return RefusalReason.SPEED_UNKNOWN
    if now.speed_bps > REFUSE_32_BIT_ABOVE_BPS:
        return RefusalReason.TOO_FAST
    if seconds >= COUNTER32_MODULUS * 8 / now.speed_bps:
        return RefusalReason.WRAPS_BETWEEN_POLLS
    return None


def _octets_went_back(before: PortReading, now: PortReading, seconds: float) -> bool:
    """Tell whether octet counters were cleared without any sign of it: an impossible wrap, or two at once."""
    back = [
        (old, new)
        for old, new in ((before.in_octets, now.in_octets), (before.out_octets, now.out_octets))
        if old is not None and new is not None and new < old
    ]
    modulus = _modulus(now)
    impossible = any((new - old) % modulus * 8 / seconds > _limit_bps(now) for old, new in back)
    return impossible or len(back) == 2


def _rates(before: PortReading, now: PortReading, seconds: float, drift_ratio: float | None, *, octets: bool) -> Rates:
    implausible: list[Implausible] = []
    limit_bps = _limit_bps(now)
    limit_frames = limit_bps / SMALLEST_FRAME_BITS
    modulus = _modulus(now)

    def bps(metric: str, old: int | None, new: int | None) -> int | None:
        if not octets or old is None or new is None:
            return None
        rate = (new - old) % modulus * 8 / seconds
        if rate > limit_bps:
            implausible.append(Implausible(metric, round(rate), limit_bps))
            return None
        return round(rate)

    def frames(metric: str, old: int | None, new: int | None) -> float | None:
        # Counter32. One that went back was cleared on its own: a wrap would take billions of errors.
        if old is None or new is None or new < old:
            return None
        rate = (new - old) / seconds
        if rate > limit_frames:
            implausible.append(Implausible(metric, round(rate, 4), round(limit_frames)))
            return None
        return round(rate, 4)

    return Rates(
        seconds=seconds,
        in_bps=bps("in_bps", before.in_octets, now.in_octets),
        out_bps=bps("out_bps", before.out_octets, now.out_octets),
        in_errors_per_second=frames("in_errors_per_second", before.in_errors, now.in_errors),
        out_errors_per_second=frames("out_errors_per_second", before.out_errors, now.out_errors),
        in_discards_per_second=frames("in_discards_per_second", before.in_discards, now.in_discards),
        out_discards_per_second=frames("out_discards_per_second", before.out_discards, now.out_discards),
        implausible=tuple(implausible),
        drift_ratio=drift_ratio,
    )


def _limit_bps(now: PortReading) -> float:
    return PLAUSIBLE_FACTOR * now.speed_bps if now.speed_bps else PHYSICAL_LIMIT_BPS


def _modulus(now: PortReading) -> int:
    return COUNTER64_MODULUS if now.octets_bits == 64 else COUNTER32_MODULUS
