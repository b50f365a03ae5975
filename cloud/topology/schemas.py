"""The topology as the API shows it."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.status.models import StatusWord
from cloud.topology.models import EdgeState


class TopologyDevice(Document):
    """One declared device."""

    device: str = Field(examples=["s07-sw01"])
    """Device id."""
    school: str | None = Field(examples=["s07"])
    """Id of its school; null at the centre."""
    name: str = Field(examples=["一楼交换机"])
    """Its name."""
    kind: str = Field(examples=["switch"])
    """`router`, `switch`, `ap`, `core` or `other`."""
    parent: str | None = Field(examples=["s07-rt1"])
    """Device that it hangs on by the inventory; null at the top."""
    parent_port: str | None = Field(examples=["GigabitEthernet0/0/3"])
    """Port of the parent that it hangs on by the inventory; null where none is declared."""
    status: StatusWord | None
    """Its status; null when nobody has judged it."""
    protocols: str = Field(examples=["lldp,cdp"])
    """What it was heard to speak, separated by commas; empty when neither, or when it was never read."""
    read_at: Moment | None
    """When its neighbours were told last; null when never."""
    endpoints: int = Field(examples=[14])
    """Stations and telephones among its neighbours, which are counted and never named."""


class TopologyEdge(Document):
    """Two devices that hang together, or should."""

    state: EdgeState
    """What is to be said of it; `other_port`, `moved`, `missing` and `undeclared` are drift."""
    device: str = Field(examples=["s07-rt1"])
    """The upper device: the parent, or the one at which something was seen."""
    ports: list[str] = Field(examples=[["GigabitEthernet0/0/3"]])
    """Its ports at which the other was seen; empty when it was not."""
    neighbour: str | None = Field(examples=["s07-sw01"])
    """The lower device; null for what the inventory does not know."""
    neighbour_ports: list[str] = Field(examples=[["GigabitEthernet0/0/24"]])
    """The other's ports, by its own words; empty when it was not seen."""
    declared_parent: str | None = Field(examples=["s07-rt1"])
    """Device that it should hang on; null when nothing is declared."""
    declared_port: str | None = Field(examples=["GigabitEthernet0/0/3"])
    """Port of that device; null when none is declared."""
    protocols: list[str] = Field(examples=[["lldp"]])
    """By which protocols it was seen."""
    seen_by: list[str] = Field(examples=[["s07-rt1", "s07-sw01"]])
    """Devices that told it."""
    system_name: str = Field(examples=["SW-1F"])
    """What the neighbour calls itself; empty when it does not say."""
    chassis: str = Field(examples=["38:91:d5:fb:74:2c"])
    """Its chassis, mostly a hardware address; empty likewise."""
    address: str = Field(examples=["10.7.0.2"])
    """Its management address; empty likewise."""
    platform: str = Field(examples=["H3C Comware Platform Software"])
    """What it says it is; empty likewise."""
    capabilities: str = Field(examples=["bridge,router"])
    """What it says it does, separated by commas; empty likewise."""
    since: Moment | None
    """Since when it is seen; null when it is not."""
    told_at: Moment | None
    """When it was told last; null likewise."""


class Topology(Document):
    """Devices, and what hangs where: declared, seen, and where the two differ."""

    school: str | None = Field(examples=["s07"])
    """School asked for; null for the whole district."""
    devices: list[TopologyDevice]
    """Declared devices, in the inventory's order."""
    edges: list[TopologyEdge]
    """Declared edges in the same order, then what is seen beyond them."""
    counts: dict[str, int] = Field(examples=[{"confirmed": 22, "missing": 1}])
    """Edges by state."""
    drift: int = Field(examples=[2])
    """Edges where inventory and network differ."""
