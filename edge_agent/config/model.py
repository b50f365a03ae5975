"""What an agent can be told: one struct per table of its TOML file, with ranges, defaults and examples on the fields.

Built from a file by `load_config`, or in code by tests and the simulator, which name their own secrets with `Secret`.
Values are plain; what they mean for collectors is in `targets.py`, what must hold between them in `checks.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from edge_agent.collectors.snmp.drivers import SnmpLibrary
from edge_agent.collectors.targets import AuthProtocol, PrivProtocol
from edge_agent.config.secret import Secret
from protocols.identity import AGENT_ID_PATTERN
from protocols.samples import Vantage
from protocols.status import Role

MEBIBYTE = 1024 * 1024
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"

AgentName = Annotated[str, Meta(pattern=AGENT_ID_PATTERN, examples=["s07-gw"])]
ThingName = Annotated[str, Meta(pattern=NAME_PATTERN, examples=["s07-sw01"])]
Address = Annotated[str, Meta(min_length=1, max_length=253, examples=["10.7.0.2"])]
Port = Annotated[int, Meta(ge=1, le=65_535, examples=[161])]
Interval = Annotated[float, Meta(ge=1, le=86_400, examples=[60])]
Timeout = Annotated[float, Meta(ge=0.1, le=60, examples=[1.5])]
PortNames = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=96)], ...], Meta(examples=[["GE0/0/1"]])]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of the file."""


class AgentSection(Section, frozen=True, kw_only=True):
    """Who this agent is and where it keeps its data."""

    id: AgentName
    role: Annotated[Role, Meta(examples=["gateway"])]
    data_dir: Annotated[Path, Meta(examples=["/var/lib/bellwether"])]


class UplinkSection(Section, frozen=True, kw_only=True):
    """The broker at the centre. The username is the agent's id; with `tls_cert` the certificate's name is."""

    host: Annotated[Address, Meta(examples=["centre.example"])]
    port: Annotated[Port, Meta(examples=[8883])] = 1883
    password: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/password"}])] = None
    tls_ca: Annotated[Path | None, Meta(examples=["/etc/bellwether/ca.pem"])] = None
    tls_cert: Annotated[Path | None, Meta(examples=["/etc/bellwether/agent.pem"])] = None
    tls_key: Annotated[Path | None, Meta(examples=["/etc/bellwether/agent.key"])] = None
    keepalive_seconds: Annotated[int, Meta(ge=5, le=600, examples=[20])] = 20
    reconnect_max_seconds: Annotated[float, Meta(ge=1, le=3600, examples=[120])] = 120.0


class SpoolSection(Section, frozen=True, kw_only=True):
    """How much the agent may keep while the centre is away, and how often health is sealed into segments."""

    max_bytes: Annotated[int, Meta(ge=4 * MEBIBYTE, le=2**50, examples=[512 * MEBIBYTE])] = 512 * MEBIBYTE
    seal_seconds: Annotated[float, Meta(ge=1, le=300, examples=[5])] = 5.0


class LanSection(Section, frozen=True, kw_only=True):
    """The HTTP API for the school's own network; without this table there is none.

    With a `teacher_code`, class pages and whatever leads a class need it; without, the school's network is trusted.
    """

    listen: Annotated[str, Meta(min_length=1, max_length=300, examples=["0.0.0.0:8740"])]
    token: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/lan-token"}])] = None
    teacher_code: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/teacher-code"}])] = None
    mdns: bool = True


class CentreSection(Section, frozen=True, kw_only=True):
    """The centre's HTTP API, from which desired state comes; without this table the agent asks for none.

    `public_key` is the centre's Ed25519 key, with which every document is verified.
    """

    url: Annotated[str, Meta(min_length=1, max_length=500, examples=["https://centre.example:8443"])]
    token: Annotated[Secret, Meta(examples=[{"file": "/etc/bellwether/centre-token"}])]
    public_key: Annotated[
        str, Meta(min_length=1, max_length=100, examples=["A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="])
    ]


class ContentSection(Section, frozen=True, kw_only=True):
    """Content for classes and attachments of pupils. `parent` is the gateway that a classroom agent fetches from.

    The caps are in bits per second, of what is fetched and brought over the line; without one there is none.
    """

    max_bytes: Annotated[int, Meta(ge=MEBIBYTE, le=2**50, examples=[20 * 1024 * MEBIBYTE])] = 20 * 1024 * MEBIBYTE
    floor_bytes: Annotated[int, Meta(ge=0, le=2**50, examples=[1024 * MEBIBYTE])] = 1024 * MEBIBYTE
    partial_days: Annotated[int, Meta(ge=1, le=365, examples=[7])] = 7
    parent: (
        Annotated[str, Meta(pattern=r"^https?://\S+$", max_length=300, examples=["http://10.7.0.2:8740"])] | None
    ) = None
    parent_token: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/lan-token"}])] = None
    lesson_bps: Annotated[int, Meta(ge=64_000, le=10**13, examples=[50_000_000])] | None = None
    day_bps: Annotated[int, Meta(ge=64_000, le=10**13, examples=[200_000_000])] | None = None
    night_bps: Annotated[int, Meta(ge=64_000, le=10**13, examples=[900_000_000])] | None = None
    night: Annotated[
        str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$", examples=["22:00-06:00"])
    ] = "22:00-06:00"


class HostSection(Section, frozen=True, kw_only=True):
    """The machine that the agent runs on."""

    interval_seconds: Interval = 30.0


class SnmpSection(Section, frozen=True, kw_only=True):
    """How devices are polled: `auto` takes gufo-snmp where it is installed, else pysnmp."""

    library: Annotated[SnmpLibrary, Meta(examples=["pysnmp"])] = SnmpLibrary.AUTO


class TrapsSection(Section, frozen=True, kw_only=True):
    """SNMP notifications from devices; without this table none are received.

    Each device is believed with the credentials that it is polled with; those here are taken from any address as well.
    """

    listen: Annotated[str, Meta(min_length=1, max_length=300, examples=["0.0.0.0:1162"])] = "0.0.0.0:1162"
    per_minute: Annotated[int, Meta(ge=1, le=6000, examples=[30])] = 30
    community: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/trap-community"}])] = None
    user: Annotated[str | None, Meta(examples=["traps"])] = None
    auth_protocol: Annotated[AuthProtocol | None, Meta(examples=["sha256"])] = None
    auth_key: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/trap-auth"}])] = None
    priv_protocol: Annotated[PrivProtocol | None, Meta(examples=["aes128"])] = None
    priv_key: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/trap-priv"}])] = None


class SyslogSection(Section, frozen=True, kw_only=True):
    """Syslog from devices; without this table none is received. What is less severe than `severity` is only counted."""

    listen: Annotated[str, Meta(min_length=1, max_length=300, examples=["0.0.0.0:1514"])] = "0.0.0.0:1514"
    tcp: bool = False
    per_minute: Annotated[int, Meta(ge=1, le=6000, examples=[30])] = 30
    severity: Annotated[
        Literal["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"],
        Meta(examples=["warning"]),
    ] = "warning"


class DeviceSection(Section, frozen=True, kw_only=True):
    """A device polled by SNMP: v2c with a `community`, v3 with a `user` and keys."""

    id: ThingName
    address: Address
    udp_port: Port = 161
    version: Annotated[Literal["2c", "3"], Meta(examples=["2c"])] = "2c"
    community: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/community"}])] = None
    user: Annotated[str | None, Meta(examples=["bellwether"])] = None
    auth_protocol: Annotated[AuthProtocol | None, Meta(examples=["sha256"])] = None
    auth_key: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/snmp-auth"}])] = None
    priv_protocol: Annotated[PrivProtocol | None, Meta(examples=["aes128"])] = None
    priv_key: Annotated[Secret | None, Meta(examples=[{"file": "/etc/bellwether/snmp-priv"}])] = None
    ports: PortNames | None = None
    interval_seconds: Interval = 60.0
    timeout_seconds: Timeout = 1.5
    retries: Annotated[int, Meta(ge=0, le=5, examples=[1])] = 1
    neighbours: bool = True


class LinkSection(Section, frozen=True, kw_only=True):
    """A link seen from this end: by the counters of `port` on `device`, by pinging `probe_address`, or both."""

    id: ThingName
    vantage: Annotated[Vantage, Meta(examples=["school"])]
    device: Annotated[str | None, Meta(examples=["s07-rt1"])] = None
    port: Annotated[str | None, Meta(examples=["GigabitEthernet0/0/1"])] = None
    probe_address: Annotated[str, Meta(min_length=1, max_length=253, examples=["10.0.0.1"])] | None = None
    speed_bps: Annotated[int, Meta(ge=1, le=10**13, examples=[1_000_000_000])] | None = None
    interval_seconds: Annotated[float, Meta(ge=1, le=86_400, examples=[10])] = 10.0
    ping_count: Annotated[int, Meta(ge=1, le=100, examples=[10])] = 10
    ping_interval_seconds: Annotated[float, Meta(ge=0.01, le=10, examples=[0.1])] = 0.1
    ping_timeout_seconds: Timeout = 1.0


class ProbeSection(Section, frozen=True, kw_only=True, tag_field="kind"):
    """What every active check has; its thing key is `agent/name`."""

    name: Annotated[str, Meta(pattern=NAME_PATTERN, examples=["portal"])]
    interval_seconds: Interval = 60.0


class IcmpProbe(ProbeSection, frozen=True, kw_only=True, tag="icmp"):
    """Loss, delay and jitter to an address."""

    address: Address
    count: Annotated[int, Meta(ge=1, le=100, examples=[10])] = 10
    ping_interval_seconds: Annotated[float, Meta(ge=0.01, le=10, examples=[0.1])] = 0.1
    timeout_seconds: Timeout = 1.0


class TcpProbe(ProbeSection, frozen=True, kw_only=True, tag="tcp"):
    """Whether a port takes connections."""

    address: Address
    port: Annotated[int, Meta(ge=1, le=65_535, examples=[443])]
    timeout_seconds: Timeout = 3.0


class DnsProbe(ProbeSection, frozen=True, kw_only=True, tag="dns"):
    """Whether a server answers a question, and rightly when `expected` says how."""

    server: Address
    question: Annotated[str, Meta(min_length=1, max_length=253, examples=["portal.example"])]
    record_type: Annotated[
        Literal["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"], Meta(examples=["A"])
    ] = "A"
    port: Annotated[int, Meta(ge=1, le=65_535, examples=[53])] = 53
    expected: Annotated[tuple[str, ...], Meta(examples=[["10.0.0.80"]])] = ()
    timeout_seconds: Timeout = 3.0


class HttpProbe(ProbeSection, frozen=True, kw_only=True, tag="http"):
    """One GET. Redirects are not followed; `expected_status` empty means 200 to 299."""

    url: Annotated[str, Meta(min_length=1, max_length=2000, examples=["https://portal.example/healthz"])]
    expected_status: Annotated[
        tuple[Annotated[int, Meta(ge=100, le=599, examples=[200])], ...], Meta(examples=[[200, 204]])
    ] = ()
    verify_tls: bool = True
    ca_file: Annotated[Path | None, Meta(examples=["/etc/bellwether/ca.pem"])] = None
    timeout_seconds: Timeout = 5.0


AnyProbe = IcmpProbe | TcpProbe | DnsProbe | HttpProbe


class TerminalsSection(Section, frozen=True, kw_only=True):
    """When a terminal counts as present, and how many an agent will remember.

    `classroom` is the room of those that do not say which; a classroom agent's own id if left out.
    """

    checkin_seconds: Annotated[float, Meta(ge=5, le=3600, examples=[30])] = 30.0
    missed_checkins: Annotated[int, Meta(ge=1, le=100, examples=[3])] = 3
    grace_seconds: Annotated[float, Meta(ge=0, le=600, examples=[5])] = 5.0
    sample_seconds: Annotated[float, Meta(ge=10, le=86_400, examples=[300])] = 300.0
    summary_seconds: Annotated[float, Meta(ge=10, le=3600, examples=[60])] = 60.0
    max_terminals: Annotated[int, Meta(ge=1, le=100_000, examples=[2000])] = 2000
    classroom: Annotated[str, Meta(pattern=NAME_PATTERN, examples=["s07-c03"])] | None = None


class AgentConfig(Section, frozen=True, kw_only=True):
    """One agent's whole config."""

    agent: AgentSection
    uplink: UplinkSection
    spool: SpoolSection = SpoolSection()
    lan: LanSection | None = None
    centre: CentreSection | None = None
    content: ContentSection = ContentSection()
    host: HostSection = HostSection()
    terminals: TerminalsSection = TerminalsSection()
    snmp: SnmpSection = SnmpSection()
    traps: TrapsSection | None = None
    syslog: SyslogSection | None = None
    devices: tuple[DeviceSection, ...] = ()
    links: tuple[LinkSection, ...] = ()
    probes: tuple[AnyProbe, ...] = ()
