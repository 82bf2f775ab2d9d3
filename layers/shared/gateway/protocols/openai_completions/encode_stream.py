"""Chunks to a caller, each a piece of every choice's text.

The event that ends a choice is held back until the bill is known, so that the last chunk carries
`nexevo`; all else leaves at once, without `id:` and `event:` lines.
"""

from __future__ import annotations

from collections import defaultdict

import orjson

from gateway.canonical.codec import Decoded
from gateway.canonical.events import (
    CitationAdded,
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
from gateway.framing.sse import sse_event
from gateway.protocols.openai_completions.answer import (
    NOT_FORWARDED,
    echoed,
    encode_choice,
    encode_finish_reason,
    encode_object,
    encode_usage,
)
from gateway.protocols.openai_completions.logprobs import TokenLog
from gateway.protocols.shared.choices import ends_of_open
from gateway.protocols.shared.openai_errors import error_object

DONE = sse_event(b"[DONE]")


class CompletionsStreamEncoder:
    """One caller's stream."""

    def __init__(self, request: ChatRequest, stamp: Stamp) -> None:
        self._request = request
        self._stamp = stamp
        self._held: dict[str, object] | None = None
        self._usage: Usage | None = None
        self._opened: set[int] = set()
        self._finished: set[int] = set()
        self._tokens: defaultdict[int, TokenLog] = defaultdict(TokenLog)

    def forward(self, decoded: Decoded) -> bytes:
        raise NotImplementedError(NOT_FORWARDED)

    def encode(self, event: Event) -> bytes:
        """The chunk of one event; what this wire has no word for is left out, as docs/bridging.md has it."""
        match event:
            case TextDelta(text, choice=choice, logprobs=logprobs):
                return self._write(choice, text, self._tokens[choice].encode(logprobs))
            case RefusalDelta(text, choice=choice):
                return self._write(choice, text, None)
            case Finished(reason, choice):
                return self._finish_choice(choice, reason)
            case UsageReported(usage) | Started(usage=usage):
                self._usage = usage
            case ThinkingDelta() | RedactedThinkingDelta() | ToolCallStarted() | ToolCallDelta():
                pass
            case CitationAdded() | OpaqueDelta() | Ended() | Failed():
                pass
        return b""

    def finish(self, extension: Extension) -> bytes:
        """The last chunk, with `nexevo` in it, and the terminal mark."""
        out = b""
        if self._usage is not None and self._request.include_usage:
            out = self._hold(encode_object(self._stamp, []) | {"usage": encode_usage(self._usage)})
        last = self._held or encode_object(self._stamp, [])
        return out + sse_event(orjson.dumps(last | {"nexevo": extension.as_json()})) + DONE

    def cut_short(self, extension: Extension) -> bytes:
        """Finish reason `length` for every choice that is still open, and the end."""
        return ends_of_open(self._request.choices, self._finished, self._finish_choice) + self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The error event, on which the official SDKs raise; no `[DONE]` follows, so nothing reads it as an end.

        `status` is the one that the response would have had before it was committed.
        """
        return self._release() + sse_event(orjson.dumps({"error": error_object(error) | {"status": error.status}}))

    def _write(self, choice: int, text: str, logprobs: object) -> bytes:
        if not text and logprobs is None:
            return b""
        chunk = encode_object(self._stamp, [encode_choice(choice, self._opening(choice) + text, logprobs, None)])
        return self._release() + sse_event(orjson.dumps(chunk))

    def _finish_choice(self, choice: int, reason: FinishReason) -> bytes:
        self._finished.add(choice)
        ended = encode_choice(choice, self._opening(choice), None, encode_finish_reason(reason))
        return self._hold(encode_object(self._stamp, [ended]))

    def _opening(self, choice: int) -> str:
        """Returns the echoed prompt once for each choice, in its first chunk of any kind."""
        if choice in self._opened:
            return ""
        self._opened.add(choice)
        return echoed(self._stamp, choice)

    def _hold(self, chunk: dict[str, object]) -> bytes:
        """Keeps `chunk` in the place of the one that was kept before, which goes out."""
        out = self._release()
        self._held = chunk
        return out

    def _release(self) -> bytes:
        held, self._held = self._held, None
        return b"" if held is None else sse_event(orjson.dumps(held))
