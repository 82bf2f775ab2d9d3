"""The words that a whole answer and a streamed one share: usage, finish reasons, and checks of a provider's JSON.

Shapes: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, with what Vertex adds
(https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError

PROTOCOL = "gemini"
UNREADABLE = "The provider sent an answer that cannot be read."

_FILTERED = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "PUP_LIMITED_DISABLED",
    "MODEL_ARMOR",
)
_FAILED = (
    "FINISH_REASON_UNSPECIFIED",
    "OTHER",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
    "ESCALATION",
)
_REASONS: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    "MALFORMED_FUNCTION_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "UNEXPECTED_TOOL_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "TOO_MANY_TOOL_CALLS": FinishReason.PAUSE,
    **dict.fromkeys(_FILTERED, FinishReason.CONTENT_FILTER),
    **dict.fromkeys(_FAILED, FinishReason.ERROR),
}
# What the wire has no word for ends as a plain stop: a call of a tool among them.
_WORDS: Mapping[FinishReason, str] = {
    FinishReason.LENGTH: "MAX_TOKENS",
    FinishReason.CONTENT_FILTER: "SAFETY",
    FinishReason.REFUSAL: "SAFETY",
    FinishReason.MALFORMED_TOOL_CALL: "MALFORMED_FUNCTION_CALL",
    FinishReason.ERROR: "OTHER",
}


def load(data: bytes) -> dict[str, Any]:
    """A provider's JSON object; raises `UpstreamError` on anything else."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError(UNREADABLE) from None
    if not isinstance(value, dict):
        raise UpstreamError(UNREADABLE)
    return value


def as_object(value: object) -> dict[str, Any]:
    """An object, where null stands for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UpstreamError(UNREADABLE)
    return value


def as_objects(value: object) -> list[dict[str, Any]]:
    """An array of objects, where null stands for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise UpstreamError(UNREADABLE)
    return [as_object(element) for element in value]


def as_text(value: object) -> str:
    """A string, where null stands for an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UpstreamError(UNREADABLE)
    return value


def as_index(value: object, otherwise: int) -> int:
    """A candidate's position; proto JSON leaves out the zero."""
    return value if type(value) is int and value >= 0 else otherwise


def dumped(value: object) -> str:
    """JSON text of something that stays as it came; more than 254 levels deep is no answer."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise UpstreamError(UNREADABLE) from None


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """`called` says whether tools were called, which this wire ends with a plain `STOP`."""
    reason = _REASONS.get(as_text(word), FinishReason.STOP)
    return FinishReason.TOOL_CALLS if called and reason is FinishReason.STOP else reason


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return "STOP" if reason is None else _WORDS.get(reason, "STOP")


def is_blocked(value: Mapping[str, Any]) -> bool:
    """Whether the prompt was refused before any candidate began."""
    return bool(as_object(value.get("promptFeedback")).get("blockReason"))


def decode_usage(value: object) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report.

    The prompt includes what was read from a cache, and excludes what built-in tools fed back; thoughts stand beside the
    candidates, unless the provider's own total says that they are counted among them.
    """
    usage = as_object(value)
    if usage.get("promptTokenCount") is None and usage.get("candidatesTokenCount") is None:
        return None
    prompt = _count(usage.get("promptTokenCount")) + _count(usage.get("toolUsePromptTokenCount"))
    candidates, thoughts = _count(usage.get("candidatesTokenCount")), _count(usage.get("thoughtsTokenCount"))
    read = min(_count(usage.get("cachedContentTokenCount")), prompt)
    among = thoughts > 0 and _count(usage.get("totalTokenCount")) == prompt + candidates
    heard = _audio(usage.get("promptTokensDetails")) - _audio(usage.get("cacheTokensDetails"))
    return Usage(
        input=prompt - read,
        cache_read=read,
        output=candidates if among else candidates + thoughts,
        reasoning=thoughts,
        audio_input=min(max(heard, 0), prompt - read),
        audio_output=_audio(usage.get("candidatesTokensDetails")),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts; as Google does, classes that are empty are left out."""
    optional = {
        "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cache_read,
        "promptTokensDetails": _modality(usage.audio_input),
        "candidatesTokensDetails": _modality(usage.audio_output),
    }
    return {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.total,
        **{name: count for name, count in optional.items() if count},
    }


def decode_logprobs(value: object) -> dict[str, Any] | None:
    """Log probabilities in the OpenAI chat shape, which the canonical types take from there."""
    result = as_object(value)
    chosen, tops = as_objects(result.get("chosenCandidates")), as_objects(result.get("topCandidates"))
    if not chosen:
        return None
    alternatives = [as_objects(top.get("candidates")) for top in tops] + [[]] * (len(chosen) - len(tops))
    scored = zip(chosen, alternatives, strict=False)
    return {
        "content": [_scored(token) | {"top_logprobs": [_scored(other) for other in top]} for token, top in scored],
        "refusal": None,
    }


def encode_logprobs(logprobs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The candidate's member from the OpenAI chat shape, or nothing."""
    tokens = (logprobs or {}).get("content")
    if not tokens:
        return {}
    tops = [{"candidates": [_candidate(top) for top in token.get("top_logprobs") or ()]} for token in tokens]
    return {"logprobsResult": {"chosenCandidates": [_candidate(token) for token in tokens], "topCandidates": tops}}


def _scored(token: dict[str, Any]) -> dict[str, Any]:
    text = as_text(token.get("token"))
    return {"token": text, "logprob": token.get("logProbability", 0.0), "bytes": list(text.encode())}


def _candidate(token: Mapping[str, Any]) -> dict[str, Any]:
    return {"token": token["token"], "logProbability": token["logprob"]}


def _audio(details: object) -> int:
    heard = 0
    for entry in as_objects(details):
        if entry.get("modality") == "AUDIO":
            heard += _count(entry.get("tokenCount"))
    return heard


def _modality(audio: int) -> list[dict[str, Any]]:
    return [{"modality": "AUDIO", "tokenCount": audio}] if audio else []


def _count(value: object) -> int:
    """A count that a bill can rest on: anything but a whole number of tokens is garbage."""
    if value is None:
        return 0
    if type(value) is not int or value < 0:
        raise UpstreamError(UNREADABLE)
    return value
