"""The documents and `make help` against the commands that exist."""

from __future__ import annotations

import re
import subprocess

import pytest

from ops.cli.main import NOUNS
from tests.project.tracked import ROOT, texts_ending, tracked_texts

MAKEFILE = tracked_texts()["Makefile"]
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, flags=re.MULTILINE))
DOCUMENTS = texts_ending(".md")


def test_every_target_for_people_is_in_make_help():
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {match[1] for match in re.finditer(r"^  make (\S+) +\S.*$", said, flags=re.MULTILINE)}
    assert listed == TARGETS
    assert {"setup", "demo", "test", "check", "fmt", "clean", "lock", "bench", "faults", "e2e", "console"} <= listed


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets_named_in_documents_exist(document):
    # `make` at the start of a code span or of a line in a code block; prose may say "make sure".
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)\b", "\n".join(_code(DOCUMENTS[document])), flags=re.MULTILINE))
    assert named <= TARGETS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_nouns_named_in_documents_exist(document):
    code = "\n".join(_code(DOCUMENTS[document]))
    named = set(re.findall(r"(?:^|[`$ ]|bin/)bellwether ([a-z][a-z-]*)(?=[ `|\n]|$)", code, flags=re.MULTILINE))
    assert named <= set(NOUNS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_inside_the_repository_lead_somewhere(document):
    folder = (ROOT / document).parent
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"", DOCUMENTS[document]):
        path = next(part for part in target if part)
        if re.match(r"[a-z]+:", path) or path.startswith("#"):
            continue
        if not (folder / path.partition("#")[0]).exists():
            broken.append(path)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_anchors_inside_a_document_lead_somewhere(document):
    text = DOCUMENTS[document]
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def _code(text: str) -> list[str]:
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [*blocks, *spans]
