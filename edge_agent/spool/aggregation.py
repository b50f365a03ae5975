"""Five-minute aggregates: what thinning leaves of raw samples. Pure.

Per thing (and vantage) and five minutes of the edge's wall clock: the mean of measured numbers, the last value of
switches, texts, codes and counters; null only where nothing was measured in the whole bucket. The row carries the two
times of the bucket's last sample, so that correcting its time works as for a raw one. State changes are events and
are never thinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from protocols.blocks import metric_names
from protocols.samples import LinkSample, Sample

BUCKET_SECONDS = 300
_BUCKET_MS = BUCKET_SECONDS * 1000
_LAST_WINS = frozenset({"status_code", "speed_bps"})


def bucket_of(time_ms: int) -> int:
    """Return the number of the five-minute bucket that holds a wall-clock time."""
    return time_ms // _BUCKET_MS


def aggregate(samples: Iterable[Sample]) -> list[Sample]:
    """Return one sample per thing and bucket, in order of time; what is an aggregate already stays as it is."""
    groups: dict[tuple[Any, ...], list[Sample]] = {}
    kept: list[Sample] = []
    for sample in samples:
        if sample.resolution_seconds:
            kept.append(sample)
            continue
        vantage = sample.vantage if isinstance(sample, LinkSample) else None
        key = (sample.kind, sample.thing, vantage, bucket_of(sample.observed_at_ms))
        groups.setdefault(key, []).append(sample)
    kept.extend(_merge(group) for group in groups.values())
    return sorted(kept, key=lambda sample: sample.observed_at_ms)


def _merge(group: Sequence[Sample]) -> Sample:
    group = sorted(group, key=lambda sample: sample.observed_at_ms)
    last = group[-1]
    values: dict[str, Any] = {}
    for name in metric_names(last.kind):
        measured = [value for sample in group if (value := getattr(sample, name)) is not None]
        values[name] = _combine(name, measured) if measured else None
    return msgspec.structs.replace(last, resolution_seconds=BUCKET_SECONDS, **values)


def _combine(name: str, measured: Sequence[Any]) -> Any:
    newest = measured[-1]
    if isinstance(newest, (bool, str)) or name.endswith("_total") or name in _LAST_WINS:
        return newest
    mean = sum(measured) / len(measured)
    return round(mean) if isinstance(newest, int) else mean
