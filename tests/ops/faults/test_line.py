"""The line passes bytes on in order; cut, it resets and refuses; black-holed, it swallows; healed, it flows on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from ops.embedded.process import free_port
from ops.faults.line import LineProxy, LineState

WAIT_SECONDS = 120


@asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def line() -> AsyncIterator[LineProxy]:
    async with echo_server() as port:
        proxy = LineProxy("127.0.0.1", port)
        await proxy.start()
        try:
            yield proxy
        finally:
            await proxy.stop()


@asynccontextmanager
async def connected(line: LineProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(line.host, line.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, payload: bytes) -> bytes:
    writer.write(payload)
    return await asyncio.wait_for(reader.readexactly(len(payload)), WAIT_SECONDS)


async def test_what_goes_in_comes_out_in_order(line: LineProxy) -> None:
    payload = bytes(range(256)) * 8192
    async with connected(line) as (reader, writer):
        sending = asyncio.ensure_future(_send(writer, payload))
        assert await asyncio.wait_for(reader.readexactly(len(payload)), WAIT_SECONDS) == payload
        await sending
    assert line.bytes_up_total == line.bytes_down_total == len(payload)


async def _send(writer: asyncio.StreamWriter, payload: bytes) -> None:
    writer.write(payload)
    await writer.drain()


async def test_a_cut_resets_open_connections_and_refuses_new_ones_until_healed(line: LineProxy) -> None:
    port = line.port
    async with connected(line) as (reader, writer):
        assert await exchange(reader, writer, b"before") == b"before"
        await line.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), WAIT_SECONDS)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(line.host, line.port)
    await line.heal()
    assert line.port == port
    async with connected(line) as (reader, writer):
        assert await exchange(reader, writer, b"after") == b"after"


async def test_a_black_hole_accepts_and_swallows_and_gives_back_when_healed(line: LineProxy) -> None:
    async with connected(line) as (old_reader, old_writer):
        assert await exchange(old_reader, old_writer, b"before") == b"before"
        await line.black_hole()
        async with connected(line) as (new_reader, new_writer):
            passed = line.bytes_up_total
            old_writer.write(b"old")
            new_writer.write(b"new")
            answers = [asyncio.ensure_future(reader.readexactly(3)) for reader in (old_reader, new_reader)]
            done, _ = await asyncio.wait(answers, timeout=0.2)
            assert not done
            assert line.bytes_up_total == passed
            await line.heal()
            assert await asyncio.wait_for(asyncio.gather(*answers), WAIT_SECONDS) == [b"old", b"new"]


async def test_a_black_hole_hides_even_the_end_of_a_connection(line: LineProxy) -> None:
    async with connected(line) as (reader, writer):
        assert await exchange(reader, writer, b"x") == b"x"
        await line.black_hole()
        writer.write_eof()
        ended = asyncio.ensure_future(reader.read(1))
        await asyncio.wait([ended], timeout=0.2)
        assert not ended.done()
        await line.heal()
        assert await asyncio.wait_for(ended, WAIT_SECONDS) == b""


async def test_a_cut_line_can_become_a_black_hole_and_a_black_hole_be_cut(line: LineProxy) -> None:
    await line.cut()
    await line.black_hole()
    assert line.state is LineState.BLACK_HOLE
    async with connected(line) as (reader, writer):
        writer.write(b"into the dark")
        await line.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), WAIT_SECONDS)


async def test_delay_and_bandwidth_hold_bytes_back_but_keep_their_order(line: LineProxy) -> None:
    loop = asyncio.get_running_loop()
    line.delay_seconds = 0.05
    line.bandwidth_bps = 8_000_000
    payload = bytes(range(256)) * 400
    async with connected(line) as (reader, writer):
        started = loop.time()
        assert await exchange(reader, writer, payload) == payload
        # Never earlier than physics allows; how much later is the machine's business.
        assert loop.time() - started >= 2 * 0.05 + len(payload) * 8 / 8_000_000


async def test_a_target_that_is_away_looks_like_a_reset() -> None:
    proxy = LineProxy("127.0.0.1", free_port())
    await proxy.start()
    async with connected(proxy) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), WAIT_SECONDS)
    await proxy.stop()
    assert proxy.connections == 0


async def test_alone_it_obeys_its_standard_input() -> None:
    async with echo_server() as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ops.faults.line", "--target", f"127.0.0.1:{port}",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            said = json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))
            reader, writer = await asyncio.open_connection("127.0.0.1", said["listening"])
            assert await exchange(reader, writer, b"hello") == b"hello"
            answers = {"cut": {"state": "cut"}, "heal": {"state": "up"}, "black-hole": {"state": "black_hole"}}
            for command, answer in answers.items():
                process.stdin.write(command.encode() + b"\n")
                assert json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS)) == answer
            process.stdin.write(b"explode\n")
            assert "explode" in json.loads(await asyncio.wait_for(process.stdout.readline(), WAIT_SECONDS))["error"]
            writer.close()
            process.stdin.close()
            assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
