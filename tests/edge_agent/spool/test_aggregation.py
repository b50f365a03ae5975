"""What thinning leaves of raw samples says the same, in less."""

from __future__ import annotations

from edge_agent.spool.aggregation import aggregate
from protocols.samples import LinkSample, PortSample, ProbeSample, Vantage

START_MS = 1_700_000_100_000 // 300_000 * 300_000


def _link(seconds: int, vantage: Vantage = Vantage.SCHOOL, **values: object) -> LinkSample:
    return LinkSample(
        thing="s07-wan",
        vantage=vantage,
        observed_at_ms=START_MS + seconds * 1000,
        monotonic_ms=seconds * 1000,
        **values,  # type: ignore[arg-type]
    )


def test_numbers_are_averaged_over_what_was_measured() -> None:
    (merged,) = aggregate([_link(0, rtt_seconds=0.1), _link(60), _link(120, rtt_seconds=0.3)])
    assert isinstance(merged, LinkSample)
    assert merged.rtt_seconds is not None
    assert abs(merged.rtt_seconds - 0.2) < 1e-12
    assert merged.loss_ratio is None


def test_counters_switches_and_texts_keep_their_last_value() -> None:
    ports = [
        PortSample(
            thing="sw/1", observed_at_ms=START_MS + n, monotonic_ms=n, in_octets_total=n, oper_up=n < 2, speed_bps=10**n
        )
        for n in range(3)
    ]
    (merged,) = aggregate(ports)
    assert isinstance(merged, PortSample)
    assert (merged.in_octets_total, merged.oper_up, merged.speed_bps) == (2, False, 100)
    probes = [
        ProbeSample(
            thing="a/web", observed_at_ms=START_MS + n, monotonic_ms=n, success=True, status_code=code, reason=text
        )
        for n, (code, text) in enumerate([(200, "ok"), (503, "busy"), (404, None)])
    ]
    (probe,) = aggregate(probes)
    assert isinstance(probe, ProbeSample)
    assert (probe.status_code, probe.reason) == (404, "busy")


def test_whole_numbers_stay_whole() -> None:
    (merged,) = aggregate([_link(0, in_bps=10), _link(60, in_bps=15)])
    assert isinstance(merged, LinkSample)
    assert merged.in_bps == 12
    assert type(merged.in_bps) is int


def test_buckets_ends_of_a_link_and_things_stay_apart() -> None:
    merged = aggregate([_link(0), _link(299), _link(300), _link(0, Vantage.CENTRE)])
    assert len(merged) == 3
    assert [sample.resolution_seconds for sample in merged] == [300, 300, 300]


def test_the_row_carries_both_times_of_the_last_sample() -> None:
    (merged,) = aggregate([_link(200), _link(100)])
    assert (merged.observed_at_ms, merged.monotonic_ms) == (START_MS + 200_000, 200_000)


def test_an_aggregate_is_not_aggregated_again() -> None:
    once = aggregate([_link(0, rtt_seconds=0.1), _link(60, rtt_seconds=0.3)])
    assert aggregate([*once, _link(120, rtt_seconds=0.9)])[0] == once[0]
