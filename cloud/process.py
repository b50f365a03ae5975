"""One process of the centre: its log, and how it ends.

Logs go to stderr: readable on a terminal, JSON otherwise. SIGTERM and Ctrl-C cancel the main task once, which then
ends in order; a process that ends so has exit code 0.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import structlog


def configure_logging(level: str = "INFO") -> None:
    """Set up structlog for this process."""
    on_terminal = sys.stderr.isatty()
    as_json = structlog.processors.JSONRenderer(ensure_ascii=False)
    renderer: Any = structlog.dev.ConsoleRenderer() if on_terminal else as_json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            *([] if on_terminal else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # The pool warns of every failed attempt; this program says once that the database is away and once that it is back.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def run_until_signalled(main: Coroutine[Any, Any, None]) -> None:
    """Run until `main` returns, or until SIGTERM or SIGINT, after which it is cancelled and awaited."""

    async def supervised() -> None:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        stopping = False

        def stop() -> None:
            nonlocal stopping
            if not stopping:  # Ctrl-C reaches a whole process group: a second signal must not break the orderly end
                stopping = True
                task.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        try:
            await task
        except asyncio.CancelledError:
            if not stopping:
                raise

    asyncio.run(supervised())
