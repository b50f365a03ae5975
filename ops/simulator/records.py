"""The rows of a district folder, one frozen record per CSV file; field names are the CSV's columns, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class School:
    """One row of schools.csv."""

    school: str
    name: str
    name_en: str
    stage: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Classroom:
    """One row of classrooms.csv."""

    classroom: str
    school: str
    name: str
    name_en: str
    seats: int


@dataclass(frozen=True, slots=True)
class Agent:
    """One row of agents.csv."""

    agent: str
    role: str
    school: str
    classroom: str


@dataclass(frozen=True, slots=True)
class Device:
    """One row of devices.csv."""

    device: str
    school: str
    name: str
    kind: str
    vendor: str
    model: str
    address: str
    agent: str
    parent: str


@dataclass(frozen=True, slots=True)
class Link:
    """One row of links.csv."""

    link: str
    school: str
    name: str
    name_en: str
    provider: str
    contracted_bps: int
    school_device: str
    school_port: str
    centre_device: str
    centre_port: str


@dataclass(frozen=True, slots=True)
class Port:
    """One row of ports.csv."""

    device: str
    port: str
    alias: str
    speed_bps: int


@dataclass(frozen=True, slots=True)
class Terminal:
    """One row of terminals.csv."""

    terminal: str
    school: str
    classroom: str
    owner: str
    agent: str
    model: str


@dataclass(slots=True)
class District:
    """Everything that should exist, in district order; one list per CSV file."""

    schools: list[School] = field(default_factory=list)
    classrooms: list[Classroom] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    terminals: list[Terminal] = field(default_factory=list)
