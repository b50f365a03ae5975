"""Reads a framework from CASE 1.0/1.1-shaped JSON (CFDocument, CFItems, CFAssociations) and finds every problem in it.

What CASE has no field for stands in `extensions`: `title_en` of the document, `statement_en` of every item, and
`indicator` (`models.Definition`) of every item of type Indicator. `statusStartDate` and `statusEndDate` are from and to
when an item is in force. Other fields of CASE are kept with the file and not looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from cloud.errors import CloudError
from cloud.evaluation.field_problems import FieldProblem, read_struct
from cloud.evaluation.formula import FORMULA_VERSIONS
from cloud.evaluation.models import MEASURES, Aggregation, Definition, Framework, Level, Node, SourceType
from protocols.records import REFERENCE_PATTERN

LEVELS = {"Dimension": Level.DIMENSION, "Sub-dimension": Level.SUBDIMENSION, "Indicator": Level.INDICATOR}
"""CFItemType of each level."""

Filled = Annotated[str, Meta(min_length=1, max_length=500)]
Key = Annotated[str, Meta(pattern=REFERENCE_PATTERN)]


class FrameworkRefused(CloudError):
    """A framework file has problems; nothing of it was imported."""

    hint = "Correct what is listed, each at its JSON path, and import again; `--dry-run` checks without importing."
    exit_code = 2

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        super().__init__(f"the framework has {len(problems)} problem{'' if len(problems) == 1 else 's'}")
        self.problems = list(problems)


class _DocumentExtensions(Struct):
    title_en: Filled


class _Document(Struct):
    identifier: Key
    title: Filled
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")]
    extensions: _DocumentExtensions


class _ItemExtensions(Struct):
    statement_en: Filled
    indicator: Definition | None = None


class _Item(Struct):
    identifier: Key
    humanCodingScheme: Key  # noqa: N815
    fullStatement: Filled  # noqa: N815
    CFItemType: str
    extensions: _ItemExtensions
    statusStartDate: date | None = None  # noqa: N815
    statusEndDate: date | None = None  # noqa: N815


class _End(Struct):
    identifier: Key


class _Association(Struct):
    associationType: str  # noqa: N815
    originNodeURI: _End  # noqa: N815
    destinationNodeURI: _End  # noqa: N815
    sequenceNumber: int = 0  # noqa: N815


class _Link(NamedTuple):
    path: str
    origin: str
    destination: str
    sequence: int


@dataclass(frozen=True, slots=True)
class _Tree:
    parent_of: dict[str, str]
    children_of: dict[str, list[str]]


def read_framework(content: bytes) -> Framework:
    """Return the framework that a file holds.

    Raises:
        FrameworkRefused: with every problem and its JSON path.
    """
    try:
        raw = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameworkRefused([FieldProblem("$", f"is not JSON: {error}")]) from None
    problems: list[FieldProblem] = []
    document = read_struct(_part(raw, "CFDocument", problems), _Document, "$.CFDocument", problems)
    items = _items(_list(raw, "CFItems", problems), problems)
    links = _links(_list(raw, "CFAssociations", problems), problems)
    if document is None or problems:
        raise FrameworkRefused(problems)
    tree = _tree(document.identifier, items, links["isChildOf"], problems)
    codes = {item.identifier: item.humanCodingScheme for item in items.values()}
    same_as, follows = defaultdict(list), defaultdict(list)
    for link in links["exactMatchOf"]:
        if link.origin not in codes:
            problems.append(FieldProblem(f"{link.path}.originNodeURI.identifier", "names no item of this file"))
        same_as[link.origin].append(link.destination)
    for link in links["precedes"]:
        problems += _unknown_ends(link, codes)
        follows[link.destination].append(codes.get(link.origin, ""))
    if problems:
        raise FrameworkRefused(problems)
    by_identifier = {item.identifier: item for item in items.values()}
    nodes = [
        Node(
            identifier=item.identifier,
            code=item.humanCodingScheme,
            level=LEVELS[item.CFItemType],
            parent=codes.get(tree.parent_of[item.identifier]),
            statement=item.fullStatement,
            statement_en=item.extensions.statement_en,
            definition=item.extensions.indicator,
            same_as=tuple(same_as[item.identifier]),
            follows=tuple(follows[item.identifier]),
            valid_from=item.statusStartDate,
            valid_to=item.statusEndDate,
        )
        for item in map(by_identifier.__getitem__, _in_order(tree, document.identifier))
    ]
    return Framework(
        framework=f"{document.identifier[:8]}-{document.version}",
        title=document.title,
        title_en=document.extensions.title_en,
        version=document.version,
        nodes=nodes,
    )


def _part(raw: Any, name: str, problems: list[FieldProblem]) -> Any:
    if not isinstance(raw, dict):
        problems.append(FieldProblem("$", "is not an object with CFDocument, CFItems and CFAssociations"))
        return {}
    return raw.get(name, {})


def _list(raw: Any, name: str, problems: list[FieldProblem]) -> list[Any]:
    found = raw.get(name) if isinstance(raw, dict) else []
    if isinstance(found, list):
        return found
    problems.append(FieldProblem(f"$.{name}", "is missing or not a list"))
    return []


def _items(raw: list[Any], problems: list[FieldProblem]) -> dict[str, _Item]:
    """Return the sound items by their JSON path."""
    items: dict[str, _Item] = {}
    seen: dict[str, str] = {}
    for number, value in enumerate(raw):
        path = f"$.CFItems[{number}]"
        item = read_struct(value, _Item, path, problems)
        if item is None:
            continue
        items[path] = item
        for name in ("identifier", "humanCodingScheme"):
            where = seen.setdefault(getattr(item, name), path)
            if where != path:
                problems.append(FieldProblem(f"{path}.{name}", f"is the same as in {where}"))
        if item.statusStartDate and item.statusEndDate and item.statusEndDate < item.statusStartDate:
            problems.append(FieldProblem(f"{path}.statusEndDate", "is before statusStartDate"))
        problems += _type_problems(item, path)
    return items


def _type_problems(item: _Item, path: str) -> Iterator[FieldProblem]:
    level = LEVELS.get(item.CFItemType)
    definition = item.extensions.indicator
    where = f"{path}.extensions.indicator"
    if level is None:
        yield FieldProblem(f"{path}.CFItemType", f"is {item.CFItemType!r}, not one of {', '.join(LEVELS)}")
    elif level is not Level.INDICATOR and definition is not None:
        yield FieldProblem(where, f"belongs to an Indicator, not to a {item.CFItemType}")
    elif level is Level.INDICATOR and definition is None:
        yield FieldProblem(where, "is missing")
    if definition is not None:
        yield from (FieldProblem(f"{where}.{name}", detail) for name, detail in _definition_problems(definition))


def _definition_problems(definition: Definition) -> Iterator[tuple[str, str]]:
    source = definition.source
    if len(set(definition.stages)) < len(definition.stages):
        yield "stages", "names a stage twice"
    for name in ("scale", "accepts"):
        bounds = getattr(definition, name)
        if bounds.minimum >= bounds.maximum:
            yield name, "has a minimum that is not below its maximum"
        elif definition.aggregation is Aggregation.RATIO and (bounds.minimum < 0 or bounds.maximum > 1):
            yield name, "reaches beyond 0 to 1, where a ratio lies"
    if definition.formula_version not in FORMULA_VERSIONS:
        yield "formula_version", f"is {definition.formula_version}; known are {sorted(FORMULA_VERSIONS)}"
    measures = MEASURES[source.type]
    if measures and source.measure not in measures:
        yield "source.measure", f"is {source.measure!r}, not one of {', '.join(measures)}"
    if not measures and source.measure is not None:
        yield "source.measure", f"has no meaning for source {source.type}"
    if (source.type is SourceType.ACTIVITY) != bool(source.activities):
        yield "source.activities", "is given for source activity, and only there"
    for number, kind in enumerate(source.activities):
        if re.fullmatch(REFERENCE_PATTERN, kind) is None or "." in kind:
            yield f"source.activities[{number}]", "is a reference without a dot"


def _links(raw: list[Any], problems: list[FieldProblem]) -> dict[str, list[_Link]]:
    """Return the associations by their type; other types than the three that mean something here are not looked at."""
    links: dict[str, list[_Link]] = {"isChildOf": [], "exactMatchOf": [], "precedes": []}
    for number, value in enumerate(raw):
        path = f"$.CFAssociations[{number}]"
        one = read_struct(value, _Association, path, problems)
        if one is not None and one.associationType in links:
            link = _Link(path, one.originNodeURI.identifier, one.destinationNodeURI.identifier, one.sequenceNumber)
            links[one.associationType].append(link)
    return links


def _unknown_ends(link: _Link, known: dict[str, str]) -> Iterator[FieldProblem]:
    for end in ("origin", "destination"):
        if getattr(link, end) not in known:
            yield FieldProblem(f"{link.path}.{end}NodeURI.identifier", "names no item of this file")


_PARENTS = {Level.SUBDIMENSION: Level.DIMENSION, Level.INDICATOR: Level.SUBDIMENSION}


def _tree(root: str, items: dict[str, _Item], links: list[_Link], problems: list[FieldProblem]) -> _Tree:
    """Check that every item hangs below the right level, and return who is whose child, in order."""
    levels = {item.identifier: LEVELS[item.CFItemType] for item in items.values()}
    tree = _Tree({}, defaultdict(list))
    for link in sorted(links, key=lambda link: link.sequence):
        if link.origin not in levels:
            problems.append(FieldProblem(f"{link.path}.originNodeURI.identifier", "names no item of this file"))
        elif link.origin in tree.parent_of:
            problems.append(FieldProblem(link.path, "gives an item a second parent"))
        else:
            tree.parent_of[link.origin] = link.destination
            tree.children_of[link.destination].append(link.origin)
    for path, item in items.items():
        level = levels[item.identifier]
        parent = tree.parent_of.get(item.identifier)
        if parent is None:
            problems.append(FieldProblem(path, "has no isChildOf association"))
        elif (parent == root) != (level is Level.DIMENSION) or (
            parent != root and levels.get(parent) is not _PARENTS.get(level)
        ):
            wanted = "the document" if level is Level.DIMENSION else f"a {_PARENTS[level]}"
            problems.append(FieldProblem(path, f"must be a child of {wanted}"))
        if level is not Level.INDICATOR and not tree.children_of.get(item.identifier):
            problems.append(FieldProblem(path, "has no children"))
    if not items:
        problems.append(FieldProblem("$.CFItems", "is empty"))
    return tree


def _in_order(tree: _Tree, parent: str) -> Iterator[str]:
    for child in tree.children_of.get(parent, []):
        yield child
        yield from _in_order(tree, child)
