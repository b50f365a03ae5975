"""`bellwether topology`: what hangs where, and where the inventory and the network differ."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of

if TYPE_CHECKING:
    from cloud.topology.schemas import Topology


def topology(
    school: Annotated[
        str | None, typer.Option(help="School id; the whole district without.", show_default=False)
    ] = None,
    drift: Annotated[bool, typer.Option("--drift", help="Only where the two differ.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Print the declared tree overlaid with what devices say of their neighbours by LLDP and CDP."""
    from cloud.topology.models import DRIFT

    found = asyncio.run(_ask(database_of(config), school))
    if found is None:
        output.fail(
            f"no school {school!r}", hint="the inventory's ids stand in schools.csv", code=output.ExitCode.USAGE
        )
    edges = [edge for edge in found.edges if not drift or edge.state in DRIFT]
    if json:
        output.print_json(found.model_copy(update={"edges": edges}).model_dump(mode="json"))
        return
    output.print_table(
        ("state", "device", "port", "neighbour", "its port", "declared", "by"),
        [
            (
                edge.state.value,
                edge.device,
                ", ".join(edge.ports) or None,
                edge.neighbour or f"({edge.system_name or edge.chassis or edge.address})",
                ", ".join(edge.neighbour_ports) or None,
                " ".join(filter(None, (edge.declared_parent, edge.declared_port))) or None,
                ", ".join(edge.protocols) or None,
            )
            for edge in edges
        ],
    )
    told = sum(device.read_at is not None for device in found.devices)
    output.say(f"{told} of {len(found.devices)} devices tell their neighbours; {found.drift} edges differ")


async def _ask(dsn: str, school: str | None) -> Topology | None:
    from cloud.db import connect
    from cloud.topology import reading

    async with await connect(dsn, name="topology") as connection, connection.transaction():
        return await reading.topology(connection, school)
