"""Lets another target go on with a plain text whose stream was cut, where the caller asks for that.

The text that the caller has becomes the beginning of the answer that the next target is asked for (a prefill), and what
that one adds is written on in the same stream. Such a stream is always written anew from events, on the provider's own
wire too: two providers' frames make no whole.
https://docs.claude.com/en/docs/build-with-claude/prompt-engineering/prefill-claudes-response
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import Decoded
from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.events import Content, Ended, Event, Failed, Finished, Started, TextDelta, UsageReported
from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest
from gateway.canonical.usage import Usage
from gateway.framing import json_values
from gateway.framing.json_edit import edit
from gateway.operations.chat_stream import ChatTranscoder
from gateway.pipeline.operation import Continuation, Piece
from gateway.providers.chat.profiles import PROFILES
from gateway.routing.plan import Candidate

# The one wire of callers on which targets with a prefill are asked by the caller's bytes.
_MESSAGES = "anthropic_messages"


def transcoder_for(request: ChatRequest) -> type[ChatTranscoder]:
    """The transcoder that goes on after a cut, for a request whose answer is one text in words."""
    output, tools = request.output_format, request.tools
    structured = output is not None and output.kind != "text"
    thinks = request.reasoning is not None and not request.reasoning.disabled
    run = bool(request.late_tools) or any(tool.builtin is not None for tool in tools)
    calls = request.tool_choice is not None and request.tool_choice.mode in ("required", "tool")
    several = request.choices > 1 or bool(request.batch) or request.samplings > 1
    begun = not request.messages or request.messages[-1].role == "assistant"
    is_text = not (structured or thinks or run or calls or several or begun or request.sampling.logprobs)
    return ContinuingTranscoder if is_text else ChatTranscoder


class ContinuingTranscoder(ChatTranscoder):
    """One caller's stream over several targets' parts of one text."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._texts: list[str] = []
        self._is_open_text = True
        self._part = 0
        self._shift: int | None = None
        # The usage of all that earlier attempts have delivered.
        self._before: Usage | None = None
        # White space that the caller has, and the prefill not: a target may say it again.
        self._blank = ""

    def begin(self, candidate: Candidate[ChatModel]) -> None:
        """Starts an attempt, which goes on behind what was delivered, or is the first to deliver anything."""
        kept = self._encoder, self._custom_tools, self._objects
        super().begin(candidate)
        self._forwards, self._shift = False, None
        if self._before is None:
            self._texts, self._is_open_text = [], True
        else:
            self._encoder, self._custom_tools, self._objects = kept

    def go_on(self, before: Usage) -> Continuation | None:
        """The request for the rest of the text; nothing once the answer is more than text, whole, or at its bound."""
        text, left = "".join(self._texts), self._request.max_output_tokens
        if left is not None:
            left -= estimated_tokens(len(text.encode()))
        if not self._is_open_text or (left is not None and left <= 0):
            return None
        prefill = text.rstrip()
        self._before, self._blank = before, text[len(prefill) :]
        return Continuation(_asking_on(self._request, prefill, left), _takes_prefill)

    def _piece(self, decoded: Decoded) -> Piece:
        if self._before is not None:
            decoded = Decoded(tuple(self._behind(decoded.events, self._before)), b"", decoded.uses)
        return super()._piece(decoded)

    def _encode(self, decoded: Decoded) -> bytes:
        for event in decoded.events:
            if isinstance(event, TextDelta) and event.signature is None:
                self._texts.append(event.text)
                self._part = event.part
            elif isinstance(event, Content | Finished):
                self._is_open_text = False
        return super()._encode(decoded)

    def _behind(self, events: Sequence[Event], before: Usage) -> Iterator[Event]:
        """The events of a continuation as those of the stream that it continues."""
        for event in events:
            match event:
                case Started(usage=usage):
                    if usage is not None:
                        yield _together(before, usage)
                case UsageReported(usage):
                    yield _together(before, usage)
                case TextDelta(text):
                    if new := self._unrepeated(text):
                        yield replace(event, text=new, part=self._moved(event))
                case Finished() | Ended() | Failed():
                    yield event
                case _:
                    yield replace(event, part=self._moved(event))

    def _unrepeated(self, text: str) -> str:
        """The text without white space that the caller has already."""
        pairs = zip(self._blank, text, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        self._blank = self._blank[same:] if same == len(text) else ""
        return text[same:]

    def _moved(self, event: Content) -> int:
        """The part's place in the whole answer: a text goes on in the last part."""
        if self._shift is None:
            self._shift = self._part + (not isinstance(event, TextDelta)) - event.part
        return event.part + self._shift


def _together(before: Usage, usage: Usage) -> UsageReported:
    """The usage of the whole answer: the continuation's own prompt is not the caller's."""
    return UsageReported(replace(before, output=before.output + usage.output))


def _takes_prefill(candidate: Candidate[ChatModel]) -> bool:
    return candidate.target.streams and PROFILES[candidate.target.profile].prefill


def _asking_on(request: ChatRequest, prefill: str, left: int | None) -> ChatRequest:
    """The request with the beginning of its answer, for at most so many more tokens; a prefill is never blank."""
    asked = replace(request, max_output_tokens=left)
    if not prefill:
        return asked
    asked = replace(asked, messages=(*request.messages, Message("assistant", (Text(prefill),))))
    if request.protocol != _MESSAGES:
        return asked
    turns = [*json_values.loads(request.source)["messages"], {"role": "assistant", "content": prefill}]
    return replace(asked, source=edit(request.source, {"messages": orjson.dumps(turns)}))
