"""Simulates one provider of a request: its answer in the way that the schedule names, and what faults do to that.

It keeps what it was asked for and what it has handed over, which is what the request may be charged for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from tests.faults.faults import PROCESS, Fault, Faults, Kind
from tests.faults.schedule import Asked

WORDS = "Some words of an answer. "
SHORT, LONG = WORDS * 40, WORDS * 1_440
PROMPT, OUTPUT, LONG_OUTPUT, HIDDEN = 20, 300, 9_000, 6_000
LIE = 10**9
IDLE_S = 60.0
LATE_USAGE_S = 40.0
CUT = "The provider's answer was cut."
GARBAGE = b'data: {"choices": [{"delta": \xff\xfe\x00\n\n<html>'
IMPOSSIBLE: Mapping[str, Any] = {
    "prompt_tokens": PROMPT,
    "completion_tokens": -5,
    "total_tokens": 3,
    "prompt_tokens_details": {"cached_tokens": 500, "audio_tokens": 900},
    "completion_tokens_details": {"reasoning_tokens": 10**15},
}
UNREADABLE: Mapping[str, Any] = {"prompt_tokens": {"many": True}, "completion_tokens": "NaN", "total_tokens": [-1.5]}
WRONG = {"impossible usage": IMPOSSIBLE, "unreadable usage": UNREADABLE}


@dataclass
class Sent:
    """One attempt as the provider knows it: what was asked, and what was handed over at the most."""

    model: str
    bound: int | None
    bytes_given: int = 0
    usage: Mapping[str, Any] | None = None


@dataclass
class Provider:
    """`Credentials` and `Upstream` of one request, at every attempt."""

    asked: Asked
    faults: Faults
    sent: list[Sent] = field(default_factory=list)
    # The virtual time at which it has handed over its last piece.
    last_s: float = 0.0

    async def of(self, provider: str) -> list[Credential]:
        return [Credential("key", "http://provider.test/v1")] if provider == "openai" else []

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> Answer:
        del patience
        body = orjson.loads(request.body)
        bound = body.get("max_completion_tokens", body.get("max_tokens"))
        sent = Sent(body["model"], bound)
        self.sent.append(sent)
        fault = await self.faults.begin(PROCESS.get(), "send", Kind.PROVIDER)
        refuses = self.asked.ending == "refused" and body["model"] == self.asked.model
        if refuses or fault in {Fault.REFUSED, Fault.CUT}:
            raise UpstreamError("The provider refused.", retryable=fault is Fault.CUT)
        if fault is Fault.STALL:
            await asyncio.sleep(IDLE_S)
            raise UpstreamError("The provider did not answer.")
        self.faults.end(PROCESS.get(), fault)
        return Answer(self, sent, garbage=fault is Fault.GARBAGE)


class Answer:
    """One attempt's answer, on its way."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, provider: Provider, sent: Sent, *, garbage: bool) -> None:
        self._provider = provider
        self._asked = provider.asked
        self._sent = sent
        self._garbage = garbage or self._asked.ending == "garbage"
        self._text = LONG if self._asked.long else SHORT

    @property
    def _about(self) -> dict[str, Any]:
        """The members that every part of the answer has."""
        return {"id": "c", "created": 1, "model": self._sent.model}

    def _usage(self) -> dict[str, Any]:
        """The usage as it is reported, or nothing."""
        ending = self._asked.ending
        hidden = HIDDEN if self._sent.model == "o4-mini" else 0
        if ending == "no usage":
            return {}
        if ending in WRONG:
            return {"usage": WRONG[ending]}
        tokens = LIE if ending == "lies" else (LONG_OUTPUT if self._asked.long else OUTPUT) + hidden
        prompt = LIE if ending == "lies of the prompt" else PROMPT
        details = {"completion_tokens_details": {"reasoning_tokens": hidden}} if hidden else {}
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        return {"usage": {**usage, **details}}

    async def read(self) -> bytes:
        await asyncio.sleep(self._asked.pause_s)
        fault = await self._begun("read")
        if self._garbage or fault is Fault.GARBAGE:
            return GARBAGE
        message = {"role": "assistant", "content": self._text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = self._usage()
        body = orjson.dumps({**self._about, "object": "chat.completion", "choices": [choice], **usage})
        self._hand(len(self._text), usage)
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        events = list(self._events())
        left = int(sum(len(data) for data, _, _ in events) * self._asked.cut_at) if self._cuts else None
        for data, content, usage in events:
            if usage and self._asked.ending == "late usage":
                await asyncio.sleep(LATE_USAGE_S)
            fault = await self._begun("chunk")
            if self._garbage or fault is Fault.GARBAGE:
                self._hand(0, {})
                yield GARBAGE
                return
            self._hand(content, usage)
            if left is not None and len(data) > left:
                yield data[:left]
                if self._asked.ending == "ends early":
                    return
                raise await self._cut(stalls=self._asked.ending == "stall")
            left = None if left is None else left - len(data)
            yield data
            await asyncio.sleep(self._asked.pause_s)

    async def aclose(self) -> None:
        return

    @property
    def _cuts(self) -> bool:
        return self._asked.ending in {"cut", "stall", "ends early"}

    def _events(self) -> Iterator[tuple[bytes, int, dict[str, Any]]]:
        """The events of the whole stream, each with the bytes of its content, and the usage in it."""
        usage, parts = self._usage(), 6 if self._asked.long else 2
        report = [(self._event({"choices": [], **usage}), 0, usage)] if usage else []
        if self._asked.ending == "early usage":
            yield from report
        size = -(-len(self._text) // parts)
        for part in range(parts):
            text = self._text[part * size : (part + 1) * size]
            yield self._frame({"content": text}, None), len(text), {}
        yield self._frame({}, "stop"), 0, {}
        if self._asked.ending != "early usage":
            yield from report
        yield b"data: [DONE]\n\n", 0, {}

    def _frame(self, delta: dict[str, Any], finish: str | None) -> bytes:
        return self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def _event(self, members: Mapping[str, Any]) -> bytes:
        return b"data: " + orjson.dumps({**self._about, "object": "chat.completion.chunk", **members}) + b"\n\n"

    def _hand(self, content: int, usage: dict[str, Any]) -> None:
        self._provider.last_s = asyncio.get_running_loop().time()
        self._sent.bytes_given += content
        if usage:
            self._sent.usage = usage["usage"]

    async def _cut(self, *, stalls: bool) -> UpstreamError:
        """The failure of an answer that is cut, at once or after its bytes have not come for too long."""
        if stalls:
            await asyncio.sleep(IDLE_S)
        self._provider.last_s = asyncio.get_running_loop().time()
        return UpstreamError(CUT)

    async def _begun(self, place: str) -> Fault | None:
        """Waits for the next piece, at which faults happen; raises where none comes."""
        process = PROCESS.get()
        fault = await self._provider.faults.begin(process, place, Kind.PROVIDER)
        whole = place == "read" and self._asked.ending in {"cut", "stall"}
        if whole or fault in {Fault.CUT, Fault.STALL, Fault.REFUSED}:
            raise await self._cut(stalls=fault is Fault.STALL or self._asked.ending == "stall")
        self._provider.faults.end(process, fault)
        return fault
