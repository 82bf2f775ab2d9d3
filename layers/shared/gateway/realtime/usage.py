"""Reads what the provider reports of a response and of a transcription, on OpenAI's wire.

https://developers.openai.com/api/docs/guides/realtime-costs: `input_token_details` counts each modality with its cached
part, which `cached_tokens_details` counts alone.
"""

from __future__ import annotations

import math
from typing import Any

from gateway.canonical.realtime import MS, RealtimeUsage
from gateway.canonical.usage import TOKENS_MAX
from gateway.realtime.events import members

_MODALITIES = ("text", "audio", "image")


def response_usage(reported: Any) -> RealtimeUsage | None:
    """The usage of a `response.done`, or `None` where it reports none."""
    counts = members(reported)
    if "input_tokens" not in counts and "output_tokens" not in counts:
        return None
    return RealtimeUsage(**_prompt(counts), **_output(counts))


def transcription_usage(reported: Any) -> RealtimeUsage | None:
    """The usage of a transcript, its tokens or the seconds that were heard; `None` where it reports none."""
    counts = members(reported)
    seconds = counts.get("seconds")
    if isinstance(seconds, int | float) and math.isfinite(seconds):
        return RealtimeUsage(milliseconds=count(math.ceil(seconds * MS)))
    if "input_tokens" not in counts:
        return None
    read = count(counts.get("input_tokens"))
    audio = min(count(members(counts.get("input_token_details")).get("audio_tokens")), read)
    return RealtimeUsage(text=read - audio, audio=audio, output_text=count(counts.get("output_tokens")))


def _prompt(counts: dict[str, Any]) -> dict[str, int]:
    details = members(counts.get("input_token_details"))
    cached = members(details.get("cached_tokens_details"))
    whole = {name: count(details.get(f"{name}_tokens")) for name in _MODALITIES}
    # What no modality is told of is text, in the prompt as in its cached part.
    whole["text"] += max(0, count(counts.get("input_tokens")) - sum(whole.values()))
    read = {name: count(cached.get(f"{name}_tokens")) for name in _MODALITIES}
    read["text"] += max(0, count(details.get("cached_tokens")) - sum(read.values()))
    kept = {name: min(read[name], whole[name]) for name in _MODALITIES}
    return {name: whole[name] - kept[name] for name in _MODALITIES} | {
        f"cached_{name}": kept[name] for name in _MODALITIES
    }


def _output(counts: dict[str, Any]) -> dict[str, int]:
    details = members(counts.get("output_token_details"))
    written, audio = count(counts.get("output_tokens")), count(details.get("audio_tokens"))
    text = count(details.get("text_tokens"))
    # Thinking is reported beside text and sound, or within text; it is paid as text.
    return {"output_text": max(text, written - audio), "output_audio": audio}


def count(value: Any) -> int:
    """A number of tokens as it is reported, within bounds; what is no number counts as none."""
    return min(value, TOKENS_MAX) if isinstance(value, int) and value > 0 else 0
