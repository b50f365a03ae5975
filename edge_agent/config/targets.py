"""From tables of the config to what collectors measure; no value is checked again here."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.collectors.targets import (
    CommunityV2c,
    Credentials,
    DeviceTarget,
    DnsTarget,
    HostTarget,
    HttpTarget,
    IcmpTarget,
    LinkTarget,
    ProbeTarget,
    TcpTarget,
    UserV3,
)
from edge_agent.config.model import (
    AgentConfig,
    AnyProbe,
    DeviceSection,
    DnsProbe,
    HttpProbe,
    IcmpProbe,
    LinkSection,
    TrapsSection,
)
from edge_agent.config.secret import Secret


def device_targets(config: AgentConfig) -> tuple[DeviceTarget, ...]:
    """Return the devices to poll."""
    return tuple(_device(device) for device in config.devices)


def link_targets(config: AgentConfig) -> tuple[LinkTarget, ...]:
    """Return the links to watch, each with the device that its counters come from."""
    devices = {device.id: _device(device) for device in config.devices}
    return tuple(_link(link, devices) for link in config.links)


def probe_targets(config: AgentConfig) -> tuple[tuple[ProbeTarget, float], ...]:
    """Return the active checks, each with its interval in seconds."""
    return tuple((_probe(config.agent.id, probe), probe.interval_seconds) for probe in config.probes)


def trap_credentials(config: AgentConfig) -> tuple[Credentials, ...]:
    """Return what `[traps]` has of its own, to be taken from any address."""
    traps = config.traps
    found: list[Credentials] = []
    if traps is not None and traps.community is not None:
        found.append(CommunityV2c(_word(traps.community)))
    if traps is not None and traps.user is not None:
        found.append(_user(traps))
    return tuple(found)


def host_target(config: AgentConfig) -> HostTarget:
    """Return the machine itself, with the disk that the agent's data is on."""
    return HostTarget(agent=config.agent.id, path=str(config.agent.data_dir))


def _device(device: DeviceSection) -> DeviceTarget:
    return DeviceTarget(
        device=device.id,
        address=device.address,
        credentials=_credentials(device),
        udp_port=device.udp_port,
        ports=device.ports,
        interval_seconds=device.interval_seconds,
        timeout_seconds=device.timeout_seconds,
        retries=device.retries,
        neighbours=device.neighbours,
    )


def _credentials(device: DeviceSection) -> Credentials:
    if device.version == "2c":
        return CommunityV2c(_word(device.community))
    return _user(device)


def _user(section: DeviceSection | TrapsSection) -> UserV3:
    return UserV3(
        user=section.user or "",
        auth_protocol=section.auth_protocol,
        auth_key=_word(section.auth_key),
        priv_protocol=section.priv_protocol,
        priv_key=_word(section.priv_key),
    )


def _word(secret: Secret | None) -> str:
    return "" if secret is None else secret.reveal()


def _link(link: LinkSection, devices: dict[str, DeviceTarget]) -> LinkTarget:
    device = None if link.device is None else replace(devices[link.device], interval_seconds=link.interval_seconds)
    return LinkTarget(
        link=link.id,
        vantage=link.vantage,
        device=device,
        port=link.port,
        probe_address=link.probe_address,
        speed_bps=link.speed_bps,
        interval_seconds=link.interval_seconds,
        ping_count=link.ping_count,
        ping_interval_seconds=link.ping_interval_seconds,
        ping_timeout_seconds=link.ping_timeout_seconds,
    )


def _probe(agent: str, probe: AnyProbe) -> ProbeTarget:
    name = f"{agent}/{probe.name}"
    if isinstance(probe, IcmpProbe):
        return IcmpTarget(
            name=name,
            address=probe.address,
            count=probe.count,
            interval_seconds=probe.ping_interval_seconds,
            timeout_seconds=probe.timeout_seconds,
        )
    if isinstance(probe, DnsProbe):
        return DnsTarget(
            name=name,
            server=probe.server,
            question=probe.question,
            record_type=probe.record_type,
            port=probe.port,
            expected=probe.expected,
            timeout_seconds=probe.timeout_seconds,
        )
    if isinstance(probe, HttpProbe):
        return HttpTarget(
            name=name,
            url=probe.url,
            expected_status=probe.expected_status,
            verify_tls=probe.verify_tls,
            ca_file=None if probe.ca_file is None else str(probe.ca_file),
            timeout_seconds=probe.timeout_seconds,
        )
    return TcpTarget(name=name, address=probe.address, port=probe.port, timeout_seconds=probe.timeout_seconds)
