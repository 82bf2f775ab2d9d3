"""The words that a whole answer and a streamed one share: usage and finish reasons.

Shapes: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, with what Vertex adds
(https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gateway.canonical.response import FinishReason, ended
from gateway.canonical.usage import Usage, Uses, counted, uses_of
from gateway.protocols.shared.provider_json import (
    as_object,
    as_objects,
    as_share,
    as_shares,
    as_text,
    whole_counts,
)

PROTOCOL = "gemini"
_QUERIES = ("webSearchQueries", "imageSearchQueries")

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
    "IMAGE_OTHER",
    "NO_IMAGE",
    "MISSING_THOUGHT_SIGNATURE",
    "ESCALATION",
)
_REASONS: Mapping[str, FinishReason] = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "CONTINUATION": FinishReason.LENGTH,
    "MALFORMED_FUNCTION_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "UNEXPECTED_TOOL_CALL": FinishReason.MALFORMED_TOOL_CALL,
    "MALFORMED_RESPONSE": FinishReason.MALFORMED_ANSWER,
    "OTHER": FinishReason.MALFORMED_ANSWER,
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
    FinishReason.MALFORMED_ANSWER: "OTHER",
    FinishReason.ERROR: "OTHER",
}


def decode_finish_reason(word: object, called: bool) -> FinishReason:
    """`called` says whether tools were called, which this wire ends with a plain `STOP`.

    A word that is not known is a plain stop, as FINISH_REASON_UNSPECIFIED is, which says nothing.
    """
    return ended(_REASONS.get(as_text(word), FinishReason.STOP), called)


def encode_finish_reason(reason: FinishReason | None) -> str:
    """The wire's word; an answer that came whole without a reason ended by itself."""
    return "STOP" if reason is None else _WORDS.get(reason, "STOP")


def is_blocked(value: Mapping[str, Any]) -> bool:
    """True if the prompt was refused before any candidate began."""
    return bool(as_object(value.get("promptFeedback")).get("blockReason"))


class Searches:
    """Counts what the candidates of one answer looked up; chunks may tell it again, or piece by piece."""

    def __init__(self) -> None:
        self._queries: dict[int, dict[str, int]] = {}
        self._maps: set[int] = set()

    def note(self, index: int, candidate: Mapping[str, Any]) -> None:
        """Adds what a candidate tells of its sources. A query that stands twice in one place was made twice.

        https://ai.google.dev/gemini-api/docs/google-search#pricing: each query is counted that is not empty.
        """
        grounding = as_shares(candidate.get("groundingMetadata"))
        named = [query for name in _QUERIES for query in _list(grounding.get(name)) if isinstance(query, str) and query]
        known = self._queries.setdefault(index, {})
        for query, times in Counter(named).items():
            known[query] = max(known.get(query, 0), times)
        if any("maps" in as_shares(chunk) for chunk in _list(grounding.get("groundingChunks"))):
            self._maps.add(index)

    @property
    def uses(self) -> Uses:
        """The uses by the catalog's words."""
        queries = sum(sum(known.values()) for known in self._queries.values())
        return uses_of({"google_search": queries, "google_maps": len(self._maps)})


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def decode_usage(value: object, uses: Uses = ()) -> Usage | None:
    """Token counts in canonical classes; `None` where the provider reported none. Zero is a report.

    The prompt includes what was read from a cache, and excludes what built-in tools fed back; thoughts stand beside the
    candidates, unless the provider's own total says that they are counted among them.
    """
    usage = as_shares(value)
    whole = whole_counts(usage, "promptTokenCount", "candidatesTokenCount")
    if whole is None:
        return None
    asked, candidates = whole
    prompt = asked + as_share(usage.get("toolUsePromptTokenCount"))
    thoughts = as_share(usage.get("thoughtsTokenCount"))
    read = min(as_share(usage.get("cachedContentTokenCount")), prompt)
    among = thoughts > 0 and as_share(usage.get("totalTokenCount")) == prompt + candidates
    heard = _told(usage.get("promptTokensDetails"), "AUDIO") - _told(usage.get("cacheTokensDetails"), "AUDIO")
    made = usage.get("candidatesTokensDetails")
    return counted(
        uses,
        input=prompt - read,
        cache_read=read,
        output=candidates if among else candidates + thoughts,
        reasoning=thoughts,
        audio_input=min(max(heard, 0), prompt - read),
        audio_output=_told(made, "AUDIO"),
        image_output=_told(made, "IMAGE"),
    )


def encode_usage(usage: Usage) -> dict[str, Any]:
    """The wire's own counts; as Google does, classes that are empty are left out."""
    optional = {
        "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cache_read,
        "promptTokensDetails": _modalities(AUDIO=usage.audio_input),
        "candidatesTokensDetails": _modalities(AUDIO=usage.audio_output, IMAGE=usage.image_output),
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
    return {"token": token["token"], "logProbability": token.get("logprob", 0.0)}


def _told(details: object, modality: str) -> int:
    """The tokens of sound or of pictures among those that are told by modality."""
    entries = map(as_shares, details if isinstance(details, list) else ())
    return sum(as_share(entry.get("tokenCount")) for entry in entries if entry.get("modality") == modality)


def _modalities(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": modality, "tokenCount": count} for modality, count in counts.items() if count]
