"""Reads a response with openai-python: texts, refusals, reasoning (summaries and text) and calls, by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import openai
from openai.types.responses import ResponseUsage

from tests.fidelity.seen import STUMBLES, CallDraft, ChoiceDraft, Seen, UsageSeen, named, reading

ASKED: dict[str, Any] = {"model": "asked", "input": "hi"}


class ResponsesReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _whole(self._client.responses.create(**ASKED)), openai.APIError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for event in self._client.responses.create(**ASKED, stream=True):
                sums.add(event)
        except (openai.APIError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> Seen:
        return reading(self._snapshot, openai.APIError)

    def _snapshot(self) -> Seen:
        """Returns the response of its last event. The class sums up complete responses only, so it is not used."""
        last = None
        with self._client.responses.stream(**ASKED) as stream:
            for event in stream:
                last = getattr(event, "response", None)
        return Seen(error="no response") if last is None else _whole(last)


class _Sums:
    """A stream's deltas, summed up by item. The end comes from the event that ends it."""

    def __init__(self) -> None:
        self._draft = ChoiceDraft([])
        self._calls: dict[int, CallDraft] = {}
        self._usage: UsageSeen | None = None
        self._ended = False
        self._error: str | None = None

    def add(self, event: Any) -> None:
        if event.type in _ENDS:
            self._ended = True
            self._draft.finish = finish_seen(event.response)
            self._usage = usage_seen(event.response.usage)
        elif event.type == "error":
            self._error = "error event"
        elif event.type in _DELTAS:
            _DELTAS[event.type](self._draft, event.delta)
        elif event.type == "response.output_item.added":
            self._add_item(event.output_index, event.item)
        elif event.type in {"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"}:
            self._calls[event.output_index].text += event.delta

    def seen(self, error: str | None = None) -> Seen:
        self._draft.calls = [call for _, call in sorted(self._calls.items())]
        return Seen((self._draft.seen(),), self._usage, error or self._error or (None if self._ended else "no end"))

    def _add_item(self, index: int, item: Any) -> None:
        if item.type in {"function_call", "custom_tool_call"}:
            self._calls[index] = CallDraft(item.name, item.call_id, custom=item.type == "custom_tool_call")


def _add_text(draft: ChoiceDraft, delta: str) -> None:
    draft.text += delta


def _add_refusal(draft: ChoiceDraft, delta: str) -> None:
    draft.refusal += delta


def _add_thinking(draft: ChoiceDraft, delta: str) -> None:
    draft.thinking += delta


_DELTAS: Mapping[str, Callable[[ChoiceDraft, str], None]] = {
    "response.output_text.delta": _add_text,
    "response.refusal.delta": _add_refusal,
    "response.reasoning_summary_text.delta": _add_thinking,
    "response.reasoning_text.delta": _add_thinking,
}
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


def _whole(response: Any) -> Seen:
    draft = ChoiceDraft([], finish=finish_seen(response))
    for item in response.output:
        _ITEMS.get(item.type, _add_nothing)(draft, item)
    return Seen((draft.seen(),), usage_seen(response.usage))


def _add_message(draft: ChoiceDraft, item: Any) -> None:
    for part in item.content:
        if part.type == "refusal":
            draft.refusal += part.refusal
        else:
            draft.text += part.text


def _add_reasoning(draft: ChoiceDraft, item: Any) -> None:
    draft.thinking += "".join(part.text for part in (*item.summary, *(item.content or ())))


def _add_function_call(draft: ChoiceDraft, item: Any) -> None:
    draft.calls.append(CallDraft(item.name, item.call_id, item.arguments))


def _add_custom_call(draft: ChoiceDraft, item: Any) -> None:
    draft.calls.append(CallDraft(item.name, item.call_id, item.input, custom=True))


def _add_nothing(_: ChoiceDraft, item: Any) -> None:
    """Ignores the output of the provider's own tools, which is not compared."""


_ITEMS: Mapping[str, Callable[[ChoiceDraft, Any], None]] = {
    "message": _add_message,
    "reasoning": _add_reasoning,
    "function_call": _add_function_call,
    "custom_tool_call": _add_custom_call,
}


def finish_seen(response: Any) -> str:
    """Returns the status, with the reason if it is incomplete."""
    why = response.incomplete_details
    return f"{response.status}:{why.reason}" if why is not None else str(response.status)


def usage_seen(usage: ResponseUsage | None) -> UsageSeen | None:
    """Converts the counts.

    Recordings from before 2026 have no cache writes. Long-lived cache entries have the long price.
    """
    if usage is None:
        return None
    into, out = usage.input_tokens_details, usage.output_tokens_details
    kept = getattr(into, "cache_write_tokens_details", None)
    return UsageSeen(
        prompt=usage.input_tokens,
        cache_read=into.cached_tokens,
        cache_write=getattr(into, "cache_write_tokens", None) or 0,
        cache_write_1h=kept.ttl_12h_tokens if kept is not None else 0,
        output=usage.output_tokens,
        reasoning=out.reasoning_tokens,
    )
