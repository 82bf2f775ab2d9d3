"""The gateway's own members, section 3 of the public contract, mean the same on every wire; those by which a caller
would steer it upstream are refused on every wire.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest
from gateway.protocols.shared.document import Node, amounts

OWN_MEMBERS = frozenset({"models", "provider", "max_price"})

# A caller never says where a request goes or with whose credential (field case J2). Passed on as unknown members,
# these would be honoured by an upstream that is a gateway itself.
UPSTREAM_MEMBERS = frozenset(
    {
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
    }
)

# https://platform.openai.com/docs/pricing: every other tier may cost more than the price that is billed.
TIERS_WITHIN_PRICE = ("auto", "default", "flex")
_SORTS = ("price", "throughput", "latency")
_PRICE_USD_MAX = 1_000_000
_PRICES = ("prompt", "completion", "total")


def refuse_upstream_members(root: Node, wording: str) -> None:
    """Raises `InvalidRequest` for a member that names an upstream or a credential.

    `wording` is how the wire refuses a member it does not know, with `{name}` in its place.
    """
    for name in UPSTREAM_MEMBERS & root.as_object().keys():
        raise Node(None, root, name).error(wording.format(name=name), "unknown_parameter")


def tier_within_price(tier: Node) -> None:
    """Checks OpenAI's `service_tier`; raises `InvalidRequest` for one that is charged above the model's price."""
    if tier.as_string() not in TIERS_WITHIN_PRICE:
        raise dearer(tier, TIERS_WITHIN_PRICE)


def dearer(tier: Node, within_price: Iterable[str]) -> InvalidRequest:
    """The refusal of a tier of service that has no price here."""
    known = ", ".join(f"'{name}'" for name in within_price)
    return tier.error(
        f"'{tier.path}' is not sold here with this value. Leave it out, or use {known}.", "unsupported_value"
    )


def decode_preferences(root: Node, body: bytes) -> RoutingPreferences:
    """The caller's say in where the request goes; `body` is the document's bytes."""
    provider = root.member("provider") or Node({})
    allow_fallbacks, sort = provider.member("allow_fallbacks"), provider.member("sort")
    require_parameters = provider.member("require_parameters")
    return RoutingPreferences(
        fallback_models=_strings(root, "models"),
        order=_strings(provider, "order"),
        only=_strings(provider, "only"),
        ignore=_strings(provider, "ignore"),
        allow_fallbacks=allow_fallbacks is None or allow_fallbacks.as_boolean(),
        sort=None if sort is None else sort.as_one_of(_SORTS),
        require_parameters=require_parameters is not None and require_parameters.as_boolean(),
        max_price=_price_limit(root, body),
    )


def _strings(node: Node, name: str) -> tuple[str, ...]:
    member = node.member(name)
    return () if member is None else tuple(element.as_string(minimum=1) for element in member.elements())


def _price_limit(root: Node, body: bytes) -> PriceLimit | None:
    limit = root.member("max_price")
    if limit is None:
        return None
    for name in limit.as_object().keys() - set(_PRICES):
        unknown = Node(None, limit, name)
        raise unknown.error(f"Unknown parameter: '{unknown.path}'.", "unknown_parameter")
    usd = amounts(body, limit, _PRICES, _PRICE_USD_MAX)
    return PriceLimit(usd.get("prompt"), usd.get("completion"), usd.get("total"))
