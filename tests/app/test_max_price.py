"""`max_price.total` bounds what a request may come to, before anything is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.ports.upstream import Credential
from gateway.protocols import openai_responses
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from tests.app.harness import Scripted, app_under_test, completion, hello, sized

pytestmark = pytest.mark.anyio
ANSWER = {
    "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 1},
}


async def asked(**members: Any) -> tuple[int, str | None, int]:
    """The status, the member that is refused, and how often the provider was asked."""

    async def answered(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, completion()))

    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(**members))
        return answer.status, None if answer.status == 200 else answer.error["param"], len(provider.bodies)


async def test_a_request_whose_worst_case_is_over_the_total_is_refused_before_any_call() -> None:
    assert await asked(max_tokens=1000, max_price={"total": "0.01"}) == (400, "max_price.total", 0)


async def test_a_request_whose_worst_case_is_within_the_total_is_served() -> None:
    assert await asked(max_tokens=1000, max_price={"total": "0.02"}) == (200, None, 1)


async def test_a_total_needs_a_bound_of_the_answer() -> None:
    assert await asked(max_price={"total": "5"}) == (400, "max_tokens", 0)


@pytest.mark.parametrize(
    ("wire", "body", "bound"),
    [
        (openai_responses.CLIENT, {"input": "Hi"}, "max_output_tokens"),
        (
            GeminiClient(Address("gemini-2.5-pro", "generateContent")),
            {"contents": [{"parts": [{"text": "Hi"}]}]},
            "generationConfig.maxOutputTokens",
        ),
    ],
)
async def test_the_bound_that_a_total_needs_has_the_callers_word(wire: Any, body: dict[str, Any], bound: str) -> None:
    async with app_under_test("http://127.0.0.1:1/v1", wire_at=lambda *_: wire) as gateway:
        answer = await gateway.ask({"model": "gpt-4o", **body, "max_price": {"total": "5"}})
    assert answer.status == 400
    assert f"set '{bound}'." in answer.error["message"]


async def test_a_total_without_a_bound_says_which_member_is_missing() -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(hello(max_price={"total": "5"}))
    assert (answer.error["param"], answer.error["code"]) == ("max_tokens", "missing_required_parameter")


async def test_more_alternatives_cost_more() -> None:
    assert await asked(max_tokens=1000, n=4, max_price={"total": "0.02"}) == (400, "max_price.total", 0)


@pytest.mark.parametrize(
    ("characters", "prompt", "status"),
    [(1_000, "1.3125", 200), (300_000, "1.3125", 400), (300_000, "2.625", 200), (1_000, "1.25", 400)],
)
async def test_a_prompt_that_may_reach_a_dearer_step_is_judged_by_its_price(
    characters: int, prompt: str, status: int
) -> None:
    client = GeminiClient(Address("gemini-2.5-pro", "generateContent"))
    body = {"contents": [{"parts": [{"text": "x" * characters}]}], "max_price": {"prompt": prompt}}

    async def answered(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, orjson.dumps(ANSWER)))

    async with (
        Scripted(answered) as provider,
        app_under_test(
            provider.base_url, rows={"gemini": Credential("key", provider.base_url)}, wire_at=lambda *_: client
        ) as gateway,
    ):
        assert (await gateway.ask(body)).status == status
