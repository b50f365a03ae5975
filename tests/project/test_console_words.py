"""The console has words, in both languages, for every code that the edge and the cloud write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloud.ingest.models import RefusalReason
from cloud.status import rules
from edge_agent.collectors.snmp.counters import RefusalReason as CounterRefusal
from edge_agent.collectors.snmp.counters import ResetReason
from protocols.codec import DecodeReason
from protocols.events import EVENT_TYPES

MESSAGES = Path(__file__).parents[2] / "cloud" / "console" / "src" / "messages"
LANGUAGES = ("zh-CN", "en")


def _keys(language: str, section: str) -> set[str]:
    text = (MESSAGES / f"{language}.ts").read_text(encoding="utf-8")
    found = re.search(rf"^  {section}: \{{\n(.*?)^  \}}", text, re.DOTALL | re.MULTILINE)
    assert found is not None, f"{language}.ts has no {section}"
    return {key.strip("'") for key in re.findall(r"^    ('[^']+'|\w+):", found[1], re.MULTILINE)}


def _status_reasons() -> set[str]:
    source = Path(rules.__file__).read_text(encoding="utf-8")
    written = set(re.findall(r'StatusWord\.\w+, "(\w+)"|return "(\w+)"|else "(\w+)"|reason = "(\w+)"', source))
    ends = {f"{vantage}_{what}" for vantage in ("centre", "school") for what in ("port_down", "probe_dead")}
    return {word for words in written for word in words if word} | ends


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_type_is_said_as_a_sentence(language: str) -> None:
    assert _keys(language, "events") == set(EVENT_TYPES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_quarantine_has_words(language: str) -> None:
    assert _keys(language, "reasons") == {*DecodeReason, *RefusalReason}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_status_has_words(language: str) -> None:
    assert _status_reasons() <= _keys(language, "statusReasons")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_counter_has_words(language: str) -> None:
    assert {*ResetReason, *CounterRefusal} <= _keys(language, "edgeReasons")
