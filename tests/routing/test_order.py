"""Tests of the order of candidates: by a suffix, by `provider.order` and `provider.sort`, by what was learned."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ports.provider_keys import FIRST, Envelope, ProviderKey
from gateway.routing.planning import plan
from tests.routing.catalogs import alias, asked, caller, catalog_of, model, order, target

TWICE = model(
    "twice",
    target("openai", "2", "8", latency_ms=900, throughput_tps=40),
    target("deepseek", "4", "2", latency_ms=400, throughput_tps=20),
    target("bedrock", "1", "20", latency_ms=600, throughput_tps=200),
)
SMALL = model("small", target("openai", "0.1", "0.4"), quality=30)
LARGE = model("large", target("anthropic", "3", "15"), quality=90)
MIDDLE = model("middle", target("gemini", "1", "4"), quality=60)
UNKNOWN = model("unknown", target("deepseek", "0.01", "0.01"))
CATALOG = catalog_of(
    TWICE,
    SMALL,
    LARGE,
    MIDDLE,
    UNKNOWN,
    model("backed", target("openai", "5", "5"), fallbacks=["small"]),
    alias("nexevo/some", "middle", "large", "small"),
    alias("nexevo/flat", "middle", "large", "small", tier="balanced"),
    alias("nexevo/odd", "unknown", "small"),
)
LONG = [{"role": "user", "content": "x" * 30_000}]


def test_without_a_wish_the_catalogs_order_stands() -> None:
    assert order(CATALOG, "twice") == ["openai/twice", "deepseek/twice", "bedrock/twice"]
    assert order(CATALOG, "nexevo/some") == ["gemini/middle", "anthropic/large", "openai/small"]


@pytest.mark.parametrize("wish", [{"name": "twice:cheap"}, {"name": "twice", "provider": {"sort": "price"}}])
@pytest.mark.parametrize(
    ("members", "first"),
    [({}, "deepseek"), ({"messages": LONG, "max_tokens": 10}, "bedrock"), ({"max_tokens": 2_000}, "deepseek")],
)
def test_the_cheapest_target_is_the_one_that_is_so_for_this_request(
    wish: dict[str, Any], members: dict[str, Any], first: str
) -> None:
    assert order(CATALOG, **wish, **members)[0] == f"{first}/twice"


def test_the_price_of_a_long_prompt_is_that_of_its_step() -> None:
    stepped = target("openai", "1", "1", price={"steps": [{"above_prompt_tokens": 5_000, "input": "9", "output": "9"}]})
    catalog = catalog_of(model("m", stepped, target("deepseek", "2", "2")))
    assert order(catalog, "m:cheap")[0] == "openai/m"
    assert order(catalog, "m:cheap", messages=LONG)[0] == "deepseek/m"


@pytest.mark.parametrize(("max_tokens", "first"), [(1, "deepseek"), (8, "bedrock"), (None, "bedrock")])
def test_the_fastest_target_has_the_soonest_end_of_this_answer(max_tokens: int | None, first: str) -> None:
    bound = {} if max_tokens is None else {"max_tokens": max_tokens}
    assert order(CATALOG, "twice:fast", **bound)[0] == f"{first}/twice"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("latency", ["deepseek", "bedrock", "openai"]),
        ("throughput", ["bedrock", "openai", "deepseek"]),
        ("price", ["deepseek", "openai", "bedrock"]),
    ],
)
def test_a_sort_orders_the_targets(sort: str, expected: list[str]) -> None:
    assert order(CATALOG, "twice", provider={"sort": sort}) == [f"{provider}/twice" for provider in expected]


def test_a_target_without_figures_counts_as_slow() -> None:
    catalog = catalog_of(model("m", target("openai"), target("deepseek", latency_ms=1_900, throughput_tps=31)))
    for wish in ({"name": "m:fast"}, {"name": "m", "provider": {"sort": "latency"}}):
        assert order(catalog, **wish)[0] == "deepseek/m"


def test_an_alias_is_ordered_over_all_its_models() -> None:
    assert order(CATALOG, "nexevo/some:cheap") == ["openai/small", "gemini/middle", "anthropic/large"]
    assert order(CATALOG, "nexevo/some:quality") == ["anthropic/large", "gemini/middle", "openai/small"]


def test_a_flat_alias_is_ordered_by_what_its_targets_cost() -> None:
    assert order(CATALOG, "nexevo/flat:cheap")[0] == "openai/small"


def test_a_model_of_unknown_quality_comes_last() -> None:
    assert order(CATALOG, "nexevo/odd:quality") == ["openai/small", "deepseek/unknown"]


def test_a_models_own_targets_stay_before_its_fallbacks() -> None:
    assert order(CATALOG, "backed:cheap") == ["openai/backed", "openai/small"]


def test_a_wish_leaves_the_order_of_models_as_the_caller_has_it() -> None:
    members: dict[str, Any] = {"models": ["nexevo/some", "small"], "provider": {"sort": "price"}}
    assert order(CATALOG, "large", **members) == [
        "anthropic/large", "openai/small", "gemini/middle",
    ]  # fmt: skip


def test_a_suffix_is_of_its_own_name_alone() -> None:
    found = order(CATALOG, "twice:cheap", models=["nexevo/some"])
    assert found[:3] == ["deepseek/twice", "openai/twice", "bedrock/twice"]
    assert found[3:] == ["gemini/middle", "anthropic/large", "openai/small"]


def test_models_are_mixed_where_the_partition_says_so() -> None:
    sort = {"by": "price", "partition": "none"}
    found = order(CATALOG, "large", models=["small", "middle"], provider={"sort": sort})
    assert found == ["openai/small", "gemini/middle", "anthropic/large"]
    sort["partition"] = "model"
    assert order(CATALOG, "large", models=["small"], provider={"sort": sort})[0] == "anthropic/large"


def test_a_suffix_goes_before_a_sort() -> None:
    assert order(CATALOG, "nexevo/some:quality", provider={"sort": "price"})[0] == "anthropic/large"


def test_the_named_providers_come_first_in_their_order_and_the_wish_orders_the_rest() -> None:
    provider = {"order": ["bedrock"], "sort": "price"}
    assert order(CATALOG, "twice", provider=provider) == ["bedrock/twice", "deepseek/twice", "openai/twice"]
    assert order(CATALOG, "twice", provider={"order": ["nowhere", "deepseek"]})[0] == "deepseek/twice"


def test_an_order_of_providers_leaves_the_order_of_models() -> None:
    found = order(CATALOG, "small", models=["large"], provider={"order": ["anthropic"]})
    assert found == ["openai/small", "anthropic/large"]


def test_a_target_that_two_names_lead_to_is_tried_once_under_the_first() -> None:
    assert order(CATALOG, "nexevo/some", models=["small", "large"]) == [
        "gemini/middle", "anthropic/large", "openai/small",
    ]  # fmt: skip


def test_the_accounts_own_keys_stand_before_the_gateways_in_every_order() -> None:
    envelope = Envelope("", "")
    own = ProviderKey("acct", "bedrock", "pk_1", "own", FIRST, "last", 0, 0, 1, envelope)
    principal = replace(caller(), own_keys=(own,))
    for name in ("twice", "twice:cheap", "twice:fast", "twice:quality"):
        found = plan(asked(name), CATALOG, principal).candidates
        assert [each.own is not None for each in found] == [True, False, False, False]
