"""MQTT 5 topics. `bw/1` is the wire version; the second level up to the lane is enforced by the broker's ACL.

========================================  =========  ====================================================
topic                                     from       carries
========================================  =========  ====================================================
`bw/1/{agent}/up/{lane}`                  agent      one `Segment`, QoS 1
`bw/1/{agent}/status`                     agent      `Status`, QoS 1, retained: birth, heartbeat and will
`bw/1/{agent}/down/receipt`               cloud      `Receipt` or `Welcome`, QoS 1
`bw/1/{agent}/down/command`               cloud      reserved
`bw/1/{agent}/down/config`                cloud      `Nudge`, QoS 1: other documents changed
`bw/1/{agent}/down/content`               cloud      `Nudge`, QoS 1: the content changed
========================================  =========  ====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocols.identity import is_agent_id

PREFIX = "bw/1"
SEGMENTS_FILTER = f"{PREFIX}/+/up/+"
STATUS_FILTER = f"{PREFIX}/+/status"


class Lane(StrEnum):
    """Lanes of sending, most urgent first; weighted so that none starves."""

    EVENTS = "events"
    RECORDS = "records"
    LIVE = "live"
    BACKLOG = "backlog"


class DownChannel(StrEnum):
    """Channels from the cloud to one agent."""

    RECEIPT = "receipt"
    COMMAND = "command"
    CONFIG = "config"
    CONTENT = "content"


@dataclass(frozen=True, slots=True)
class SegmentTopic:
    """A parsed `bw/1/{agent}/up/{lane}`."""

    agent: str
    lane: Lane


def segment_topic(agent: str, lane: Lane) -> str:
    """Return the topic on which an agent publishes segments of a lane."""
    return f"{PREFIX}/{agent}/up/{lane.value}"


def status_topic(agent: str) -> str:
    """Return the topic of an agent's retained birth, heartbeat and will."""
    return f"{PREFIX}/{agent}/status"


def down_topic(agent: str, channel: DownChannel) -> str:
    """Return the topic on which the cloud speaks to one agent."""
    return f"{PREFIX}/{agent}/down/{channel.value}"


def parse_segment_topic(topic: str) -> SegmentTopic:
    """Return the agent and lane of an uplink topic.

    Raises:
        ValueError: the topic is not an uplink topic of this wire version.
    """
    levels = topic.split("/")
    if len(levels) != 5 or "/".join(levels[:2]) != PREFIX or levels[3] != "up" or not is_agent_id(levels[2]):
        raise ValueError(f"not an uplink topic: {topic!r}")
    try:
        return SegmentTopic(levels[2], Lane(levels[4]))
    except ValueError as error:
        raise ValueError(f"unknown lane in topic {topic!r}") from error


def parse_status_topic(topic: str) -> str:
    """Return the agent of a status topic.

    Raises:
        ValueError: the topic is not a status topic of this wire version.
    """
    levels = topic.split("/")
    if len(levels) != 4 or "/".join(levels[:2]) != PREFIX or levels[3] != "status" or not is_agent_id(levels[2]):
        raise ValueError(f"not a status topic: {topic!r}")
    return levels[2]
