"""Documents of agents: signed, numbered upwards, only made anew when their body changed; for the agent's token only."""

from __future__ import annotations

import hashlib

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from protocols.desired import SIGNED_PREFIX, DesiredTokens, Document, DocumentKind, SignedDocument, token_of

FILE = b"a lesson about fractions" * 100
HASH = hashlib.sha256(FILE).hexdigest()


async def push(api, audience):
    await api.put(f"/api/v1/content/blobs/{HASH}", content=FILE, headers={"content-type": "video/mp4"})
    body = {"title": "分数", "audience": audience, "resources": [{"sha256": HASH, "title": "分数.mp4"}]}
    return (await api.post("/api/v1/content/manifests", json=body)).json()


async def document(edge, kind="content"):
    """Return what the agent is given: the signed form and the document in it."""
    answer = await edge.ask(f"documents/{kind}")
    assert answer.status_code == 200, answer.text
    signed = msgspec.json.decode(answer.content, type=SignedDocument)
    return signed, msgspec.json.decode(signed.payload, type=Document)


async def test_a_push_becomes_a_signed_document_that_verifies(api, edge, key, refresh):
    pushed = await push(api, ["class:s01-g3c1"])
    await refresh.refresh(DocumentKind.CONTENT)
    signed, content = await document(edge("s01-gw"))
    Ed25519PublicKey.from_public_bytes(key.public_key).verify(signed.signature, SIGNED_PREFIX + signed.payload)
    assert (content.agent, content.kind) == ("s01-gw", DocumentKind.CONTENT)
    assert [(one.manifest, one.token, one.classes) for one in content.body.manifests] == [
        (pushed["manifest"], pushed["token"], ["s01-g3c1"])
    ]
    part = content.body.manifests[0].resources[0].blob
    assert (part.sha256, part.size_bytes, part.media_type) == (HASH, len(FILE), "video/mp4")
    tokens = msgspec.json.decode((await edge("s01-gw").ask("tokens")).content, type=DesiredTokens)
    assert tokens.tokens == {DocumentKind.CONTENT: token_of(signed.payload)}
    blob = await edge("s01-gw").ask(f"blobs/{HASH}", headers={"range": "bytes=2-5"})
    assert (blob.status_code, blob.content) == (206, FILE[2:6])


async def test_the_serial_grows_with_every_change_and_only_then(api, edge, refresh):
    await refresh.refresh(DocumentKind.CONTENT)
    _, first = await document(edge("s01-gw"))
    assert await refresh.refresh(DocumentKind.CONTENT) == {}
    pushed = await push(api, ["school:s01"])
    assert set(await refresh.refresh(DocumentKind.CONTENT)) == {"s01-gw", "s01-c01", "s01-c02"}
    _, second = await document(edge("s01-gw"))
    await api.delete(f"/api/v1/content/manifests/{pushed['manifest']}")
    await refresh.refresh(DocumentKind.CONTENT)
    _, third = await document(edge("s01-gw"))
    assert first.serial < second.serial < third.serial
    assert third.body == first.body


async def test_the_serial_grows_although_the_clock_goes_back(api, edge, refresh):
    await refresh.refresh(DocumentKind.CONTENT)
    _, first = await document(edge("s01-gw"))
    await push(api, ["all"])
    refresh._now_ms = lambda: 1_700_000_000_000
    await refresh.refresh(DocumentKind.CONTENT)
    assert (await document(edge("s01-gw")))[1].serial == first.serial + 1


async def test_the_serial_passes_what_agents_hold_after_the_database_was_lost(api, edge, refresh, database):
    await refresh.refresh(DocumentKind.CONTENT)
    _, first = await document(edge("s01-gw"))
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM desired_documents")
    await refresh.refresh(DocumentKind.CONTENT)
    assert (await document(edge("s01-gw")))[1].serial > first.serial


async def test_targets_of_a_school_stand_before_the_districts(api, edge, refresh):
    await api.put(
        "/api/v1/desired/terminals", json={"app_version": "3.1", "configuration": {"camera": True, "quality": 2}}
    )
    await api.put("/api/v1/desired/terminals", json={"school": "s01", "configuration": {"camera": False}})
    await refresh.refresh(DocumentKind.TERMINALS)
    _, first = await document(edge("s01-gw"), "terminals")
    _, other = await document(edge("s02-gw"), "terminals")
    assert first.body.app_version == other.body.app_version == "3.1"
    assert first.body.configuration == {"camera": False, "quality": 2}
    assert other.body.configuration == {"camera": True, "quality": 2}
    assert first.body.configuration_token != other.body.configuration_token
    listed = (await api.get("/api/v1/desired/terminals")).json()["items"]
    assert [(row["school"], row["app_version"]) for row in listed] == [(None, "3.1"), ("s01", None)]
    refused = await api.put("/api/v1/desired/terminals", json={"school": "s77", "configuration": {"bad name": None}})
    assert refused.status_code == 422
    assert (await api.put("/api/v1/desired/terminals", json={"school": "s77"})).json()["errors"][0]["field"] == "school"


async def test_roster_and_timetable_are_mirrored_without_names(edge, refresh, database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO lessons"
            " (lesson, school, school_class, classroom, topic, day, period, starts_at, ends_at, exam)"
            " VALUES ('s01-g3c1.p1', 's01', 's01-g3c1', 's01-c01', '数学', current_date + 1, 1,"
            " current_date + interval '32 hours', current_date + interval '33 hours', false)"
        )
    for kind in (DocumentKind.ROSTER, DocumentKind.TIMETABLE):
        await refresh.refresh(kind)
    signed, roster = await document(edge("s01-gw"), "roster")
    assert [one.school_class for one in roster.body.classes] == ["s01-g3c1", "s01-g4c1"]
    (pupil,) = roster.body.classes[0].pupils
    assert (pupil.person, pupil.terminal, "甲" in signed.payload.decode()) == ("p-s01-1", "s01-c01-t02", False)
    _, room = await document(edge("s01-c02"), "roster")
    assert [one.school_class for one in room.body.classes] == ["s01-g4c1"]
    _, timetable = await document(edge("s01-gw"), "timetable")
    assert [(one.lesson, one.topic) for one in timetable.body.lessons] == [("s01-g3c1.p1", "数学")]
    assert timetable.body.time_zone == "Asia/Shanghai"


@pytest.mark.parametrize(("method", "path"), [("GET", "tokens"), ("GET", "documents/content"), ("POST", "reported")])
async def test_only_the_agents_own_token_is_admitted(edge, method, path):
    gateway = edge("s01-gw")
    gateway.token = edge("s02-gw").token
    refused = await gateway.ask(path, method)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert (await gateway.api.request(method, f"/api/v1/edge/s01-gw/{path}")).status_code == 401


async def test_a_retired_and_an_unknown_agent_are_refused_with_their_own_token(edge, database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE agents SET retired_at = now() WHERE agent = 's01-gw'")
    for agent in ("s01-gw", "s99-gw"):
        refused = await edge(agent).ask("tokens")
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:bellwether:problem:agent-unknown"


async def test_a_kind_that_was_not_made_is_not_there(edge):
    assert (await edge("s01-gw").ask("documents/roster")).status_code == 404
    assert (await edge("s01-gw").ask("documents/weather")).status_code == 422


async def test_an_agent_uploads_a_blob_with_its_token(edge):
    gateway = edge("s01-gw")
    assert (await gateway.ask(f"blobs/{HASH}/missing", params={"size_bytes": len(FILE)})).json()["missing"] == [
        [0, len(FILE)]
    ]
    assert (await gateway.ask(f"blobs/{HASH}", "PUT", content=FILE)).status_code == 201
    assert (await edge("s02-gw").ask(f"blobs/{HASH}")).content == FILE
    gateway.token = "x"
    assert (await gateway.ask(f"blobs/{HASH}", "PUT", content=FILE)).status_code == 401
