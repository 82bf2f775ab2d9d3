"""Tests of the money of one generation over several candidates: what is held, what is bounded, what is estimated."""

from __future__ import annotations

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel, ListPrice, PriceStep
from gateway.canonical.limits import TokenDemand
from gateway.canonical.parts import Document, Message, RemoteMedia, Text
from gateway.canonical.request import ChatRequest, PriceLimit, Reasoning, RoutingPreferences
from gateway.canonical.usage import Usage
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.errors import InvalidRequest
from gateway.operations.token_meter import TokenMeter, within_prices
from gateway.pipeline.operation import OpenOutput
from gateway.providers.chat.registry import KNOWN
from gateway.routing.plan import Candidate, Plan
from gateway.routing.planning import find

SAID = (Message(role="user", parts=(Text("hi"),)),)
# 100 bytes: a prompt of 34 tokens by estimate, and of 132 by its bound.
ASKED = ChatRequest(protocol="openai_chat", model="small", messages=SAID, source=b"x" * 100)


def _model(name: str, window: int, most: int, price: dict[str, str], *capabilities: str) -> dict[str, Any]:
    row = {"owned_by": "openai", "created": 1_760_000_000, "input": ["text"], "profile": "openai_gpt"}
    limits = {"context_window": window, "max_output_tokens": most, "price": price}
    return {"id": name, **row, **limits, "capabilities": ["tools", *capabilities], "targets": [{"provider": "openai"}]}


CATALOG = parse(
    CHAT_MODELS,
    {
        "price_version": "2026-01-01",
        "models": [
            _model("small", 1_000, 100, {"input": "1", "output": "2"}),
            _model("large", 20_000, 8_000, {"input": "10", "output": "20"}),
            _model("free", 1_000, 100, {"input": "0", "output": "0"}),
            _model("cheap", 1_000, 100, {"input": "0.000001", "output": "0.000001"}),
            _model("thinker", 20_000, 8_000, {"input": "5", "output": "8"}, "reasoning"),
            _model("asked", 20_000, 8_000, {"input": "5", "output": "8"}, "reasoning")
            | {"profile": "claude_budget", "targets": [{"provider": "anthropic"}]},
        ],
    },
    KNOWN,
)


def served_by(name: str) -> Candidate[ChatModel]:
    found = find(name, CATALOG, "model", allow_successor=True)
    (model,) = CATALOG.models_behind(found.offer)
    return Candidate(found, model, model.targets[0])


def meter(*names: str, **asked: Any) -> TokenMeter:
    return TokenMeter(replace(ASKED, **asked), tuple(map(served_by, names)))


@pytest.mark.parametrize(
    ("names", "first", "most"), [(("small",), 100, 100), (("small", "large"), 4_096, 8_000), (("large",), 4_096, 8_000)]
)
def test_an_open_answer_is_held_for_up_to_the_longest_of_any_candidate(
    names: tuple[str, ...], first: int, most: int
) -> None:
    assert meter(*names, stream=True).open_output == OpenOutput(first, most, 3, watched=True)
    assert meter(*names, max_output_tokens=50).open_output is None


@pytest.mark.parametrize(
    ("names", "stream", "watched"),
    [(("small", "large"), True, True), (("small", "thinker"), True, False), (("small", "large"), False, False)],
)
def test_an_answer_is_watched_that_every_candidate_streams_as_it_comes(
    names: tuple[str, ...], *, stream: bool, watched: bool
) -> None:
    output = meter(*names, stream=stream).open_output
    assert output is not None
    assert output.watched is watched


def test_an_answer_is_watched_of_a_model_that_reasons_where_it_is_asked_to() -> None:
    for reasoning, watched in ((None, True), (Reasoning(budget_tokens=2_000), False)):
        output = meter("small", "asked", stream=True, reasoning=reasoning).open_output
        assert output is not None
        assert output.watched is watched


def test_an_answer_of_bounded_units_is_open_up_to_them() -> None:
    assert meter("large").limited(5_000).open_output == OpenOutput(4_096, 5_000, 3, watched=False)
    assert meter("large").limited(50).open_output == OpenOutput(50, 50, 3, watched=False)
    assert meter("small").limited(5_000).open_output == OpenOutput(100, 100, 3, watched=False)


@pytest.mark.parametrize("names", [("small", "large"), ("large", "small")])
def test_the_hold_is_for_the_dearest_candidate_in_any_order(names: tuple[str, ...]) -> None:
    # 132 tokens of prompt at 10 USD a million, 50 of output at 20, and 5 %.
    assert meter(*names).worst_case(50) == 2_436_000
    assert meter("small").worst_case(50) == 243_600
    # An answer is never longer than its model's.
    assert meter("small").worst_case(5_000) == 348_600


@pytest.mark.parametrize(
    ("asked", "prompt", "output"),
    [
        ({}, 132, 100),
        ({"max_output_tokens": 50}, 132, 50),
        ({"max_output_tokens": 5}, 132, 16),
        ({"max_output_tokens": 999}, 132, 100),
        ({"choices": 3}, 132, 300),
        ({"batch": (SAID, SAID)}, 196, 300),
        ({"samplings": 2}, 264, 200),
        ({"source": b"x" * 5_000}, 1_000, 100),
        ({"provider_state": "previous_response_id"}, 1_000, 100),
        ({"messages": (Message(role="user", parts=(Document(RemoteMedia("https://a.example/b.pdf")),)),)}, 1_000, 100),
    ],
)
def test_usage_is_bounded_by_the_request_and_the_model(asked: dict[str, Any], prompt: int, output: int) -> None:
    told = Usage(input=10**9, output=10**9)
    assert meter("large", "small", **asked).bounded(served_by("small"), told) == Usage(input=prompt, output=output)


def test_usage_is_bounded_by_the_units_that_were_asked_for_in_the_callers_place() -> None:
    told = Usage(input=1, output=10**9)
    assert meter("small").limited(50).bounded(served_by("small"), told).output == 50
    assert meter("small").limited(5).bounded(served_by("small"), told).output == 16
    assert meter("small", max_output_tokens=60).limited(50).bounded(served_by("small"), told).output == 60


@pytest.mark.parametrize(
    ("names", "asked", "demand"),
    [
        (("small", "large"), {}, TokenDemand(34 + 4_096, 132 + 4_096, 132 + 8_000)),
        (("small",), {}, TokenDemand(34 + 100, 132 + 100, 132 + 100)),
        (("small", "large"), {"max_output_tokens": 50}, TokenDemand(34 + 50, 132 + 50, None)),
        (("small", "large"), {"max_output_tokens": 5}, TokenDemand(34 + 16, 132 + 16, None)),
        (("small", "large"), {"max_output_tokens": 500}, TokenDemand(34 + 500, 132 + 500, None)),
        (("small",), {"choices": 2}, TokenDemand(34 + 200, 132 + 200, 132 + 200)),
        (("small",), {"batch": (SAID, SAID)}, TokenDemand(34 + 300, 196 + 300, 196 + 300)),
        (("small", "large"), {"source": b"x" * 5_000}, TokenDemand(1_667 + 4_096, 5_032 + 4_096, 5_032 + 8_000)),
        (("small",), {"source": b"x" * 5_000}, TokenDemand(1_000 + 100, 1_000 + 100, 1_000 + 100)),
    ],
)
def test_a_request_reserves_its_prompt_and_its_answers(
    names: tuple[str, ...], asked: dict[str, Any], demand: TokenDemand
) -> None:
    assert meter(*names, **asked).tokens == demand


def test_the_tokens_beside_the_prompt_are_shared_by_all_answers() -> None:
    assert meter("large").units_within(132 + 5_000) == 5_000
    assert meter("large", choices=2).units_within(132 + 12_000) == 6_000
    assert meter("large", batch=(SAID,)).units_within(164 + 12_000) == 6_000
    assert meter("large").units_within(132) == 0
    assert meter("large", choices=2).units_within(132 + 3) == 1
    assert meter("large", choices=0).units_within(132 + 5_000) == 5_000


@pytest.mark.parametrize(
    ("reported", "output", "prompt"),
    [
        (None, 11, 34),
        (Usage(input=500, output=4), 11, 500),
        (Usage(input=500, output=40), 40, 500),
        (Usage(cache_read=500, output=40), 40, 500),
    ],
)
def test_an_answer_that_was_cut_short_is_estimated_from_its_bytes_and_from_what_was_reported(
    reported: Usage | None, output: int, prompt: int
) -> None:
    estimate = meter("small").estimate(31, reported)
    assert (estimate.output, estimate.prompt) == (output, prompt)


def test_the_members_that_no_model_reads_are_no_part_of_an_estimate() -> None:
    assert meter("small", unread_bytes=40).estimate(31, None).input == 20
    assert meter("small", unread_bytes=40, source=b"x" * 30).estimate(31, None).input == 0


def test_what_searches_have_found_since_the_last_report_has_been_read_too() -> None:
    searched, twice = (("web_search", 1),), (("web_search", 3),)
    assert meter("small").estimate(3, None, twice) == Usage(input=34 + 24_000, output=1, uses=twice)
    reported = Usage(input=500, uses=searched)
    assert meter("small").estimate(3, reported, twice) == Usage(input=500 + 16_000, output=1, uses=twice)
    assert meter("small").estimate(3, reported, searched) == Usage(input=500, output=1, uses=searched)


def test_a_sum_is_worth_the_bytes_of_the_output_that_costs_it() -> None:
    # A token is three bytes and costs 2,100 nano-USD.
    assert meter("small", "large").bytes_worth(served_by("small"), 10_000_000) == 14_285
    assert meter("small", "large").bytes_worth(served_by("large"), 10_000_000) == 1_428
    assert meter("small").bytes_worth(served_by("small"), 1) == 1
    # What costs nothing, and a nano-USD for a thousand tokens.
    assert meter("free").bytes_worth(served_by("free"), 10) == 30_000
    assert meter("cheap").bytes_worth(served_by("cheap"), 10) == 30_000


@pytest.mark.parametrize("bound", [1, 5, 15, 16, 99])
@pytest.mark.parametrize("stream", [False, True])
def test_no_report_of_a_provider_costs_more_than_the_worst_case(bound: int, *, stream: bool) -> None:
    asked, lie = meter("small", max_output_tokens=bound, stream=stream), Usage(input=10**9, output=10**9)
    assert asked.cost(served_by("small"), asked.bounded(served_by("small"), lie)).nanousd == asked.worst_case(0)


@pytest.mark.parametrize(
    ("above", "prompt_usd"), [((131,), "4"), ((132,), "1"), ((100, 131), "8"), ((100, 132), "4"), ((), "1")]
)
def test_a_callers_price_is_compared_with_the_highest_step_that_the_prompt_can_reach(
    above: tuple[int, ...], prompt_usd: str
) -> None:
    small = served_by("small")
    steps = [PriceStep(tokens, ListPrice(input=usd, output="2")) for tokens, usd in zip(above, "48", strict=False)]
    price = replace(small.target.price, steps=tuple(steps))
    stepped = Candidate(small.name, small.model, replace(small.target, price=price))
    # With the margin of 5 %, as it is billed.
    billed = Decimal(prompt_usd) * Decimal("1.05")
    for limit, left in ((billed, 1), (billed - Decimal("0.01"), 0)):
        asked = replace(ASKED, routing=RoutingPreferences(max_price=PriceLimit(prompt_usd=limit)))
        with nullcontext() if left else pytest.raises(InvalidRequest) as refused:
            assert within_prices(asked, Plan((stepped,), 3), []).candidates == (stepped,)
        if refused is not None:
            assert (refused.value.param, refused.value.code) == ("max_price", "max_price_exceeded")


def test_a_request_may_cost_exactly_its_total() -> None:
    worst_usd = Decimal(meter("small", max_output_tokens=50).worst_case(0)).scaleb(-9)
    for total, left in ((worst_usd, 1), (worst_usd - Decimal("0.000000001"), 0)):
        routing = RoutingPreferences(max_price=PriceLimit(total_usd=total))
        asked = replace(ASKED, max_output_tokens=50, routing=routing)
        with nullcontext() if left else pytest.raises(InvalidRequest) as refused:
            within_prices(asked, Plan((served_by("small"),), 3), [])
        if refused is not None:
            assert (refused.value.param, refused.value.code) == ("max_price.total", "max_price_exceeded")
