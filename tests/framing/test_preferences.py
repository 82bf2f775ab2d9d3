"""Tests that the gateway's own members mean the same on every wire, and that none of them names an upstream."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest
from gateway.protocols.shared.document import Node, parse
from gateway.protocols.shared.preferences import (
    decode_preferences,
    refuse_upstream_members,
    tier_within_price,
)


def preferences(**members: Any) -> RoutingPreferences:
    body = orjson.dumps(members)
    return decode_preferences(parse(body), body)


def test_a_caller_who_prefers_nothing_takes_what_comes() -> None:
    assert preferences() == RoutingPreferences()


def test_every_preference_has_its_place() -> None:
    provider = {
        "order": ["a"],
        "only": ["a", "b"],
        "ignore": ["c"],
        "allow_fallbacks": False,
        "sort": "latency",
        "require_parameters": True,
    }
    assert preferences(models=["x", "y"], provider=provider) == RoutingPreferences(
        fallback_models=("x", "y"),
        order=("a",),
        only=("a", "b"),
        ignore=("c",),
        allow_fallbacks=False,
        sort="latency",
        require_parameters=True,
    )


def test_openrouters_spellings_are_taken() -> None:
    provider = {
        "order": ["Amazon-Bedrock", "google-vertex/us-east5"],
        "only": ["OpenAI", "Z-AI", "Custom/Mine"],
        "ignore": ["google-ai-studio"],
        "sort": {"by": "throughput", "partition": "none"},
        "max_price": {"prompt": 0.1, "cache_read": "2"},
    }
    assert preferences(provider=provider) == RoutingPreferences(
        order=("bedrock", "vertex"),
        only=("openai", "zhipu", "custom/mine"),
        ignore=("gemini",),
        sort="throughput",
        sort_across_models=True,
        max_price=PriceLimit(Decimal("0.1"), classes_usd=(("cache_read", Decimal(2)),)),
    )
    assert preferences(provider={"sort": {"by": "price"}}) == RoutingPreferences(sort="price")


def test_a_price_is_the_number_that_was_written() -> None:
    body = b'{"max_price":{"prompt":0.30000000000000000001,"completion":"1.5"}}'
    limit = PriceLimit(Decimal("0.30000000000000000001"), Decimal("1.5"), None)
    assert decode_preferences(parse(body), body).max_price == limit


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"models": "x"}, "models"),
        ({"models": [""]}, "models[0]"),
        ({"models": ["gpt-4o"] * 65}, "models"),
        ({"provider": {"only": ["openai"] * 65}}, "provider.only"),
        ({"provider": []}, "provider"),
        ({"provider": {"order": [1]}}, "provider.order[0]"),
        ({"provider": {"sort": "luck"}}, "provider.sort"),
        ({"provider": {"allow_fallbacks": 1}}, "provider.allow_fallbacks"),
        ({"provider": {"data_collection": "deny"}}, "provider.data_collection"),
        ({"provider": {"sort": {"partition": "none"}}}, "provider.sort.by"),
        ({"provider": {"sort": {"by": "price", "partition": "all"}}}, "provider.sort.partition"),
        ({"provider": {"sort": {"by": "price", "then": "x"}}}, "provider.sort.then"),
        ({"provider": {"max_price": {"image": 1}}}, "provider.max_price.image"),
        ({"provider": {"max_price": {"prompt": 1}}, "max_price": {"prompt": 1}}, "provider.max_price"),
        ({"max_price": {"image": 1}}, "max_price.image"),
        ({"max_price": {"prompt": -1}}, "max_price.prompt"),
        ({"max_price": {"total": 1_000_001}}, "max_price.total"),
    ],
)
def test_a_mistake_is_named_by_its_path(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        preferences(**members)
    assert refusal.value.param == param


# By name, and not as the code has them: one that is lost there would be passed on.
STEERING = [
    "api_base",
    "api_key",
    "api_type",
    "api_version",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_token",
    "azure_ad_token",
    "azure_endpoint",
    "base_url",
    "custom_llm_provider",
    "default_headers",
    "extra_headers",
    "extra_query",
    "headers",
    "litellm_credential_name",
    "litellm_params",
    "proxies",
    "proxy",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
]


@pytest.mark.parametrize("name", STEERING)
def test_a_member_that_steers_upstream_is_refused_in_the_words_of_the_wire(name: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        refuse_upstream_members(parse(orjson.dumps({"model": "x", name: None})), "No {name} here.")
    error = refusal.value
    assert (error.message, error.param, error.code) == (f"No {name} here.", name, "unknown_parameter")


def test_members_that_do_not_steer_are_let_through() -> None:
    refuse_upstream_members(parse(b'{"model":"x","metadata":{"api_base":"y"}}'), "No {name} here.")


@pytest.mark.parametrize("tier", ["priority", "scale", "fast", "Priority", ""])
def test_a_tier_of_service_that_has_no_price_is_refused_by_name(tier: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tier_within_price(Node(tier, parse(b"{}"), "service_tier"))
    assert (refusal.value.param, refusal.value.code) == ("service_tier", "unsupported_value")


def test_a_tier_of_service_within_the_price_passes() -> None:
    for tier in ("auto", "default", "flex"):
        tier_within_price(Node(tier, parse(b"{}"), "service_tier"))
