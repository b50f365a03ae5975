"""What passes between the parts of a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.collectors.snmp.session import Value
from protocols.events import AttributeValue


class NotTaken(Exception):
    """A message that is not believed or cannot be read; the text is the reason that it is counted under."""


@dataclass(frozen=True, slots=True)
class Trap:
    """A notification as it was sent: its snmpTrapOID, and the other varbinds."""

    oid: str
    varbinds: tuple[tuple[str, Value | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event is to say. `port` is a port of the device by name, None for the device itself.

    `notable` messages are changes of state: they have a gate of their own, so that chatter does not thin them.
    """

    event: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    port: str | None = None
    notable: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one datagram came to: its meaning, None when below the level asked for; and what to send back."""

    meaning: Meaning | None
    reply: bytes | None = None
