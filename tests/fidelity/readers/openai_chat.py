"""Reads a chat completion with openai-python, with the dialects of other providers that speak this wire.

The SDK passes on members that its types do not name, so the dialects are read from it too: reasoning under two names,
typed content parts (Mistral), counts under DeepSeek's and Mistral's names.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import openai
from openai.types import CompletionUsage

from tests.fidelity.seen import STUMBLES, CallDraft, CallSeen, ChoiceDraft, ChoiceSeen, Seen, UsageSeen, named, reading

ASKED: dict[str, Any] = {"model": "asked", "messages": [{"role": "user", "content": "hi"}]}
SHOWN: dict[str, Any] = {"stream_options": {"include_usage": True}}


class ChatReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _whole(self._client.chat.completions.create(**ASKED)), openai.APIError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for chunk in self._client.chat.completions.create(**ASKED, **SHOWN, stream=True):
                sums.add(chunk)
        except (openai.APIError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> Seen:
        return reading(self._snapshot, openai.APIError)

    def _snapshot(self) -> Seen:
        with warnings.catch_warnings():
            # The SDK's types do not know Mistral's content, which is a list.
            warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
            return self._summed_up()

    def _summed_up(self) -> Seen:
        with self._client.chat.completions.stream(**ASKED, **SHOWN) as stream:
            # The final completion is this snapshot. If it ended for length or a filter, asking for the final completion
            # raises.
            return _whole(stream.until_done().current_completion_snapshot)


class _Sums:
    """A stream's chunks, summed up as any caller does."""

    def __init__(self) -> None:
        self._choices: dict[int, ChoiceDraft] = defaultdict(lambda: ChoiceDraft([]))
        self._indexes: dict[int, list[int | None]] = defaultdict(list)
        self._usage: UsageSeen | None = None

    def add(self, chunk: Any) -> None:
        self._usage = usage_seen(chunk.usage) or self._usage
        for choice in chunk.choices or ():
            draft = self._choices[choice.index or 0]
            draft.finish = draft.finish or choice.finish_reason
            delta = choice.delta
            if delta is not None:
                draft.text += _text(delta.content)
                draft.thinking += _thinking(delta)
                draft.refusal += delta.refusal or ""
                self._add_calls(choice.index or 0, draft.calls, (*(delta.tool_calls or ()), *_legacy(delta)))

    def seen(self, error: str | None = None) -> Seen:
        """Returns the reading. The SDK accepts a stream that stops half way, but its user must not: it has no end."""
        choices = tuple(draft.seen() for _, draft in sorted(self._choices.items()))
        whole = self._usage is not None or any(choice.finish for choice in choices)
        return Seen(choices, self._usage, error or (None if whole else "no end"))

    def _add_calls(self, choice: int, drafts: list[CallDraft], calls: Sequence[Any]) -> None:
        """Adds more of some calls. A new id or name opens a call; else the index or the place says which call it is."""
        indexes = self._indexes[choice]
        for position, call in enumerate(calls):
            said, identity, index = _said(call), getattr(call, "id", None) or None, getattr(call, "index", None)
            known = _places(indexes, index, position if len(calls) > 1 else -1)
            if not known or _is_another(drafts[known[-1]], said, identity, index):
                known = [len(drafts)]
                indexes.append(index)
                drafts.append(CallDraft(getattr(said, "name", None) or "", identity, custom=_is_custom(call)))
            drafts[known[-1]].text += _arguments(said)


def _places(indexes: Sequence[int | None], index: int | None, position: int) -> Sequence[int]:
    """Returns the calls that an index may mean. Without one: the place in the array, or the last call."""
    if index is not None:
        return [place for place, each in enumerate(indexes) if each == index]
    return range(len(indexes))[position:][:1]


def _is_another(draft: CallDraft, said: Any, identity: str | None, index: int | None) -> bool:
    """True if a named piece opens a call beside `draft`: its id differs, or no other member could tell (B9, B10)."""
    if not getattr(said, "name", None):
        return False
    return identity != draft.id if identity is not None else index is None


def _whole(completion: Any) -> Seen:
    if not completion.choices:
        return Seen(error="no choices")
    choices = tuple(_choice(choice) for choice in completion.choices)
    return Seen(choices, usage_seen(completion.usage))


def _choice(choice: Any) -> ChoiceSeen:
    message = choice.message
    if message is None:
        # Azure sends this if its filter took the whole message.
        return ChoiceSeen(finish=choice.finish_reason)
    return ChoiceSeen(
        text=_text(message.content),
        refusal=message.refusal or "",
        thinking=_thinking(message),
        calls=tuple(_call(call) for call in (*(message.tool_calls or ()), *_legacy(message))),
        finish=choice.finish_reason,
    )


def _call(call: Any) -> CallSeen:
    said = _said(call)
    return CallDraft(said.name, getattr(call, "id", None) or None, _arguments(said), _is_custom(call)).seen()


class _Legacy:
    """The one call of the wire's first form, in the shape of today's."""

    index = 0

    def __init__(self, function: Any) -> None:
        self.function = function


def _legacy(message: Any) -> Sequence[_Legacy]:
    function = getattr(message, "function_call", None)
    return [_Legacy(function)] if function is not None else []


def _said(call: Any) -> Any:
    """Returns the member with the name: a function's, or a custom tool's, which the SDK's stream types do not know."""
    custom = getattr(call, "custom", None)
    return (SimpleNamespace(**custom) if isinstance(custom, dict) else custom) or call.function


def _is_custom(call: Any) -> bool:
    return getattr(call, "custom", None) is not None


def _arguments(said: Any) -> str:
    text = getattr(said, "arguments", None) or getattr(said, "input", None) or ""
    return text if isinstance(text, str) else ""


def _text(content: Any) -> str:
    """Returns the text, or the text parts of a dialect."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part["type"] == "text")
    return content or ""


def _thinking(message: Any) -> str:
    """Returns the reasoning under either name, or as the thinking parts of a dialect."""
    named = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
    if isinstance(message.content, list):
        pieces = [piece for part in message.content if part["type"] == "thinking" for piece in part["thinking"]]
        return "".join(piece["text"] for piece in pieces)
    return named or ""


def usage_seen(usage: CompletionUsage | None) -> UsageSeen | None:
    """Converts the counts. `total_tokens` shows whether reasoning is counted beside the completion or in it."""
    if usage is None:
        return None
    into, out = usage.prompt_tokens_details, usage.completion_tokens_details
    reasoning = (out and out.reasoning_tokens) or 0
    output = usage.completion_tokens
    if reasoning and usage.total_tokens == usage.prompt_tokens + output + reasoning:
        output += reasoning
    elsewhere = getattr(usage, "prompt_cache_hit_tokens", None) or getattr(usage, "num_cached_tokens", None) or 0
    return UsageSeen(
        prompt=usage.prompt_tokens,
        cache_read=(into and into.cached_tokens) or elsewhere,
        cache_write=(into and into.cache_write_tokens) or 0,
        output=output,
        reasoning=reasoning,
        audio_input=(into and into.audio_tokens) or 0,
        audio_output=(out and out.audio_tokens) or 0,
    )
