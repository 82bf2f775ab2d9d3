"""Fixtures of runs over stores in memory, with short waits."""

from collections.abc import AsyncIterator

import pytest

from gateway.agents import runs
from tests.agent_runs.harness import Place, Rows, place


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses of code that polls."""
    monkeypatch.setattr(runs, "POLL_S", 0.01)


@pytest.fixture
async def home(credentials: Rows) -> AsyncIterator[Place]:
    """Builds the apps and the engine, over stores in memory."""
    async with place(credentials) as made:
        yield made
