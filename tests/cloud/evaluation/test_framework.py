"""The framework that comes with Bellwether, and files that cannot be one."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest

from cloud.evaluation.framework_file import FrameworkRefused, read_framework
from cloud.evaluation.models import Level, Stage
from cloud.evaluation.service import DEFAULT_FRAMEWORK

CONTENT = DEFAULT_FRAMEWORK.read_bytes()
SHIPPED = read_framework(CONTENT)
RAW: dict[str, Any] = json.loads(CONTENT)


def test_it_has_the_five_national_dimensions_and_302_indicators() -> None:
    dimensions = [node for node in SHIPPED.nodes if node.level is Level.DIMENSION]
    assert [node.statement for node in dimensions] == ["思想品德", "学业水平", "身心健康", "艺术素养", "社会实践"]
    assert len(SHIPPED.indicators) == 302


def test_every_name_is_said_once_and_in_both_languages() -> None:
    for said in ("identifier", "code", "statement", "statement_en"):
        values = [getattr(node, said).strip() for node in SHIPPED.nodes]
        assert all(values), said
        assert len(set(values)) == len(values), said


def test_every_indicator_is_reached_from_a_dimension() -> None:
    below: dict[str | None, list[str]] = {}
    for node in SHIPPED.nodes:
        below.setdefault(node.parent, []).append(node.code)
    reached: set[str] = set()
    waiting = list(below[None])
    while waiting:
        code = waiting.pop()
        reached.add(code)
        waiting += below.get(code, [])
    assert set(SHIPPED.indicators) <= reached


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_indicators_in_every_sub_dimension(stage: Stage) -> None:
    for whole_year, ends_on in ((True, date(2027, 8, 31)), (False, date(2027, 1, 31))):
        expected = SHIPPED.expected(stage, date(2026, 9, 1), ends_on, whole_year=whole_year)
        covered = {indicator.subdimension for indicator in expected}
        assert covered == {node.code for node in SHIPPED.nodes if node.level is Level.SUBDIMENSION}
        assert {indicator.dimension for indicator in expected} == {"M", "A", "H", "R", "S"}


def test_a_crosswalk_leads_from_one_stage_to_a_later_one() -> None:
    order = list(Stage)
    links = [(SHIPPED.indicators[before], one) for one in SHIPPED.indicators.values() for before in one.node.follows]
    assert len(links) > 10
    for before, after in links:
        assert min(map(order.index, before.definition.stages)) < max(map(order.index, after.definition.stages))
        assert before.dimension == after.dimension


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    document = copy.deepcopy(RAW)
    place: Any = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return document


def problems_of(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(FrameworkRefused) as refused:
        read_framework(json.dumps(document).encode())
    return [(path, detail) for path, detail in refused.value.problems]


INDICATOR = ("CFItems", 2, "extensions", "indicator")
WHERE = "$.CFItems[2].extensions.indicator"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (("CFDocument", "version"), "", ("$.CFDocument.version", "expected `str` matching regex")),
        (("CFDocument", "extensions"), {}, ("$.CFDocument.extensions.title_en", "is missing")),
        (("CFItems", 2, "humanCodingScheme"), "M1-02", ("$.CFItems[3].humanCodingScheme", "is the same as in")),
        (("CFItems", 2, "fullStatement"), "", ("$.CFItems[2].fullStatement", "expected `str` of length >= 1")),
        (("CFItems", 2, "CFItemType"), "Goal", ("$.CFItems[2].CFItemType", "is 'Goal', not one of Dimension")),
        (("CFItems", 2, "statusEndDate"), "2020-01-01", ("$.CFItems[2].statusEndDate", "is before statusStartDate")),
        ((*INDICATOR, "stages"), ["primary", "kindergarten"], (f"{WHERE}.stages[1]", "invalid enum value")),
        ((*INDICATOR, "scale", "minimum"), 5, (f"{WHERE}.scale", "has a minimum that is not below its maximum")),
        ((*INDICATOR, "aggregation"), "ratio", (f"{WHERE}.scale", "reaches beyond 0 to 1")),
        ((*INDICATOR, "formula_version"), 9, (f"{WHERE}.formula_version", "is 9; known are [1]")),
        ((*INDICATOR, "weight"), 2, (f"{WHERE}.weight", "is not a known field")),
        ((*INDICATOR, "source"), {"type": "activity"}, (f"{WHERE}.source.measure", "is None, not one of hours, count")),
        (INDICATOR, None, (WHERE, "is missing")),
        (("CFItems", 1, "extensions", "indicator"), RAW["CFItems"][2]["extensions"]["indicator"],
         ("$.CFItems[1].extensions.indicator", "belongs to an Indicator")),
        (("CFAssociations", 2, "associationType"), "isRelatedTo", ("$.CFItems[2]", "has no isChildOf association")),
        (("CFAssociations", 2, "destinationNodeURI", "identifier"), RAW["CFItems"][0]["identifier"],
         ("$.CFItems[2]", "must be a child of a subdimension")),
        (("CFAssociations", 2, "originNodeURI", "identifier"), "nobody",
         ("$.CFAssociations[2].originNodeURI.identifier", "names no item of this file")),
        (("CFItems",), [], ("$.CFItems", "is empty")),
    ],
)  # fmt: skip
def test_a_problem_is_told_with_its_path(path: tuple[str | int, ...], value: Any, problem: tuple[str, str]) -> None:
    found = problems_of(changed(*path, to=value))
    assert any(where == problem[0] and detail.startswith(problem[1]) for where, detail in found), found


def test_every_problem_is_told_at_once() -> None:
    document = changed("CFItems", 2, "fullStatement", to="")
    document["CFItems"][2]["extensions"]["indicator"]["kind"] = "mood"
    document["CFItems"][9].pop("humanCodingScheme")
    del document["CFDocument"]["title"]
    assert [path for path, _ in problems_of(document)] == [
        "$.CFDocument.title",
        "$.CFItems[2].fullStatement",
        f"{WHERE}.kind",
        "$.CFItems[9].humanCodingScheme",
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"null", b"{}", b"\xff"])
def test_what_is_no_framework_at_all_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(FrameworkRefused) as refused:
        read_framework(content)
    assert refused.value.problems
