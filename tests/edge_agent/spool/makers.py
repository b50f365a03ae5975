"""Makers of clocks, items and stores for the spool's tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from edge_agent.spool.file import SpoolFile
from edge_agent.spool.store import Store
from edge_agent.spool.thinning import Thinning
from edge_agent.spool.values import SpoolLimits
from protocols.blocks import unpack
from protocols.codec import decode_segment
from protocols.events import Event
from protocols.samples import HostSample, Kind

AGENT = "s07-gw"
PLENTY_BYTES = 10**12


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.boot = "boot-1"
        self.wall = 1_700_000_000_000
        self.monotonic = 1_000_000

    def wall_ms(self) -> int:
        return self.wall

    def monotonic_ms(self) -> int:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * 1000)
        self.monotonic += int(seconds * 1000)

    def reboot(self) -> None:
        self.boot = f"boot-{int(self.boot.removeprefix('boot-')) + 1}"
        self.monotonic = 10_000


@dataclass
class Disk:
    """The free disk as the spool is told it is."""

    free_bytes: int = PLENTY_BYTES

    def __call__(self, _folder: Path) -> int:
        return self.free_bytes


def tokens(seed: int) -> Callable[[int], str]:
    """Return random ids that are the same in every run."""
    random = Random(seed)
    return lambda size: random.randbytes(size).hex()


def store_at(path: Path, clock: SetClock, disk: Disk, limits: SpoolLimits, seed: int = 1) -> tuple[Store, Thinning]:
    """Open a store with its thinning, as the spool does."""
    store = Store(
        SpoolFile(path, limits.max_bytes, disk), agent=AGENT, limits=limits, clock=clock, token_hex=tokens(seed)
    )
    store.file.lock()
    store.file.open()
    store.load()
    return store, Thinning(store)


def die(store: Store, to: Path) -> None:
    """Leave the files at `to` as a kill -9 would leave them, and let the store go."""
    to.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        source = store.file.path.with_name(store.file.path.name + suffix)
        if source.exists():
            shutil.copy(source, to.with_name(to.name + suffix))
    store.file.close()
    store.file.unlock()


def host_samples(clock: SetClock, count: int, random: Random) -> list[HostSample]:
    """Return samples of numbers that do not compress, spread over the last seconds."""
    return [
        HostSample(
            thing=f"host-{index % 7}",
            observed_at_ms=clock.wall - 10 * (count - index),
            monotonic_ms=max(0, clock.monotonic - 10 * (count - index)),
            cpu_ratio=random.random(),
            memory_used_ratio=random.random(),
            disk_used_ratio=random.random(),
            disk_free_bytes=random.randrange(2**40),
            temperature_celsius=random.uniform(20, 90),
            agent_cpu_ratio=random.random(),
        )
        for index in range(count)
    ]


def events(clock: SetClock, count: int, random: Random, size_bytes: int = 20) -> list[Event]:
    """Return events that carry `size_bytes` of incompressible text each, in texts of at most a kilobyte."""
    return [
        Event(
            event_id=random.randbytes(16).hex(),
            type="port.changed",
            kind=Kind.PORT,
            thing="s07-sw01/GigabitEthernet0/0/1",
            observed_at_ms=clock.wall,
            monotonic_ms=clock.monotonic,
            attributes={
                f"text{start}": random.randbytes(min(1000, size_bytes - start) // 2).hex()
                for start in range(0, size_bytes, 1000)
            },
        )
        for _ in range(count)
    ]


def event_ids(payload: bytes) -> list[str]:
    """Return the ids of the events in an encoded segment."""
    return [event.event_id for event in decode_segment(payload).events]


def samples_in(payload: bytes) -> list[HostSample]:
    """Return the samples in an encoded segment."""
    return [sample for block in decode_segment(payload).blocks for sample in unpack(block)]  # type: ignore[misc]
