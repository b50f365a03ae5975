"""What the uplink is told and what it tells: the broker's address, who is speaking, how it stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from edge_agent.errors import Retry
from protocols.status import Role


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificates for the broker: the authority to trust and, where the broker asks, our own."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to speak to it. The user name is the agent id, always."""

    host: str
    port: int
    password: str | None = None
    tls: Tls | None = None
    keepalive_seconds: int = 20
    connect_timeout_seconds: float = 5.0
    reconnect_most_seconds: float = 120.0

    @property
    def address(self) -> str:
        """Host and port for people."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who is speaking: the agent, this process of it, and what it says of itself at birth."""

    agent: str
    instance: str
    role: Role
    software: str
    host: str

    @property
    def client_id(self) -> str:
        """The MQTT client id: two processes of one agent do not throw each other off the broker."""
        return f"{self.agent}.{self.instance}"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long the uplink waits for what, in seconds."""

    reconnect_first: float = 1.0
    birth_first: float = 4.0
    """Between births while the centre does not answer, growing up to `birth_most`."""
    birth_most: float = 60.0
    heartbeat: float = 30.0
    connect: float = 20.0
    """Longest for TCP, TLS and CONNACK together."""
    subscribe: float = 15.0
    puback: float = 15.0
    """A broker that leaves a message unacknowledged this long is not there any more (half-open line)."""
    receipt: float = 180.0
    """With segments in flight and no receipt this long, a new session asks the centre whether it is there."""
    resend_first: float = 15.0
    resend_most: float = 240.0
    tick: float = 5.0
    """Longest between two looks at the keepalive and the watchdogs."""


class Phase(StrEnum):
    """Where the uplink stands."""

    STOPPED = "stopped"
    WAITING = "waiting"
    """Between two attempts."""
    CONNECTING = "connecting"
    JOINING = "joining"
    """Connected to the broker, waiting for the cloud's welcome."""
    SENDING = "sending"
    REFUSED = "refused"
    """The cloud says another agent with this id is online; asked again at the longest interval."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a connection ended or never came about; `by_broker` when it was closed, not just silent."""

    reason: str
    retry: Retry = Retry.BACKOFF
    by_broker: bool = False
    too_large: bool = False


class UplinkSnapshot(Struct, frozen=True, kw_only=True):
    """How the uplink stands, for people; `since_ms` is the wall time of the last change of phase."""

    phase: Phase
    reason: str
    since_ms: int
    broker: str
    session: int
    credit: int
    in_flight: int
    connects: int
    resends: int
    last_receipt_at_ms: int | None = None
    skew_seconds: float | None = None
