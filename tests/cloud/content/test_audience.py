"""Whom a push is for, resolved against the classes of the moment."""

from __future__ import annotations

import pytest

from cloud.content.audience import ClassPlace, Scope, Word, classes_in, normal, parse

CLASSES = [
    ClassPlace("s01-g3c1", "s01", "三年级"),
    ClassPlace("s01-g3c2", "s01", "三年级"),
    ClassPlace("s02-g4c1", "s02", "四年级"),
]


@pytest.mark.parametrize(
    ("words", "school", "classes"),
    [
        (["all"], "s01", []),
        (["school:s01"], "s01", []),
        (["school:s01"], "s02", None),
        (["grade:三年级"], "s01", ["s01-g3c1", "s01-g3c2"]),
        (["grade:三年级"], "s02", None),
        (["class:s02-g4c1", "grade:三年级"], "s02", ["s02-g4c1"]),
        (["class:s01-g3c1", "school:s01"], "s01", []),
    ],
)
def test_an_audience_names_classes_of_a_school(words, school, classes):
    assert classes_in([parse(word) for word in words], school, CLASSES) == classes


@pytest.mark.parametrize("text", ["", "all:s01", "class:", "room:12", "s01-g3c1", "class:" + "x" * 101])
def test_what_names_no_audience_is_refused(text):
    with pytest.raises(ValueError, match="names no audience"):
        parse(text)


def test_an_audience_has_one_form():
    assert [str(word) for word in normal([parse("school:s02"), parse("class:a"), parse(" class: a ")])] == [
        "class:a",
        "school:s02",
    ]
    assert normal([parse("class:a"), parse("all")]) == [Word(Scope.ALL, "")]
