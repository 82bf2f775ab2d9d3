"""Tests that a key's limits hold on every wire: tokens a minute, requests at once, requests of a user."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.protocols import anthropic_messages, openai_chat, openai_completions, openai_responses
from tests.app.harness import KEY, RECORD, AppUnderTest, Scripted, app_under_test, completion, hello, sized
from tests.app.test_answers import answering
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio

WIRES: dict[str, Any] = {
    "/v1/chat/completions": openai_chat.CLIENT,
    "/v1/completions": openai_completions.CLIENT,
    "/v1/messages": anthropic_messages.CLIENT,
    "/v1/responses": openai_responses.CLIENT,
}
MESSAGES = [{"role": "user", "content": "Hi"}]
# A request of each wire, and where it names the end user.
REQUESTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("/v1/chat/completions", {"messages": MESSAGES}, {"user": "anna"}),
    ("/v1/chat/completions", {"messages": MESSAGES}, {"safety_identifier": "anna"}),
    ("/v1/completions", {"prompt": "Hi"}, {"user": "anna"}),
    ("/v1/messages", {"messages": MESSAGES, "max_tokens": 20}, {"metadata": {"user_id": "anna"}}),
    ("/v1/responses", {"input": "Hi"}, {"user": "anna"}),
    ("/v1/responses", {"input": "Hi"}, {"safety_identifier": "anna"}),
]


def limit(gateway: AppUnderTest, **settings: Any) -> None:
    """Sets the key's limits."""
    gateway.keys.records = {key_hash(KEY): replace(RECORD, **settings)}


async def test_requests_beyond_the_keys_tokens_a_minute_are_refused() -> None:
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, tpm_limit=1_000)
        asking = [asyncio.create_task(gateway.ask(hello(max_tokens=400))) for _ in range(4)]
        await asyncio.sleep(1)
        refused = [one.result() for one in asking if one.done()]
        assert (len(refused), len(provider.bodies)) == (3, 1)
        assert {(one.status, one.error["code"]) for one in refused} == {(429, "rate_limit_exceeded")}
        assert all(1 <= int(one.headers["retry-after"]) <= 60 for one in refused)
        assert all("x-ratelimit-remaining" in one.headers for one in refused)
        reserved = sum(hold.tokens for hold in (await gateway.look()).holds)
        assert 400 < reserved <= 1_000
        for one in asking:
            one.cancel()


async def test_what_an_answer_did_not_take_is_free_again_in_the_same_minute() -> None:
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, tpm_limit=600)
        answers = [await gateway.ask(hello(max_tokens=400)) for _ in range(5)]
        assert [one.status for one in answers] == [200] * 5
        assert (await gateway.look()).key_tokens == {RECORD.key_id: sum(map(total, answers))}


def total(answer: Any) -> int:
    """Returns the tokens that an answer reports."""
    return int(answer.json["usage"]["total_tokens"])


async def test_a_request_above_the_limit_of_any_minute_is_not_to_be_repeated() -> None:
    async with app_under_test("http://127.0.0.1:1") as gateway:
        limit(gateway, tpm_limit=1_000)
        answer = await gateway.ask(hello(max_tokens=1_001))
        assert (answer.status, answer.headers["x-should-retry"]) == (429, "false")
        assert "1000 tokens per minute" in answer.error["message"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_without_a_bound_is_bounded_by_the_minutes_tokens(stream: bool) -> None:  # a case
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, tpm_limit=12_000)
        asking = asyncio.create_task(gateway.ask(hello(stream=stream)))
        await asyncio.sleep(1)
        (hold,) = (await gateway.look()).holds
        body = orjson.loads(provider.bodies[0])
        bound = body.get("max_completion_tokens") or body["max_tokens"]
        assert hold.tokens == 6_000
        assert 4_096 < bound < hold.tokens
        asking.cancel()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_of_few_tokens_a_minute_has_shorter_answers(path: str, stream: bool) -> None:
    body = next(body for each, body, _ in REQUESTS if each == path)
    async with (
        Scripted(doing(30.0)) as provider,
        app_under_test(provider.base_url, wire_at=lambda path, _: WIRES[path]) as gateway,
    ):
        limit(gateway, tpm_limit=1_000)
        asking = asyncio.create_task(gateway.ask({"model": "gpt-4o", **body, "stream": stream}, path=path))
        await asyncio.sleep(1)
        (hold,) = (await gateway.look()).holds
        sent = orjson.loads(provider.bodies[0])
        (bound,) = (sent[name] for name in ("max_completion_tokens", "max_output_tokens", "max_tokens") if name in sent)
        prompt_most = hold.tokens - bound
        assert 0 < prompt_most < 300
        assert bound == (1_000 - prompt_most) // 2
        asking.cancel()


async def test_a_key_runs_no_more_requests_at_once_than_it_may() -> None:
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, max_parallel=2)
        asking = [asyncio.create_task(gateway.ask(hello())) for _ in range(5)]
        await asyncio.sleep(1)
        refused = [one.result() for one in asking if one.done()]
        assert {(one.status, one.error["code"], one.headers["retry-after"]) for one in refused} == {
            (429, "rate_limit_exceeded", "1")
        }
        assert (len(refused), len(provider.bodies)) == (3, 2)
        for one in asking:
            one.cancel()


async def test_a_request_that_ended_makes_room_for_the_next() -> None:
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, max_parallel=1)
        assert [(await gateway.ask(hello())).status for _ in range(3)] == [200] * 3


async def test_a_whole_answer_leases_its_place_for_no_longer_than_it_may_take() -> None:
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        limit(gateway, max_parallel=1)
        asking = asyncio.create_task(gateway.ask(hello()))
        await asyncio.sleep(1)
        (hold,) = (await gateway.look()).holds
        assert hold.lease_until_s is not None
        assert hold.lease_until_s - gateway.clock.now_s() < 140
        asking.cancel()


@pytest.mark.parametrize(("path", "body", "user"), REQUESTS)
async def test_the_user_that_a_request_names_has_a_limit(path: str, body: dict[str, Any], user: dict[str, Any]) -> None:
    answer = answering(sized(200, completion()))
    async with (
        Scripted(answer) as provider,
        app_under_test(provider.base_url, wire_at=lambda path, _: WIRES[path]) as gateway,
    ):
        limit(gateway, user_rpm_limit=1)
        asked = {"model": "gpt-4o", **body}
        named = [await gateway.ask({**asked, **user}, path=path) for _ in range(2)]
        nameless = [await gateway.ask(asked, path=path) for _ in range(2)]
        # The provider speaks another wire than some of these: what it answers is not judged here.
        assert [one.status == 429 for one in (*named, *nameless)] == [False, True, False, True]
