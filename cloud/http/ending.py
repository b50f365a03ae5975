"""Ends background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks until all have ended, also when the one who ends them is cancelled meanwhile.

    Python 3.11's `wait_for`, which psycopg uses too, swallows a cancellation that comes at the moment its result does;
    the task would go on and whoever waits for it would wait for ever.
    """
    cancelled = False
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=0.5)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
