"""The receivers that a config asks for. pysnmp is only loaded for traps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_agent.clock import Clock
from edge_agent.collectors.reading import Reading
from edge_agent.collectors.targets import DeviceTarget
from edge_agent.config import AgentConfig
from edge_agent.config.checks import listen_address
from edge_agent.config.targets import device_targets, trap_credentials
from edge_agent.receivers.log_messages import FACILITIES, SEVERITIES, read_log_message
from edge_agent.receivers.receiver import Post, Read, Receiver
from edge_agent.receivers.sources import Sources
from edge_agent.receivers.trap_meanings import meaning_of
from edge_agent.receivers.values import Meaning, Outcome

if TYPE_CHECKING:
    from edge_agent.receivers.trap_messages import TrapReader

PortOf = Callable[[str, int], str | None]
"""From a device and an ifIndex to the port's name."""


def make_receivers(
    config: AgentConfig, clock: Clock, deliver: Callable[[Reading], None], port_of: PortOf
) -> tuple[Receiver, ...]:
    """Return the receivers of an agent; nothing is opened yet."""
    made = []
    devices = device_targets(config)
    if config.traps is not None:
        from edge_agent.receivers.trap_messages import TrapReader

        host, port = listen_address(config.traps.listen)
        post = Post("traps", "trap", host, port, config.traps.per_minute)
        read = trap_read(TrapReader(trap_credentials(config)), port_of)
        made.append(Receiver(post, config.agent.id, read, Sources(devices), clock, deliver))
    if config.syslog is not None:
        host, port = listen_address(config.syslog.listen)
        post = Post("syslog", "log", host, port, config.syslog.per_minute, tcp=config.syslog.tcp)
        read = log_read(SEVERITIES.index(config.syslog.severity))
        made.append(Receiver(post, config.agent.id, read, Sources(devices), clock, deliver))
    return tuple(made)


def trap_read(reader: TrapReader, port_of: PortOf) -> Read:
    """Return what reads a datagram as a notification."""

    def read(data: bytes, device: DeviceTarget | None) -> Outcome:
        trap, reply = reader.read(data, device)
        if trap is None:
            return Outcome(None, reply)

        def port_name(if_index: int) -> str | None:
            return None if device is None else port_of(device.device, if_index)

        return Outcome(meaning_of(trap, port_name), reply)

    return read


def log_read(worst_untold: int) -> Read:
    """Return what reads a datagram as syslog; severities numbered above `worst_untold` are below the level."""

    def read(data: bytes, _device: DeviceTarget | None) -> Outcome:
        said = read_log_message(data)
        if said.severity > worst_untold:
            return Outcome(None)
        return Outcome(
            Meaning(
                "log.received",
                {
                    "severity": SEVERITIES[said.severity],
                    "facility": FACILITIES[said.facility],
                    "host": said.host or None,
                    "program": said.program or None,
                    "message": said.message,
                },
                notable=said.severity <= SEVERITIES.index("error"),
            )
        )

    return read
