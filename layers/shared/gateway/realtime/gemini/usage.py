"""Reads Gemini's report of a turn, and writes it as the usage of a `response.done`.

A report is of one turn, and a later one of the same turn takes its place.
"""

from __future__ import annotations

from typing import Any

from gateway.canonical.realtime import RealtimeUsage
from gateway.canonical.usage import TOKENS_MAX
from gateway.realtime.events import Event, members
from gateway.realtime.usage import count

_MODALITIES = {"AUDIO": "audio", "IMAGE": "image", "VIDEO": "image"}


def turn_usage(reported: Any) -> RealtimeUsage:
    """The usage of a turn. What no modality is told of is text, as are thoughts and what tools brought."""
    told = members(reported)
    whole = _by_modality(told.get("promptTokensDetails"))
    cached = _by_modality(told.get("cacheTokensDetails"))
    whole["text"] += max(0, count(told.get("promptTokenCount")) - sum(whole.values()))
    whole["text"] += count(told.get("toolUsePromptTokenCount"))
    cached["text"] += max(0, count(told.get("cachedContentTokenCount")) - sum(cached.values()))
    kept = {name: min(cached[name], whole[name]) for name in whole}
    written = count(told.get("responseTokenCount"))
    audio = _by_modality(told.get("responseTokensDetails"))["audio"]
    return RealtimeUsage(
        **{name: whole[name] - kept[name] for name in whole},
        **{f"cached_{name}": kept[name] for name in whole},
        output_text=max(0, written - audio) + count(told.get("thoughtsTokenCount")),
        output_audio=audio,
    )


def shown(used: RealtimeUsage) -> Event:
    """The usage in OpenAI's members."""
    cached = {"text": used.cached_text, "audio": used.cached_audio, "image": used.cached_image}
    whole = {"text": used.text, "audio": used.audio, "image": used.image}
    read, written = sum(whole.values()) + sum(cached.values()), used.output_text + used.output_audio
    return {
        "total_tokens": read + written,
        "input_tokens": read,
        "output_tokens": written,
        "input_token_details": {
            **{f"{name}_tokens": whole[name] + cached[name] for name in whole},
            "cached_tokens": sum(cached.values()),
            "cached_tokens_details": {f"{name}_tokens": tokens for name, tokens in cached.items()},
        },
        "output_token_details": {"text_tokens": used.output_text, "audio_tokens": used.output_audio},
    }


def _by_modality(details: Any) -> dict[str, int]:
    counts = {"text": 0, "audio": 0, "image": 0}
    for each in details if isinstance(details, list) else ():
        name = _MODALITIES.get(str(members(each).get("modality")), "text")
        counts[name] = min(counts[name] + count(members(each).get("tokenCount")), TOKENS_MAX)
    return counts
