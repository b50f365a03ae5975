"""What can go wrong in the uplink beyond a line that is down, which is no error but a state."""

from __future__ import annotations

from typing import ClassVar

from edge_agent.errors import EdgeError, Retry


class UplinkError(EdgeError):
    """The uplink cannot do what was asked."""


class NotConnected(UplinkError):
    """There is no connection to publish on; whatever was to be sent stays in the spool."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "the uplink reconnects by itself; `bellwether agent status` shows why it is not connected"
