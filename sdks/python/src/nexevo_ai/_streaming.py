"""Streams of events: iterators that are context managers, and go on after a cut where the gateway can."""

from __future__ import annotations

import json
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Generic, Iterator, List, Optional, Type, TypeVar

import httpx

from nexevo_ai._errors import APIConnectionError, APIStreamError
from nexevo_ai._models import NexevoModel, parsed

T = TypeVar("T", bound=NexevoModel)
# Cuts in a row after which a stream that brings nothing more is given up.
CUTS_MAX = 5


class Event:
    """One event of a stream."""

    def __init__(self, data: str, event_id: Optional[str], name: Optional[str]) -> None:
        self.data = data
        self.id = event_id
        self.name = name


class EventDecoder:
    """Reads lines of server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

    def __init__(self) -> None:
        self._data: List[str] = []
        self._name: Optional[str] = None
        self._id: Optional[str] = None
        self.last_id: Optional[str] = None

    def reset(self) -> None:
        """Forgets an event that was cut; the id of the last whole one stays."""
        self._data, self._name, self._id = [], None, self.last_id

    def feed(self, line: str) -> Optional[Event]:
        """The event that the line ends, if it ends one."""
        if not line:
            self.last_id = self._id
            event = Event("\n".join(self._data), self.last_id, self._name) if self._data else None
            self._data, self._name = [], None
            return event
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id":
            self._id = value
        return None


class Reading(Generic[T]):
    """Reader of events, which both kinds of streams have."""

    def __init__(self, kind: Type[T], response: httpx.Response) -> None:
        self.kind = kind
        self.response = response
        self.decoder = EventDecoder()
        self.is_over = False

    def take(self, line: str) -> Optional[T]:
        """The value that the line brings, if it brings one; raises what the stream tells of."""
        event = self.decoder.feed(line)
        if event is None or self.is_over:
            return None
        if event.data == "[DONE]":
            self.is_over = True
            return None
        data: Any = json.loads(event.data)
        told = data.get("error") if isinstance(data, dict) else None
        if isinstance(told, dict) and (event.name == "error" or data.get("type") in (None, "error")):
            message = str(told.get("message") or "the stream has failed")
            raise APIStreamError(message, request=self.response.request, body=data)
        if isinstance(data, dict) and data.get("type") in ENDS:
            self.is_over = True
        value: T = parsed(self.kind, data)
        return value


# Types of events that end a stream of their wire.
ENDS = {"done", "message_stop", "response.completed", "response.failed", "response.incomplete", "response.cancelled"}


class Stream(Generic[T]):
    """Events of an answer, as they come. Leave its `with` block, or read it to its end, to give the connection back."""

    def __init__(
        self,
        kind: Type[T],
        response: httpx.Response,
        resume: Optional[Callable[[str], httpx.Response]] = None,
    ) -> None:
        self.response = response
        self._reading = Reading(kind, response)
        self._resume = resume
        self._events = self._read()

    def __iter__(self) -> Iterator[T]:
        return self._events

    def __next__(self) -> T:
        return next(self._events)

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connection back; what was not read is lost."""
        self.response.close()

    def _read(self) -> Iterator[T]:
        cuts = 0
        while True:
            try:
                for line in self.response.iter_lines():
                    value = self._reading.take(line)
                    if value is not None:
                        cuts = 0
                        yield value
                        if self._reading.is_over:
                            break
                cut: Optional[httpx.TransportError] = None
            except httpx.TransportError as error:
                cut = error
            finally:
                self.response.close()
            last = self._reading.decoder.last_id
            if self._reading.is_over or (cut is None and self._resume is None):
                return
            cuts += 1
            if self._resume is None or last is None or cuts > CUTS_MAX:
                raise APIConnectionError("the stream was cut", request=self.response.request) from cut
            self._reading.decoder.reset()
            self.response = self._resume(last)


class AsyncStream(Generic[T]):
    """Events of an answer, as they come. Leave its `async with` block to give the connection back."""

    def __init__(
        self,
        kind: Type[T],
        response: httpx.Response,
        resume: Optional[Callable[[str], Awaitable[httpx.Response]]] = None,
    ) -> None:
        self.response = response
        self._reading = Reading(kind, response)
        self._resume = resume
        self._events = self._read()

    def __aiter__(self) -> AsyncIterator[T]:
        return self._events

    async def __anext__(self) -> T:
        return await self._events.__anext__()

    async def __aenter__(self) -> AsyncStream[T]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives the connection back; what was not read is lost."""
        await self.response.aclose()

    async def _read(self) -> AsyncIterator[T]:
        cuts = 0
        while True:
            try:
                async for line in self.response.aiter_lines():
                    value = self._reading.take(line)
                    if value is not None:
                        cuts = 0
                        yield value
                        if self._reading.is_over:
                            break
                cut: Optional[httpx.TransportError] = None
            except httpx.TransportError as error:
                cut = error
            finally:
                await self.response.aclose()
            last = self._reading.decoder.last_id
            if self._reading.is_over or (cut is None and self._resume is None):
                return
            cuts += 1
            if self._resume is None or last is None or cuts > CUTS_MAX:
                raise APIConnectionError("the stream was cut", request=self.response.request) from cut
            self._reading.decoder.reset()
            self.response = await self._resume(last)


def whole_chat(chunks: List[Any]) -> Dict[str, Any]:
    """The chat completion that the chunks of a stream come to."""
    whole: Dict[str, Any] = {"object": "chat.completion", "choices": []}
    choices: Dict[int, Dict[str, Any]] = {}
    for chunk in chunks:
        told = chunk.to_dict()
        for name in ("id", "created", "model", "usage", "nexevo", "service_tier", "system_fingerprint"):
            if told.get(name) is not None:
                whole[name] = told[name]
        for part in told.get("choices", []):
            _add(choices.setdefault(part["index"], {"index": part["index"], "finish_reason": None, "message": {}}), part)
    whole["choices"] = [_ended(choices[index]) for index in sorted(choices)]
    return whole


def _add(choice: Dict[str, Any], part: Dict[str, Any]) -> None:
    choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
    message = choice["message"]
    for name, value in (part.get("delta") or {}).items():
        if name == "tool_calls":
            for call in value or []:
                known = message.setdefault("tool_calls", {}).setdefault(call["index"], {"function": {}})
                function = call.get("function") or {}
                known.update({key: call[key] for key in ("id", "type") if call.get(key)})
                for key in ("name", "arguments"):
                    known["function"][key] = known["function"].get(key, "") + (function.get(key) or "")
        elif isinstance(value, str) and name != "role":
            message[name] = message.get(name, "") + value
        elif value is not None:
            message[name] = value


def _ended(choice: Dict[str, Any]) -> Dict[str, Any]:
    message = {"role": "assistant", "content": None, **choice["message"]}
    if "tool_calls" in message:
        message["tool_calls"] = [message["tool_calls"][index] for index in sorted(message["tool_calls"])]
    return {**choice, "message": message}
