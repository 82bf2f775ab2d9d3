"""Tests of the prices of tools that a provider runs, and of how often and for how many tokens they can be used."""

from __future__ import annotations

import itertools

import pytest

from gateway.canonical.chat_models import ListPrice, PriceStep
from gateway.canonical.models import Sale
from gateway.canonical.money import Tier, ToolCost
from gateway.canonical.usage import Usage, most_uses, uses_of
from gateway.ledger.prices import cost, cost_at_most, price_of, terms
from gateway.ledger.tool_prices import NO_TOOLS, OfferedTool, OfferedTools, tool_lines

CENT = 10_000_000
SEARCH = OfferedTool("web_search", CENT, most_uses=3, tokens=100)
FETCH = OfferedTool("web_fetch", 0, most_uses=2, tokens=500)
NOTE = OfferedTool("note", 0, most_uses=3, tokens=1)
GROUNDED = OfferedTool("google_search", 35_000_000, most_uses=1, tokens=40, per_request=True)


def by_hand(prompt: int, added: int, rounds: int, window: int) -> int:
    return sum(min(window, prompt + number * added) for number in range(1, rounds + 2))


@pytest.mark.parametrize("window", [50, 1_000, 1_299, 1_300, 100_000])
@pytest.mark.parametrize("prompt", [0, 49, 900])
@pytest.mark.parametrize("tools", [(SEARCH,), (SEARCH, FETCH), (NOTE,)])
def test_each_round_reads_what_the_rounds_before_it_have_added(
    window: int, prompt: int, tools: tuple[OfferedTool, ...]
) -> None:
    offered = OfferedTools(tools)
    added = max(tool.tokens or 0 for tool in tools)
    assert offered.prompt_tokens_at_most(prompt, window) == by_hand(prompt, added, offered.rounds, window)


def test_a_use_without_a_bound_of_its_own_may_fill_the_window() -> None:
    assert OfferedTools((OfferedTool("mcp", 0, most_uses=2),)).prompt_tokens_at_most(10, 1_000) == 3_000


def test_a_tool_that_is_paid_per_request_is_read_once() -> None:
    assert OfferedTools((GROUNDED,)).prompt_tokens_at_most(10, 1_000) == 50
    assert OfferedTools((GROUNDED,)).prompt_tokens_at_most(990, 1_000) == 1_000


def test_a_bound_of_all_uses_together_goes_to_the_dearest_tool() -> None:
    assert OfferedTools((FETCH, SEARCH), most_uses=4).cost_at_most(10_500) == 3 * CENT * 105 // 100
    assert OfferedTools((FETCH, SEARCH), most_uses=2).cost_at_most(10_500) == 2 * CENT * 105 // 100
    shell = OfferedTool("code_execution", CENT // 2, most_uses=3)
    assert OfferedTools((shell, SEARCH), most_uses=4).cost_at_most(10_500) == (3 * CENT + CENT // 2) * 105 // 100
    assert OfferedTools((SEARCH, GROUNDED)).cost_at_most(10_500) == (3 * CENT + 35_000_000) * 105 // 100
    assert OfferedTools((SEARCH, GROUNDED), most_uses=2).cost_at_most(10_500) == (2 * CENT + 35_000_000) * 105 // 100


def test_no_uses_within_the_bounds_cost_more_than_their_bound() -> None:
    offered = OfferedTools((SEARCH, FETCH, GROUNDED), most_uses=4)
    for searches, fetches, grounded in itertools.product(range(6), range(6), range(3)):
        uses = uses_of({"web_search": searches, "web_fetch": fetches, "google_search": grounded})
        kept = offered.bounded(uses)
        assert sum(line.nanousd for line in offered.costs(kept, 10_500)) <= offered.cost_at_most(10_500)
        if searches <= 3 and fetches <= 2 and searches + fetches <= 4:
            assert kept == uses


def test_uses_beyond_the_bound_of_all_together_are_taken_from_the_cheaper_tool() -> None:
    uses = (("web_fetch", 2), ("web_search", 3))
    assert OfferedTools((FETCH, SEARCH), most_uses=4).bounded(uses) == (("web_fetch", 1), ("web_search", 3))
    assert OfferedTools((FETCH, SEARCH), most_uses=1).bounded((("web_fetch", 2),)) == (("web_fetch", 1),)
    grounded = (("google_search", 1), ("web_search", 3))
    assert dict(OfferedTools((SEARCH, GROUNDED), most_uses=2).bounded(grounded)) == {
        "google_search": 1,
        "web_search": 2,
    }


def test_uses_of_a_tool_that_was_not_offered_are_no_cost() -> None:
    assert (NO_TOOLS.bounded((("web_search", 9),)), NO_TOOLS.costs((("web_search", 9),), 10_500)) == ((), ())


def test_queries_of_a_prompt_that_is_paid_once_are_one_line_of_one_use() -> None:
    costs = OfferedTools((GROUNDED,)).costs((("google_search", 4),), 10_500)
    assert costs == (ToolCost("google_search", 1, 36_750_000),)
    assert tool_lines(costs) == [{"tool": "google_search", "uses": 1, "cost_usd": "0.03675"}]


def test_uses_are_added_up_and_the_larger_of_two_counts_is_kept() -> None:
    one, two = Usage(input=1, uses=(("a", 1),)), Usage(input=2, uses=(("a", 2), ("b", 1)))
    assert (one + two).uses == (("a", 3), ("b", 1))
    assert most_uses(one.uses, two.uses) == (("a", 2), ("b", 1))
    assert uses_of({"a": 0, "b": -1}) == ()


STEPPED = price_of(ListPrice("1", "10", steps=(PriceStep(200_000, ListPrice("2", "15")),)))
AGREED = terms(Tier.PASSTHROUGH, STEPPED, Sale("test"))


@pytest.mark.parametrize(
    ("usage", "nanousd"),
    [
        (Usage(input=200_000, output=1_000), 220_500_000),
        (Usage(input=200_001, output=1_000), 435_752_100),
        (Usage(input=1, cache_read=200_000, output=1_000), 435_752_100),
    ],
)
def test_a_longer_prompt_is_priced_by_its_step_as_a_whole(usage: Usage, nanousd: int) -> None:
    assert cost(usage, AGREED) == nanousd


@pytest.mark.parametrize(("prompt", "nanousd"), [(100, 105), (101, 212), (200, 420), (201, 633)])
def test_of_several_steps_the_highest_below_the_prompt_holds(prompt: int, nanousd: int) -> None:
    steps = (PriceStep(100, ListPrice("0.002", "0")), PriceStep(200, ListPrice("0.003", "0")))
    agreed = terms(Tier.PASSTHROUGH, price_of(ListPrice("0.001", "0", steps=steps)), Sale("test"))
    assert (cost(Usage(input=prompt), agreed), cost_at_most(prompt, 0, agreed)) == (nanousd, nanousd)


def test_a_prompt_is_held_for_at_the_step_that_it_can_reach() -> None:
    assert cost_at_most(200_000, 1_000, AGREED) == 220_500_000
    assert cost_at_most(200_001, 1_000, AGREED) == 435_752_100
