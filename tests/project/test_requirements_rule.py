"""The rule that CI may skip nothing but TimescaleDB, tried on a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.tracked import ROOT

SUITE = """
import pytest

def test_passes(): pass

def test_needs_a_browser(): pytest.skip("the program chromium is not installed")

def test_needs_timescale(): pytest.skip("TimescaleDB is not installed")

@pytest.mark.xfail(strict=True)
def test_known(): assert False
"""


def _run(tmp_path: Path, required: str, text: str = SUITE) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_suite.py").write_text(text, encoding="utf-8")
    environment = {**os.environ, "BELLWETHER_REQUIRE_SERVICES": required, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.fixtures.requirements",
            "-p",
            "no:cacheprovider",
            "test_suite.py",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_nothing_is_required_skips_stay_skips(tmp_path):
    said = _run(tmp_path, "")
    assert said.returncode == 0
    assert "1 passed, 2 skipped, 1 xfailed" in said.stdout


def test_where_all_is_required_only_timescale_may_be_skipped(tmp_path):
    said = _run(tmp_path, "1")
    assert said.returncode == 1
    assert "1 failed, 1 passed, 1 skipped, 1 xfailed" in said.stdout
    assert "skipped although BELLWETHER_REQUIRE_SERVICES=1" in said.stdout


@pytest.mark.parametrize("how", ['pytest.skip("no snmpd", allow_module_level=True)', 'pytest.importorskip("no_such")'])
def test_a_whole_file_may_not_be_skipped_either(tmp_path, how):
    said = _run(tmp_path, "1", f"import pytest\n{how}\ndef test_passes(): pass\n")
    assert said.returncode not in (0, 5)
    assert "1 error" in said.stdout
