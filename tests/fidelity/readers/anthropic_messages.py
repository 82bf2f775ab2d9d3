"""Reads a message with anthropic-python: texts, thinking and the calls that a caller must answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import anthropic

from tests.fidelity.seen import STUMBLES, CallDraft, CallSeen, ChoiceDraft, ChoiceSeen, Seen, UsageSeen, named, reading

ASKED: dict[str, Any] = {"model": "asked", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}


class MessagesReader:
    """One client, one connection."""

    def __init__(self, url: str) -> None:
        self._client = anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)

    def close(self) -> None:
        self._client.close()

    def answer(self) -> Seen:
        return reading(lambda: _whole(self._client.messages.create(**ASKED)), anthropic.APIError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for event in self._client.messages.create(**ASKED, stream=True):
                sums.add(event)
        except (anthropic.APIError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> Seen:
        return reading(self._snapshot, anthropic.APIError)

    def _snapshot(self) -> Seen:
        with self._client.messages.stream(**ASKED) as stream:
            return _whole(stream.get_final_message())


class _Sums:
    """A stream's events, summed up by block. Later counts replace earlier ones."""

    def __init__(self) -> None:
        self._draft = ChoiceDraft([])
        self._calls: dict[int, CallDraft] = {}
        self._counts: dict[str, Any] = {}
        self._stopped = False

    def add(self, event: Any) -> None:
        match event.type:
            case "message_start":
                self._count(event.message.usage)
            case "content_block_start":
                self._open(event.index, event.content_block)
            case "content_block_delta" if event.delta.type in _DELTAS:
                _DELTAS[event.delta.type](self._draft, self._calls.get(event.index), event.delta)
            case "message_delta":
                self._draft.finish = event.delta.stop_reason
                self._count(event.usage)
            case "message_stop":
                self._stopped = True

    def seen(self, error: str | None = None) -> Seen:
        self._draft.calls = [call for _, call in sorted(self._calls.items())]
        usage = usage_seen(self._counts) if self._counts else None
        return Seen((self._draft.seen(),), usage, error or (None if self._stopped else "no end"))

    def _open(self, index: int, block: Any) -> None:
        if block.type == "tool_use":
            # Anthropic opens a call with an empty input; other providers of this wire may open it with the whole input.
            self._calls[index] = CallDraft(block.name, block.id, json.dumps(block.input) if block.input else "")
        elif block.type == "text":
            self._draft.text += block.text
        elif block.type == "thinking":
            self._draft.thinking += block.thinking

    def _count(self, usage: Any) -> None:
        self._counts |= usage.model_dump(exclude_none=True)


def _add_text(draft: ChoiceDraft, _: CallDraft | None, delta: Any) -> None:
    draft.text += delta.text


def _add_thinking(draft: ChoiceDraft, _: CallDraft | None, delta: Any) -> None:
    draft.thinking += delta.thinking


def _add_arguments(_: ChoiceDraft, call: CallDraft | None, delta: Any) -> None:
    """Adds more of a call. A tool that the provider runs itself is not the caller's."""
    if call is not None:
        call.text += delta.partial_json


_DELTAS: Mapping[str, Callable[[ChoiceDraft, CallDraft | None, Any], None]] = {
    "text_delta": _add_text,
    "thinking_delta": _add_thinking,
    "input_json_delta": _add_arguments,
}


def _whole(message: Any) -> Seen:
    blocks = message.content
    choice = ChoiceSeen(
        text="".join(block.text for block in blocks if block.type == "text"),
        thinking="".join(block.thinking for block in blocks if block.type == "thinking"),
        calls=tuple(CallSeen(block.name, block.input, block.id) for block in blocks if block.type == "tool_use"),
        finish=message.stop_reason,
    )
    return Seen((choice,), usage_seen(message.usage.model_dump(exclude_none=True)))


def usage_seen(counts: Mapping[str, Any]) -> UsageSeen:
    """Converts the counts. This wire's input excludes the tokens read from and written to a cache."""
    read, written = counts.get("cache_read_input_tokens", 0), counts.get("cache_creation_input_tokens", 0)
    return UsageSeen(
        prompt=counts.get("input_tokens", 0) + read + written,
        cache_read=read,
        cache_write=written,
        cache_write_1h=counts.get("cache_creation", {}).get("ephemeral_1h_input_tokens", 0),
        output=counts.get("output_tokens", 0),
        reasoning=counts.get("output_tokens_details", {}).get("thinking_tokens", 0),
    )
