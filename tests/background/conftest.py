"""Fixtures of the responses app over stores in memory, with short waits."""

from collections.abc import AsyncIterator

import pytest

from gateway.auth.principal import Principal
from gateway.http.responses import ResponsesRoutes
from gateway.http.streaming_app import StreamingApp
from gateway.protocols import openai_responses
from gateway.responses import events, worker
from gateway.responses.conversing import Conversing
from tests.background.harness import Place, Rows, place


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses of code that polls."""
    monkeypatch.setattr(events, "GATHER_S", 0.01)
    monkeypatch.setattr(events, "POLL_S", 0.01)
    monkeypatch.setattr(worker, "POLL_S", 0.01)


async def uncounted(_: Principal, body: bytes) -> bytes:
    raise NotImplementedError(f"no count is asked for here: {body!r}")


@pytest.fixture
async def home(credentials: Rows) -> AsyncIterator[Place]:
    """Builds the responses app, as `functions/responses` does, over stores in memory."""
    async with place(credentials) as made:
        routes = ResponsesRoutes(
            lambda: made.operation,
            lambda: made.turns,
            lambda: made.background,
            lambda: made.operation,
            uncounted,
            lambda: Conversing(made.conversations),
        )
        made.app = StreamingApp(lambda: made.services, openai_responses.CLIENT, routes)
        yield made
