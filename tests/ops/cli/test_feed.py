"""`bellwether feed`, as processes against a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cloud.district import SmallDistrict
from tests.ops.cli.test_centre import answer, bellwether

pytestmark = pytest.mark.db

SECRET = "a secret of many more than 24 bytes"


def test_a_feed_is_added_shown_paused_resumed_and_removed(district: SmallDistrict, tmp_path: Path) -> None:
    dsn = district.dsn
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    target = ("--url", "https://homework.example/in?key=hidden", "--secret-file", str(secret))
    added = answer(
        "feed", "add", "homework", *target, "--types", "answer,submission", "--school", "s01", "--from-now", dsn=dsn
    )
    assert (added["state"], added["types"], added["school"]) == ("running", ["answer", "submission"], "s01")
    assert answer("feed", "show", "homework", dsn=dsn) == added
    assert answer("feed", "pause", "homework", dsn=dsn)["state"] == "paused"
    assert [row["state"] for row in answer("feed", "list", dsn=dsn)] == ["paused"]
    assert answer("feed", "resume", "homework", dsn=dsn)["state"] == "running"
    assert answer("feed", "retry", "homework", dsn=dsn) == {"records": 0, "erasures": 0}
    assert answer("feed", "refusals", "homework", dsn=dsn) == []
    shown = bellwether("feed", "show", "homework", dsn=dsn)
    assert "waiting" in shown.stdout
    assert SECRET not in shown.stdout + str(added)
    assert "hidden" not in shown.stdout + str(added)
    assert answer("feed", "remove", "homework", dsn=dsn) == {"removed": "homework"}
    for verb in ("show", "refusals", "pause", "remove"):
        gone = bellwether("feed", verb, "homework", dsn=dsn)
        assert (gone.returncode, gone.stdout) == (1, "")
        assert "no feed 'homework'" in gone.stderr


def test_everything_wrong_is_told_at_once(district: SmallDistrict, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("short")
    target = ("--url", "https://user:word@x.example", "--secret-file", str(secret), "--types", "mood")
    done = bellwether("feed", "add", "A!", *target, dsn=district.dsn)
    assert done.returncode == 2
    for field in ("feed", "url", "secret", "types"):
        assert f"{field}: " in done.stderr
