"""Reads generated content with google-genai: texts, thoughts and calls, by candidate."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from google import genai
from google.genai import errors
from google.genai.types import (
    AutomaticFunctionCallingConfig,
    Candidate,
    GenerateContentConfig,
    GenerateContentResponse,
    GenerateContentResponseUsageMetadata,
    HttpOptions,
    MediaModality,
    ModalityTokenCount,
    Part,
)

from tests.fidelity.seen import STUMBLES, CallDraft, ChoiceDraft, ChoiceSeen, Seen, UsageSeen, named, reading

# The SDK would call tools by itself, but there are none here.
ASKED: dict[str, Any] = {
    "model": "asked",
    "contents": "hi",
    "config": GenerateContentConfig(automatic_function_calling=AutomaticFunctionCallingConfig(disable=True)),
}


class GeminiReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = genai.Client(api_key="k", http_options=HttpOptions(base_url=url))

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _seen(self._client.models.generate_content(**ASKED)), errors.APIError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for chunk in self._client.models.generate_content_stream(**ASKED):
                sums.add(chunk)
        except (errors.APIError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> None:
        """Returns None, because the SDK has no class that sums up a stream."""


class _Sums:
    """Chunks, summed up by candidate. The last count is the total."""

    def __init__(self) -> None:
        self._drafts: dict[int, ChoiceDraft] = defaultdict(lambda: ChoiceDraft([]))
        self._usage: UsageSeen | None = None
        self._blocked: str | None = None

    def add(self, chunk: GenerateContentResponse) -> None:
        self._usage = usage_seen(chunk.usage_metadata) or self._usage
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason is not None:
            self._blocked = f"blocked:{feedback.block_reason.value}"
        for candidate in chunk.candidates or ():
            draft = self._drafts[candidate.index or 0]
            if candidate.finish_reason is not None:
                draft.finish = candidate.finish_reason.value
            for part in _parts(candidate):
                _add_part(draft, part)

    def seen(self, error: str | None = None) -> Seen:
        """Returns the reading; a refused prompt has one choice without content, and the refusal as its end.

        The SDK accepts a stream that stops half way, but its user must not: no event said that it was whole.
        """
        choices = tuple(draft.seen() for _, draft in sorted(self._drafts.items()))
        if self._blocked is not None and not choices:
            choices = (ChoiceSeen(finish=self._blocked),)
        whole = any(choice.finish for choice in choices)
        return Seen(choices, self._usage, error or (None if whole else "no end"))


def _seen(response: GenerateContentResponse) -> Seen:
    sums = _Sums()
    sums.add(response)
    return sums.seen()


def _parts(candidate: Candidate) -> Iterable[Part]:
    return (candidate.content.parts or ()) if candidate.content is not None else ()


def _add_part(draft: ChoiceDraft, part: Part) -> None:
    """Adds a part. The output of the provider's own tools (code, its result) is not compared."""
    if part.function_call is not None:
        call = part.function_call
        draft.calls.append(CallDraft(call.name or "", call.id, json.dumps(call.args or {})))
    elif part.thought:
        draft.thinking += part.text or ""
    else:
        draft.text += part.text or ""


def usage_seen(usage: GenerateContentResponseUsageMetadata | None) -> UsageSeen | None:
    """Converts the counts. Input from built-in tools is prompt too, and the total shows where thoughts are counted."""
    if usage is None:
        return None
    prompt = (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0)
    candidates, thoughts = usage.candidates_token_count or 0, usage.thoughts_token_count or 0
    among = usage.total_token_count == prompt + candidates
    return UsageSeen(
        prompt=prompt,
        cache_read=usage.cached_content_token_count or 0,
        output=candidates if among else candidates + thoughts,
        reasoning=thoughts,
        audio_input=_audio(usage.prompt_tokens_details) - _audio(usage.cache_tokens_details),
        audio_output=_audio(usage.candidates_tokens_details),
    )


def _audio(details: Iterable[ModalityTokenCount] | None) -> int:
    return sum(entry.token_count or 0 for entry in details or () if entry.modality is MediaModality.AUDIO)
