"""Ends background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended.

    Python 3.11's `wait_for`, which psycopg uses too, swallows a cancellation that comes at the moment its result does;
    the task would go on and whoever waits for it would wait for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.5)
