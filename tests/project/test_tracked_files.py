"""What may not be in the repository, whoever adds it."""

from __future__ import annotations

import ast
import json
import re
import tomllib

import pytest

from ops.setup.npm_lock import tidied
from tests.project.tracked import ROOT, texts_ending, tracked_texts

LOCKS = (*sorted(path.name for path in (ROOT / "requirements").glob("*.txt")), "package-lock.json", ".npmrc")
MAX_LINES = 600
#: Written by tools, or data.
NO_LINE_LIMIT = (
    "requirements/",
    "docs/",
    "LICENSE",
    "cloud/console/src/api/schema.ts",
    "cloud/db/schema.sql",
)
#: Where a broad `except` may stand: outermost loops, which count or report and go on; the comment must say why.
BROAD = re.compile(r"#\s*noqa:\s*BLE001(?P<reason>.*)$")


@pytest.mark.parametrize("name", [name for name in tracked_texts() if name.endswith(LOCKS)])
def test_a_lock_names_hashes_and_no_addresses(name):
    for line in tracked_texts()[name].splitlines():
        assert "://" not in line, f"{name}: {line.strip()} (make lock leaves such lines out)"
        assert not line.lstrip().startswith(("--index-url", "--extra-index-url", "--find-links"))


@pytest.mark.parametrize("name", [name for name in tracked_texts() if re.fullmatch(r"requirements/.*\.txt", name)])
def test_every_locked_package_has_hashes(name):
    for requirement in re.split(r"\n(?=\S)", tracked_texts()[name].strip()):
        if not requirement.startswith("#"):
            assert "==" in requirement.splitlines()[0]
            assert "--hash=sha256:" in requirement


def test_no_path_of_a_developer_machine_is_in_the_tree():
    machine = re.compile(r"(?<![\w.])/(?:work/(?:main|shared|brief)|root/|home/(?!bellwether\b)[a-z][\w-]*/|Users/)")
    for name, text in tracked_texts().items():
        if name != "tests/project/test_tracked_files.py":
            assert machine.search(text) is None, f"{name}: {machine.search(text)}"


def test_no_secret_is_in_the_tree():
    secret = re.compile(
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abp]-[\w-]{20,}"
    )
    for name, text in tracked_texts().items():
        if name != "tests/project/test_tracked_files.py":
            assert secret.search(text) is None, name


def test_no_file_has_grown_past_reading():
    suffixes = (".py", ".ts", ".vue", ".sql", ".sh", "Makefile")
    long = {
        name: text.count("\n")
        for name, text in texts_ending(*suffixes).items()
        if text.count("\n") > MAX_LINES and not name.startswith(NO_LINE_LIMIT)
    }
    assert long == {}


def test_every_module_says_what_lives_in_it():
    silent = [
        name
        for name, text in texts_ending(".py").items()
        if text.strip() and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_nothing_is_left_for_later():
    unfinished = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b")
    found = [
        f"{name}: {match.group()}"
        for name, text in texts_ending(".py", ".ts", ".vue", ".sql", ".sh", "Makefile").items()
        if name != "tests/project/test_tracked_files.py" and (match := unfinished.search(text))
    ]
    assert found == []


def test_a_broad_except_gives_its_reason():
    """Ruff's BLE001 finds them; whoever silences it must say why the loop may go on."""
    without_reason = []
    for name, text in texts_ending(".py").items():
        for number, line in enumerate(text.splitlines(), 1):
            match = BROAD.search(line)
            if match and name != "tests/project/test_tracked_files.py" and len(match["reason"].strip(" -:#")) < 10:
                without_reason.append(f"{name}:{number}")
    assert without_reason == []


def test_no_exception_is_swallowed_without_a_trace():
    swallowed = []
    for name, text in texts_ending(".py").items():
        for tree in ast.walk(ast.parse(text)):
            if not isinstance(tree, ast.ExceptHandler):
                continue
            broad = tree.type is None or (isinstance(tree.type, ast.Name) and tree.type.id.endswith("Exception"))
            if broad and all(isinstance(statement, ast.Pass | ast.Continue) for statement in tree.body):
                swallowed.append(f"{name}:{tree.lineno}")
    assert swallowed == []


def test_the_words_of_the_glossary_are_kept_in_file_names():
    forbidden = re.compile(r"(?:^|[_/])(?:utils?|helpers?|common|misc|nodes?|endpoints?|alarms?)(?:[_/.]|$)")
    packages = ("edge_agent/", "cloud/", "protocols/", "ops/", "tests/")
    misnamed = [name for name in tracked_texts() if name.startswith(packages) and forbidden.search(name)]
    assert misnamed == []


def test_the_consoles_lock_is_one_that_npm_ci_takes():
    text = (ROOT / "cloud" / "console" / "package-lock.json").read_text(encoding="utf-8")
    assert text == tidied(text), "run `make lock`, or `python -m ops.setup.npm_lock` after `npm install`"
    for path, package in json.loads(text)["packages"].items():
        assert path == "" or package["integrity"].startswith("sha512-")


@pytest.mark.parametrize(("extra", "lock"), [("edge", "edge.txt"), ("cloud", "cloud.txt"), ("dev", "dev.txt")])
def test_the_locks_hold_every_package_that_the_project_asks_for(extra, lock):
    project = tomllib.loads(tracked_texts()["pyproject.toml"])["project"]
    extras = {"edge": ["edge"], "cloud": ["cloud"], "dev": ["edge", "cloud", "ops", "dev"]}[extra]
    asked = [*project["dependencies"], *(line for name in extras for line in project["optional-dependencies"][name])]
    names = {re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0].lower().replace("_", "-") for line in asked}
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==", tracked_texts()[f"requirements/{lock}"], re.MULTILINE))
    assert names - {"bellwether"} <= locked, "run `make lock`"
