"""Tasks are ended for certain, whatever they do with a cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from cloud.http.ending import end


async def stubborn(swallows: int) -> None:
    """Swallow so many cancellations, as Python 3.11's `wait_for` can, and wait on."""
    for _ in range(swallows):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_tasks_that_swallow_a_cancellation_are_ended_all_the_same() -> None:
    tasks = [asyncio.create_task(stubborn(swallows)) for swallows in (0, 1)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end(*tasks)
    assert all(task.cancelled() for task in tasks)


async def test_whoever_is_cancelled_while_ending_ends_first_and_is_cancelled_then() -> None:
    task = asyncio.create_task(stubborn(1))
    await asyncio.sleep(0)
    ending = asyncio.create_task(end(task))
    await asyncio.sleep(0.01)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.cancelled()
