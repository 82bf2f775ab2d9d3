"""Tests of the Idempotency-Key at the chat app: the answers to a caller that repeats a request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.canonical.money import EntryKind
from tests.app.harness import (
    ACCOUNT,
    SSE_HEAD,
    Answer,
    AppUnderTest,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    piece,
    sized,
    usage,
)

pytestmark = pytest.mark.anyio

WHOLE = sized(200, completion())
DONE = event(b"[DONE]") + piece(b"")
STREAM = SSE_HEAD + event(delta("Hello")) + event(delta(finish="stop")) + event(usage()) + DONE
CUT = SSE_HEAD + event(delta("Hel"))
PRICE = 78_750

Script = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Counter:
    """An app, the provider behind it, and the money between them."""

    gateway: AppUnderTest
    provider: Scripted

    async def ask(self, body: Any, key: str = "key") -> Answer:
        return await self.gateway.ask(body, headers={"idempotency-key": key})

    @property
    def served(self) -> int:
        return len(self.provider.bodies)

    async def spent(self) -> int:
        look = await self.gateway.look()
        assert look.holds == ()
        return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


@asynccontextmanager
async def counter(*answers: bytes, **turned: Any) -> AsyncIterator[Counter]:
    """Gives each request the next answer; the last one repeats, and then the connection ends."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(number, len(answers)) - 1])
        await writer.drain()
        writer.close()

    async with Scripted(script) as provider, app_under_test(provider.base_url, **turned) as gateway:
        yield Counter(gateway, provider)


def own(answer: Answer) -> dict[str, str]:
    """Returns the headers that describe the answer."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name.startswith(("x-nexevo", "x-usage")) or name == "content-type"
    }


async def test_a_request_sent_again_gets_the_same_answer_and_is_paid_once() -> None:
    async with counter(WHOLE) as chat:
        first, second = await chat.ask(hello()), await chat.ask(hello())
        assert (second.status, second.body, own(second)) == (200, first.body, own(first))
        assert (second.headers["idempotent-replayed"], chat.served, await chat.spent()) == ("true", 1, PRICE)


async def test_a_stream_sent_again_gets_the_same_events_and_is_paid_once() -> None:
    async with counter(STREAM) as chat:
        first, second = await chat.ask(hello(stream=True)), await chat.ask(hello(stream=True))
        assert (second.body, second.headers["content-type"]) == (first.body, first.headers["content-type"])
        assert (second.headers["idempotent-replayed"], chat.served, await chat.spent()) == ("true", 1, PRICE)


async def test_a_stream_that_was_cut_is_paid_for_what_came_and_replayed() -> None:
    async with counter(CUT) as chat:
        first = await chat.ask(hello(stream=True))
        spent = await chat.spent()
        second = await chat.ask(hello(stream=True))
        assert spent > 0
        assert (second.body, chat.served, await chat.spent()) == (first.body, 1, spent)


async def test_a_refusal_is_not_kept() -> None:
    async with counter(WHOLE, balance_usd=0) as chat:
        refused = await chat.ask(hello())
        await chat.gateway.money.credit(ACCOUNT, 10**9, once="later", now_s=0)
        assert (refused.status, (await chat.ask(hello())).status) == (402, 200)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_providers_failure_is_not_kept(stream: bool) -> None:
    async with counter(sized(400, b'{"error": {"message": "no"}}'), STREAM if stream else WHOLE) as chat:
        failed = await chat.ask(hello(stream=stream))
        assert (failed.status, (await chat.ask(hello(stream=stream))).status) == (400, 200)


async def test_another_body_under_the_same_key_is_a_409_that_is_not_worth_a_retry() -> None:
    async with counter(WHOLE) as chat:
        await chat.ask(hello())
        refused = await chat.ask(hello(temperature=1))
        assert (refused.status, refused.json["error"]["code"]) == (409, "idempotency_key_reused")
        assert refused.headers["x-should-retry"] == "false"


async def test_a_request_in_flight_is_a_409_that_says_when() -> None:
    async with counter(WHOLE) as chat:
        answers = await asyncio.gather(*(chat.ask(hello()) for _ in range(20)))
        refused = [answer for answer in answers if answer.status == 409]
        assert (len(refused), chat.served, await chat.spent()) == (19, 1, PRICE)
        assert {answer.json["error"]["code"] for answer in refused} == {"idempotency_in_progress"}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}


async def test_a_key_that_is_too_long_is_a_400() -> None:
    async with counter(WHOLE) as chat:
        refused = await chat.ask(hello(), key="k" * 256)
        assert (refused.status, refused.json["error"]["code"], chat.served) == (400, "invalid_idempotency_key", 0)


async def test_different_keys_in_one_request_are_a_400_and_the_same_twice_is_one() -> None:
    async with counter(WHOLE) as chat:
        for second, status in (("two", 400), ("one", 200)):
            keys = [("idempotency-key", "one"), ("idempotency-key", second)]
            answer = await chat.gateway.ask(hello(), more_headers=keys)
            assert answer.status == status
        refused = await chat.gateway.ask(hello(), more_headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
        assert (refused.json["error"]["code"], chat.served) == ("different_idempotency_keys", 1)


async def test_a_request_that_cannot_be_read_claims_no_key() -> None:
    async with counter(WHOLE) as chat:
        refused = await chat.ask({"model": "gpt-4o"})
        assert (refused.status, (await chat.ask(hello())).status) == (400, 200)


async def test_without_a_key_each_request_is_served() -> None:
    async with counter(WHOLE) as chat:
        for _ in range(2):
            await chat.gateway.ask(hello())
        assert (chat.served, await chat.spent()) == (2, 2 * PRICE)
