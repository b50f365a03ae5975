"""The district's own authority: what `docker/certificates` must never do to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.fixtures.requirements import require_program
from tests.project.tracked import ROOT


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A fresh authority."""
    require_program("openssl")
    folder = tmp_path / "certs"
    assert _certificates(folder, "init", "broker.example").returncode == 0
    return folder


def _certificates(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / "docker" / "certificates"), str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def _revoked(folder: Path) -> int:
    return sum(line.startswith("R\t") for line in (folder / "index.txt").read_text().splitlines())


@pytest.mark.parametrize("name", ["ca", "server", "-batch", "..", "s07/gw"])
def test_no_agent_may_be_named_like_a_file_of_the_authority(authority, name):
    before = {file.name: file.read_bytes() for file in authority.iterdir() if file.is_file()}
    refused = _certificates(authority, "issue", name)
    assert refused.returncode == 2
    assert f"not a host name or agent id: {name}" in refused.stderr
    assert {file.name: file.read_bytes() for file in authority.iterdir() if file.is_file()} == before


def test_a_second_certificate_waits_until_the_first_is_revoked(authority):
    """Else the stolen machine's certificate, whose file the second would overwrite, could not be revoked any more."""
    assert _certificates(authority, "issue", "s07-gw").returncode == 0
    stolen = (authority / "s07-gw.crt").read_bytes()
    refused = _certificates(authority, "issue", "s07-gw")
    assert refused.returncode == 1
    assert "s07-gw has a certificate; revoke it first" in refused.stderr
    assert (authority / "s07-gw.crt").read_bytes() == stolen
    assert _certificates(authority, "revoke", "s07-gw").returncode == 0
    assert _revoked(authority) == 1
    assert _certificates(authority, "issue", "s07-gw").returncode == 0
    assert (authority / "s07-gw.crt").read_bytes() != stolen


def test_what_was_never_issued_cannot_be_revoked(authority):
    refused = _certificates(authority, "revoke", "s08-gw")
    assert refused.returncode == 1
    assert "s08-gw has no certificate" in refused.stderr
    assert _revoked(authority) == 0
