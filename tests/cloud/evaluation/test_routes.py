"""Evaluation over HTTP: profile, explanation, coverage, groups, frameworks; on a real database."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from cloud.evaluation.repository import forget
from cloud.evaluation.service import DEFAULT_FRAMEWORK
from protocols.records import Activity, Attendance, Attended, Evidence, Part
from tests.cloud.evaluation.conftest import AUTUMN, Ground

pytestmark = pytest.mark.db

ROOT = "/api/v1/evaluation"
FRAMEWORK = "a2bb119d-2026.1"


async def got(api: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await api.get(ROOT + path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def fill(ground: Ground, person: str, dimension: str, value: float, stage: str = "primary", at=AUTUMN) -> None:
    """Hand in evidence for every level indicator of a dimension's stage, and the bounds' middle for the others."""
    rows = await ground.rows(
        "SELECT code, definition FROM evaluation_nodes WHERE level = 'indicator' AND code LIKE %s", f"{dimension}%"
    )
    for code, definition in rows:
        if stage in definition["stages"] and definition["source"]["type"] in ("evidence", "manual"):
            level = value if definition["kind"] == "level" else definition["scale"]["minimum"]
            await ground.store(Evidence(indicator=code, value=level), person=person, at=at)
    await ground.consumer.catch_up()


async def test_frameworks_and_their_indicators(ground: Ground, api: httpx.AsyncClient) -> None:
    [framework] = (await got(api, "/frameworks"))["items"]
    assert (framework["framework"], framework["active"], framework["dimensions"], framework["indicators"]) == (
        FRAMEWORK, True, 5, 302
    )  # fmt: skip
    path = f"/frameworks/{FRAMEWORK}/indicators"
    everything = await got(api, path)
    assert len(everything["items"]) == 302
    some = await got(api, path, dimension="R", stage="junior")
    assert {one["dimension"] for one in some["items"]} == {"R"}
    assert all("junior" in one["stages"] for one in some["items"])
    assert [one["code"] for one in some["groups"] if one["level"] == "dimension"] == ["M", "A", "H", "R", "S"]
    exported = await api.get(f"{ROOT}/frameworks/{FRAMEWORK}")
    assert exported.content == DEFAULT_FRAMEWORK.read_bytes()


async def test_a_profile_shows_coverage_and_no_number_where_too_little_is_known(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    await fill(ground, "p-1", "M", 5)
    assert await ground.hand_in(Evidence(indicator="R1-01", value=1)) == []
    profile = await got(api, "/pupils/p-1/profile")
    [year] = profile["years"]
    assert (year["school_year"], year["stage"], year["framework"]) == (2026, "primary", FRAMEWORK)
    moral, _, _, arts, _ = year["dimensions"]
    assert moral["sufficient"]
    assert moral["coverage_ratio"] >= 0.9
    assert moral["value"] is not None
    assert (arts["present"], arts["value"], arts["sufficient"]) == (1, None, False)
    missing = [one for group in arts["subdimensions"] for one in group["indicators"] if one["n"] == 0]
    assert missing
    assert all(one["value"] is None and one["scaled"] is None for one in missing)
    assert "total" not in year
    assert (await got(api, "/pupils/p-2/profile"))["years"] == []


async def test_late_evidence_changes_the_value_of_its_own_period(ground: Ground, api: httpx.AsyncClient) -> None:
    async def value() -> tuple[float, int]:
        found = (await got(api, "/pupils/p-1/indicators/M1-01", school_year=2026))["result"]
        return found["value"], found["n"]

    await ground.hand_in(Evidence(indicator="M1-01", value=2), at=datetime(2027, 3, 1, tzinfo=UTC))
    assert await value() == (2, 1)
    await ground.hand_in(Evidence(indicator="M1-01", value=4), at=AUTUMN)
    assert await value() == (3, 2)
    first_term = await got(api, "/pupils/p-1/indicators/M1-01", school_year=2026, term=1)
    assert first_term["result"]["value"] == 4


async def test_a_value_is_explained_from_its_evidence(ground: Ground, api: httpx.AsyncClient) -> None:
    for times in (3, 9, 12):
        await ground.hand_in(Evidence(indicator="M2-04", value=times, note="museum"))
    await ground.hand_in(Evidence(indicator="M2-04", value=1, parts=[Part(sha256="c" * 64, size_bytes=9)]))
    told = await got(api, "/pupils/p-1/indicators/M2-04", school_year=2026)
    assert [step["result"] for step in told["steps"]] == [3, 24, 4, 100]
    assert told["steps"][-1]["result"] == told["result"]["scaled"]
    assert (told["result"]["n"], told["result"]["waiting"], told["result"]["winsorised"]) == (3, 1, True)
    assert len(told["evidence"]) == 4
    [waiting] = [one for one in told["evidence"] if not one["complete"]]
    assert waiting["parts"] == [
        {"sha256": "c" * 64, "size_bytes": 9, "media_type": "application/octet-stream", "present": False}
    ]
    assert told["indicator"]["formula_version"] == 1
    assert "exclusion" in told["objection"]


@pytest.mark.parametrize(
    ("code", "value"),
    [("H1-01", 80), ("H1-05", 90), ("M1-01", 3), ("M1-07", 9)],
    ids=["last", "max", "mean", "sum"],
)
async def test_the_steps_come_to_what_the_database_counted(
    ground: Ground, api: httpx.AsyncClient, code: str, value: float
) -> None:
    values = {"H1-01": (95, 80, 70), "H1-05": (60, 80, 90), "M1-01": (4, 4, 1), "M1-07": (2, 3, 4)}[code]
    for day, said in zip((12, 20, 3), values, strict=True):
        await ground.hand_in(Evidence(indicator=code, value=said), at=datetime(2026, 10, day, tzinfo=UTC))
    told = await got(api, f"/pupils/p-1/indicators/{code}", school_year=2026)
    assert told["result"]["value"] == value
    assert [step["result"] for step in told["steps"][:2]] == [3, value]
    assert told["steps"][-1]["result"] == told["result"]["scaled"]


async def test_attendance_is_explained_too(ground: Ground, api: httpx.AsyncClient) -> None:
    for number, state in enumerate([Attended.PRESENT, Attended.ABSENT, Attended.EXCUSED, Attended.LATE]):
        await ground.hand_in(Attendance(state=state), lesson=f"l-{number}")
    told = await got(api, "/pupils/p-1/indicators/A1-01", school_year=2026)
    assert told["result"]["value"] == pytest.approx(0.6667)
    assert [step["result"] for step in told["steps"]] == [3, 0.6667, 0.6667, 66.67]
    assert (await got(api, "/pupils/p-1/indicators/A1-02", school_year=2026))["result"]["value"] == 0.5


async def test_a_person_takes_an_item_out_and_back(ground: Ground, api: httpx.AsyncClient) -> None:
    await ground.hand_in(Evidence(indicator="M1-01", value=1))
    await ground.hand_in(Evidence(indicator="M1-01", value=5))
    items = (await got(api, "/pupils/p-1/evidence"))["items"]
    wrong = next(one["record_id"] for one in items if one["value"] == 1)
    path = f"{ROOT}/evidence/{wrong}/exclusion"
    answer = await api.post(path, json={"reason": "entered for another pupil"})
    assert answer.json() == {"record_id": wrong, "excluded": True, "items": 1}
    told = await got(api, "/pupils/p-1/indicators/M1-01", school_year=2026)
    assert (told["result"]["value"], told["result"]["n"]) == (5, 1)
    assert {one["exclusion_reason"] for one in told["evidence"]} == {None, "entered for another pupil"}
    assert (await api.delete(path)).json()["excluded"] is False
    assert (await got(api, "/pupils/p-1/indicators/M1-01", school_year=2026))["result"]["value"] == 3
    assert (await api.post(path, json={"reason": ""})).status_code == 422
    unknown = await api.post(f"{ROOT}/evidence/{'0' * 32}/exclusion", json={"reason": "x"})
    assert unknown.status_code == 404


async def test_one_pupil_across_the_stages_is_compared_with_the_own_year_before(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    await ground.add_class("s08", "primary", "s08-g6c1", "p-9", begins_on=date(2020, 9, 1), ends_on=date(2026, 8, 31))
    await ground.add_class("s09", "junior", "s09-g7c1", "p-9", begins_on=date(2026, 9, 1))
    await fill(ground, "p-9", "M", 3, at=datetime(2026, 4, 1, tzinfo=UTC))
    await fill(ground, "p-9", "M", 5, stage="junior")
    years = (await got(api, "/pupils/p-9/profile"))["years"]
    assert [(year["school_year"], year["stage"]) for year in years] == [(2025, "primary"), (2026, "junior")]
    assert years[0]["dimensions"][0]["change"] is None
    change = years[1]["dimensions"][0]["change"]
    assert (change["school_year"], change["stage"]) == (2025, "primary")
    assert change["difference"] > 0
    assert change["compared"] >= 30
    assert change["band"] > 0
    [only] = (await got(api, "/pupils/p-9/profile", school_year=2026))["years"]
    assert only["dimensions"][0]["change"] == change


async def test_a_class_sees_where_evidence_is_missing(ground: Ground, api: httpx.AsyncClient) -> None:
    await fill(ground, "p-1", "S", 3)
    await ground.hand_in(Evidence(indicator="Z1", value=3), school_class="s01-g3c1")
    coverage = await got(api, "/classes/s01-g3c1/coverage", school_year=2026)
    assert (coverage["pupils"], coverage["stage"], coverage["expected"]) == (2, "primary", 232)
    assert coverage["refused"] == [{"reason": "unknown_indicator", "records": 1}]
    social = coverage["dimensions"][4]
    assert social["sufficient_pupils"] == 1
    assert 0.3 < social["coverage_ratio"] <= 0.5
    first, second = coverage["people"]
    assert (first["person"], first["insufficient"]) == ("p-1", ["M", "A", "H", "R"])
    assert (second["person"], second["present"]) == ("p-2", 0)
    assert [one["pupils_with"] for one in coverage["indicators"]] == sorted(
        one["pupils_with"] for one in coverage["indicators"]
    )


async def test_coverage_says_what_the_edge_may_still_have(ground: Ground, api: httpx.AsyncClient) -> None:
    nothing = {"held_records": 0, "oldest_held_at": None, "agents_offline": 0, "damaged_items": 0}
    assert (await got(api, "/classes/s01-g3c1/coverage"))["not_arrived"] == nothing
    await ground.rows(
        "INSERT INTO agent_lanes SELECT agent_id, lane, 1, 7, 700, '2026-10-12T02:00Z', now()"
        " FROM agents, unnest(ARRAY['records', 'live']) AS lane WHERE agent = 's01-gw'"
    )
    await ground.rows(
        "INSERT INTO agent_epochs (agent_id, epoch, first_received_at, last_received_at, damaged_items)"
        " SELECT agent_id, epoch, now(), now(), 2 FROM agents, unnest(ARRAY['a', 'b']) AS epoch WHERE agent = 's01-gw'"
    )
    expected = {"held_records": 7, "oldest_held_at": "2026-10-12T02:00:00Z", "agents_offline": 0, "damaged_items": 4}
    assert (await got(api, "/classes/s01-g3c1/coverage"))["not_arrived"] == expected
    assert (await got(api, "/schools/s01/summary"))["not_arrived"] == expected


async def test_a_school_has_a_median_of_30_pupils_and_none_of_29(ground: Ground, api: httpx.AsyncClient) -> None:
    pupils = [f"q-{number}" for number in range(30)]
    await ground.add_class("s05", "primary", "s05-g1c1", *pupils)
    for number, person in enumerate(pupils):
        if number == 29:
            few = await got(api, "/schools/s05/summary", school_year=2026)
        await fill(ground, person, "M6", 1 + number % 5)
    many = await got(api, "/schools/s05/summary", school_year=2026)
    family = [next(one for one in told["groups"] if one["code"] == "M6") for told in (few, many)]
    assert (few["pupils"], family[0]["pupils_with_value"], family[0]["median"]) == (30, 29, None)
    assert family[1]["pupils_with_value"] == 30
    assert family[1]["median"] is not None
    assert "q-1" not in json.dumps(many)


async def test_refused_records_are_counted_and_tried_again(empty_ground: Ground, api: httpx.AsyncClient) -> None:
    await empty_ground.hand_in(Evidence(indicator="M1-01", value=4), school_class="s01-g3c1")
    await empty_ground.hand_in(Evidence(indicator="Z1-01", value=4), school_class="s01-g9c9")
    assert (await got(api, "/refusals"))["items"] == [{"reason": "no_framework", "records": 2}]
    assert (await got(api, "/refusals", school_class="s01-g3c1"))["items"] == [{"reason": "no_framework", "records": 1}]
    await api.post(f"{ROOT}/frameworks", content=DEFAULT_FRAMEWORK.read_bytes())
    assert (await api.post(f"{ROOT}/refusals/replay")).json() == {"tried": 2, "taken": 1}
    assert (await got(api, "/refusals"))["items"] == [{"reason": "unknown_indicator", "records": 1}]


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/pupils/nobody/profile", 404, "nobody"),
        ("/pupils/nobody/evidence", 404, "nobody"),
        ("/pupils/p-1/indicators/M1-01", 404, "p-1/M1-01"),
        ("/classes/none/coverage", 404, "none"),
        ("/schools/none/summary", 404, "none"),
        ("/frameworks/none", 404, "none"),
        ("/frameworks/none/indicators", 404, "none"),
        ("/classes/s01-g3c1/coverage?framework=none", 404, "none"),
        ("/pupils/p-1/profile?term=3", 422, "term"),
    ],
)
async def test_what_is_not_there_is_a_problem_with_a_hint(
    ground: Ground, api: httpx.AsyncClient, path: str, status: int, named: str
) -> None:
    answer = await api.get(ROOT + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert named in problem["detail"]
    assert problem["hint"]


async def test_without_a_framework_a_class_is_told_to_import_one(empty_ground: Ground, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"{ROOT}/classes/s01-g3c1/coverage")
    assert answer.status_code == 404
    assert "evaluation import --default" in answer.json()["hint"]


def next_version(**changes: Any) -> bytes:
    document = json.loads(DEFAULT_FRAMEWORK.read_bytes())
    document["CFDocument"]["version"] = "2027.1"
    for code, value in changes.items():
        item = next(one for one in document["CFItems"] if one["humanCodingScheme"] == code.replace("_", "-"))
        item["extensions"]["indicator"]["scale"]["maximum"] = value
    return json.dumps(document, ensure_ascii=False).encode()


async def test_replacing_a_framework_keeps_values_of_ended_years_under_the_old_one(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    await ground.hand_in(Evidence(indicator="M2-03", value=2), at=datetime(2025, 10, 1, tzinfo=UTC))
    await ground.hand_in(Evidence(indicator="M2-03", value=2), at=AUTUMN)
    content = next_version(M2_03=2)
    dry = (await api.post(f"{ROOT}/frameworks", params={"dry_run": True}, content=content)).json()
    assert (dry["changed"], dry["added"], dry["removed"], dry["replaces"]) == (["M2-03"], [], [], FRAMEWORK)
    assert len((await got(api, "/frameworks"))["items"]) == 1
    done = (await api.post(f"{ROOT}/frameworks", content=content)).json()
    assert (done["stored"], done["activated"]) == (True, True)
    again = (await api.post(f"{ROOT}/frameworks", content=content)).json()
    assert (again["stored"], again["activated"], again["replaces"]) == (False, False, None)
    await ground.rows("UPDATE evaluation_activations SET activated_at = '2026-11-20+08' WHERE activation > 1")

    async def scaled(**params: Any) -> list[tuple[str, float]]:
        told = [await got(api, "/pupils/p-1/indicators/M2-03", school_year=year, **params) for year in (2025, 2026)]
        return [(one["framework"], one["result"]["scaled"]) for one in told]

    new = "a2bb119d-2027.1"
    assert await scaled() == [(FRAMEWORK, 50), (new, 100)]
    assert await scaled(framework=FRAMEWORK) == [(FRAMEWORK, 50), (FRAMEWORK, 50)]
    assert await scaled(framework=new) == [(new, 100), (new, 100)]


async def test_a_known_version_with_another_content_is_refused(ground: Ground, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{ROOT}/frameworks", content=DEFAULT_FRAMEWORK.read_bytes() + b"\n")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:bellwether:problem:framework-version-taken")


async def test_a_framework_with_problems_names_every_path(ground: Ground, api: httpx.AsyncClient) -> None:
    answer = await api.post(f"{ROOT}/frameworks", content=b'{"CFDocument": {}, "CFItems": [7]}')
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [
        "$.CFDocument.identifier",
        "$.CFDocument.title",
        "$.CFDocument.version",
        "$.CFDocument.extensions",
        "$.CFItems[0]",
        "$.CFAssociations",
    ]
    assert (await api.post(f"{ROOT}/frameworks", content=b" " * (8 * 1024 * 1024 + 1))).status_code == 413


async def test_evidence_of_an_indicator_that_moved_counts_under_its_exact_match(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    await ground.hand_in(Evidence(indicator="M1-01", value=4))
    document = json.loads(next_version())
    item = next(one for one in document["CFItems"] if one["humanCodingScheme"] == "M1-01")
    old, new = item["identifier"], "11111111-2222-3333-4444-555555555555"
    text = json.dumps(document, ensure_ascii=False).replace(old, new).replace('"M1-01"', '"MX-01"')
    document = json.loads(text)
    ends = {"originNodeURI": {"identifier": new}, "destinationNodeURI": {"identifier": old}}
    document["CFAssociations"].append({"associationType": "exactMatchOf", **ends})
    done = await api.post(f"{ROOT}/frameworks", content=json.dumps(document).encode())
    assert (done.json()["added"], done.json()["removed"]) == (["MX-01"], ["M1-01"])
    await ground.hand_in(Evidence(indicator="MX-01", value=2), at=AUTUMN)
    told = await got(api, "/pupils/p-1/indicators/MX-01", school_year=2026)
    assert (told["result"]["n"], told["result"]["value"]) == (2, 3)


async def test_evidence_lists_activities_and_turns_pages(ground: Ground, api: httpx.AsyncClient) -> None:
    await ground.hand_in(Activity(activity="club.chess", duration_seconds=3600, note="spring cup"))
    await ground.hand_in(Evidence(indicator="M1-01", value=4), at=datetime(2026, 10, 20, tzinfo=UTC))
    listed = await got(api, "/pupils/p-1/evidence", limit=2)
    assert (listed["total"], len(listed["items"])) == (3, 2)
    assert listed["items"][0]["indicator"] == "M1-01"
    rest = await got(api, "/pupils/p-1/evidence", limit=2, offset=2)
    assert {one["counts_for"] for one in [listed["items"][1], *rest["items"]]} == {
        "activity.count.club",
        "activity.hours.club",
    }


async def test_every_look_at_a_pupil_is_noted(ground: Ground, api: httpx.AsyncClient) -> None:
    who = {"X-Bellwether-User": "teacher-7"}
    paths = [
        "/pupils/p-1/profile",
        "/pupils/p-1/evidence",
        "/pupils/p-1/indicators/M1-01",
        "/classes/s01-g3c1/coverage",
    ]
    for path in paths:
        await api.get(ROOT + path, headers=who)
    await got(api, "/schools/s01/summary")
    noted = await ground.rows("SELECT who, purpose, subjects, route FROM access_log ORDER BY access_id")
    assert [(row[0], row[1], row[3]) for row in noted] == [("teacher-7", "evaluation", ROOT + path) for path in paths]
    assert [row[2] for row in noted] == [["p-1"], ["p-1"], ["p-1"], ["p-1", "p-2"]]


async def test_what_is_erased_or_expired_no_longer_counts(ground: Ground, api: httpx.AsyncClient) -> None:
    record = await ground.store(Evidence(indicator="M1-01", value=1, parts=[Part(sha256="d" * 64, size_bytes=1)]))
    await ground.hand_in(Evidence(indicator="M1-01", value=5))
    async with ground.pool.connection() as connection:
        await forget(connection, [record])
    assert (await got(api, "/pupils/p-1/indicators/M1-01", school_year=2026))["result"]["waiting"] == 0
    assert await ground.rows("SELECT count(*) FROM evaluation_items") == [(1,)]
    assert await ground.rows("SELECT count(*) FROM evaluation_parts") == [(0,)]
