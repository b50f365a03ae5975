"""The console's files, and a readable page while there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from cloud.api.server import ApiServer
from cloud.config import Settings


@pytest.fixture
async def console(tmp_path: Path, api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>console</title>")
    (dist / "assets" / "index-abc123.js").write_text("export {}")
    (dist / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("not for browsers")
    (dist / "leak.txt").symlink_to(tmp_path / "secret.txt")
    server = ApiServer(api_settings, console_dir=dist, evaluate=False)
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
        yield client
    await server.stop()


@pytest.mark.parametrize("path", ["/", "/links", "/links/s01-wan", "/schools/s01?range=24h"])
async def test_every_page_of_the_console_is_its_index(console: httpx.AsyncClient, path: str) -> None:
    response = await console.get(path)
    assert response.status_code == 200
    assert "<title>console</title>" in response.text
    assert response.headers["cache-control"] == "no-cache"


async def test_hashed_assets_may_be_kept_for_ever_and_lost_ones_are_not_the_index(console: httpx.AsyncClient) -> None:
    asset = await console.get("/assets/index-abc123.js")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in asset.headers["content-type"]
    assert (await console.get("/assets/index-old.js")).status_code == 404


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/leak.txt"])
async def test_nothing_outside_the_folder_is_served(console: httpx.AsyncClient, path: str) -> None:
    assert "not for browsers" not in (await console.get(path)).text


async def test_a_console_that_was_not_built_says_how_to_build_it(api_settings: Settings, tmp_path: Path) -> None:
    server = ApiServer(api_settings, console_dir=tmp_path / "nothing", evaluate=False)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            response = await client.get("/")
            assert response.status_code == 503
            assert "控制台尚未构建" in response.text
            assert response.text.count("make console") == 2
            assert (await client.get("/api/v1/links")).status_code == 200
    finally:
        await server.stop()
