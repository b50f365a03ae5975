"""`bellwether agent discover`: from addresses and credentials to a proposed inventory."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops.cli import output

if TYPE_CHECKING:
    from edge_agent.collectors.targets import DeviceTarget
    from edge_agent.discovery.proposing import Proposal
    from edge_agent.discovery.walking import Found

ROUTES = Path("/proc/net/route")


def starts(addresses: Sequence[str], config: Path | None, community: str | None, udp_port: int) -> list[DeviceTarget]:
    """Return what to ask first: the addresses given, else the config's devices, else this machine's own gateway."""
    from dataclasses import replace

    from edge_agent.collectors.targets import CommunityV2c, DeviceTarget
    from edge_agent.config import load_config
    from edge_agent.config.checks import address_problem
    from edge_agent.config.targets import device_targets

    for address in addresses:
        if (reason := address_problem(address)) is not None:
            output.fail(f"--address: {reason}", code=output.ExitCode.USAGE)
    known = [] if config is None else list(device_targets(load_config(config).config))
    if community is None and not known:
        output.fail(
            "nothing to ask with",
            hint="set BELLWETHER_SNMP_COMMUNITY, or give --config with a [[devices]] table, for SNMP version 3 too",
            code=output.ExitCode.USAGE,
        )
    base = DeviceTarget("", "", CommunityV2c(community), udp_port=udp_port) if community is not None else known[0]
    if not addresses and known:
        return known
    gateway = [] if addresses else default_gateway(ROUTES.read_text("ascii") if ROUTES.exists() else "")
    if not addresses and not gateway:
        output.fail("this machine has no default gateway", hint="name one with --address", code=output.ExitCode.USAGE)
    return [replace(base, device=one, address=one) for one in (*addresses, *gateway)]


def default_gateway(routes: str) -> list[str]:
    """Return the gateway of the default route in the kernel's table of IPv4 routes, if there is one."""
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 2 and fields[1] == "00000000" and fields[2] != "00000000":
            return [socket.inet_ntoa(struct.pack("=L", int(fields[2], 16)))]
    return []


def find(first: Sequence[DeviceTarget], *, depth: int, arp: bool) -> Found:
    """Walk the network, telling on stderr how it goes."""
    from edge_agent.collectors.snmp.drivers import open_driver
    from edge_agent.discovery.walking import walk

    async def run() -> Found:
        driver = open_driver()
        try:
            return await walk(first, driver, depth=depth, arp=arp, told=output.say)
        finally:
            await driver.close()

    return asyncio.run(run())


def write(folder: Path, proposal: Proposal) -> None:
    """Write the files for review; nothing that stands there is overwritten."""
    from edge_agent.discovery.proposing import sheets

    files = sheets(proposal)
    there = [name for name in files if (folder / name).exists()]
    if there:
        output.fail(f"{folder} holds {' and '.join(there)} already", hint="name another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        output.fail(f"{folder} cannot be written: {error.strerror}", hint="name another folder with --out")
    output.say(f"written to {folder}: {', '.join(files)}; review them, then: bellwether inventory import")


def as_json(found: Found, proposal: Proposal) -> dict[str, Any]:
    """Return the proposal and what gave nothing."""
    return {
        "devices": [asdict(one) for one in proposal.devices],
        "ports": [asdict(one) for one in proposal.ports],
        "silent": found.silent,
        "left_out": found.left_out,
    }


def print_found(found: Found, proposal: Proposal) -> None:
    """Print the proposed devices, and on stderr what gave nothing."""
    output.print_table(
        ("device", "kind", "vendor", "address", "parent", "at its port", "answers"),
        [
            (one.device, one.kind, one.vendor or None, one.address or None, one.parent or None, one.parent_port or None,
             "yes" if one.answers else "no")
            for one in proposal.devices
        ],
    )  # fmt: skip
    for address, reason in list(found.silent.items())[:20]:
        output.say(f"{address}: {reason}")
    if len(found.silent) > 20:
        output.say(f"and {len(found.silent) - 20} more addresses that gave nothing")
    if found.left_out:
        output.say(f"{found.left_out} more addresses were not asked; start from others to reach them")
