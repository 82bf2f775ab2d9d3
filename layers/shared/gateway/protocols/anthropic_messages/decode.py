"""A Messages request to canonical form: each member checked as Anthropic checks it, unknown ones kept.

Members and bounds are those of https://docs.claude.com/en/api/messages and of its betas, with the gateway's own
(`models`, `provider`, `max_price`) beside them. What no other wire is known to express goes to `unmapped` under its
path, unless it changes nothing about what is generated; on the same wire the caller's bytes carry it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.cache_marks import marked_end
from gateway.canonical.reasoning import BUDGET_TOKENS_MAX, BUDGET_TOKENS_MIN
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling
from gateway.protocols.anthropic_messages.answer import PROTOCOL
from gateway.protocols.anthropic_messages.decode_messages import decode_cache, decode_messages
from gateway.protocols.anthropic_messages.decode_tools import decode_parallel, decode_tool_choice, decode_tools
from gateway.protocols.anthropic_messages.errors import THREAD_UNSUPPORTED
from gateway.protocols.anthropic_messages.state import PLACES
from gateway.protocols.shared.document import Node, parse
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, refuse_upstream_members, unread_bytes
from gateway.protocols.shared.provider_state import first_reference

EFFORTS = ("low", "medium", "high", "xhigh", "max")

_INTEGER_MAX = 2**31 - 1
_STOPS_MAX = 8191
_DISPLAYS = ("summarized", "omitted")

# Members with a place of their own in the canonical request.
_MAPPED = OWN_MEMBERS | {
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
}
# Members that say how a provider stores, caches, clears or schedules: a provider without them generates the same, or
# reads more of the conversation than it was told it could forget.
_WITHOUT_EFFECT = frozenset(
    {"cache_control", "context_management", "diagnostics", "service_tier", "user_profile_id", "workspace_id"}
)
_DEFAULTS: Mapping[str, Any] = {"inference_geo": "global", "speed": "standard"}
_CHECKS: Mapping[str, Callable[[Node], object]] = {
    "context_management": Node.as_object,
    "inference_geo": Node.as_string,
    "mcp_servers": Node.elements,
    "service_tier": lambda node: node.as_one_of(("auto", "standard_only")),
    "speed": Node.as_string,
}
# Priced apart from the model, and not for sale here: a request is never served below what it costs.
_UNPRICED: Mapping[str, str] = {
    "fallbacks": "Use 'models' to name fallback models.",
    "inference_geo": "Only 'global' is served here; keys have a region policy.",
    "speed": "Only 'standard' is served here.",
}
# A provider would hold the conversation in the gateway's account, where any caller's might be continued. With this code
# the official SDKs' tool runners send it whole (https://platform.claude.com/docs/en/build-with-claude/message-threads).
_THREAD = "'thread' is not served here, no conversation is kept: send the whole of it in 'messages'."


def decode_request(body: bytes) -> ChatRequest:
    """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
    root = parse(body)
    maximum = root.required("max_tokens").as_integer(0, _INTEGER_MAX)
    return _decoded(root, body, maximum)


def decode_prompt(body: bytes) -> ChatRequest:
    """The canonical request where nothing is to be generated, so that no bound is needed."""
    return _decoded(parse(body), body, None)


def _decoded(root: Node, body: bytes, maximum: int | None) -> ChatRequest:
    refuse_upstream_members(root, "{name}: Extra inputs are not permitted")
    stream = root.member("stream")
    messages, unmapped = decode_messages(root)
    tools, unmapped_of_tools = decode_tools(root)
    reasoning = _reasoning(root)
    return ChatRequest(
        protocol=PROTOCOL,
        model=root.required("model").as_string(minimum=1),
        messages=marked_end(messages, decode_cache(root), tools),
        source=body,
        stream=stream is not None and stream.as_boolean(),
        include_usage=True,
        max_output_tokens=_max_output_tokens(maximum, reasoning),
        sampling=_sampling(root),
        tools=tools,
        tool_choice=decode_tool_choice(root),
        parallel_tool_calls=decode_parallel(root),
        output_format=_output_format(root),
        reasoning=reasoning,
        user=_user(root),
        samplings=_samplings(root),
        provider_state=first_reference(root.value, PLACES),
        routing=decode_preferences(root, body),
        unread_bytes=unread_bytes(root),
        unmapped={**_unmapped(root, maximum), **unmapped, **unmapped_of_tools},
    )


def _unmapped(root: Node, maximum: int | None) -> dict[str, Any]:
    """Members no other wire is known to express; those this wire knows are checked on the way."""
    # A bound of nothing warms a cache, which is a thing of this wire.
    kept: dict[str, Any] = {"max_tokens": 0} if maximum == 0 else {}
    for name, value in root.as_object().items():
        if name in _MAPPED or value is None:
            continue
        node = Node(value, root, name)
        if name == "thread":
            raise node.error(_THREAD, THREAD_UNSUPPORTED)
        if name in _CHECKS:
            _CHECKS[name](node)
        if name in _UNPRICED and value != _DEFAULTS.get(name):
            raise node.error(f"'{name}' is not available with this value. {_UNPRICED[name]}", "unsupported_value")
        if name not in _WITHOUT_EFFECT and name not in _UNPRICED:
            kept[name] = value
    return kept | _unmapped_output_config(root)


def _samplings(root: Node) -> int:
    """Two, where the provider may compact the conversation before it answers."""
    management = root.member("context_management")
    edits = None if management is None else management.member("edits")
    kinds = [] if edits is None else [edit.required("type").as_string() for edit in edits.elements()]
    return 2 if any(kind.startswith("compact_") for kind in kinds) else 1


def _unmapped_output_config(root: Node) -> dict[str, Any]:
    config = root.member("output_config")
    members = {} if config is None else config.as_object()
    return {f"output_config.{name}": members[name] for name in members.keys() - {"effort", "format"} if members[name]}


def _max_output_tokens(maximum: int | None, reasoning: Reasoning | None) -> int | None:
    """The bound of all that is generated.

    Section 3 of the contract: the caller's bound counts the answer alone, so a budget that it does not cover is added.
    """
    budget = reasoning.budget_tokens if reasoning is not None else None
    if maximum is None or budget is None or budget < maximum:
        return maximum
    return maximum + budget


def _number(root: Node, name: str) -> float | None:
    member = root.member(name)
    return None if member is None else member.as_number(0, 1)


def _sampling(root: Node) -> Sampling:
    top_k, stops = root.member("top_k"), root.member("stop_sequences")
    return Sampling(
        temperature=_number(root, "temperature"),
        top_p=_number(root, "top_p"),
        top_k=None if top_k is None else top_k.as_integer(0, _INTEGER_MAX),
        stop=() if stops is None else tuple(stop.as_string(minimum=1) for stop in stops.elements(0, _STOPS_MAX)),
    )


def _output_format(root: Node) -> OutputFormat | None:
    """JSON that fits a schema, under today's member or the beta's."""
    config = root.member("output_config")
    chosen = (None if config is None else config.member("format")) or root.member("output_format")
    if chosen is None:
        return None
    chosen.required("type").as_one_of(("json_schema",))
    return OutputFormat(kind="schema", schema=chosen.required("schema").as_object())


def _reasoning(root: Node) -> Reasoning | None:
    thinking, config = root.member("thinking"), root.member("output_config")
    chosen = None if config is None else config.member("effort")
    effort = None if chosen is None else chosen.as_one_of(EFFORTS)
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort)
    display = thinking.member("display")
    shown = None if display is None else display.as_one_of(_DISPLAYS) == "summarized"
    return _THINKING[thinking.required("type").as_one_of(tuple(_THINKING))](thinking, effort, shown)


def _enabled(thinking: Node, effort: str | None, shown: bool | None) -> Reasoning:
    budget = thinking.required("budget_tokens").as_integer(BUDGET_TOKENS_MIN, BUDGET_TOKENS_MAX)
    return Reasoning(effort=effort, budget_tokens=budget, include_thoughts=shown)


def _adaptive(_: Node, effort: str | None, shown: bool | None) -> Reasoning:
    return Reasoning(effort=effort, adaptive=True, include_thoughts=shown)


def _disabled(_: Node, effort: str | None, __: bool | None) -> Reasoning:
    return Reasoning(effort=effort, disabled=True)


_THINKING: Mapping[str, Callable[[Node, str | None, bool | None], Reasoning]] = {
    "enabled": _enabled,
    "adaptive": _adaptive,
    "between_tools": _adaptive,
    "disabled": _disabled,
}


def _user(root: Node) -> str | None:
    metadata = root.member("metadata")
    user = None if metadata is None else metadata.member("user_id")
    return None if user is None else user.as_string()
