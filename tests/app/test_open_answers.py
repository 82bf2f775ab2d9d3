"""Tests that an answer without a bound is held for in full, or bounded by what the account has."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.money import Hold
from gateway.canonical.target import Profile, Target
from gateway.protocols import gemini, openai_chat, openai_responses
from gateway.providers.chat.wires import upstream_codec
from tests.app.harness import (
    ACCOUNT,
    DOLLAR,
    KEY,
    RECORD,
    SSE_HEAD,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    sized,
    usage,
)
from tests.app.test_answers import answering
from tests.app.test_streams import DONE, doing

pytestmark = pytest.mark.anyio

MODEL_MAX = 16_384
# gpt-4o's output at list price and 5 %, in nano-USD a token.
TOKEN = 10_500
CENT = DOLLAR // 100


async def asked(balance_nanousd: int, **request: Any) -> tuple[Hold, dict[str, Any]]:
    """Returns the hold of a running request on an account with that balance, and the body that its provider got."""
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url, balance_usd=0) as gateway:
        await gateway.money.credit(ACCOUNT, balance_nanousd, once="c", now_s=0)
        asking = asyncio.create_task(gateway.ask(hello(**request)))
        await asyncio.sleep(1)
        (hold,) = (await gateway.look()).holds
        (body,) = provider.bodies
        asking.cancel()
        return hold, orjson.loads(body)


async def test_a_whole_answer_without_a_bound_is_held_for_in_full() -> None:
    hold, body = await asked(100 * DOLLAR)
    assert MODEL_MAX * TOKEN < hold.amount_nanousd < (MODEL_MAX + 100) * TOKEN
    assert "max_tokens" not in body
    assert "max_completion_tokens" not in body


async def test_a_small_balance_bounds_the_answer_by_half_of_it() -> None:
    hold, body = await asked(20 * CENT)
    assert 10 * CENT - TOKEN < hold.amount_nanousd <= 10 * CENT
    bound = body["max_completion_tokens"] if "max_completion_tokens" in body else body["max_tokens"]
    assert 4_096 < bound < MODEL_MAX
    assert bound * TOKEN < hold.amount_nanousd


async def test_no_answer_is_bounded_below_four_thousand_tokens() -> None:
    hold, body = await asked(6 * CENT)
    assert 4_096 * TOKEN < hold.amount_nanousd < (4_096 + 100) * TOKEN
    assert 4_096 in {body.get("max_completion_tokens"), body.get("max_tokens")}


async def test_a_balance_that_does_not_cover_four_thousand_tokens_is_refused() -> None:
    async with (
        Scripted(answering(sized(200, completion()))) as provider,
        app_under_test(provider.base_url, balance_usd=0) as one,
    ):
        await one.money.credit(ACCOUNT, 4 * CENT, once="c", now_s=0)
        assert (await one.ask(hello())).error["code"] == "insufficient_balance"


async def test_a_stream_of_seen_text_is_held_for_as_it_comes() -> None:
    hold, body = await asked(100 * DOLLAR, stream=True)
    assert 4_096 * TOKEN < hold.amount_nanousd < (4_096 + 100) * TOKEN
    assert not {"max_tokens", "max_completion_tokens"} & set(body)


async def test_a_stream_of_a_model_that_reasons_is_held_for_in_full() -> None:
    hold, body = await asked(100 * DOLLAR, stream=True, model="o4-mini")
    # 100,000 tokens at 4.40 USD a million and 5 %.
    assert hold.amount_nanousd > 100_000 * 4_620
    assert "max_completion_tokens" not in body


async def test_a_cap_bounds_the_answer_as_a_balance_does() -> None:
    cap = 20 * CENT
    async with Scripted(doing(30.0)) as provider, app_under_test(provider.base_url) as gateway:
        gateway.keys.records = {key_hash(KEY): replace(RECORD, monthly_spend_cap_nanousd=cap)}
        asking = [asyncio.create_task(gateway.ask(hello())) for _ in range(8)]
        await asyncio.sleep(1)
        look = await gateway.look()
        refused = [one.result().error["code"] for one in asking if one.done()]
        assert look.held_nanousd <= cap
        assert len(look.holds) + len(refused) == 8
        assert set(refused) == {"tenant_monthly_quota_exceeded"}
        assert len(look.holds) >= 2
        for one in asking:
            one.cancel()


CLIENTS: dict[str, Any] = {
    "openai_chat": openai_chat.CLIENT,
    "openai_responses": openai_responses.CLIENT,
    "gemini": gemini.CLIENT,
}
CONFIGURED = {"contents": [{"parts": [{"text": "Hi"}]}], "generation_config": {"top_k": 3}}
PLAIN = Target("up", Profile("plain"), 65_536)


@pytest.mark.parametrize(
    ("wire", "body", "place"),
    [
        ("openai_chat", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": None}, "max_tokens"),
        ("openai_responses", {"input": "Hi"}, "max_output_tokens"),
        ("openai_responses", {"input": "Hi", "max_output_tokens": None}, "max_output_tokens"),
        ("gemini", {"contents": [{"parts": [{"text": "Hi"}]}]}, "generationConfig.maxOutputTokens"),
        ("gemini", CONFIGURED, "generation_config.maxOutputTokens"),
    ],
)
def test_a_bound_is_written_into_the_callers_own_bytes(wire: str, body: dict[str, Any], place: str) -> None:
    request = replace(CLIENTS[wire].decode_request(orjson.dumps({"model": "gpt-4o", **body})), max_output_tokens=5_000)
    found: Any = orjson.loads(upstream_codec(wire).encode_request(request, PLAIN))
    for name in place.split("."):
        found = found[name]
    assert found == 5_000


async def test_usage_beyond_the_bound_that_the_balance_gave_is_not_charged() -> None:
    script = answering(sized(200, completion(tokens=MODEL_MAX)))
    async with Scripted(script) as provider, app_under_test(provider.base_url, balance_usd=0) as gateway:
        await gateway.money.credit(ACCOUNT, 20 * CENT, once="c", now_s=0)
        assert (await gateway.ask(hello())).status == 200
        (body,) = map(orjson.loads, provider.bodies)
        charge = (await gateway.look()).entries[-1].charge
        assert charge is not None
        assert charge.usage.output == body.get("max_completion_tokens", body.get("max_tokens"))
        assert charge.cost_nanousd <= 10 * CENT


async def test_usage_beyond_the_bound_that_the_keys_minute_gave_is_not_charged() -> None:
    steps = (SSE_HEAD, event(delta("Hello")), event(delta(finish="stop")), event(usage(10, MODEL_MAX)), DONE)
    async with Scripted(doing(*steps)) as provider, app_under_test(provider.base_url) as gateway:
        gateway.keys.records = {key_hash(KEY): replace(RECORD, tpm_limit=20_000)}
        assert (await gateway.ask(hello(stream=True))).status == 200
        (body,) = map(orjson.loads, provider.bodies)
        charge = (await gateway.look()).entries[-1].charge
        assert charge is not None
        assert charge.usage.output == body.get("max_completion_tokens", body.get("max_tokens"))
        assert charge.usage.output < 10_000
