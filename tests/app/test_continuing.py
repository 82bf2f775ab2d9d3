"""Tests of streams that another target goes on with after a cut, where the caller asks for that."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.target import Target
from gateway.canonical.usage import Usage
from gateway.errors import InvalidRequest
from gateway.ledger.money import parse_usd
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import provider_row
from tests.app.cut_streams import (
    BEGINS,
    CLAUDES_TOOL,
    CLIENTS,
    DEAR_PROMPT,
    ENDS,
    PIECES,
    PROMPT,
    TOOL,
    WHOLE,
    Providers,
    claudes,
    of_claude,
    played,
    prefill,
    text_of,
    tried,
)
from tests.app.harness import delta


@pytest.mark.parametrize("wire", CLIENTS)
def test_a_cut_at_any_event_loses_and_doubles_no_word(wire: str) -> None:
    for cut in range(len(PIECES) + 1):
        outcome = played(wire, Providers(together=[cut], anthropic=[None]))
        client = outcome.client
        assert outcome.context.error is None
        assert client.text == WHOLE, cut
        assert client.received.count(ENDS[wire]) == 1
        if wire in BEGINS:
            assert client.received.count(BEGINS[wire]) == 1
        first = "cut" if cut > 1 else "502 upstream_error"
        assert tried(outcome) == [("together", first), ("anthropic", "served")]
        assert client.extension["model_used"] == "m"
        assert outcome.charged == parse_usd(client.extension["cost_usd"])


@pytest.mark.parametrize("wire", CLIENTS)
def test_the_same_target_goes_on_where_it_is_the_only_one(wire: str) -> None:
    for cut in range(2, len(claudes(WHOLE)) + 4):
        providers = Providers(together=[], anthropic=[cut, 4, None])
        client = played(wire, providers, 1).client
        assert client.text == WHOLE, cut
        assert client.received.count(ENDS[wire]) == 1
        assert "stream_failure" not in str(providers.by_name["anthropic"].bodies)


def test_a_text_goes_on_in_its_own_block() -> None:
    """Claude's answers here have two blocks: a continuation's first one is no new one."""
    for cut, blocks in ((4, 2), (8, 3)):
        client = played("messages", Providers(together=[], anthropic=[cut, None]), 1).client
        starts = [value["index"] for value in client.values if value["type"] == "content_block_start"]
        assert starts == list(range(blocks))
        assert client.text == WHOLE


def test_an_attempt_without_content_leaves_the_usage_as_it_was() -> None:
    for cuts in ([5, 0, None], [5, 1, None]):
        outcome = played("chat", Providers(together=[], anthropic=[*cuts]), 1)
        assert outcome.client.text == WHOLE
        assert outcome.context.usage is not None
        assert outcome.context.usage.prompt == PROMPT


def test_a_tool_may_be_called_behind_the_text_that_was_cut() -> None:
    for wire in ("chat", "messages"):
        providers = Providers(together=[5], anthropic=[None])
        providers.calls = True
        client = played(wire, providers, tools=[TOOL if wire == "chat" else CLAUDES_TOOL]).client
        assert client.text == WHOLE
        assert client.received.count(b'"toolu_1"') == 1
        reasons = [value["delta"]["stop_reason"] for value in client.values if value.get("type") == "message_delta"]
        finished = [choice["finish_reason"] for value in client.values for choice in value.get("choices", [])]
        assert [*reasons, *filter(None, finished)] == ["tool_use" if wire == "messages" else "tool_calls"]


@pytest.mark.parametrize("wire", CLIENTS)
def test_without_the_wish_a_cut_ends_in_an_error_event(wire: str) -> None:
    for wish in (None, "terminate"):
        providers = Providers(together=[5], anthropic=[None])
        outcome = played(wire, providers, stream_failure=wish)
        assert outcome.context.error is not None
        assert outcome.client.text == "".join(PIECES[:4])
        assert providers.by_name["anthropic"].bodies == []
        assert b'"nexevo":' not in outcome.client.received
        assert outcome.charged > 0


@pytest.mark.parametrize("wire", CLIENTS)
def test_an_unknown_wish_is_refused(wire: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        played(wire, Providers(together=[None], anthropic=[None]), stream_failure="restart")
    assert refused.value.param == "provider.stream_failure"


def test_where_no_target_takes_a_prefill_a_cut_ends_in_an_error_event() -> None:
    providers = Providers(together=[5], anthropic=[None])
    outcome = played("chat", providers, 0)
    assert outcome.context.error is not None
    assert len(providers.by_name["together"].bodies) == 1
    assert outcome.client.text == "".join(PIECES[:4])
    assert [attempt.outcome for attempt in outcome.context.attempts] == ["cut"]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    "more",
    [
        {"response_format": SCHEMA},
        {"logprobs": True},
        {"n": 2},
        {"reasoning_effort": "high"},
        {"tools": [TOOL], "tool_choice": "required"},
        {"messages": [{"role": "user", "content": "Tell."}, {"role": "assistant", "content": "On"}]},
        {"max_tokens": 3},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_more_than_one_text_is_not_gone_on_with(more: dict[str, Any]) -> None:
    providers = Providers(together=[5], anthropic=[None])
    outcome = played("chat", providers, **more)
    assert outcome.context.error is not None
    assert providers.by_name["anthropic"].bodies == []


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}


@pytest.mark.parametrize(
    "extra", [delta(tool_calls=[CALL]), delta(reasoning_content="Hm"), delta(refusal="No."), delta(finish="stop")]
)
def test_an_answer_that_has_become_more_than_text_or_is_whole_is_not_gone_on_with(extra: dict[str, Any]) -> None:
    providers = Providers(together=[5], anthropic=[None])
    providers.extra = [b"data: " + orjson.dumps(extra) + b"\n\n"]
    outcome = played("chat", providers, tools=[TOOL])
    assert outcome.context.error is not None
    assert providers.by_name["anthropic"].bodies == []


def test_the_prompt_is_paid_once_and_all_at_the_cheaper_target() -> None:
    """The output is an estimate of the first part, and the count of the second; the second's prompt is ours."""
    for cut in range(3, len(PIECES)):
        outcome = played("messages", Providers(together=[], anthropic=[cut, None]), 1)
        first = len(text_of(of_claude(claudes(WHOLE), PROMPT)[:cut]).encode())
        usage = Usage(input=PROMPT, output=-(-first // 3) + 5)
        assert outcome.context.usage == usage
        assert outcome.charged == outcome.context.meter.cost(outcome.context.plan.candidates[0], usage).nanousd
        mixed = played("chat", Providers(together=[cut], anthropic=[None]), stream_options={"include_usage": True})
        dear, cheap = mixed.context.plan.candidates
        counted = mixed.context.usage
        assert counted is not None
        assert counted.prompt < DEAR_PROMPT
        assert mixed.charged == mixed.context.meter.cost(cheap, counted).nanousd
        assert mixed.charged < mixed.context.meter.cost(dear, counted).nanousd
        shown = [value["usage"] for value in mixed.client.values if value.get("usage")]
        assert [each["total_tokens"] for each in shown] == [counted.total]


def test_what_is_left_of_the_bound_is_asked_for() -> None:
    providers = Providers(together=[5], anthropic=[None])
    played("chat", providers, max_tokens=400)
    (body,) = providers.by_name["anthropic"].bodies
    assert body["max_tokens"] == 400 - 4
    assert prefill(body) == "Once upon  a"


def test_where_no_target_can_go_on_what_was_delivered_is_paid_for() -> None:
    """Each further target breaks off before or after content of its own."""
    for cuts in ([0], [2], [4, 0]):
        outcome = played("chat", Providers(together=[5], anthropic=[*cuts]))
        assert outcome.context.error is not None
        assert WHOLE.startswith(outcome.client.text)
        assert outcome.client.text.startswith("Once upon  a")
        assert b"[DONE]" not in outcome.client.received
        usage = outcome.context.meter.estimate(len(outcome.client.text.encode()), outcome.context.usage)
        priced_at = outcome.context.priced_at(usage)
        assert priced_at is not None
        assert outcome.charged == outcome.context.meter.cost(priced_at, usage).nanousd
        assert priced_at.target.provider == ("together" if cuts != [4, 0] else "anthropic")


def test_the_target_that_goes_on_has_none_beside_it() -> None:
    """A second one would write the same words on a stream of its own."""
    providers = Providers(together=[5, None], anthropic=[None])
    providers.slow_s = 2.0
    outcome = played("chat", providers, hedged=True)
    assert outcome.client.text == WHOLE
    assert tried(outcome) == [("together", "cut"), ("anthropic", "served")]


def test_where_time_runs_out_the_stream_is_cut_short() -> None:
    providers = Providers(together=[5], anthropic=[None])
    providers.slow_s = 2_000.0
    outcome = played("chat", providers)
    assert outcome.context.error is None
    assert outcome.client.text == "Once upon  a"
    assert outcome.client.received.count(b'"finish_reason":"length"') == 1
    assert outcome.client.received.count(ENDS["chat"]) == 1
    assert tried(outcome)[0] == ("together", "cut")
    assert outcome.charged == parse_usd(outcome.client.extension["cost_usd"])
    assert outcome.charged > 0


def test_one_answer_is_paid_for_in_one_way() -> None:
    """The account's own keys pay for all of it, or for none."""
    context = played("chat", Providers(together=[5], anthropic=[None])).context
    claude = context.plan.candidates[1]
    assert context.may_ask(claude)
    assert not context.may_ask(replace(claude, own=cast("Any", "key")))


def test_bedrock_is_given_the_beginning_too() -> None:
    continued = played("chat", Providers(together=[5], anthropic=[None])).context.continued
    assert continued is not None
    written = provider_row("bedrock").written(continued.asked.request, Target("m", PROFILES["claude_budget"], 8_000))
    last = orjson.loads(written)["messages"][-1]
    assert last == {"role": "assistant", "content": [{"text": "Once upon  a"}]}
