"""What the replay routes ask for. Ingest does the work; `cloud.api` brings the two together."""

from __future__ import annotations

from typing import Annotated, Protocol

from fastapi import Depends, Request

from cloud.quarantine.schemas import ReplayReport


class Replayer(Protocol):
    """Sends quarantined segments through ingest again."""

    async def one(self, quarantine_id: int) -> ReplayReport | None:
        """Try one segment; None when none of that number waits."""
        ...

    async def many(self, reason: str | None) -> ReplayReport:
        """Try every segment of a reason, or all."""
        ...


def _replayer(request: Request) -> Replayer:
    replayer: Replayer = request.app.state.rooms.replayer
    return replayer


Replay = Annotated[Replayer, Depends(_replayer)]
