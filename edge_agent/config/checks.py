"""What types cannot say of a config: names that exist, targets that can be reached, credentials that fit.

Pure: values in, problems out. Whether an address answers is for the collectors to find out; whether it can at all is
said here.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from edge_agent.config.model import (
    AgentConfig,
    CentreSection,
    ContentSection,
    DeviceSection,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    LanSection,
    LinkSection,
    SyslogSection,
    TcpProbe,
    TrapsSection,
    UplinkSection,
)
from edge_agent.config.problems import Problem
from edge_agent.config.strict import Checks
from protocols.status import Role

HOST_LABEL = re.compile(r"^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$")
MIN_KEY_CHARACTERS = 8  # RFC 3414 §11.2: shorter passwords must be refused
MIN_TEACHER_CODE = 6
"""Five guesses a minute from each of fifty tablets find a shorter one within a lesson or two."""
MAX_PORT = 65_535
KEY_BYTES = 32  # RFC 8032 §5.1.5
LONGEST_PROBE_SHARE = 0.9
LONGEST_LINK_INTERVAL_SECONDS = 20.0
"""A third of what the centre takes for fresh (`cloud.status.rules.FRESH`, 60 seconds)."""


def between_tables(tables: dict[str, Any]) -> Iterator[Problem]:
    """Say what cannot work between tables, from the raw tables: they may have other problems that come up as well."""
    devices, links, probes = (_rows(tables, name) for name in ("devices", "links", "probes"))
    yield from _duplicates("devices", "id", [row.get("id") for row in devices])
    yield from _duplicates("links", "id", [(row.get("id"), row.get("vantage")) for row in links])
    yield from _duplicates("probes", "name", [row.get("name") for row in probes])
    known = [row["id"] for row in devices if isinstance(row.get("id"), str)]
    for number, row in enumerate(links, start=1):
        device = row.get("device")
        if isinstance(device, str) and device not in known:
            said = ", ".join(dict.fromkeys(known)) or "none"
            yield Problem(f"links[{number}].device", f'no [[devices]] table has the id "{device}"; known: {said}')
    agent = tables.get("agent")
    if isinstance(agent, dict) and agent.get("role") == Role.CORE.value and "lan" in tables:
        yield Problem("lan", "a core agent has no school's network to serve; leave this table out")


def warnings(config: AgentConfig) -> list[str]:
    """Return what works but should not stay so."""
    said = []
    for number, device in enumerate(config.devices, 1):
        key = f"devices[{number}]"
        if device.auth_protocol is not None and device.auth_protocol.value == "sha1":
            said.append(f"{key}.auth_protocol: sha1 is weak; use sha256 or better where the device can")
        if device.version == "3" and device.priv_protocol is None:
            said.append(f"{key}.priv_protocol: without it, everything this device says can be read on the wire")
    for number, link in enumerate(config.links, 1):
        if link.interval_seconds > LONGEST_LINK_INTERVAL_SECONDS:
            said.append(
                f"links[{number}].interval_seconds: above {LONGEST_LINK_INTERVAL_SECONDS:g}, a missed reading or two"
                " make the link unknown to the centre, which believes no evidence older than 60 seconds"
            )
    if config.lan is not None and config.lan.token is None:
        said.append("lan.token: without it, every machine on the school's network may check terminals in")
    if config.centre is not None and not config.centre.url.startswith("https:"):
        said.append("centre.url: without https, token and rosters can be read on the way to the centre")
    if config.lan is not None and config.lan.teacher_code is None:
        said.append(
            "lan.teacher_code: without it, "
            + (
                "every machine on the school's network may start questions and lock classes"
                if config.lan.token is None
                else "teachers need the LAN token to open a class, and every terminal that holds it may lock one"
            )
        )
    if config.uplink.tls_ca is None:
        said.append("uplink.tls_ca: without it, the way to the centre is neither encrypted nor verified")
    return said


def address_problem(text: str) -> str | None:
    """Return why nothing can be reached under this address or host name, or None."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        if re.fullmatch(r"[\d.]+", text):
            return f'"{text}" is not an IPv4 address'
        if "://" in text:
            return f'"{text}" is a URL, a bare address or host name is wanted'
        if len(text) > 253 or not all(HOST_LABEL.match(label) for label in text.rstrip(".").split(".")):
            return f'"{text}" is neither an IP address nor a host name'
        return None
    if address.is_unspecified:
        return f"{text} stands for every address of a machine and is no target"
    if address.is_multicast:
        return f"{text} is a multicast address and is no target"
    if text == "255.255.255.255":
        return f"{text} is the broadcast address and is no target"
    return None


def listen_address(text: str) -> tuple[str, int]:
    """Return host and port of `address:port` (IPv6 in brackets); port 0 takes any free one, for tests.

    Raises:
        ValueError: it is not one; the text says why.
    """
    host, colon, port_text = text.rpartition(":")
    if not colon or not port_text.isdecimal():
        raise ValueError(f'"{text}" is not of the form address:port')
    if (port := int(port_text)) > MAX_PORT:
        raise ValueError(f"port {port} is not between 1 and {MAX_PORT}")
    bare = host.removeprefix("[").removesuffix("]")
    if bare != "localhost":
        try:
            ipaddress.ip_address(bare)
        except ValueError as error:
            raise ValueError(f'"{host}" is not an address of this machine') from error
    return bare, port


def _uplink(uplink: UplinkSection, _key: str) -> Iterator[Problem]:
    yield from _address("uplink.host", uplink.host, 'host = "centre.example"')
    if (uplink.tls_cert is None) != (uplink.tls_key is None):
        missing = "tls_key" if uplink.tls_key is None else "tls_cert"
        yield Problem(
            f"uplink.{missing}",
            "is missing; a certificate needs its key and a key its certificate",
            f'{missing} = "/etc/bellwether/agent.{"key" if missing == "tls_key" else "pem"}"',
        )
    if uplink.tls_cert is not None and uplink.tls_ca is None:
        yield Problem(
            "uplink.tls_ca", "is missing; a certificate is only shown over TLS", 'tls_ca = "/etc/bellwether/ca.pem"'
        )
    for name in ("tls_ca", "tls_cert", "tls_key"):
        path = getattr(uplink, name)
        if path is not None and not path.is_file():
            yield Problem(f"uplink.{name}", f"the file {path} is not there")


def _lan(lan: LanSection, _key: str) -> Iterator[Problem]:
    yield from _listen("lan.listen", lan.listen, 'listen = "0.0.0.0:8740"')
    if lan.teacher_code is not None and len(lan.teacher_code.reveal()) < MIN_TEACHER_CODE:
        yield Problem(
            "lan.teacher_code",
            f"has fewer than {MIN_TEACHER_CODE} characters; a pupil could guess it",
            'teacher_code = { file = "/etc/bellwether/teacher-code" }',
        )


def _listen(key: str, listen: str, example: str) -> Iterator[Problem]:
    try:
        _, port = listen_address(listen)
    except ValueError as error:
        yield Problem(key, str(error), example)
    else:
        if not port:
            yield Problem(key, f"port 0 is not between 1 and {MAX_PORT}", example)


def _traps(traps: TrapsSection, key: str) -> Iterator[Problem]:
    yield from _listen(f"{key}.listen", traps.listen, 'listen = "0.0.0.0:1162"')
    if traps.user is None:
        for name in ("auth_protocol", "auth_key", "priv_protocol", "priv_key"):
            if getattr(traps, name) is not None:
                yield Problem(f"{key}.{name}", "is for nothing without a user", 'user = "traps"')
    else:
        yield from _levels(traps, key)


def _syslog(syslog: SyslogSection, key: str) -> Iterator[Problem]:
    yield from _listen(f"{key}.listen", syslog.listen, 'listen = "0.0.0.0:1514"')


def _centre(centre: CentreSection, _key: str) -> Iterator[Problem]:
    yield from _url("centre.url", centre.url, 'url = "https://centre.example:8443"')
    if "?" in centre.url or "#" in centre.url:
        yield Problem("centre.url", "has a query or fragment; the paths of the API are added to it")
    try:
        public_key(centre.public_key)
    except ValueError as error:
        yield Problem(
            "centre.public_key",
            f"is not the base64 of a 32 byte Ed25519 key ({error})",
            'public_key = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="',
        )


def _content(content: ContentSection, _key: str) -> Iterator[Problem]:
    if content.parent is not None:
        yield from _url("content.parent", content.parent, 'parent = "http://10.7.0.2:8740"')
    if content.parent is None and content.parent_token is not None:
        yield Problem("content.parent_token", "is for nothing without a parent", 'parent = "http://10.7.0.2:8740"')
    begins, _, ends = content.night.partition("-")
    if begins == ends:
        yield Problem("content.night", f"begins when it ends, at {begins}", 'night = "22:00-06:00"')


def public_key(text: str) -> bytes:
    """Return the raw Ed25519 key that a base64 text says.

    Raises:
        ValueError: it says none.
    """
    raw = b64decode(text, validate=True)
    if len(raw) != KEY_BYTES:
        raise ValueError(f"{len(raw)} bytes, an Ed25519 key has {KEY_BYTES}")
    return raw


def _device(device: DeviceSection, key: str) -> Iterator[Problem]:
    yield from _address(f"{key}.address", device.address, 'address = "10.7.0.2"')
    longest = device.timeout_seconds * (device.retries + 1)
    if longest > device.interval_seconds:
        yield Problem(
            f"{key}.interval_seconds",
            f"one unanswered request takes {longest:g} seconds ({device.retries + 1} tries of "
            f"{device.timeout_seconds:g}), longer than the interval of {device.interval_seconds:g}",
            "interval_seconds = 60",
        )
    v3_only = ("user", "auth_protocol", "auth_key", "priv_protocol", "priv_key")
    if device.version == "2c":
        if device.community is None:
            yield Problem(
                f"{key}.community",
                "is missing, version 2c needs it",
                'community = { file = "/etc/bellwether/community" }',
            )
        for name in v3_only:
            if getattr(device, name) is not None:
                yield Problem(f"{key}.{name}", "belongs to SNMP version 3, this device has version 2c", 'version = "3"')
        return
    if device.community is not None:
        yield Problem(f"{key}.community", "belongs to SNMP version 2c, this device has version 3", 'version = "2c"')
    if not device.user:
        yield Problem(f"{key}.user", "is missing, version 3 needs it", 'user = "bellwether"')
    yield from _levels(device, key)


def _levels(device: DeviceSection | TrapsSection, key: str) -> Iterator[Problem]:
    if device.priv_protocol is not None and device.auth_protocol is None:
        yield Problem(
            f"{key}.auth_protocol", "is missing; there is no privacy without authentication", 'auth_protocol = "sha256"'
        )
    for kind in ("auth", "priv"):
        protocol, secret = getattr(device, f"{kind}_protocol"), getattr(device, f"{kind}_key")
        if protocol is not None and secret is None:
            yield Problem(
                f"{key}.{kind}_key",
                f"is missing, {kind}_protocol needs it",
                f'{kind}_key = {{ file = "/etc/bellwether/snmp-{kind}" }}',
            )
        if protocol is None and secret is not None:
            yield Problem(
                f"{key}.{kind}_protocol",
                f"is missing, {kind}_key is for nothing without it",
                f'{kind}_protocol = "{"sha256" if kind == "auth" else "aes128"}"',
            )
        if secret is not None and len(secret.reveal()) < MIN_KEY_CHARACTERS:
            yield Problem(f"{key}.{kind}_key", f"has fewer than {MIN_KEY_CHARACTERS} characters; SNMP refuses it")


def _link(link: LinkSection, key: str) -> Iterator[Problem]:
    if link.device is None and link.probe_address is None:
        yield Problem(
            key,
            "has neither device and port nor probe_address: nothing would be measured",
            'probe_address = "10.0.0.1"',
        )
    if (link.device is None) != (link.port is None):
        missing = "port" if link.port is None else "device"
        yield Problem(
            f"{key}.{missing}",
            "is missing; device and port go together",
            'port = "GigabitEthernet0/0/1"' if missing == "port" else 'device = "s07-rt1"',
        )
    if link.probe_address is not None:
        yield from _address(f"{key}.probe_address", link.probe_address, 'probe_address = "10.0.0.1"')
        yield from _ping_time(
            f"{key}.interval_seconds",
            link.ping_count,
            link.ping_interval_seconds,
            link.ping_timeout_seconds,
            link.interval_seconds,
        )


def _icmp(probe: IcmpProbe, key: str) -> Iterator[Problem]:
    yield from _address(f"{key}.address", probe.address, 'address = "10.0.0.1"')
    yield from _ping_time(
        f"{key}.interval_seconds",
        probe.count,
        probe.ping_interval_seconds,
        probe.timeout_seconds,
        probe.interval_seconds,
    )


def _tcp(probe: TcpProbe, key: str) -> Iterator[Problem]:
    yield from _address(f"{key}.address", probe.address, 'address = "10.0.0.80"')


def _dns(probe: DnsProbe, key: str) -> Iterator[Problem]:
    yield from _address(f"{key}.server", probe.server, 'server = "10.0.0.53"')


def _http(probe: HttpProbe, key: str) -> Iterator[Problem]:
    yield from _url(f"{key}.url", probe.url, 'url = "https://portal.example/healthz"')
    if probe.ca_file is not None and not probe.ca_file.is_file():
        yield Problem(f"{key}.ca_file", f"the file {probe.ca_file} is not there")


def _url(key: str, url: str, example: str) -> Iterator[Problem]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        yield Problem(key, f'"{url}" has no port between 1 and 65535', example)
        return
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        yield Problem(key, f'"{url}" is not an http or https URL', example)
    elif port == 0:
        yield Problem(key, "port 0 is not between 1 and 65535", example)
    elif parts.username or parts.password:
        yield Problem(key, "holds a user name or password, which would show in logs", example)
    else:
        yield from _address(key, parts.hostname, example)


def _address(key: str, text: str, example: str) -> Iterator[Problem]:
    if (reason := address_problem(text)) is not None:
        yield Problem(key, reason, example)


def _ping_time(key: str, count: int, spacing: float, timeout: float, interval: float) -> Iterator[Problem]:
    longest = (count - 1) * spacing + timeout
    if longest > interval * LONGEST_PROBE_SHARE:
        yield Problem(
            key,
            f"{count} requests {spacing:g} s apart with a timeout of {timeout:g} s take {longest:g} "
            f"seconds, too long for an interval of {interval:g}",
        )


def _rows(tables: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = tables.get(name)
    return [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else []


def _duplicates(table: str, field: str, names: Iterable[Any]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, name in enumerate(names, start=1):
        if name is None or (known := first.setdefault(repr(name), number)) == number:
            continue
        shown = name[0] if isinstance(name, tuple) else name
        yield Problem(f"{table}[{number}].{field}", f"{shown} is already the {field} of {table}[{known}]")


WITHIN_TABLES: Checks = {
    UplinkSection: _uplink,
    LanSection: _lan,
    TrapsSection: _traps,
    SyslogSection: _syslog,
    CentreSection: _centre,
    ContentSection: _content,
    DeviceSection: _device,
    LinkSection: _link,
    IcmpProbe: _icmp,
    TcpProbe: _tcp,
    DnsProbe: _dns,
    HttpProbe: _http,
}
"""What must hold inside one table."""
