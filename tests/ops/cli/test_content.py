"""`bellwether content` and `cloud agent-token`, as processes against a real centre; uploads across a cut line."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ops.cli.content import moment
from ops.cli.content_upload import PIECE_BYTES, Centre, CentreAway, CentreRefused, LocalFile
from ops.faults.line import LineProxy
from tests.cloud.schooling import with_classes
from tests.ops.cli.test_centre import bellwether

pytestmark = pytest.mark.db


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    chosen = [tmp_path / "分数.mp4", tmp_path / "exercise.pdf"]
    for path in chosen:
        path.write_bytes(os.urandom(300_000))
    return chosen


async def content(api_server, *arguments: str) -> Any:
    done = await asyncio.to_thread(bellwether, "content", *arguments, "--json", "--url", api_server.url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_a_push_is_listed_and_taken_back(api_server, district, files):
    with_classes(district.dsn)
    names = [str(path) for path in files]
    when = ("--to", "class:s01-g3c1,grade:四年级", "--before", "2026-11-24T08:00")
    pushed = await content(api_server, "push", *names, *when)
    assert pushed["title"] == "分数 (+1)"
    assert pushed["before_at"] == "2026-11-24T00:00:00Z"
    assert [(one["title"], one["media_type"]) for one in pushed["resources"]] == [
        ("分数.mp4", "video/mp4"),
        ("exercise.pdf", "application/pdf"),
    ]
    again = await content(api_server, "push", *names, *when)
    assert again == pushed
    listed = await content(api_server, "list")
    assert [row["manifest"] for row in listed["items"]] == [pushed["manifest"]]
    assert (await content(api_server, "withdraw", pushed["manifest"]))["withdrawn_at"]
    assert (await content(api_server, "list"))["items"] == []


async def test_an_unknown_audience_is_told_in_words(api_server, district, files):
    done = await asyncio.to_thread(
        bellwether, "content", "push", str(files[0]), "--to", "class:s09-g1c1", "--url", api_server.url
    )
    assert done.returncode == 1
    assert "'class:s09-g1c1' names nothing that is in use" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_centre_that_is_away_and_a_time_that_is_none_are_told(files):
    away = bellwether("content", "list", "--url", "http://127.0.0.1:1")
    assert away.returncode == 1
    assert "error: the centre at http://127.0.0.1:1 does not answer" in away.stderr
    wrong = bellwether("content", "push", str(files[0]), "--to", "all", "--before", "tomorrow")
    assert wrong.returncode == 2
    assert "'tomorrow' is not a time" in wrong.stderr


def test_a_time_without_an_offset_is_the_districts():
    zone = ZoneInfo("Asia/Shanghai")
    assert moment("2026-11-24T08:00", zone).isoformat() == "2026-11-24T08:00:00+08:00"
    assert moment("2026-11-24T08:00Z", zone).isoformat() == "2026-11-24T08:00:00+00:00"


async def test_an_upload_across_a_cut_line_sends_only_what_is_missing(api_server, api, tmp_path):
    path = tmp_path / "film.bin"
    path.write_bytes(os.urandom(3 * PIECE_BYTES))
    file = LocalFile.of(path)
    line = LineProxy("127.0.0.1", api_server.port)
    await line.start()
    told: list[int] = []
    centre = Centre(f"http://127.0.0.1:{line.port}", pause=lambda _: None)
    uploading = asyncio.create_task(asyncio.to_thread(centre.upload, file, told.append))
    async with asyncio.timeout(60):
        while line.bytes_up_total < PIECE_BYTES * 3 // 2:
            await asyncio.sleep(0)
    await line.cut()
    await line.heal()
    await uploading
    centre.close()
    assert sum(told) == file.size_bytes
    assert line.bytes_up_total <= file.size_bytes + PIECE_BYTES
    await line.stop()
    assert (await api.get(f"/api/v1/content/blobs/{file.sha256}")).content == path.read_bytes()


async def test_an_empty_file_is_uploaded_too(api_server, api, tmp_path):
    path = tmp_path / "empty"
    path.touch()
    centre = Centre(api_server.url)
    await asyncio.to_thread(centre.upload, LocalFile.of(path), lambda _: None)
    centre.close()
    assert (await api.get(f"/api/v1/content/blobs/{hashlib.sha256().hexdigest()}")).status_code == 200


async def test_a_file_that_changes_under_way_is_refused(api_server, files):
    file = LocalFile.of(files[0])
    files[0].write_bytes(os.urandom(file.size_bytes))
    centre = Centre(api_server.url)
    with pytest.raises(CentreRefused, match="have the SHA-256"):
        await asyncio.to_thread(centre.upload, file, lambda _: None)
    centre.close()


def test_a_centre_that_stays_away_is_given_up_after_a_while(files):
    pauses: list[float] = []
    centre = Centre("http://127.0.0.1:1", pause=pauses.append)
    with pytest.raises(CentreAway):
        centre.upload(LocalFile.of(files[0]), lambda _: None)
    centre.close()
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_an_agents_token_is_the_same_every_time(tmp_path):
    config = tmp_path / "cloud.toml"
    config.write_text(f'[content]\nfolder = "{tmp_path / "content"}"\n')
    first = bellwether("cloud", "agent-token", "s01-gw", "--json", "--config", str(config))
    assert first.returncode == 0, first.stderr
    assert set(json.loads(first.stdout)) == {"agent", "token", "public_key", "key_id"}
    assert bellwether("cloud", "agent-token", "s01-gw", "--json", "--config", str(config)).stdout == first.stdout
    wrong = bellwether("cloud", "agent-token", "S01 GW", "--config", str(config))
    assert wrong.returncode == 2
