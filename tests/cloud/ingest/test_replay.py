"""Replay when there is no database to replay into; what it does with one is told in `test_delivery`."""

from __future__ import annotations

import pytest

from cloud.errors import DatabaseUnavailable
from cloud.ingest.replay import replay, replay_known_agents

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


async def test_a_database_that_is_away_is_said_so() -> None:
    with pytest.raises(DatabaseUnavailable, match="refused"):
        await replay(NOWHERE)
    with pytest.raises(DatabaseUnavailable, match="refused"):
        await replay_known_agents(NOWHERE)
