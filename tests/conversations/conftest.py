"""Real stores, started once for the folder, and the family's app over memory."""

import pytest

from tests.conversations.harness import Served
from tests.stores.conftest import client, clock

__all__ = ["client", "clock", "served"]


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    made = Served()
    await made.settle_in()
    monkeypatch.setattr("gateway.http.conversations.conversations", lambda: made.kept)
    monkeypatch.setattr("gateway.http.memory.memories", lambda: made.memories)
    monkeypatch.setattr("gateway.http.feedback.feedback_store", lambda: made.feedback)
    monkeypatch.setattr("gateway.http.cache.answers", lambda: made.cached)
    monkeypatch.setattr("gateway.http.cache.questions", lambda: made.questions)
    return made
