"""The last books: read once more at the end, from a centre that may be busy or gone by then."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ops.demo import run
from ops.demo.home import Home
from ops.demo.run import Demo, Options
from ops.demo.screen import PlainScreen
from ops.embedded.process import free_port

OVERVIEW = b'{"ledger": {"produced": 7, "stored": 7}}'


async def told(tmp_path: Path, port: int) -> str:
    said = io.StringIO()
    demo = Demo(Home(tmp_path), Options(), PlainScreen(said))
    centre: Any = SimpleNamespace(console=f"http://127.0.0.1:{port}")
    await demo._close_books(centre)
    return said.getvalue()


async def test_a_centre_slower_than_the_screen_still_tells_the_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.demo.figures.FigureReader.__init__.__kwdefaults__", {"timeout_seconds": 0.01})

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)  # longer than a tick's patience here, and nothing against that of the last books
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(OVERVIEW) + OVERVIEW)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_late, "127.0.0.1", 0)
    async with server:
        assert "BOOKS: 7 items produced" in await told(tmp_path, server.sockets[0].getsockname()[1])
    assert run.LAST_BOOKS_SECONDS >= 30


async def test_a_centre_that_is_gone_is_said_with_its_reason(tmp_path: Path) -> None:
    assert "the books could not be read once more: the centre " in await told(tmp_path, free_port())
