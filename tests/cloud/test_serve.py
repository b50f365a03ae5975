"""The supervisor: a dead child comes back, and a stop stops them all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cloud.serve import MAX_BACKOFF_SECONDS, ChildProcess, backoff_seconds, supervise

CHILD = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
while True:
    signal.pause()
"""


async def pids(path: Path, count: int) -> list[int]:
    async with asyncio.timeout(60):
        while not path.exists() or len(path.read_text().splitlines()) < count:
            await asyncio.sleep(0.02)
    return [int(line) for line in path.read_text().splitlines()]


async def test_a_killed_child_is_started_again_and_a_stop_ends_all(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    task = asyncio.create_task(
        supervise([ChildProcess(path.name, (sys.executable, "-c", CHILD, str(path))) for path in files])
    )
    first = [(await pids(path, 1))[0] for path in files]
    os.kill(first[0], signal.SIGKILL)
    again = (await pids(files[0], 2))[1]
    assert again != first[0]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    for pid in (again, first[1]):
        assert not Path(f"/proc/{pid}").exists()


@given(st.integers(0, 10_000))
def test_the_back_off_grows_to_its_bound(deaths: int) -> None:
    assert 0 < backoff_seconds(deaths) <= backoff_seconds(deaths + 1) <= MAX_BACKOFF_SECONDS
