"""What can be measured: one frozen value per target, made from the config by the agent and handed to a collector.

Keys (`device`, `link`, `name`) are natural keys of the inventory. Secrets never show in a repr. No validation of the
config here: `edge_agent/config.py` reports all problems at once, these values are already right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from protocols.samples import Vantage


class AuthProtocol(StrEnum):
    """USM authentication (RFC 3414, RFC 7860)."""

    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class PrivProtocol(StrEnum):
    """USM privacy. `aes256` is the key extension most vendors use (Reeder), `aes256-blumenthal` is the draft's."""

    AES128 = "aes128"
    AES256 = "aes256"
    AES256_BLUMENTHAL = "aes256-blumenthal"


@dataclass(frozen=True, slots=True)
class CommunityV2c:
    """SNMPv2c: a password in clear text."""

    community: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserV3:
    """SNMPv3 USM user: noAuthNoPriv without keys, authNoPriv with one, authPriv with both."""

    user: str
    auth_protocol: AuthProtocol | None = None
    auth_key: str = field(default="", repr=False)
    priv_protocol: PrivProtocol | None = None
    priv_key: str = field(default="", repr=False)


Credentials = CommunityV2c | UserV3


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """A device polled by SNMP: itself and its ports.

    `ports` names the ports wanted by ifName; None takes every physical one, an empty tuple none. `neighbours` says
    whether it is also asked, hourly, for what LLDP and CDP tell it.
    `interval_seconds` is how often the agent means to poll: two polls closer than half of it count as one.
    """

    device: str
    address: str
    credentials: Credentials
    udp_port: int = 161
    ports: tuple[str, ...] | None = None
    interval_seconds: float = 60.0
    timeout_seconds: float = 1.5
    retries: int = 1
    neighbours: bool = True


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """A link from one end: counters of `port` on `device`, loss and delay to `probe_address`; either may be absent.

    `speed_bps` is the operator's word for the port's speed and outranks the device's ifHighSpeed.
    """

    link: str
    vantage: Vantage
    device: DeviceTarget | None = None
    port: str | None = None
    probe_address: str | None = None
    speed_bps: int | None = None
    interval_seconds: float = 10.0
    ping_count: int = 10
    ping_interval_seconds: float = 0.1
    ping_timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class IcmpTarget:
    """Loss, delay and jitter to an address; `name` is the probe's thing key (`agent/name`)."""

    name: str
    address: str
    count: int = 10
    interval_seconds: float = 0.1
    timeout_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class TcpTarget:
    """Whether a TCP port takes connections, and how fast."""

    name: str
    address: str
    port: int
    timeout_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class DnsTarget:
    """Whether a server answers one question; `expected` (any of them) may name the right answers."""

    name: str
    server: str
    question: str
    record_type: str = "A"
    port: int = 53
    expected: tuple[str, ...] = ()
    timeout_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """One GET, phase by phase, redirects not followed. `expected_status` empty means 200 to 299."""

    name: str
    url: str
    expected_status: tuple[int, ...] = ()
    verify_tls: bool = True
    ca_file: str | None = None
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class HostTarget:
    """The machine that the agent runs on; `path` is on the disk whose room matters (the agent's data)."""

    agent: str
    path: str


Target = DeviceTarget | LinkTarget | IcmpTarget | TcpTarget | DnsTarget | HttpTarget | HostTarget
ProbeTarget = IcmpTarget | TcpTarget | DnsTarget | HttpTarget
