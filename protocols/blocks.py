"""Samples on the wire: columnar blocks, one per kind, derived from the metric catalogue.

Columns of one metric compress far better than rows, and msgspec checks type and range of every value in C while it
decodes. Times are deltas to the row before (the first row's is its full value), in milliseconds. A metric that no row
measured is left out whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from types import GenericAlias
from typing import Annotated, Any, cast, get_type_hints

import msgspec
from msgspec import Meta, Struct

from protocols.identity import ThingKey
from protocols.samples import SAMPLE_TYPES, Kind, Sample

ENVELOPE_FIELDS = ("thing", "observed_at_ms", "monotonic_ms", "resolution_seconds")

Delta = Annotated[int, Meta(ge=-(2**52), le=2**52)]


class Block(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"):
    """Rows of one kind and one resolution, column by column; every column has as many values as `thing`."""

    thing: Annotated[list[ThingKey], Meta(min_length=1)]
    observed_at_ms: list[Delta]
    monotonic_ms: list[Delta]
    resolution_seconds: Annotated[int, Meta(ge=0, le=3_600)] = 0

    def __len__(self) -> int:
        return len(self.thing)

    def observed_times_ms(self) -> list[int]:
        """Wall-clock times of the rows, UTC milliseconds."""
        return list(accumulate(self.observed_at_ms))

    def monotonic_times_ms(self) -> list[int]:
        """Times of the rows in milliseconds since the boot named by the segment."""
        return list(accumulate(self.monotonic_ms))


def metric_names(kind: Kind) -> tuple[str, ...]:
    """Names of the metrics of a kind, in catalogue order."""
    return tuple(name for name in SAMPLE_TYPES[kind].__struct_fields__ if name not in ENVELOPE_FIELDS)


def _block_type(sample_type: type[Sample]) -> type[Block]:
    hints = get_type_hints(sample_type, include_extras=True)
    required, optional = [], []
    for field in msgspec.structs.fields(sample_type):
        if field.name in ENVELOPE_FIELDS:
            continue
        column = GenericAlias(list, (hints[field.name],))
        if field.required:
            required.append((field.name, column))
        else:
            optional.append((field.name, column | None, None))
    block_type = msgspec.defstruct(
        sample_type.__name__.removesuffix("Sample") + "Block",
        [*required, *optional],
        bases=(Block,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        omit_defaults=True,
        tag_field="kind",
        tag=sample_type.kind.value,
        module=__name__,
    )
    return cast(type[Block], block_type)


BLOCK_TYPES: dict[Kind, type[Block]] = {kind: _block_type(sample_type) for kind, sample_type in SAMPLE_TYPES.items()}
"""The block type of each kind."""

KIND_OF_BLOCK: dict[type[Block], Kind] = {block_type: kind for kind, block_type in BLOCK_TYPES.items()}


def kind_of(block: Block) -> Kind:
    """Return which kind of thing a block measures."""
    return KIND_OF_BLOCK[type(block)]


def pack(samples: Iterable[Sample]) -> list[Block]:
    """Turn samples into blocks, one per kind and resolution, rows in the order given."""
    groups: dict[tuple[Kind, int], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.kind, sample.resolution_seconds), []).append(sample)
    return [_pack_group(kind, resolution, rows) for (kind, resolution), rows in groups.items()]


def _pack_group(kind: Kind, resolution_seconds: int, rows: Sequence[Sample]) -> Block:
    # Transposed in C: this is the hottest loop of the edge.
    transposed = zip(*map(msgspec.structs.astuple, rows), strict=True)
    columns: dict[str, Any] = {
        name: list(values)
        for name, values in zip(SAMPLE_TYPES[kind].__struct_fields__, transposed, strict=True)
        if name not in ENVELOPE_FIELDS and values.count(None) < len(values)
    }
    return BLOCK_TYPES[kind](
        thing=[row.thing for row in rows],
        observed_at_ms=_deltas([row.observed_at_ms for row in rows]),
        monotonic_ms=_deltas([row.monotonic_ms for row in rows]),
        resolution_seconds=resolution_seconds,
        **columns,
    )


def unpack(block: Block) -> list[Sample]:
    """Turn a block back into samples; the inverse of `pack`."""
    kind = kind_of(block)
    columns = {name: column for name in metric_names(kind) if (column := getattr(block, name)) is not None}
    rows = zip(block.thing, block.observed_times_ms(), block.monotonic_times_ms(), *columns.values(), strict=True)
    sample_type = SAMPLE_TYPES[kind]
    return [
        sample_type(
            thing=thing,
            observed_at_ms=observed_at_ms,
            monotonic_ms=monotonic_ms,
            resolution_seconds=block.resolution_seconds,
            **dict(zip(columns, values, strict=True)),
        )
        for thing, observed_at_ms, monotonic_ms, *values in rows
    ]


def _text_columns(sample_type: type[Sample]) -> tuple[str, ...]:
    hints = get_type_hints(sample_type)
    return tuple(name for name in sample_type.__struct_fields__ if hints[name] in (str, str | None))


TEXT_COLUMNS: dict[Kind, tuple[str, ...]] = {kind: _text_columns(one) for kind, one in SAMPLE_TYPES.items()}
"""The columns of each kind that hold free text, `thing` first."""


def problem_of(block: Block) -> str | None:
    """Return what is wrong with a block that its types cannot say, or None: columns of unequal length, a NUL in a text.

    A NUL is valid in MessagePack and in JSON, but no text of a database may hold one: it would cost its whole segment.
    """
    rows = len(block.thing)
    for name in block.__struct_fields__:
        column = getattr(block, name)
        if isinstance(column, list) and len(column) != rows:
            return f"column {name!r} is not as long as 'thing'"
    for name in TEXT_COLUMNS[kind_of(block)]:
        column = getattr(block, name)
        if column is not None and "\0" in "".join(column if name == "thing" else filter(None, column)):
            return f"column {name!r} holds a NUL character"
    return None


def _deltas(values: Sequence[int]) -> list[int]:
    return [values[0], *(after - before for before, after in pairwise(values))]
