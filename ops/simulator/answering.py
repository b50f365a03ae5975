"""The rest of the district answers as well: every class in a lesson, through the agent of its room in this process.

Class after class gets a question, each once in a round; a class hands its answers in together, as after a teacher's
"now". Ids are counted at the source, in a file, once the agent has them on its disk (`ops.demo.answers`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from random import Random
from uuid import uuid4

import httpx
import structlog

from edge_agent.spool import SpoolError
from ops.simulator.report import DistrictAnswers
from ops.simulator.roster import Roster
from ops.simulator.roster_folder import ClassOf
from ops.simulator.school_day import Phase
from ops.simulator.world import World
from protocols.records import Answer, RecordBody

ROUND_SECONDS = 600.0
"""Every class answers once in so long: for a whole district, some forty answers a second."""
DISTRICT_FILE = "district-answers.txt"
_MISSES = 0.06
"""Share of a class that does not answer."""

_log = structlog.get_logger(__name__)


class DistrictAnswering:
    """Classes whose rooms' agents share this process. `run` goes on until cancelled."""

    def __init__(
        self,
        classes: Sequence[ClassOf],
        roster: Roster,
        world: World,
        stage_of: Mapping[str, str],
        centre_url: str,
        file: Path,
        random: Random,
    ) -> None:
        self._classes = list(classes)
        random.shuffle(self._classes)
        self._roster = roster
        self._world = world
        self._stage_of = stage_of
        self._centre_url = centre_url
        self._file = file
        self._random = random
        self._pupils: dict[str, list[str]] = {}
        self._answered: set[str] = set()
        self._made = 0

    def books(self) -> DistrictAnswers:
        """Return what was made at the source."""
        return DistrictAnswers(classes=len(self._answered), made=self._made)

    async def run(self) -> None:
        """Ask class after class until cancelled; one that is late is asked at once, so none is left out."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("", "utf-8")
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with httpx.AsyncClient(base_url=self._centre_url, timeout=60, trust_env=False) as centre:
            for number in count():
                await asyncio.sleep(max(0.0, began + number * ROUND_SECONDS / len(self._classes) - loop.time()))
                one = self._classes[number % len(self._classes)]
                if self._world.phase(self._stage_of[one.room.classroom]) is Phase.LESSON:
                    await self._ask(one, centre, question=f"{one.key}-d{number // len(self._classes)}")

    async def _ask(self, one: ClassOf, centre: httpx.AsyncClient, question: str) -> None:
        try:
            pupils = self._pupils.get(one.key) or await self._who(one, centre)
            bodies = [
                RecordBody(
                    record_id=uuid4().hex,
                    observed_at_ms=time.time_ns() // 1_000_000,
                    subject=pupil,
                    school_class=one.key,
                    fact=Answer(question=question, response=self._random.choice("ABCD")),
                )
                for pupil in pupils
                if self._random.random() > _MISSES
            ]
            if not await self._roster.hand_in(one.room.classroom, bodies):
                return
        except (httpx.HTTPError, SpoolError) as error:
            _log.warning("class_did_not_answer", school_class=one.key, reason=str(error) or type(error).__name__)
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(f"{body.record_id}\n" for body in bodies)
        self._made += len(bodies)
        self._answered.add(one.key)

    async def _who(self, one: ClassOf, centre: httpx.AsyncClient) -> list[str]:
        """Return the references of a class's pupils, which the centre made up when the roster was imported."""
        answer = await centre.get(f"/api/v1/roster/classes/{one.key}")
        answer.raise_for_status()
        found = self._pupils[one.key] = [pupil["person"] for pupil in answer.json()["pupils"]]
        return found
