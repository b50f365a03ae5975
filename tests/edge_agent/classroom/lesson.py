"""A real agent in a lesson: its documents signed and on disk as the centre left them, its process, its LAN."""

from __future__ import annotations

import time
from pathlib import Path

from edge_agent.downlink import Documents
from edge_agent.downlink.documents import FOLDER
from edge_agent.vault import Vault
from ops.embedded.process import free_port
from protocols.desired import Body
from protocols.roster import Lesson, Pupil, Roster, SchoolClass, Timetable
from tests.edge_agent.downlink.centre import PUBLIC_KEY, PUBLIC_KEY_TEXT, signed
from tests.faults.harness import AgentProcess

AGENT = "s07-gw"
CLASS = "s07-g3c2"


def class_of(pupils: int, *, columns: int = 8) -> Roster:
    """One class; pupil 3 sits at terminal t-03."""
    sitting = [
        Pupil(
            person=f"p-{number:02}",
            number=number,
            row=1 + (number - 1) // columns,
            column=1 + (number - 1) % columns,
            terminal=f"t-{number:02}",
        )
        for number in range(1, pupils + 1)
    ]
    one = SchoolClass(school_class=CLASS, title="三年级（2）班", title_en="Grade 3 Class 2", pupils=sitting)
    return Roster(classes=[one])


def lesson_now(minutes_left: float = 30) -> Timetable:
    """A timetable in which the class has a lesson."""
    ends_at_ms = time.time_ns() // 1_000_000 + round(minutes_left * 60_000)
    one = Lesson(
        lesson=f"{CLASS}-3",
        school_class=CLASS,
        topic="数学",
        starts_at_ms=ends_at_ms - 45 * 60_000,
        ends_at_ms=ends_at_ms,
        period=3,
    )
    return Timetable(time_zone="Asia/Shanghai", from_day="2026-11-23", to_day="2026-11-27", lessons=[one])


def agent_in_a_lesson(folder: Path, *bodies: Body, code: str | None = None) -> tuple[AgentProcess, str]:
    """Return an agent that is not started yet, and the address of its LAN. Broker and centre are out of reach."""
    lan_port = free_port()
    agent = AgentProcess(folder, AGENT, free_port(), lan_port=lan_port)
    config = agent.config.read_text(encoding="utf-8")
    if code is not None:
        config += f'teacher_code = "{code}"\n'
    config += f'[centre]\nurl = "http://127.0.0.1:{free_port()}"\ntoken = "word"\npublic_key = "{PUBLIC_KEY_TEXT}"\n'
    agent.config.write_text(config, encoding="utf-8")
    held = Documents(agent.folder / FOLDER, agent=AGENT, public_key=PUBLIC_KEY, cipher=Vault(agent.folder).cipher())
    for body in bodies:
        held.accept(signed(body, agent=AGENT))
    return agent, f"http://127.0.0.1:{lan_port}"
