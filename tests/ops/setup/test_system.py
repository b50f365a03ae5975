"""Preparing a machine: what is said, what is tried, and that nothing is tried without the right to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ops.setup import system

ROOT = Path(__file__).parents[3]


def _part(name: str, present: bool) -> system.Part:
    return system.Part(name, f"package-of-{name}", lambda: present, f"nothing works with {name} missing")


def test_a_complete_machine_is_left_alone_in_silence(monkeypatch):
    monkeypatch.setattr(system, "installing_rights", lambda: pytest.fail("nobody asked"))
    said: list[str] = []
    assert system.prepare([_part("one", present=True)], said.append) == []
    assert said == []


def test_without_rights_the_loss_is_named_and_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(system, "installing_rights", lambda: None)
    monkeypatch.setattr(system, "_install", lambda *_: pytest.fail("no right to"))
    said: list[str] = []
    missing = system.prepare([_part("one", present=True), _part("two", present=False)], said.append)
    assert [part.name for part in missing] == ["two"]
    assert said == ["· without two (package-of-two): nothing works with two missing"]


def test_with_rights_all_missing_packages_are_installed_at_once(monkeypatch, tmp_path):
    calls = tmp_path / "calls"
    for name in ("apt-get", "sudo"):
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\n[ "$0" = "{tmp_path}/sudo" ] && shift && exec "$@"\necho "$@" >> {calls}\n', "utf-8"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said: list[str] = []
    system.prepare([_part("one", present=False), _part("two", present=False)], said.append)
    assert said[0] == "· system packages: package-of-one package-of-two"
    assert calls.read_text(encoding="utf-8").splitlines() == [
        "install -y -qq --no-install-recommends package-of-one package-of-two"
    ]


def test_a_sudo_that_asks_for_a_password_gives_no_right(monkeypatch, tmp_path):
    sudo = tmp_path / "sudo"
    sudo.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    sudo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert system.installing_rights() is None


@pytest.mark.parametrize(
    ("version", "good"),
    [("v20.19.0", True), ("v20.20.1", True), ("v24.1.0", True), ("v20.18.3", False), ("v18.20.0", False), ("", False)],
)
def test_only_a_node_that_can_build_the_console_is_taken(tmp_path, version, good):
    for name, text in (("node", f"[ -n '{version}' ] && echo {version}"), ("npm", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    said = subprocess.run(
        [str(ROOT / "ops/setup/node-version")], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )
    assert (said.returncode == 0) is good


def test_quiet_shows_a_failing_command_and_its_exit_code():
    quiet = str(ROOT / "ops/setup/quiet")
    good = subprocess.run([quiet, "sh", "-c", "echo noise"], capture_output=True, text=True, check=True)
    assert good.stdout + good.stderr == ""
    bad = subprocess.run([quiet, "sh", "-c", "echo why; exit 3"], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stderr) == (3, "why\n")
