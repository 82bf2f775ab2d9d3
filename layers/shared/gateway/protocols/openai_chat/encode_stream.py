"""Chunks to a caller: a provider's of the same wire with the gateway's names in them, or new ones from
events.

The event that ends a choice is held back until the bill is known, so that the last chunk carries `nexevo`; all else
leaves at once. There are no `id:` and no `event:` lines: the official SDK reads a comment after an `id:` line
as an event.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
    Content,
    Ended,
    Event,
    Failed,
    Finished,
    OpaqueDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.framing.json_edit import edit, members
from gateway.framing.json_values import reread
from gateway.framing.sse import sse_event
from gateway.protocols.openai_chat.answer import PROTOCOL, encode_finish_reason, encode_usage
from gateway.protocols.openai_chat.encode_answer import encode_citations, encode_images
from gateway.protocols.openai_chat.rename import Renamer
from gateway.protocols.shared.choices import ends_of_open
from gateway.protocols.shared.openai_errors import error_object

DONE = sse_event(b"[DONE]")


class ChatStreamEncoder:
    """One caller's stream."""

    def __init__(self, request: ChatRequest, stamp: Stamp) -> None:
        self._request = request
        self._stamp = stamp
        self._renamer = Renamer(stamp, keep_usage=request.include_usage)
        self._held = b""
        self._usage: Usage | None = None
        self._usage_shown = False
        self._finished: set[int] = set()
        self._opened: set[int] = set()
        self._custom: set[tuple[int, int]] = set()
        self._annotations: Counter[int] = Counter()
        self._images: Counter[int] = Counter()

    def forward(self, decoded: Decoded) -> bytes:
        """The same wire's chunk with id and model set and unasked usage gone, all other bytes untouched."""
        if not decoded.frame:
            return b""
        delivers = ends = reports = False
        for event in decoded.events:
            if isinstance(event, Content):
                delivers = True
            elif isinstance(event, Finished):
                ends = True
                self._finished.add(event.choice)
            elif isinstance(event, UsageReported):
                reports = True
                self._usage = event.usage
        if reports and not delivers and not self._request.include_usage and _has_no_choices(decoded.frame):
            return b""
        all_finished = len(self._finished) >= self._request.choices
        may_be_last = ends or (not delivers and (reports or all_finished))
        self._usage_shown = self._usage_shown or (reports and self._request.include_usage)
        chunk = self._renamer.rename(decoded.frame)
        return self._hold(chunk) if may_be_last else self._release() + sse_event(chunk)

    def encode(self, event: Event) -> bytes:
        """The chunk of one event; what this wire has no word for is left out, as docs/bridging.md has it."""
        match event:
            case UsageReported(usage):
                self._usage = usage
            case Finished(reason, choice):
                return self._finish_choice(choice, reason)
            case Started(usage=usage):
                self._usage = usage
            case Ended() | Failed():
                pass
            case _:
                return self._content(event)
        return b""

    def finish(self, extension: Extension) -> bytes:
        """The last chunk, with `nexevo` in it, and the terminal mark."""
        out = b""
        if self._usage is not None and self._request.include_usage and not self._usage_shown:
            out = self._hold(self._chunk([], usage=encode_usage(self._usage)))
        last = self._held or self._chunk([])
        return out + sse_event(edit(last, {"nexevo": orjson.dumps(extension.as_json())})) + DONE

    def cut_short(self, extension: Extension) -> bytes:
        """Finish reason `length` for every choice that is still open, and the end."""
        return ends_of_open(self._request.choices, self._finished, self._finish_choice) + self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The error event, on which the official SDKs raise; no `[DONE]` follows, so nothing reads it as an
        end.

        `status` is the one that the response would have had before it was committed.
        """
        return self._release() + sse_event(orjson.dumps({"error": error_object(error) | {"status": error.status}}))

    def _hold(self, chunk: bytes) -> bytes:
        """Keeps `chunk` in the place of the one that was kept before, which goes out."""
        out = self._release()
        self._held = chunk
        return out

    def _release(self) -> bytes:
        held, self._held = self._held, b""
        return sse_event(held) if held else b""

    def _finish_choice(self, choice: int, reason: FinishReason) -> bytes:
        self._finished.add(choice)
        return self._hold(self._chunk([_choice(choice, {}, encode_finish_reason(reason))]))

    def _open(self, event: Content) -> bytes:
        """The chunk with the role, before a choice's first content; as OpenAI's, it opens the text where text comes."""
        out = self._release()
        if event.choice in self._opened:
            return out
        self._opened.add(event.choice)
        opening = {"role": "assistant", "content": "" if isinstance(event, TextDelta) else None}
        return out + sse_event(self._chunk([_choice(event.choice, opening)]))

    def _content(self, event: Content) -> bytes:
        delta = self._delta(event)
        if not delta:
            return b""
        logprobs = event.logprobs if isinstance(event, TextDelta) else None
        opening = self._open(event)
        return opening + sse_event(self._chunk([_choice(event.choice, delta, logprobs=logprobs)]))

    def _delta(self, event: Content) -> dict[str, Any]:
        match event:
            case TextDelta(text):
                return {"content": text}
            case ThinkingDelta(text):
                return {"reasoning_content": text} if text else {}
            case RefusalDelta(text):
                return {"refusal": text}
            case ToolCallStarted():
                return {"tool_calls": [self._call(event)]}
            case ToolCallDelta(arguments, index, choice=choice):
                custom = (choice, index) in self._custom
                more = {"custom": {"input": arguments}} if custom else {"function": {"arguments": arguments}}
                return {"tool_calls": [{"index": index, **more}]}
            case CitationAdded(citation):
                return self._annotated(event.choice, encode_citations((citation,)))
            case OpaqueDelta(protocol, json_text):
                opaque: dict[str, Any] = reread(json_text) if protocol == PROTOCOL else self._pictured(event, json_text)
                return opaque
            case RedactedThinkingDelta():
                return {}

    def _annotated(self, choice: int, sources: list[dict[str, Any]]) -> dict[str, Any]:
        """Sources with the place that each has in the message's list: SDKs add a stream up by it."""
        if not sources:
            return {}
        first = self._annotations[choice]
        self._annotations[choice] += len(sources)
        return {"annotations": [{"index": place, **source} for place, source in enumerate(sources, first)]}

    def _pictured(self, event: Content, json_text: str) -> dict[str, Any]:
        """A picture with its place in the message's list; nothing of other content that is another wire's alone."""
        images = encode_images((json_text,), self._images[event.choice])
        self._images[event.choice] += len(images)
        return {"images": images} if images else {}

    def _call(self, event: ToolCallStarted) -> dict[str, Any]:
        call = {"index": event.index, "id": event.id}
        if event.custom:
            self._custom.add((event.choice, event.index))
            return call | {"type": "custom", "custom": {"name": event.name, "input": ""}}
        return call | {"type": "function", "function": {"name": event.name, "arguments": ""}}

    def _chunk(self, choices: list[dict[str, Any]], **more: object) -> bytes:
        return orjson.dumps(
            {
                "id": self._stamp.response_id,
                "object": "chat.completion.chunk",
                "created": self._stamp.created_s,
                "model": self._stamp.model,
                "choices": choices,
                **more,
            }
        )


def _choice(index: int, delta: dict[str, Any], reason: str | None = None, logprobs: object = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}


def _has_no_choices(chunk: bytes) -> bool:
    return not reread(members(chunk).get("choices", b"[]"))
