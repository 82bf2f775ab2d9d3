"""Reads Cohere's chat wire as its documentation has it, without an SDK: Cohere is no client's wire.

https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/streaming.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.fidelity.seen import STUMBLES, CallDraft, ChoiceDraft, Seen, UsageSeen, named, reading
from tests.hangs import HANGS_AFTER_S


class CohereReader:
    """One address; each question is a connection."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/v2/chat"

    def close(self) -> None:
        """Keeps nothing open."""

    def answer(self) -> Seen:
        return reading(lambda: _whole(json.loads(self._asked())), HTTPError)

    def stream(self) -> Seen:
        sums = _Sums()
        try:
            for line in self._asked().splitlines():
                if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                    sums.add(json.loads(data))
        except (HTTPError, *STUMBLES) as error:
            return sums.seen(named(error))
        return sums.seen()

    def snapshot(self) -> None:
        """Returns None, because there is no class that sums up a stream."""

    def _asked(self) -> bytes:
        asked = Request(self._url, b"{}", {"content-type": "application/json"})
        with urlopen(asked, timeout=HANGS_AFTER_S) as answer:
            body: bytes = answer.read()
        return body


class _Sums:
    """A stream's events, summed up."""

    def __init__(self) -> None:
        self._draft = ChoiceDraft([])
        self._calls: dict[int, CallDraft] = {}
        self._usage: UsageSeen | None = None

    def add(self, event: Any) -> None:
        delta = event.get("delta", {})
        message = delta.get("message", {})
        match event["type"]:
            case "content-start" | "content-delta":
                self._draft.text += message["content"].get("text", "")
                self._draft.thinking += message["content"].get("thinking", "")
            case "tool-plan-delta":
                self._draft.thinking += message["tool_plan"]
            case "tool-call-start":
                call = message["tool_calls"]
                function = call["function"]
                self._calls[event["index"]] = CallDraft(function["name"], call["id"], function["arguments"])
            case "tool-call-delta":
                self._calls[event["index"]].text += message["tool_calls"]["function"]["arguments"]
            case "message-end":
                self._draft.finish = ":".join(filter(None, (delta["finish_reason"], delta.get("error_type"))))
                self._usage = usage_seen(delta.get("usage"))

    def seen(self, error: str | None = None) -> Seen:
        self._draft.calls = [call for _, call in sorted(self._calls.items())]
        return Seen((self._draft.seen(),), self._usage, error or (None if self._draft.finish else "no end"))


def _whole(answer: Any) -> Seen:
    message = answer["message"]
    draft = ChoiceDraft([], thinking=message.get("tool_plan", ""), finish=answer["finish_reason"])
    for block in message.get("content", ()):
        draft.text += block.get("text", "")
        draft.thinking += block.get("thinking", "")
    for call in message.get("tool_calls", ()):
        draft.calls.append(CallDraft(call["function"]["name"], call["id"], call["function"]["arguments"]))
    return Seen((draft.seen(),), usage_seen(answer.get("usage")))


def usage_seen(usage: Any) -> UsageSeen | None:
    """Takes the units that are billed, or the tokens where none are told."""
    counts = (usage or {}).get("billed_units") or (usage or {}).get("tokens")
    if counts is None:
        return None
    return UsageSeen(prompt=int(counts["input_tokens"]), output=int(counts["output_tokens"]))
