"""Scenarios: what goes wrong when, and what the centre must make of it, as TOML files that say it in words too.

A scenario is a list of steps in order of time, counted from the moment the district's agents begin to start. It is
checked against the district before anything runs, every problem at once. `ops.simulator.stage` carries steps out for
real, `ops.simulator.virtual` in virtual time; what is expected is `ops.simulator.expectations`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from ops.simulator.district import REAL_SCHOOL, Growth, grown_devices
from ops.simulator.expectations import Expectations
from ops.simulator.school_day import SchoolClock

FOLDER = Path(__file__).parent / "scenarios"
EVERY_LINK = "all"
REAL_CLOCK = "real"


class ScenarioInvalid(Exception):
    """A scenario that cannot be run; one line per problem."""

    exit_code = 2

    def __init__(self, source: str, problems: list[str]) -> None:
        super().__init__(f"scenario {source}:\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.problems = problems
        self.hint = "`bellwether sim scenarios` lists the scenarios that come with Bellwether; they are good examples"


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="action"):
    """What all steps have: when, how often, and what to tell the people who watch."""

    at_seconds: Annotated[float, Meta(ge=0, le=86_400)]
    times: Annotated[int, Meta(ge=1, le=1_000)] = 1
    every_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    """Between one time and the next."""
    say: Annotated[str, Meta(min_length=1, max_length=500)]
    say_zh: Annotated[str, Meta(min_length=1, max_length=500)]


class LinkStep(Step, frozen=True, kw_only=True):
    """A step that concerns links, by key, or all of them."""

    links: Annotated[list[str], Meta(min_length=1)] | Literal["all"]

    def chosen(self, every: Collection[str]) -> list[str]:
        """Return the keys meant."""
        return list(every) if self.links == EVERY_LINK else [link for link in every if link in self.links]


class Cut(LinkStep, frozen=True, kw_only=True, tag="cut"):
    """The line is gone and both ends see it: no light, connections reset."""


class BlackHole(LinkStep, frozen=True, kw_only=True, tag="black-hole"):
    """The line looks well but nothing passes."""


class Degrade(LinkStep, frozen=True, kw_only=True, tag="degrade"):
    """The line loses a share of the packets and slows down."""

    loss_ratio: Annotated[float, Meta(gt=0, le=0.9)]


class Heal(LinkStep, frozen=True, kw_only=True, tag="heal"):
    """The line is well again."""


class AgentStep(Step, frozen=True, kw_only=True):
    """A step that concerns agents with a process of their own (those of the real school)."""

    agents: Annotated[list[str], Meta(min_length=1)]


class KillAgent(AgentStep, frozen=True, kw_only=True, tag="kill-agent"):
    """SIGKILL, as a power cut does."""


class StartAgent(AgentStep, frozen=True, kw_only=True, tag="start-agent"):
    """Start an agent that was killed."""


class PowerOffGateway(Step, frozen=True, kw_only=True, tag="power-off-gateway"):
    """Gateways lose their power: the line has light, and nothing of the school reaches the centre."""

    gateways: Annotated[list[str], Meta(min_length=1)]


class PowerOnGateway(Step, frozen=True, kw_only=True, tag="power-on-gateway"):
    """The gateways have power again."""

    gateways: Annotated[list[str], Meta(min_length=1)]


class SwitchOffDevice(Step, frozen=True, kw_only=True, tag="switch-off-device"):
    """Switches, routers or access points die, and with them the way to everything that hangs on them."""

    devices: Annotated[list[str], Meta(min_length=1)]


class SwitchOnDevice(Step, frozen=True, kw_only=True, tag="switch-on-device"):
    """The devices answer again."""

    devices: Annotated[list[str], Meta(min_length=1)]


class KillService(Step, frozen=True, kw_only=True, tag="kill-service"):
    """SIGKILL to a part of the centre; the demo starts it again as a supervisor would."""

    service: Literal["broker", "cloud", "database"]


AnyStep = (
    Cut
    | BlackHole
    | Degrade
    | Heal
    | KillAgent
    | StartAgent
    | PowerOffGateway
    | PowerOnGateway
    | SwitchOffDevice
    | SwitchOnDevice
    | KillService
)


DayName = Literal["school", "exam", "make-up-saturday", "holiday"]
"""What the calendar says of the day. A make-up Saturday (调休) has the lessons of a weekday; for real, days cannot be
chosen: there every day is a school day, as on such a Saturday."""


class Scenario(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One story. `school_clock` is `real`, or the time of day at school when it begins, such as `09:14`."""

    summary: Annotated[str, Meta(min_length=1, max_length=300)]
    summary_zh: Annotated[str, Meta(min_length=1, max_length=300)]
    school_clock: Annotated[str, Meta(pattern=r"^(real|([01]\d|2[0-3]):[0-5]\d)$")] = REAL_CLOCK
    day: DayName = "school"
    grow: list[Growth] = []
    """Schools that have more devices in this story than in the district that everybody knows."""
    steps: list[AnyStep] = []
    expect: Expectations | None = None

    def clock_at(self, real_seconds: float) -> SchoolClock:
        """Return the clock at school of a run that begins at that moment (Unix)."""
        return SchoolClock() if self.school_clock == REAL_CLOCK else SchoolClock.placed(self.school_clock, real_seconds)

    def taken(self) -> list[tuple[float, AnyStep]]:
        """Return every taking of every step with its second, in order of time."""
        every = [
            (step.at_seconds + number * step.every_seconds, step) for step in self.steps for number in range(step.times)
        ]
        return sorted(every, key=lambda one: one[0])

    @property
    def ends_at_seconds(self) -> float:
        """When the last step has been taken."""
        return max((at for at, _ in self.taken()), default=0.0)


def names() -> list[str]:
    """Return the names of the scenarios that come with Bellwether."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def proofs() -> list[str]:
    """Return the names of those that say what is expected."""
    return [name for name in names() if read(name).expect is not None]


def read(name: str) -> Scenario:
    """Read a scenario by name, or by path when it ends in `.toml`, unchecked against any district.

    Raises:
        ScenarioInvalid: no such scenario, or not one.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        text = path.read_bytes()
    except OSError as error:
        known = ", ".join(names())
        raise ScenarioInvalid(name, [f"cannot be read ({error.strerror}); known: {known}"]) from error
    return parse(text, name)


def load(name: str, links: Collection[str], agents: Collection[str], devices: Collection[str] = ()) -> Scenario:
    """Read a scenario by name, or by path when it ends in `.toml`, and check it against the district.

    Raises:
        ScenarioInvalid: no such scenario, not TOML, or steps that cannot be taken.
    """
    scenario = read(name)
    if problems := check(scenario, links, agents, devices):
        raise ScenarioInvalid(name, problems)
    return scenario


def parse(text: bytes, source: str) -> Scenario:
    """Return the scenario written in `text`.

    Raises:
        ScenarioInvalid: not TOML, unknown keys or actions, values out of range.
    """
    try:
        return msgspec.toml.decode(text, type=Scenario)
    except msgspec.DecodeError as error:
        raise ScenarioInvalid(source, [str(error)]) from error


def check(
    scenario: Scenario, links: Collection[str], agents: Collection[str], devices: Collection[str] = ()
) -> list[str]:
    """Return every reason why the scenario cannot be played in this district."""
    problems: list[str] = []
    known = {*devices, *(device for growth in scenario.grow for device in grown_devices(growth))}
    latest = 0.0
    for number, step in enumerate(scenario.steps, start=1):
        where = f"step {number} ({step.at_seconds:g} s)"
        if step.at_seconds < latest:
            problems.append(f"{where}: comes before the step above it ({latest:g} s)")
        latest = max(latest, step.at_seconds)
        if isinstance(step, LinkStep) and step.links != EVERY_LINK:
            problems += [f"{where}: no such link: {link!r}" for link in step.links if link not in links]
        if isinstance(step, AgentStep):
            for agent in step.agents:
                if agent not in agents:
                    problems.append(f"{where}: no such agent: {agent!r}")
                elif not agent.startswith(f"{REAL_SCHOOL}-"):
                    problems.append(
                        f"{where}: {agent!r} runs inside the simulator; "
                        f"only agents of {REAL_SCHOOL} have a process that can be killed"
                    )
        if isinstance(step, PowerOffGateway | PowerOnGateway):
            gateways = {agent for agent in agents if agent.endswith("-gw")}
            problems += [f"{where}: no such gateway: {one!r}" for one in step.gateways if one not in gateways]
        if isinstance(step, SwitchOffDevice | SwitchOnDevice):
            for device in step.devices:
                if device not in known:
                    problems.append(f"{where}: no such device: {device!r}")
                elif device.startswith(f"{REAL_SCHOOL}-"):
                    problems.append(f"{where}: {device!r} is a recording; only simulated devices can be switched off")
    return problems
