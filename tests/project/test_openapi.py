"""The API document tells a stranger what everything in it means: units, time base, what null stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.project.tracked import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))


def undescribed_schemas() -> Iterator[str]:
    """Name every property that has no description."""
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for field, content in schema.get("properties", {}).items():
            if not content.get("description", "").strip():
                yield f"{name}.{field}"


def undescribed_routes() -> Iterator[str]:
    """Name every route, and every parameter of a route, that has no description."""
    for path, methods in DOCUMENT["paths"].items():
        for method, route in methods.items():
            if not route.get("description", "").strip():
                yield f"{method} {path}"
            for parameter in route.get("parameters", []):
                if not parameter.get("description", "").strip():
                    yield f"{method} {path} {parameter['name']}"


def test_every_property_has_a_description() -> None:
    assert list(undescribed_schemas()) == []


def test_every_route_and_parameter_has_a_description() -> None:
    assert list(undescribed_routes()) == []


@pytest.mark.parametrize(("suffix", "kinds"), [("_at", {"string"}), ("_seconds", {"number", "integer"})])
def test_a_name_that_ends_in_its_unit_has_that_type(suffix: str, kinds: set[str]) -> None:
    found = {
        f"{name}.{field}": types
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, content in schema.get("properties", {}).items()
        if field.endswith(suffix)
        and not (types := {one.get("type") for one in content.get("anyOf", [content])} - {"null"}) <= kinds
    }
    assert found == {}
