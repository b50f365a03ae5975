"""Production's files against the code. No container engine is needed, so none is here to run them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cloud import config
from tests.project.tracked import ROOT

DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text(encoding="utf-8"))


def test_compose_mounts_files_that_exist_or_are_issued():
    issued = {"ca.crt", "server.crt", "server.key", "revoked.crl", "bellwether-cloud.crt", "bellwether-cloud.key"}
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./certs/"):
                assert Path(source).name in issued
            elif source.startswith("."):
                assert (DOCKER / source).is_file(), source
            else:
                assert source in COMPOSE["volumes"]


def test_compose_runs_two_ingest_workers_after_the_migrations():
    services = COMPOSE["services"]
    assert services["ingest"]["deploy"]["replicas"] == 2
    for name in ("ingest", "api"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_compose_publishes_only_the_brokers_tls_port_to_the_network():
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:8080:8080", "8883:8883"]


def test_compose_holds_no_password():
    text = (DOCKER / "compose.yml").read_text(encoding="utf-8")
    assert "PASSWORD: ${BELLWETHER_DB_PASSWORD:?" in text
    assert re.search(r"PASSWORD[:=] *(?!\$|%s)[\w]", text) is None


def test_the_clouds_config_in_compose_is_accepted_apart_from_its_certificates(tmp_path):
    text = (DOCKER / "cloud.toml").read_text(encoding="utf-8")
    for name in ("ca.crt", "cloud.crt", "cloud.key"):
        (tmp_path / name).touch()
    dsn = "postgresql://bellwether:x@database/bellwether"
    text = text.replace("/etc/bellwether", str(tmp_path))
    settings = config.parse(text, "docker/cloud.toml", {"BELLWETHER_DSN": dsn})
    assert settings.database.dsn == dsn
    assert settings.broker.port == 8883
    assert settings.api.host == "0.0.0.0"


@pytest.mark.parametrize("name", ["cloud.Dockerfile", "edge.Dockerfile"])
def test_images_copy_what_exists_and_install_by_hash(name):
    text = (DOCKER / name).read_text(encoding="utf-8")
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
    for install in re.findall(r"pip install (.*?)(?:\n(?! )|$)", text, flags=re.DOTALL):
        assert "--require-hashes" in install or "/wheels/" in install
    assert re.search(r"^USER (?!root)\w+$", text, flags=re.MULTILINE)
