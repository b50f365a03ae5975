"""Topics: what is written can be read, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.identity import AGENT_ID_PATTERN, is_agent_id
from protocols.topics import (
    DownChannel,
    Lane,
    SegmentTopic,
    down_topic,
    parse_segment_topic,
    parse_status_topic,
    segment_topic,
    status_topic,
)

AGENTS = st.from_regex(AGENT_ID_PATTERN, fullmatch=True)


@given(AGENTS, st.sampled_from(Lane))
def test_a_segment_topic_is_read_back(agent: str, lane: Lane) -> None:
    assert parse_segment_topic(segment_topic(agent, lane)) == SegmentTopic(agent, lane)


@given(AGENTS)
def test_a_status_topic_is_read_back(agent: str) -> None:
    assert parse_status_topic(status_topic(agent)) == agent


@pytest.mark.parametrize(
    "topic",
    ["", "bw/1/s01-gw/up", "bw/2/s01-gw/up/live", "bw/1/S01/up/live", "bw/1/s01-gw/up/live/x", "bw/1/s01-gw/up/fast"],
)
def test_other_topics_are_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        parse_segment_topic(topic)
    with pytest.raises(ValueError, match="topic"):
        parse_status_topic(topic)


@pytest.mark.parametrize("agent", ["", "-a", "a/b", "a+", "a#", "A", "a" * 64, "a\n"])
def test_ids_that_would_break_a_topic_are_no_agent_ids(agent: str) -> None:
    assert not is_agent_id(agent)


def test_the_downlink_has_a_topic_for_each_channel() -> None:
    assert down_topic("s01-gw", DownChannel.RECEIPT) == "bw/1/s01-gw/down/receipt"
