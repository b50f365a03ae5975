"""A school's day: outages over its periods, the check before the bell, and what its principal is told."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.api.server import ApiServer
from cloud.http.problems import ProblemError
from cloud.inventory import district_map
from cloud.schooldays.models import Fault, RoomFacts, What, faults
from cloud.status.models import StatusWord
from tests.cloud.district import SmallDistrict, now
from tests.ops.cli.test_centre import bellwether

SHANGHAI = ZoneInfo("Asia/Shanghai")
words = st.sampled_from([word.value for word in StatusWord])


def facts(**given_facts: object) -> RoomFacts:
    usual: dict[str, object] = {"link_status": "up", "gateway_status": "up", "status": "up", "terminals": 40}
    return RoomFacts(**{**usual, "battery_low": 0, "content_missing": 0, **given_facts})  # type: ignore[arg-type]


def lesson(district: SmallDistrict, room: str, starts_at: datetime, minutes: int = 40) -> None:
    school, key = room.split("-")[0], f"{room}-class"
    district.execute(
        "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
        " VALUES (%s, %s, %s, '一班', 'Class 1', '1', %s) ON CONFLICT DO NOTHING", key, key, school, room,
    )  # fmt: skip
    district.insert(
        "lessons",
        {
            "lesson": f"{room}-{starts_at:%H%M}", "school": school, "school_class": key, "classroom": room,
            "topic": "数学", "day": now().astimezone(SHANGHAI).date(), "period": starts_at.hour % 12 + 1,
            "starts_at": starts_at, "ends_at": starts_at + timedelta(minutes=minutes), "exam": False,
        },
    )  # fmt: skip


@given(words, words, words, st.integers(0, 40), st.integers(0, 40))
def test_a_room_is_ready_exactly_when_nothing_is_found(
    link: str, gateway: str, room: str, low: int, missing: int
) -> None:
    found = faults(
        facts(link_status=link, gateway_status=gateway, status=room, battery_low=low, content_missing=missing)
    )
    fine = {"up", "degraded", "maintenance"}
    assert (not found) == ({link, gateway, room} <= fine and max(low, missing) < 4)


def test_a_room_behind_a_cut_line_is_counted_for_the_line_alone() -> None:
    assert faults(facts(link_status="down", status="unreachable")) == [Fault(What.LINE)]
    assert faults(facts(status="unknown")) == [Fault(What.ROOM)]


def test_one_empty_tablet_does_not_send_anybody() -> None:
    assert faults(facts(terminals=3, battery_low=1)) == []
    assert faults(facts(battery_low=4)) == [Fault(What.BATTERY, 4)]


async def test_the_check_names_what_to_see_to_and_where(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for school in ("s01", "s02"):
        district.status("link", f"{school}-wan", "up")
        district.status("gateway", f"{school}-gw", "up")
        for room in ("c01", "c02"):
            district.status("classroom", f"{school}-{room}", "up")
    district.status("link", "s02-wan", "down")
    district.status("classroom", "s01-c02", "down")
    thing_id = district.thing_id("device", "s01-sw01", "s01-gw")
    moment = {"observed_at": now(), "corrected_at": now(), "received_at": now()}
    district.insert(
        "device_current", {"thing_id": thing_id, "agent_id": district.agent_id("s01-gw"), "reachable": False, **moment}
    )
    report = (await api.get("/api/v1/check")).json()
    assert (report["green"], report["amber"]) == (1, 3)
    first, second = report["schools"]
    assert first["faults"] == [{"what": "device", "number": None, "thing": "s01-sw01"}]
    assert [(room["ready"], [one["what"] for one in room["faults"]]) for room in first["rooms"]] == [
        (True, []),
        (False, ["room"]),
    ]
    assert second["faults"] == [{"what": "line", "number": None, "thing": "s02-wan"}]
    assert len((await api.get("/api/v1/check?school=s02")).json()["schools"]) == 1


async def test_a_days_outages_stand_over_its_periods(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    midnight = now().astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    lesson(district, "s01-c01", midnight + timedelta(hours=8))
    lesson(district, "s01-c02", midnight + timedelta(hours=8))
    yesterday = (midnight - timedelta(days=1)).date()
    district.logged("link", "s01-wan", "down", midnight - timedelta(hours=2))
    district.logged("link", "s01-wan", "up", midnight - timedelta(hours=1))
    district.logged("link", "s02-wan", "down", midnight - timedelta(hours=2))
    today = (await api.get("/api/v1/schools/s01/day")).json()
    assert [(one["period"], one["lessons"]) for one in today["periods"]] == [(9, 2)]
    assert today["spans"] == []
    before = (await api.get(f"/api/v1/schools/s01/day?day={yesterday}")).json()
    assert [(one["key"], one["status"]) for one in before["spans"]] == [("s01-wan", "down")]
    assert before["periods"] == []
    assert (await api.get("/api/v1/schools/s09/day")).status_code == 404


async def test_a_principal_is_told_which_lessons_and_never_which_device(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    for room in ("s01-c01", "s01-c02"):
        district.status("classroom", room, "up")
    district.status("link", "s01-wan", "up")
    assert (await api.get("/api/v1/schools/s01/principal")).json()["state"] == "well"
    district.status("classroom", "s01-c02", "down")
    lesson(district, "s01-c01", now() - timedelta(minutes=5))
    lesson(district, "s01-c02", now() - timedelta(minutes=5))
    page = (await api.get("/api/v1/schools/s01/principal")).json()
    assert (page["state"], page["classrooms"], page["classrooms_affected"], page["lessons_now"]) == ("partly", 2, 1, 2)
    assert [one["room_en"] for one in page["affected_now"]] == ["Class 2"]
    district.status("link", "s01-wan", "down")
    page = await api.get("/api/v1/schools/s01/principal")
    assert (page.json()["state"], len(page.json()["affected_now"])) == ("offline", 2)
    assert not any(word in page.text for word in ("s01-wan", "s01-gw", "rt1", "sw01"))
    district.status("link", "s01-wan", "unknown")
    assert (await api.get("/api/v1/schools/s01/principal")).json()["state"] == "unknown"


def test_a_map_is_drawn_only_when_it_is_one(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    for text in ("[]", "{", '{"type": "Topology"}'):
        file.write_text(text)
        with pytest.raises(ProblemError) as wrong:
            district_map.read(str(file))
        assert wrong.value.status == 503
    file.write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    assert district_map.read(str(file))["features"] == []


async def test_without_a_map_there_is_no_outline(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/map")).json() == {"outline": None}


async def test_the_command_lists_what_to_see_to(
    api: httpx.AsyncClient, api_server: ApiServer, district: SmallDistrict
) -> None:
    district.status("link", "s01-wan", "down")
    done = await asyncio.to_thread(bellwether, "check", "--school", "s01", "--url", api_server.url)
    assert done.returncode == 0, done.stderr
    assert "the line is out or not seen" in done.stdout
    assert "0 classrooms ready, 2 to see to" in done.stderr
