"""The documents of a small district, kept by the real duty against the test's database; the API with its key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cloud.config import Settings
from cloud.db import open_pool
from cloud.desired.keys import CentreKey, open_key
from cloud.desired.refresh import DesiredRefresh
from tests.cloud.schooling import with_classes


@pytest.fixture
def classes(district):
    with_classes(district.dsn)
    return district


@pytest.fixture
def key(api_settings: Settings) -> CentreKey:
    return open_key(Path(api_settings.content.folder))


@pytest.fixture
async def refresh(api_settings: Settings) -> AsyncIterator[DesiredRefresh]:
    """The duty, not running: a test calls its `refresh`."""
    async with open_pool(api_settings.database.dsn) as pool:
        yield DesiredRefresh(api_settings, pool)


@dataclass
class Edge:
    """An agent at the centre's API."""

    api: httpx.AsyncClient
    agent: str
    token: str

    async def ask(self, path: str, method: str = "GET", **more) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self.api.request(method, f"/api/v1/edge/{self.agent}/{path}", headers=headers, **more)


@pytest.fixture
def edge(api: httpx.AsyncClient, key: CentreKey, classes) -> Callable[[str], Edge]:
    return lambda agent: Edge(api, agent, key.agent_token(agent))
