"""The words that a whole answer and a streamed one share: usage and finish reasons.

Shapes: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, with what Vertex adds
(https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.canonical.response import FinishReason
from gateway.canonical.usage import Usage
from gateway.framing.provider_json import as_count, as_object, as_objects, as_text

PROTOCOL = "gemini"

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
    prompt = as_count(usage.get("promptTokenCount")) + as_count(usage.get("toolUsePromptTokenCount"))
    candidates, thoughts = as_count(usage.get("candidatesTokenCount")), as_count(usage.get("thoughtsTokenCount"))
    read = min(as_count(usage.get("cachedContentTokenCount")), prompt)
    among = thoughts > 0 and as_count(usage.get("totalTokenCount")) == prompt + candidates
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
            heard += as_count(entry.get("tokenCount"))
    return heard


def _modality(audio: int) -> list[dict[str, Any]]:
    return [{"modality": "AUDIO", "tokenCount": audio}] if audio else []
