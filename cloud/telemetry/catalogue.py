"""The metric catalogue of `protocols.samples`, read for people: units, ranges, what can be drawn."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Meta

from cloud.telemetry.schemas import MetricDescription
from protocols.blocks import metric_names
from protocols.samples import SAMPLE_TYPES, Kind

_SUFFIX_UNITS = {
    "_bps": "bps",
    "_per_second": "per_second",
    "_octets_total": "bytes",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_ratio": "ratio",
    "_celsius": "celsius",
    "_dbm": "dbm",
}
_TYPE_UNITS: dict[type, str] = {bool: "bool", int: "count", float: "number", str: "text"}


def charted(kind: Kind) -> list[str]:
    """Names of the metrics of a kind that a series can draw, in catalogue order."""
    return [item.metric for item in descriptions() if item.kind == kind and item.charted]


def unit(kind: Kind, metric: str) -> str:
    """Return the unit of a metric of the catalogue."""
    return next(item.unit for item in descriptions() if item.kind == kind and item.metric == metric)


@cache
def descriptions() -> list[MetricDescription]:
    """Every metric of every kind, in catalogue order."""
    return [
        _describe(kind, name, hint)
        for kind, sample_type in SAMPLE_TYPES.items()
        for name, hint in get_type_hints(sample_type, include_extras=True).items()
        if name in metric_names(kind)
    ]


def _describe(kind: Kind, name: str, hint: Any) -> MetricDescription:
    value_type, meta = _unwrap(hint)
    suffix = next((suffix for suffix in _SUFFIX_UNITS if name.endswith(suffix)), None)
    return MetricDescription(
        metric=name,
        unit=_SUFFIX_UNITS[suffix] if suffix else _TYPE_UNITS.get(value_type, "text"),
        kind=kind,
        description=(meta.description if meta and meta.description else name.replace("_", " ")),
        minimum=meta.ge if meta else None,
        maximum=meta.le if meta else None,
        charted=value_type in (int, float, bool),
    )


def _unwrap(hint: Any) -> tuple[type, Meta | None]:
    """Return the plain type and the range of `Annotated[…] | None`."""
    if get_origin(hint) is Annotated:
        plain, *extras = get_args(hint)
        return plain, next((extra for extra in extras if isinstance(extra, Meta)), None)
    for part in get_args(hint):
        if part is not type(None):
            return _unwrap(part)
    return hint, None
