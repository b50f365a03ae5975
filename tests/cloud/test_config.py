"""The centre's configuration: the documented example is the default, and every problem is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.config import Settings, effective, load, parse
from cloud.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "cloud.toml"


def test_the_example_holds_every_key_with_its_default() -> None:
    assert load(EXAMPLE, {}) == Settings() == parse("", "empty", {})
    text = EXAMPLE.read_text()
    for section, content in effective(Settings()).items():
        assert f"[{section}]" in text
        for key in content:
            assert f"\n{key} = " in text, key


def test_every_problem_is_told_at_once_with_an_example() -> None:
    text = '[broker]\nport = "1883"\nhots = "x"\n[ingest]\nbatch_rows = 0\n[brokers]\n[influx]\nenabled = 1\n'
    with pytest.raises(ConfigError) as refused:
        parse(text, "cloud.toml", {"BELLWETHER_PORT": "eighty"})
    assert refused.value.problems == [
        (
            "[brokers]: unknown section; known are"
            " database, broker, api, ingest, retention, content, records, influx, district, lessons, notifications"
        ),
        "BELLWETHER_PORT: 'eighty' is not a number; example: 8080",
        "broker.hots: unknown key; known are host, port, username, password, tls_ca, tls_cert, tls_key",
        "broker.port: must be a whole number, not '1883'; example: port = 1883",
        "ingest.batch_rows: must lie between 1 and 200000; example: batch_rows = 20000",
        "influx.enabled: must be true or false, not 1; example: enabled = true",
    ]


@pytest.mark.parametrize("name", ["Asia/Shangri-La", "Asia", "", "/etc/localtime"])
def test_a_time_zone_that_does_not_exist_is_told(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f'[district]\ntime_zone = "{name}"\n', "cloud.toml", {})
    assert refused.value.problems == [
        f'district.time_zone: {name!r} is not a time zone that this machine knows; example: time_zone = "Asia/Shanghai"'
    ]


def test_what_contradicts_is_told() -> None:
    with pytest.raises(ConfigError, match=r"influx\.token: needed when the mirror is enabled"):
        parse("[influx]\nenabled = true\n", "cloud.toml", {})
    with pytest.raises(ConfigError, match=r"rollup_5m_days: must not be shorter"):
        parse("[retention]\nsamples_days = 90\nrollup_5m_days = 30\n", "cloud.toml", {})


def test_what_contradicts_comes_with_the_rest_unless_it_rests_on_what_is_wrong() -> None:
    text = "[retention]\nsamples_days = 90\nrollup_5m_days = 30\n[influx]\nenabled = true\ntoken = 5\n"
    with pytest.raises(ConfigError) as refused:
        parse(text, "cloud.toml", {})
    assert refused.value.problems == [
        'influx.token: must be a text, not 5; example: token = "secret"',
        "retention.rollup_5m_days: must not be shorter than samples_days",
    ]


@pytest.mark.parametrize("dsn", ["garbage=1", "just words", "postgresql://host:port/x?y"])
def test_a_dsn_that_postgres_cannot_read_is_told(dsn: str) -> None:
    with pytest.raises(ConfigError, match=r"database\.dsn: must be a PostgreSQL URL or a list of keyword=value \("):
        parse("", "defaults", {"BELLWETHER_DSN": dsn})


@pytest.mark.parametrize("port", ["eighty", "²", "-1", "8080 "])
def test_a_port_in_the_environment_that_is_no_number_is_told(port: str) -> None:
    with pytest.raises(ConfigError, match=rf"BELLWETHER_PORT: '{port}' is not a number; example: 8080"):
        parse("", "defaults", {"BELLWETHER_PORT": port})


def test_broken_toml_and_missing_files_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse("[broker", "cloud.toml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {})


def test_the_environment_overrides_the_file_and_secrets_are_masked() -> None:
    settings = parse('[broker]\nhost = "a"\n', "x", {"BELLWETHER_BROKER_HOST": "b", "BELLWETHER_BROKER_PASSWORD": "s3"})
    assert settings.broker.host == "b"
    assert settings.broker.password == "s3"
    shown = effective(settings)
    assert shown["broker"]["password"] == "********"
    assert "s3" not in str(shown)
