"""A chat completion request to canonical form: each member checked as OpenAI checks it, unknown ones kept.

Members and bounds are those of https://platform.openai.com/docs/api-reference/chat/create, with the gateway's
own (`models`, `provider`, `max_price`) beside them. What no other wire is known to express goes to `unmapped`
under its path, unless it changes nothing about what is generated; on the same wire the caller's bytes carry
it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.cache_marks import marked_end
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling
from gateway.errors import InvalidRequest
from gateway.protocols.openai_chat.answer import PROTOCOL
from gateway.protocols.openai_chat.decode_messages import decode_cache, decode_messages
from gateway.protocols.openai_chat.decode_tools import decode_tool_choice, decode_tools
from gateway.protocols.openai_chat.state import PLACES
from gateway.protocols.shared.document import Node, boolean_in, integer_in, number_in, parse, string_in
from gateway.protocols.shared.openai_members import include_usage_in, logit_bias_in, metadata_in, stop_in
from gateway.protocols.shared.preferences import (
    OWN_MEMBERS,
    decode_preferences,
    refuse_upstream_members,
    tier_within_price,
    unread_bytes,
)
from gateway.protocols.shared.provider_state import first_reference

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_INTEGER_MAX = 2**31 - 1
_SEED_MAX = 2**63 - 1

# Members with a place of their own in the canonical request.
_MAPPED = OWN_MEMBERS | frozenset(
    {
        "cache_control",
        "frequency_penalty",
        "function_call",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
    }
)
# Members that say how a provider stores, caches or schedules, and nothing about what it generates.
_WITHOUT_EFFECT = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "service_tier", "store"}
)
# A value that asks for what happens anyway.
_DEFAULTS: Mapping[str, Any] = {"modalities": ["text"]}
_CHECKS: Mapping[str, Callable[[Node], object]] = {
    "audio": Node.as_object,
    "functions": lambda node: node.elements(1, 128),
    "modalities": lambda node: [element.as_string() for element in node.elements()],
    "moderation": Node.as_object,
    "prediction": Node.as_object,
    "prompt_cache_key": Node.as_string,
    "prompt_cache_options": Node.as_object,
    "prompt_cache_retention": Node.as_string,
    "service_tier": tier_within_price,
    "store": Node.as_boolean,
    "web_search_options": Node.as_object,
}


def decode_request(body: bytes) -> ChatRequest:
    """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
    root = parse(body)
    refuse_upstream_members(root, "Unrecognized request argument supplied: {name}")
    stream = boolean_in(root, "stream") or False
    messages, unmapped = decode_messages(root.required("messages"))
    tools = decode_tools(root)
    return ChatRequest(
        protocol=PROTOCOL,
        model=root.required("model").as_string(minimum=1),
        messages=marked_end(messages, decode_cache(root), tools),
        source=body,
        stream=stream,
        include_usage=include_usage_in(root, stream),
        choices=integer_in(root, "n", 1, 128) or 1,
        max_output_tokens=_max_output_tokens(root),
        sampling=_sampling(root),
        tools=tools,
        tool_choice=decode_tool_choice(root),
        parallel_tool_calls=boolean_in(root, "parallel_tool_calls"),
        output_format=_output_format(root),
        reasoning=_reasoning(root),
        user=string_in(root, "user") or string_in(root, "safety_identifier"),
        metadata=metadata_in(root),
        provider_state=first_reference(root.value, PLACES),
        routing=decode_preferences(root, body),
        unread_bytes=unread_bytes(root),
        unmapped={**_unmapped(root), **unmapped},
        hints=_hints(root),
    )


def _unmapped(root: Node) -> dict[str, Any]:
    """Members no other wire is known to express; those this wire knows are checked on the way."""
    kept: dict[str, Any] = {}
    for name, value in root.as_object().items():
        if name in _MAPPED or value is None:
            continue
        if name in _CHECKS:
            _CHECKS[name](Node(value, root, name))
        if name not in _WITHOUT_EFFECT and _DEFAULTS.get(name) != value:
            kept[name] = value
    return kept


def _hints(root: Node) -> dict[str, Any]:
    verbosity = string_in(root, "verbosity")
    return {} if verbosity in {None, "medium"} else {"verbosity": verbosity}


def _max_output_tokens(root: Node) -> int | None:
    newer = integer_in(root, "max_completion_tokens", 1, _INTEGER_MAX)
    older = integer_in(root, "max_tokens", 1, _INTEGER_MAX)
    if newer is not None and older is not None:
        raise InvalidRequest(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    return older if newer is None else newer


def _sampling(root: Node) -> Sampling:
    logprobs = boolean_in(root, "logprobs") or False
    top_logprobs = integer_in(root, "top_logprobs", 0, 20)
    if top_logprobs is not None and not logprobs:
        raise root.required("top_logprobs").error(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        )
    return Sampling(
        temperature=number_in(root, "temperature", 0, 2),
        top_p=number_in(root, "top_p", 0, 1),
        top_k=integer_in(root, "top_k", -1, _INTEGER_MAX),
        seed=integer_in(root, "seed", -_SEED_MAX - 1, _SEED_MAX),
        stop=stop_in(root),
        presence_penalty=number_in(root, "presence_penalty", -2, 2),
        frequency_penalty=number_in(root, "frequency_penalty", -2, 2),
        logit_bias=logit_bias_in(root),
        logprobs=logprobs,
        top_logprobs=top_logprobs,
    )


def _output_format(root: Node) -> OutputFormat | None:
    chosen = root.member("response_format")
    if chosen is None:
        return None
    return _OUTPUT_FORMATS[chosen.required("type").as_one_of(tuple(_OUTPUT_FORMATS))](chosen)


def _schema_format(chosen: Node) -> OutputFormat:
    wanted = chosen.required("json_schema")
    schema = wanted.member("schema")
    return OutputFormat(
        kind="schema",
        schema=None if schema is None else schema.as_object(),
        name=wanted.required("name").as_string(1, 64),
        description=string_in(wanted, "description"),
        strict=boolean_in(wanted, "strict"),
    )


_OUTPUT_FORMATS: Mapping[str, Callable[[Node], OutputFormat]] = {
    "text": lambda _: OutputFormat(kind="text"),
    "json_object": lambda _: OutputFormat(kind="json"),
    "json_schema": _schema_format,
}


def _reasoning(root: Node) -> Reasoning | None:
    effort = root.member("reasoning_effort")
    if effort is None:
        return None
    word = effort.as_one_of(EFFORTS)
    return Reasoning(effort=word, disabled=word == "none")
