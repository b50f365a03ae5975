"""Pushes: checked whole, the same one once, addressed to the agents whose classes need them."""

from __future__ import annotations

import hashlib

import httpx
import psycopg
import pytest

from cloud.content import reading
from cloud.content.addressing import contents
from tests.cloud.schooling import with_classes

FILE = b"a lesson about fractions" * 100
HASH = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def classes(district):
    with_classes(district.dsn)
    return district


async def push(api: httpx.AsyncClient, audience: list[str], **more: object) -> httpx.Response:
    await api.put(f"/api/v1/content/blobs/{HASH}", content=FILE, headers={"content-type": "video/mp4"})
    body = {"title": "分数", "audience": audience, "resources": [{"sha256": HASH, "title": "分数.mp4"}], **more}
    return await api.post("/api/v1/content/manifests", json=body)


async def test_a_push_names_its_files_and_the_agents_that_need_them(api, classes):
    made = await push(api, ["grade:三年级"], before_at="2026-11-24T08:00:00+08:00")
    assert made.status_code == 201
    document = made.json()
    assert document["before_at"] == "2026-11-24T00:00:00Z"
    assert document["size_bytes"] == len(FILE)
    assert document["resources"] == [
        {
            "resource": f"r-{HASH[:24]}",
            "title": "分数.mp4",
            "sha256": HASH,
            "size_bytes": len(FILE),
            "media_type": "video/mp4",
        }
    ]
    assert [agent["agent"] for agent in document["agents"]] == ["s01-gw", "s01-c01", "s02-gw", "s02-c01"]
    assert {agent["state"] for agent in document["agents"]} == {"unknown"}
    assert document["readiness"] == {"agents": 4, "ready": 0, "pending": 0, "invalid": 0, "unknown": 4}
    assert (await api.get(f"/api/v1/content/manifests/{document['manifest']}")).json() == document


async def test_the_same_push_again_changes_its_moment_and_nothing_else(api, classes):
    first = (await push(api, ["class:s01-g3c1", "class:s01-g4c1"])).json()
    again = await push(api, ["class:s01-g4c1", "class:s01-g3c1"], before_at="2026-11-24T08:00:00+08:00")
    assert again.status_code == 200
    assert again.json() == {**first, "before_at": "2026-11-24T00:00:00Z"}
    assert (await api.get("/api/v1/content/manifests")).json()["total"] == 1


async def test_a_withdrawn_push_stays_listed_and_may_come_back(api, classes):
    manifest = (await push(api, ["all"])).json()["manifest"]
    gone = await api.delete(f"/api/v1/content/manifests/{manifest}")
    assert gone.json()["withdrawn_at"]
    assert gone.json()["readiness"]["agents"] == 0
    again = await api.delete(f"/api/v1/content/manifests/{manifest}")
    assert again.json()["withdrawn_at"] == gone.json()["withdrawn_at"]
    assert (await api.get("/api/v1/content/manifests")).json()["total"] == 0
    withdrawn = (await api.get("/api/v1/content/manifests", params={"state": "withdrawn"})).json()
    assert [row["manifest"] for row in withdrawn["items"]] == [manifest]
    assert (await push(api, ["all"])).json()["withdrawn_at"] is None
    assert (await api.delete("/api/v1/content/manifests/m-none")).status_code == 404


async def test_every_problem_of_a_push_is_told_at_once(api, classes):
    body = {
        "title": "x",
        "audience": ["class:s09-g3c1", "everyone", "grade:九年级"],
        "resources": [{"sha256": "0" * 64, "title": "y"}],
        "before_at": "1970-01-01T00:00:00Z",
    }
    refused = await api.post("/api/v1/content/manifests", json=body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [
        "audience.1",
        "audience",
        "audience",
        "resources.0.sha256",
        "before_at",
    ]
    assert (
        await api.post("/api/v1/content/manifests", json={**body, "before_at": "2026-11-24T08:00:00"})
    ).status_code == 422


async def test_agents_get_what_their_classes_need_most_urgent_first(api, classes):
    await push(api, ["school:s01"])
    await push(api, ["class:s01-g4c1"], before_at="2026-11-25T08:00:00+08:00")
    await push(api, ["class:s01-g3c1"], before_at="2026-11-24T08:00:00+08:00")
    async with await psycopg.AsyncConnection.connect(classes.dsn) as connection:
        held = await contents(connection, await reading.agents(connection))
    said = {agent: [manifest.classes for manifest in content.manifests] for agent, content in held.items()}
    assert said == {
        "s01-gw": [["s01-g3c1"], ["s01-g4c1"], []],
        "s01-c01": [["s01-g3c1"], []],
        "s01-c02": [["s01-g4c1"], []],
        "s02-gw": [],
        "s02-c01": [],
        "s02-c02": [],
    }
    assert "core" not in held
