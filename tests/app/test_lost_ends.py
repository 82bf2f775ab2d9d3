"""Tests that a request whose end the store does not take is answered, and leaves its end to the queue."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import ServiceUnavailable
from tests.app.harness import SSE_HEAD, Scripted, app_under_test, completion, delta, event, hello, piece, sized, usage
from tests.app.test_answers import answering

pytestmark = pytest.mark.anyio

STREAM = (
    SSE_HEAD + event(delta("Hello!")) + event(delta(finish="stop")) + event(usage()) + event(b"[DONE]") + piece(b"")
)
# 10 tokens of prompt and 5 of answer, by gpt-4o's prices and 5 %.
PRICE = 78_750


@pytest.mark.parametrize("failure", [ServiceUnavailable("no store"), ValueError("a fault of ours")])
@pytest.mark.parametrize(
    ("answer", "asked", "status", "charged"),
    [
        (sized(200, completion()), {}, 200, PRICE),
        (STREAM, {"stream": True}, 200, PRICE),
        (sized(400, b'{"error": {"message": "no"}}'), {}, 400, None),
        (sized(400, b'{"error": {"message": "no"}}'), {"stream": True}, 400, None),
    ],
    ids=["whole", "stream", "refused", "refused stream"],
)
async def test_an_end_that_the_store_does_not_take_waits_in_the_queue(
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    answer: bytes,
    asked: dict[str, Any],
    status: int,
    charged: int | None,
) -> None:
    async def fails(*_: object) -> None:
        raise failure

    async with Scripted(answering(answer)) as provider, app_under_test(provider.base_url) as gateway:
        monkeypatch.setattr(gateway.money, "settle", fails)
        monkeypatch.setattr(gateway.money, "release", fails)
        told = await gateway.ask(hello(**asked))
        (open_hold,) = (await gateway.look()).holds
        ((hold, charge),) = gateway.deferred.waiting
    assert (told.status, hold.hold_id) == (status, open_hold.hold_id)
    assert (None if charge is None else charge.cost_nanousd) == charged
