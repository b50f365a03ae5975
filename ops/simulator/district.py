"""A whole school district made up from a seed: the inventory that a real district would import.

The counts are those of DESIGN.md and exact whatever the seed: 43 schools with one link each, 654 classrooms, 698
agents, 25,634 student and 3,635 teacher terminals. The seed moves sizes and places between the schools. Names are
numbers, so that no real school is meant; addresses are private (RFC 1918). The records are in `ops.simulator.records`;
writing the CSV folder is `ops.simulator.district_folder`.

School `s01` is small on purpose: its agents run as processes of their own against recorded devices, so its devices
carry the port names of those recordings (Huawei S5720, Ruijie S5750, H3C E528 of the package snmpsim-data).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated

from msgspec import Meta, Struct

from ops.simulator.numerals import chinese_numeral
from ops.simulator.records import Agent, Classroom, Device, District, Link, Port, School, Terminal

DEFAULT_SEED = 43
SCHOOLS = 43
CLASSROOMS = 654
AGENTS = SCHOOLS + CLASSROOMS + 1
STUDENT_TERMINALS = 25_634
TEACHER_TERMINALS = 3_635
TERMINALS = STUDENT_TERMINALS + TEACHER_TERMINALS

REAL_SCHOOL = "s01"
REAL_SCHOOL_CLASSROOMS = 6
CORE_AGENT = "core"
CORE_DEVICE = "dc-core1"
CONTRACTED_BPS = 1_000_000_000
ROOM_STUDENT_TERMINALS = 34
"""Student terminals kept in a classroom; what a school has more of is carried about and checks in at the gateway."""

GIGABIT_BPS = 1_000_000_000
TEN_GIGABIT_BPS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of schooling: its number of schools, their size beside a primary school, and their name."""

    stage: str
    schools: int
    size: float
    name: str
    name_en: str


STAGES = (
    Stage("primary", 24, 1.0, "小学", "Primary School"),
    Stage("junior", 12, 1.2, "初级中学", "Junior High School"),
    Stage("senior", 7, 1.5, "高级中学", "Senior High School"),
)


@dataclass(frozen=True, slots=True)
class Hardware:
    """One vendor's equipment with its way of naming ports; `{}` is the port's number."""

    vendor: str
    router: str
    switch: str
    ap: str
    router_port: str
    switch_port: str
    uplink_port: str


HARDWARE = (
    Hardware(
        "Huawei", "AR6140", "S5735", "AirEngine5762",
        "GigabitEthernet0/0/{}", "GigabitEthernet0/0/{}", "XGigabitEthernet0/0/{}",
    ),
    Hardware(
        "H3C", "MSR3610", "S5130", "WA6320",
        "GigabitEthernet0/{}", "GigabitEthernet1/0/{}", "Ten-GigabitEthernet1/0/{}",
    ),
    Hardware(
        "Ruijie", "RSR30", "S5750", "AP820",
        "GigabitEthernet 0/{}", "GigabitEthernet 0/{}", "TenGigabitEthernet 0/{}",
    ),
)  # fmt: skip
PROVIDERS = ("运营商甲", "运营商乙", "运营商丙")
TERMINAL_MODELS = ("tablet-10", "tablet-11", "tablet-11-pro")


def generate(seed: int = DEFAULT_SEED) -> District:
    """Return the district of a seed; the same seed gives the same district on every machine."""
    random = Random(seed)
    district = District(agents=[Agent(CORE_AGENT, "core", "", "")])
    _add_centre(district)
    stages = [stage for stage in STAGES for _ in range(stage.schools)]
    rooms = _classroom_counts(stages, random)
    students = apportion(STUDENT_TERMINALS, [count * random.uniform(0.92, 1.08) for count in rooms])
    teachers = apportion(TEACHER_TERMINALS, [count * random.uniform(0.9, 1.1) for count in rooms])
    ordinals: dict[str, int] = {}
    for number, stage in enumerate(stages, start=1):
        ordinal = ordinals[stage.stage] = ordinals.get(stage.stage, 0) + 1
        school = School(
            school=f"s{number:02d}",
            name=f"第{chinese_numeral(ordinal)}{stage.name}",
            name_en=f"No. {ordinal} {stage.name_en}",
            stage=stage.stage,
            latitude=round(30.0 + random.uniform(-0.15, 0.15), 5),
            longitude=round(110.0 + random.uniform(-0.2, 0.2), 5),
        )
        district.schools.append(school)
        district.agents.append(Agent(f"{school.school}-gw", "gateway", school.school, ""))
        _add_classrooms(district, school, rooms[number - 1], random)
        _add_network(district, school, number, rooms[number - 1], random)
        _add_terminals(district, school, rooms[number - 1], students[number - 1], teachers[number - 1], random)
    return district


class Growth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """More switches and access points for one school, as many in all."""

    school: str
    switches: Annotated[int, Meta(ge=0, le=60)] = 0
    access_points: Annotated[int, Meta(ge=0, le=60)] = 0


def grown_devices(growth: Growth) -> dict[str, str]:
    """Return every switch and access point that a school has once it is grown, with what it hangs on."""
    key = growth.school
    first = f"{key}-sw01"
    found = {f"{key}-sw{number:02d}": first if number > 1 else f"{key}-rt1" for number in range(1, growth.switches + 1)}
    for number in range(1, growth.access_points + 1):
        found[f"{key}-ap{number:02d}"] = f"{key}-sw{1 + number % max(1, growth.switches):02d}"
    return found


def grow(district: District, growths: Sequence[Growth]) -> District:
    """Return the district with what is missing of such growth; what it has already stays as it is."""
    devices, ports = list(district.devices), list(district.ports)
    known = {device.device: device for device in devices}
    for growth in growths:
        router = known[f"{growth.school}-rt1"]
        network = router.address.rsplit(".", 2)[0]
        for number, (name, parent) in enumerate(grown_devices(growth).items(), start=1):
            if name in known:
                continue
            kind = "switch" if "-sw" in name else "ap"
            address = f"{network}.3.{number}"
            devices.append(
                Device(name, growth.school, name, kind, router.vendor, "grown", address, router.agent, parent)
            )
            ports.append(Port(name, "GigabitEthernet0/0/0", "uplink", GIGABIT_BPS))
    return replace(district, devices=devices, ports=ports)


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Share `total` by weight so that the shares are whole and add up exactly (largest remainder)."""
    exact = [total * weight / math.fsum(weights) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def _classroom_counts(stages: list[Stage], random: Random) -> list[int]:
    minimum = REAL_SCHOOL_CLASSROOMS
    others = stages[1:]
    spare = CLASSROOMS - minimum * len(stages)
    shares = apportion(spare, [stage.size * random.uniform(0.5, 1.5) for stage in others])
    return [minimum, *(minimum + share for share in shares)]


def _add_classrooms(district: District, school: School, rooms: int, random: Random) -> None:
    for number in range(1, rooms + 1):
        key = f"{school.school}-c{number:02d}"
        district.classrooms.append(
            Classroom(
                key, school.school, f"{number}号智慧教室", f"Smart classroom {number}", random.choice((40, 45, 48, 50))
            )
        )
        district.agents.append(Agent(key, "classroom", school.school, key))


def _add_centre(district: District) -> None:
    district.devices.append(
        Device(CORE_DEVICE, "", "区中心核心交换机", "core", "Huawei", "S12704", "10.0.0.1", CORE_AGENT, "")
    )


def _add_network(district: District, school: School, number: int, rooms: int, random: Random) -> None:
    if school.school == REAL_SCHOOL:
        wan_port = _add_recorded_devices(district, school)
    else:
        wan_port = _add_devices(district, school, number, rooms, random)
    centre_port = f"GigabitEthernet1/0/{number}"
    district.links.append(
        Link(
            link=f"{school.school}-wan",
            school=school.school,
            name=f"{school.name}专线",
            name_en=f"{school.name_en} link",
            provider=PROVIDERS[number % len(PROVIDERS)],
            contracted_bps=CONTRACTED_BPS,
            school_device=f"{school.school}-rt1",
            school_port=wan_port,
            centre_device=CORE_DEVICE,
            centre_port=centre_port,
        )
    )
    district.ports.append(Port(CORE_DEVICE, centre_port, f"to {school.school}", GIGABIT_BPS))


def _add_devices(district: District, school: School, number: int, rooms: int, random: Random) -> str:
    """Add router, 2 to 6 switches and access points with their ports; return the router's port towards the centre."""
    hardware = HARDWARE[random.randrange(len(HARDWARE))]
    key, agent = school.school, f"{school.school}-gw"
    router = f"{key}-rt1"
    district.devices.append(
        Device(
            router,
            key,
            "出口路由器",
            "router",
            hardware.vendor,
            hardware.router,
            f"10.{number}.0.1",
            agent,
            CORE_DEVICE,
        )
    )
    router_ports = [hardware.router_port.format(port) for port in range(4)]
    for name, alias in zip(router_ports, ("WAN", "LAN", "", ""), strict=True):
        district.ports.append(Port(router, name, alias, GIGABIT_BPS))
    switches = max(2, min(6, math.ceil(rooms / 6)))
    for index in range(1, switches + 1):
        switch = f"{key}-sw{index:02d}"
        parent = router if index == 1 else f"{key}-sw01"
        model = f"{hardware.switch}-{24 if index > 1 else 48}"
        district.devices.append(
            Device(
                switch,
                key,
                f"{index}号交换机",
                "switch",
                hardware.vendor,
                model,
                f"10.{number}.0.{10 + index}",
                agent,
                parent,
            )
        )
        access = 48 if index == 1 else 24
        for port in range(1, access + 1):
            district.ports.append(Port(switch, hardware.switch_port.format(port), "", GIGABIT_BPS))
        for port in range(1, 5):
            alias = "uplink" if port == 1 else ""
            district.ports.append(Port(switch, hardware.uplink_port.format(port), alias, TEN_GIGABIT_BPS))
    for index in range(1, math.ceil(rooms / 4) + 1):
        ap, parent = f"{key}-ap{index:02d}", f"{key}-sw{1 + index % switches:02d}"
        district.devices.append(
            Device(
                ap,
                key,
                f"{index}号无线接入点",
                "ap",
                hardware.vendor,
                hardware.ap,
                f"10.{number}.1.{index}",
                agent,
                parent,
            )
        )
        district.ports.append(Port(ap, "GigabitEthernet0/0/0", "", GIGABIT_BPS))
    return router_ports[0]


def _add_recorded_devices(district: District, school: School) -> str:
    """Add the devices of the real school as recorded: their ports are the recordings' ifName, word for word."""
    key, agent = school.school, f"{school.school}-gw"
    router, first, second = f"{key}-rt1", f"{key}-sw01", f"{key}-sw02"
    district.devices += [
        Device(router, key, "出口三层交换机", "router", "Huawei", "S5720-36C-EI", "10.1.0.1", agent, CORE_DEVICE),
        Device(first, key, "1号交换机", "switch", "Ruijie", "S5750-24GT12SFP", "10.1.0.11", agent, router),
        Device(second, key, "2号交换机", "switch", "H3C", "E528", "10.1.0.12", agent, first),
        Device(f"{key}-srv1", key, "校园服务器", "other", "net-snmp", "snmpd", "10.1.0.20", agent, first),
    ]
    for port in range(1, 29):
        district.ports.append(Port(router, f"GigabitEthernet0/0/{port}", "WAN" if port == 1 else "", GIGABIT_BPS))
    for port in range(1, 5):
        district.ports.append(Port(router, f"XGigabitEthernet0/0/{port}", "", TEN_GIGABIT_BPS))
    district.ports.append(Port(router, "MEth0/0/1", "", GIGABIT_BPS))
    for port in range(1, 25):
        district.ports.append(Port(first, f"Gi0/{port}", "", GIGABIT_BPS))
    for port in range(1, 29):
        district.ports.append(Port(second, f"GigabitEthernet1/0/{port}", "", GIGABIT_BPS))
    return "GigabitEthernet0/0/1"


def _add_terminals(
    district: District, school: School, rooms: int, students: int, teachers: int, random: Random
) -> None:
    """Add one teacher's and up to 34 students' terminals per room; the rest of the school's are carried about."""
    key = school.school
    in_rooms = min(students, rooms * ROOM_STUDENT_TERMINALS)
    room_students = apportion(in_rooms, [1.0] * rooms)
    for number in range(1, rooms + 1):
        room = f"{key}-c{number:02d}"
        for index in range(room_students[number - 1] + 1):
            owner = "teacher" if index == 0 else "student"
            model = random.choice(TERMINAL_MODELS)
            district.terminals.append(Terminal(f"{room}-t{index + 1:02d}", key, room, owner, room, model))
    owners = ["teacher"] * (teachers - rooms) + ["student"] * (students - in_rooms)
    for index, owner in enumerate(owners, start=1):
        district.terminals.append(
            Terminal(f"{key}-t{index:04d}", key, "", owner, f"{key}-gw", random.choice(TERMINAL_MODELS))
        )
