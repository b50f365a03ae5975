"""A file that says which processes a program started, so that whoever finds them later can end them safely.

A pid alone proves nothing, because pids are reused; every entry carries the process's start time too.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

import msgspec
import psutil

STOP_SECONDS = 10.0
SAME_START_SECONDS = 0.05


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """One process: its name, pid and start time (seconds since 1970, as psutil tells it)."""

    name: str
    pid: int
    started: float

    @classmethod
    def of(cls, name: str, pid: int) -> Running:
        """Return the entry of a process that is alive.

        Raises:
            psutil.NoSuchProcess: it is not.
        """
        return cls(name=name, pid=pid, started=psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process if it is still the same one, else None."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START_SECONDS
            same = same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None


def family(running: Running) -> list[psutil.Process]:
    """Return what is alive of a process, its descendants and its session.

    Every process of ours leads a session of its own, so children that outlive it are found by the session's id; one
    that has the pid by chance today is told apart by its start time.
    """
    try:
        if abs(psutil.Process(running.pid).create_time() - running.started) >= SAME_START_SECONDS:
            return []
    except psutil.NoSuchProcess:
        pass
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter(["pid", "create_time", "status"]):
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            older = process.create_time() < running.started - SAME_START_SECONDS
            if process.status() == psutil.STATUS_ZOMBIE or older:
                continue
            if process.pid == running.pid or os.getsid(process.pid) == running.pid:
                found[process.pid] = process
                found |= {child.pid: child for child in process.children(recursive=True)}
    return list(found.values())


def end(running: Running) -> bool:
    """End a process and its family, politely first; return whether anybody was there."""
    members = family(running)
    there = bool(members)
    for number in (signal.SIGTERM, signal.SIGKILL):
        _send(members, number)
        _, members = psutil.wait_procs(members, timeout=STOP_SECONDS)
    return there


def kill(entries: Iterable[Running]) -> None:
    """SIGKILL to these processes and their families, at once and without waiting."""
    for running in entries:
        _send(family(running), signal.SIGKILL)


def _send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


class Register:
    """The processes of one program, kept in a file that a reader never sees half written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._running: dict[str, Running] = {}

    def enter(self, name: str, pid: int) -> None:
        """Enter a process, replacing one of the same name; one that is gone already is left out."""
        try:
            self._running[name] = Running.of(name, pid)
        except psutil.NoSuchProcess:
            self._running.pop(name, None)
        self._write()

    def clear(self) -> None:
        """Say that nothing runs any more."""
        self._running.clear()
        self._write()

    def _write(self) -> None:
        write_privately(self._path, msgspec.json.format(msgspec.json.encode(list(self._running.values()))))


def read(path: Path) -> list[Running]:
    """Return the entries of a register; none if there is no file or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Running])
    except (OSError, msgspec.DecodeError):
        return []


def end_all(entries: Iterable[Running]) -> list[str]:
    """End what is left of these processes; return the names of those that were there."""
    return [running.name for running in entries if end(running)]


def write_privately(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
