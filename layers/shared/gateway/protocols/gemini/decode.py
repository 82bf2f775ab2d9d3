"""A generateContent request to canonical form: each member checked as Google checks it, unknown ones kept.

Members and bounds are those of https://ai.google.dev/api/generate-content#request-body and of Vertex beside it
(https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference). The model and whether to stream are
in the URL. What no other wire is known to express goes to `unmapped` under its path, unless it changes nothing about
what is generated; on the same wire the caller's bytes carry it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling
from gateway.errors import InvalidRequest
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.decode_contents import decode_contents, decode_instruction
from gateway.protocols.gemini.decode_tools import decode_tool_choice, decode_tools
from gateway.protocols.gemini.names import boolean, integer, member, number, others, required, string, word
from gateway.protocols.gemini.schema import from_openapi
from gateway.protocols.gemini.state import PLACES
from gateway.protocols.shared.document import Node, parse
from gateway.protocols.shared.preferences import (
    OWN_MEMBERS,
    dearer,
    decode_preferences,
    refuse_upstream_members,
    unread_bytes,
)
from gateway.protocols.shared.provider_state import first_reference

LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH", "THINKING_LEVEL_UNSPECIFIED")
STOPS_MAX = 5
CHOICES_MAX = 8
SEED_MIN, SEED_MAX = -(2**31), 2**31 - 1

_INTEGER_MAX = 2**31 - 1
_BUDGET_DYNAMIC = -1
_MODEL_PREFIX = "models/"

# Members with a place of their own in the canonical request.
_MAPPED = OWN_MEMBERS | {"contents", "generationConfig", "labels", "model", "systemInstruction", "toolConfig", "tools"}
_MAPPED_GENERATION = frozenset(
    {
        "candidateCount",
        "frequencyPenalty",
        "logprobs",
        "maxOutputTokens",
        "presencePenalty",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseSchema",
        "seed",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    }
)
# Members that say how a provider stores or schedules, and nothing about what it generates.
_WITHOUT_EFFECT = frozenset({"serviceTier", "store"})
# https://ai.google.dev/gemini-api/docs/pricing: every other tier may cost more than the price that is billed.
_TIERS_WITHIN_PRICE = ("STANDARD", "FLEX", "SERVICE_TIER_UNSPECIFIED")
# Filters that are switched off: what happens at a provider that has none.
_NO_FILTER = frozenset({"BLOCK_NONE", "OFF"})


def decode_request(body: bytes, model: str | None = None, *, stream: bool = False) -> ChatRequest:
    """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong.

    `model` is the URL's; without one the body's own member counts (`models/gemini-2.5-flash`).
    """
    root = parse(body)
    refuse_upstream_members(root, 'Unknown name "{name}": Cannot find field.')
    _check_tier(root)
    config = member(root, "generationConfig") or Node({}, root, "generationConfig")
    messages, unmapped_parts = decode_contents(required(root, "contents"))
    tools, unmapped_tools = decode_tools(root)
    tool_choice, unmapped_choice = decode_tool_choice(root)
    output_format, unmapped_format = _output_format(config)
    return ChatRequest(
        protocol=PROTOCOL,
        model=(model or required(root, "model").as_string(minimum=1)).removeprefix(_MODEL_PREFIX),
        messages=decode_instruction(root) + messages,
        source=body,
        stream=stream,
        include_usage=True,
        choices=integer(config, "candidateCount", 1, CHOICES_MAX) or 1,
        max_output_tokens=integer(config, "maxOutputTokens", 1, _INTEGER_MAX),
        sampling=_sampling(config),
        tools=tools,
        tool_choice=tool_choice,
        output_format=output_format,
        reasoning=_reasoning(config),
        metadata=_labels(root),
        provider_state=first_reference(root.value, PLACES),
        routing=decode_preferences(root, body),
        unread_bytes=unread_bytes(root),
        unmapped={
            **_unmapped(root, config),
            **unmapped_parts,
            **unmapped_tools,
            **unmapped_choice,
            **unmapped_format,
        },
    )


def _check_tier(root: Node) -> None:
    """Raises `InvalidRequest` for a tier, in either spelling of its member, that is charged above the model's price."""
    tier = member(root, "serviceTier")
    if tier is not None and tier.as_string().upper() not in _TIERS_WITHIN_PRICE:
        raise dearer(tier, map(str.lower, _TIERS_WITHIN_PRICE[:2]))


def _unmapped(root: Node, config: Node) -> dict[str, Any]:
    kept = {extra.path: extra.value for extra in others(root, _MAPPED | _WITHOUT_EFFECT) if not _asks_nothing(extra)}
    for extra in others(config, _MAPPED_GENERATION):
        if not _asks_nothing(extra):
            kept[extra.path] = extra.value
    return kept


def _asks_nothing(node: Node) -> bool:
    """A value that asks for what happens anyway."""
    name = node.path.rpartition(".")[2]
    return name in _DEFAULTS and _DEFAULTS[name](node)


def _filters_nothing(settings: Node) -> bool:
    return all(string(setting, "threshold") in _NO_FILTER for setting in settings.elements())


def _is_text_only(modalities: Node) -> bool:
    return [modality.as_string().upper() for modality in modalities.elements()] in ([], ["TEXT"])


_DEFAULTS: Mapping[str, Callable[[Node], bool]] = {
    "safetySettings": _filters_nothing,
    "safety_settings": _filters_nothing,
    "responseModalities": _is_text_only,
    "response_modalities": _is_text_only,
}


def _sampling(config: Node) -> Sampling:
    wanted = boolean(config, "responseLogprobs") or False
    top_logprobs = integer(config, "logprobs", 0, 20)
    if top_logprobs is not None and not wanted:
        raise required(config, "logprobs").error("'logprobs' is only allowed when 'responseLogprobs' is enabled.")
    stops = member(config, "stopSequences")
    return Sampling(
        temperature=number(config, "temperature", 0, 2),
        top_p=number(config, "topP", 0, 1),
        top_k=integer(config, "topK", 0, _INTEGER_MAX),
        seed=integer(config, "seed", SEED_MIN, SEED_MAX),
        stop=() if stops is None else tuple(stop.as_string() for stop in stops.elements(0, STOPS_MAX)),
        presence_penalty=number(config, "presencePenalty", -2, 2),
        frequency_penalty=number(config, "frequencyPenalty", -2, 2),
        logprobs=wanted,
        top_logprobs=top_logprobs,
    )


def _output_format(config: Node) -> tuple[OutputFormat | None, dict[str, Any]]:
    """JSON, with a schema or without; a media type that only this wire writes is the second value."""
    schema = _schema(config)
    media_type = string(config, "responseMimeType")
    if media_type not in {None, "text/plain", "application/json"}:
        return None, {required(config, "responseMimeType").path: media_type}
    if schema is not None:
        return OutputFormat("schema", schema), {}
    if media_type is None:
        return None, {}
    return OutputFormat("json" if media_type == "application/json" else "text"), {}


def _schema(config: Node) -> dict[str, Any] | None:
    whole, subset = member(config, "responseJsonSchema"), member(config, "responseSchema")
    if whole is not None and subset is not None:
        raise whole.error("Only one of 'responseSchema' and 'responseJsonSchema' can be set.")
    if whole is not None:
        return whole.as_object()
    if subset is None:
        return None
    converted: dict[str, Any] = from_openapi(subset.as_object(), subset.path)
    return converted


def _reasoning(config: Node) -> Reasoning | None:
    thinking = member(config, "thinkingConfig")
    if thinking is None:
        return None
    budget = integer(thinking, "thinkingBudget", _BUDGET_DYNAMIC, _INTEGER_MAX)
    level = word(thinking, "thinkingLevel", LEVELS)
    if budget is not None and level is not None:
        raise InvalidRequest(
            "Only one of 'thinkingBudget' and 'thinkingLevel' can be set.",
            param=required(thinking, "thinkingBudget").path,
            code="invalid_parameter_combination",
        )
    return Reasoning(
        effort=None if level in {None, "THINKING_LEVEL_UNSPECIFIED"} else str(level).lower(),
        budget_tokens=budget if budget is not None and budget > 0 else None,
        adaptive=budget == _BUDGET_DYNAMIC,
        disabled=budget == 0,
        include_thoughts=boolean(thinking, "includeThoughts"),
    )


def _labels(root: Node) -> dict[str, Any]:
    labels = member(root, "labels")
    if labels is None:
        return {}
    for name, value in labels.as_object().items():
        Node(value, labels, name).as_string(0, 63)
    return labels.as_object()
