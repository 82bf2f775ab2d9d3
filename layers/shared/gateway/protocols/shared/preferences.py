"""The gateway's own members, section 3 of the public contract, mean the same on every wire; those by which a caller
would steer it upstream are refused on every wire.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import orjson

from gateway.canonical.provider_names import row_named
from gateway.canonical.request import PriceLimit, RoutingPreferences
from gateway.errors import InvalidRequest
from gateway.protocols.shared.document import Node, amounts, parse

OWN_MEMBERS = frozenset({"models", "provider", "max_price"})

# Members of any wire that no model reads.
_UNREAD = OWN_MEMBERS | {
    "client_metadata",
    "labels",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "safety_identifier",
    "user",
}

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
_STREAM_FAILURES = ("terminate", "continue")
_SORTS = ("price", "throughput", "latency")
_PRICE_USD_MAX = 1_000_000
# Each name adds candidates, all of which are judged before anything is paid.
_NAMES_MAX = 64
# Of OpenRouter, whose requests are taken as they are: https://openrouter.ai/docs/features/provider-routing
_PARTITIONS = ("model", "none")
_CLASSES = ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "audio_output", "image_output")
_PRICES = ("prompt", "completion", "total", *_CLASSES)
_PROVIDER_MEMBERS = frozenset(
    {"order", "only", "ignore", "allow_fallbacks", "sort", "require_parameters", "max_price", "stream_failure"}
)


def refuse_upstream_members(root: Node, wording: str) -> None:
    """Raises `InvalidRequest` for a member that names an upstream or a credential.

    `wording` is how the wire refuses a member it does not know, with `{name}` in its place.
    """
    for name in UPSTREAM_MEMBERS & root.as_object().keys():
        raise Node(None, root, name).error(wording.format(name=name), "unknown_parameter")


def parse_known(body: bytes, known: Container[str], wording: str) -> Node:
    """The document of a wire of which every member is known; raises `InvalidRequest` for another that is not null.

    `wording` is how the wire refuses it, as for `refuse_upstream_members`.
    """
    root = parse(body)
    refuse_unknown(root, known, wording)
    return root


def refuse_unknown(root: Node, known: Container[str], wording: str) -> None:
    """Raises `InvalidRequest` for a member that the wire does not know and that is not null."""
    refuse_upstream_members(root, wording)
    for name, value in root.as_object().items():
        if name not in known and value is not None:
            raise Node(value, root, name).error(wording.format(name=name), "unknown_parameter")


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
    if OWN_MEMBERS.isdisjoint(root.as_object()):
        return RoutingPreferences()
    provider = root.member("provider") or Node({})
    for name in provider.as_object().keys() - _PROVIDER_MEMBERS:
        raise _unknown(provider, name)
    allow_fallbacks, require_parameters = provider.member("allow_fallbacks"), provider.member("require_parameters")
    sort, across = _sort(provider)
    failure = provider.member("stream_failure")
    return RoutingPreferences(
        fallback_models=_strings(root, "models"),
        order=_providers(provider, "order"),
        only=_providers(provider, "only"),
        ignore=_providers(provider, "ignore"),
        allow_fallbacks=allow_fallbacks is None or allow_fallbacks.as_boolean(),
        sort=sort,
        sort_across_models=across,
        require_parameters=require_parameters is not None and require_parameters.as_boolean(),
        max_price=_price_limit(root, provider, body),
        stream_failure="terminate" if failure is None else failure.as_one_of(_STREAM_FAILURES),
    )


def unread_bytes(root: Node) -> int:
    """The length of the members that no model reads, written without spaces."""
    given = root.as_object()
    return sum(len(orjson.dumps({name: given[name]})) - 1 for name in _UNREAD & given.keys())


def _unknown(holder: Node, name: str) -> InvalidRequest:
    unknown = Node(None, holder, name)
    return unknown.error(f"Unknown parameter: '{unknown.path}'.", "unknown_parameter")


def _sort(provider: Node) -> tuple[str | None, bool]:
    """Reads the figure that providers are sorted by, and whether the order of the models gives way to it."""
    sort = provider.member("sort")
    if sort is None or type(sort.value) is not dict:
        return None if sort is None else sort.as_one_of(_SORTS), False
    for name in sort.value.keys() - {"by", "partition"}:
        raise _unknown(sort, name)
    partition = sort.member("partition")
    across = partition is not None and partition.as_one_of(_PARTITIONS) == "none"
    return sort.required("by").as_one_of(_SORTS), across


def _providers(node: Node, name: str) -> tuple[str, ...]:
    """The rows that are named. A name that no row has stays, and names none."""
    return tuple(map(row_named, _strings(node, name)))


def _strings(node: Node, name: str) -> tuple[str, ...]:
    member = node.member(name)
    if member is None:
        return ()
    return tuple(element.as_string(minimum=1) for element in member.elements(maximum=_NAMES_MAX))


def _price_limit(root: Node, provider: Node, body: bytes) -> PriceLimit | None:
    """The limits, in the contract's place or in the one where OpenRouter has them."""
    given = [limit for limit in (root.member("max_price"), provider.member("max_price")) if limit is not None]
    if not given:
        return None
    if len(given) > 1:
        message = "'max_price' and 'provider.max_price' are the same parameter: give one."
        raise given[1].error(message, "duplicate_parameter")
    (limit,) = given
    for name in limit.as_object().keys() - set(_PRICES):
        raise _unknown(limit, name)
    usd = amounts(body, limit, _PRICES, _PRICE_USD_MAX)
    classes = tuple((name, usd[name]) for name in _CLASSES if name in usd)
    return PriceLimit(usd.get("prompt"), usd.get("completion"), usd.get("total"), classes)
