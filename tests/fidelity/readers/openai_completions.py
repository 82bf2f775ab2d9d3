"""Reads a legacy completion with openai-python: texts, their ends, and their cost."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import openai

from tests.fidelity.readers.openai_chat import SHOWN, usage_seen
from tests.fidelity.seen import STUMBLES, ChoiceDraft, ChoiceSeen, Seen, UsageSeen, named, reading

ASKED: dict[str, Any] = {"model": "asked", "prompt": "hi"}


class CompletionsReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _whole(self._client.completions.create(**ASKED)), openai.APIError)

    def stream(self) -> Seen:
        drafts: dict[int, ChoiceDraft] = defaultdict(lambda: ChoiceDraft([]))
        usage: UsageSeen | None = None
        error = None
        try:
            for chunk in self._client.completions.create(**ASKED, **SHOWN, stream=True):
                usage = usage_seen(chunk.usage) or usage
                for choice in chunk.choices:
                    drafts[choice.index].text += choice.text
                    drafts[choice.index].finish = choice.finish_reason
        except (openai.APIError, *STUMBLES) as raised:
            error = named(raised)
        # The SDK accepts a stream that stops half way, but its user must not.
        whole = usage is not None or any(draft.finish for draft in drafts.values())
        choices = tuple(draft.seen() for _, draft in sorted(drafts.items()))
        return Seen(choices, usage, error or (None if whole else "no end"))

    def snapshot(self) -> None:
        """Returns None, because the SDK has no streaming class for this wire."""


def _whole(completion: Any) -> Seen:
    choices = tuple(ChoiceSeen(text=choice.text, finish=choice.finish_reason) for choice in completion.choices)
    return Seen(choices, usage_seen(completion.usage))
