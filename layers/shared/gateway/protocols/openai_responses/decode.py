"""A Responses request to canonical form: each member checked as OpenAI checks it, unknown ones kept.

Members and bounds are those of https://platform.openai.com/docs/api-reference/responses/create, with the gateway's own
(`models`, `provider`, `max_price`) beside them. What no other wire is known to express goes to `unmapped` under its
path, unless it changes nothing about what is generated; on the same wire the caller's bytes carry it anyway. What the
wire repeats in its answers goes to `echo`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.parts import Message, Text
from gateway.canonical.reasoning import ORDER
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling
from gateway.protocols.openai_responses.answer import PROTOCOL
from gateway.protocols.openai_responses.decode_items import decode_input
from gateway.protocols.openai_responses.decode_tools import decode_late_tools, decode_tool_choice, decode_tools
from gateway.protocols.openai_responses.state import reference_in
from gateway.protocols.shared.document import Node, boolean_in, integer_in, number_in, parse, string_in
from gateway.protocols.shared.openai_members import metadata_in
from gateway.protocols.shared.preferences import (
    decode_preferences,
    refuse_upstream_members,
    tier_within_price,
    unread_bytes,
)

ENCRYPTED_REASONING = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
# The gateway's own member: what it has taken out of a request, for the answer to repeat. No caller's is let in.
OWN = "nexevo"
UNKNOWN_MEMBER = "Unknown parameter: '{name}'."

_INTEGER_MAX = 2**31 - 1
_SUMMARIES = ("auto", "concise", "detailed")
_VERBOSITIES = ("low", "medium", "high")
_EITHER = "one of a string or an object"


def _object_or_id(node: Node) -> None:
    if not isinstance(node.value, str | dict):
        raise node.wrong_type(_EITHER)


# What is checked, and only then passed on or kept apart; other members need no check beyond their decoding.
_CHECKS: Mapping[str, Callable[[Node], object]] = {
    "background": Node.as_boolean,
    "client_metadata": Node.as_object,
    "context_management": Node.elements,
    "conversation": _object_or_id,
    "max_tool_calls": lambda node: node.as_integer(1, _INTEGER_MAX),
    "moderation": Node.as_object,
    OWN: Node.as_object,
    "previous_response_id": Node.as_string,
    "prompt": Node.as_object,
    "prompt_cache_key": Node.as_string,
    "prompt_cache_options": Node.as_object,
    "prompt_cache_retention": Node.as_string,
    "safety_identifier": Node.as_string,
    "service_tier": tier_within_price,
    "store": Node.as_boolean,
    "truncation": lambda node: node.as_one_of(("auto", "disabled")),
    "user": Node.as_string,
}
# Members with a place of their own in the canonical request.
_MAPPED = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_price",
        "metadata",
        "model",
        "models",
        OWN,
        "parallel_tool_calls",
        "provider",
        "reasoning",
        "safety_identifier",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
    }
)
# Members that say how a provider stores, caches, labels, schedules or cuts what is too long, and nothing about what it
# generates of what fits.
_WITHOUT_EFFECT = frozenset(
    {
        "client_metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
        "store",
        "truncation",
    }
)
# A value that asks for what happens anyway.
_DEFAULTS: Mapping[str, Any] = {"background": False}
# What an answer repeats of its request.
_ECHOED = (
    "background",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
)
# Members of which a caller may give a part, and what holds for the rest.
_ECHOED_REST: Mapping[str, Mapping[str, Any]] = {
    "reasoning": {"effort": None, "summary": None},
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
}


def decode_request(body: bytes) -> ChatRequest:
    """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
    root = parse(body)
    refuse_upstream_members(root, UNKNOWN_MEMBER)
    for name in _CHECKS.keys() & root.as_object().keys():
        member = root.member(name)
        if member is not None:
            _CHECKS[name](member)
    stream = boolean_in(root, "stream") or False
    _check_stream_options(root, stream)
    unmapped = _unmapped(root)
    messages = _instructions(root) + _input(root, unmapped)
    reasoning, text = root.member("reasoning"), root.member("text")
    return ChatRequest(
        protocol=PROTOCOL,
        model=root.required("model").as_string(minimum=1),
        messages=messages,
        source=body,
        stream=stream,
        include_usage=True,
        max_output_tokens=integer_in(root, "max_output_tokens", 1, _INTEGER_MAX),
        sampling=_sampling(root),
        tools=decode_tools(root, unmapped),
        tool_choice=decode_tool_choice(root, unmapped),
        parallel_tool_calls=boolean_in(root, "parallel_tool_calls"),
        output_format=None if text is None else _output_format(text),
        reasoning=None if reasoning is None else _reasoning(reasoning, unmapped),
        user=string_in(root, "user") or string_in(root, "safety_identifier"),
        metadata=metadata_in(root),
        provider_state=reference_in(root.value),
        samplings=_samplings(root),
        late_tools=decode_late_tools(root),
        max_tool_calls=integer_in(root, "max_tool_calls", 1, _INTEGER_MAX),
        routing=decode_preferences(root, body),
        unread_bytes=unread_bytes(root),
        unmapped=unmapped,
        hints={} if text is None else _hints(text),
        echo=_echo(root),
    )


def _unmapped(root: Node) -> dict[str, Any]:
    """Top-level members that no other wire is known to express."""
    return {
        name: value
        for name, value in root.as_object().items()
        if name not in _MAPPED | _WITHOUT_EFFECT and value is not None and _DEFAULTS.get(name) != value
    }


def _samplings(root: Node) -> int:
    """Two, where the provider may compact the conversation before it answers."""
    edits = root.member("context_management")
    return 1 if edits is None or not edits.elements() else 2


def _echo(root: Node) -> dict[str, Any]:
    """Returns the given members; those taken out of the request are in the gateway's own member."""
    members = root.as_object()
    given = {name: members[name] for name in _ECHOED if members.get(name) is not None}
    whole: dict[str, Any] = {name: {**rest, **given[name]} for name, rest in _ECHOED_REST.items() if name in given}
    own = own_in(root)
    previous, background = own.member("previous_response_id"), own.member("background")
    conversation = conversation_in(own)
    if previous is not None:
        whole["previous_response_id"] = previous.as_string()
    if conversation is not None:
        whole["conversation"] = {"id": conversation[0]}
    if background is not None:
        whole["background"] = background.as_boolean()
    return given | whole


def own_in(root: Node) -> Node:
    """The gateway's own member of a request, empty where it has none."""
    return root.member(OWN) or Node({})


def conversation_in(own: Node) -> tuple[str, int] | None:
    """The conversation that the gateway's own member names, and the number of its items at the head of the input."""
    named = own.member("conversation")
    if named is None:
        return None
    return named.required("id").as_string(), named.required("items").as_integer(0, _INTEGER_MAX)


def _check_stream_options(root: Node, stream: bool) -> None:
    options = root.member("stream_options")
    if options is None:
        return
    if not stream:
        raise options.error("The 'stream_options' parameter is only allowed when 'stream' is enabled.", None)
    boolean_in(options, "include_obfuscation")


def _instructions(root: Node) -> tuple[Message, ...]:
    text = string_in(root, "instructions")
    return (Message("system", (Text(text),)),) if text else ()


def _input(root: Node, unmapped: dict[str, Any]) -> tuple[Message, ...]:
    """The conversation; only what stands at the provider or in a store can take its place."""
    given = root.member("input")
    if given is None and not {"prompt", "previous_response_id", "conversation"} & unmapped.keys():
        given = root.required("input")
    return () if given is None else decode_input(given, unmapped)


def _sampling(root: Node) -> Sampling:
    include = root.member("include")
    wanted = [] if include is None else [element.as_string() for element in include.elements()]
    top_logprobs = integer_in(root, "top_logprobs", 0, 20)
    return Sampling(
        temperature=number_in(root, "temperature", 0, 2),
        top_p=number_in(root, "top_p", 0, 1),
        logprobs=LOGPROBS in wanted or bool(top_logprobs),
        top_logprobs=top_logprobs or None,
    )


def _hints(text: Node) -> dict[str, Any]:
    verbosity = text.member("verbosity")
    if verbosity is None or verbosity.as_one_of(_VERBOSITIES) == "medium":
        return {}
    return {verbosity.path: verbosity.value}


def _output_format(text: Node) -> OutputFormat | None:
    chosen = text.member("format")
    if chosen is None:
        return None
    return _OUTPUT_FORMATS[chosen.required("type").as_one_of(tuple(_OUTPUT_FORMATS))](chosen)


def _schema_format(chosen: Node) -> OutputFormat:
    return OutputFormat(
        kind="schema",
        schema=chosen.required("schema").as_object(),
        name=chosen.required("name").as_string(1, 64),
        description=string_in(chosen, "description"),
        strict=boolean_in(chosen, "strict"),
    )


_OUTPUT_FORMATS: Mapping[str, Callable[[Node], OutputFormat]] = {
    "text": lambda _: OutputFormat(kind="text"),
    "json_object": lambda _: OutputFormat(kind="json"),
    "json_schema": _schema_format,
}


def _reasoning(reasoning: Node, unmapped: dict[str, Any]) -> Reasoning:
    effort = reasoning.member("effort")
    summary = reasoning.member("summary") or reasoning.member("generate_summary")
    # Which earlier reasoning the model sees, and how it runs, is chosen by models of this wire alone.
    for name, usual in (("context", "auto"), ("mode", "standard")):
        member = reasoning.member(name)
        if member is not None and member.as_string() != usual:
            unmapped[member.path] = member.value
    word = None if effort is None else effort.as_one_of(ORDER)
    return Reasoning(
        effort=word,
        disabled=word == "none",
        summary=None if summary is None else summary.as_one_of(_SUMMARIES),
        include_thoughts=None if summary is None else True,
    )
