"""Streams of events: iterators that are context managers, and go on after a cut where the gateway can.

Written by `sdks/python/generate.py` from `_async/streams.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Callable, Generic, Optional, TypeVar

import httpx

from nexevo_ai._errors import NexevoError
from nexevo_ai._models import NexevoModel, parsed
from nexevo_ai._request import Call
from nexevo_ai._streaming import Place, Reading, whole_chat
from nexevo_ai.types import ChatCompletion, ChatCompletionChunk

T = TypeVar("T", bound=NexevoModel)
S = TypeVar("S", bound="Stream[Any]")


class Stream(Generic[T]):
    """Events of an answer, as they come. Leave its `with` block to give the connection back."""

    def __init__(
        self,
        kind: type[T],
        response: httpx.Response,
        place: Optional[Place] = None,
        send: Optional[Callable[[Call], httpx.Response]] = None,
    ) -> None:
        self.response = response
        self._reading = Reading(kind, response, place or Place())
        self._send = send
        self._was_left = False
        self._events = self._read()

    @property
    def last_event_id(self) -> Optional[str]:
        """The id of the last event that came: another program goes on behind it by `agents.resume_stream`."""
        return self._reading.decoder.last_id

    def __iter__(self) -> Iterator[T]:
        return self._events

    def __next__(self) -> T:
        return self._events.__next__()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connection back; what was not read is lost."""
        self._was_left = self._was_left or not self._reading.is_over
        self._reading.is_over = True
        self.response.close()

    def _keep(self, value: T) -> None:
        """Notes a value that is given on."""

    def _read(self) -> Iterator[T]:
        while not self._reading.is_over:
            cut: Optional[httpx.RequestError] = None
            try:
                self._reading.check()
                for piece in self.response.iter_bytes():
                    for value in self._reading.taken(piece):
                        self._keep(value)
                        yield value
                    if self._reading.is_over:
                        break
            except httpx.RequestError as error:
                cut = error
            finally:
                self.response.close()
            call = self._reading.rest(cut)
            if call is None or self._send is None:
                self._reading.is_over = True
                return
            time.sleep(self._reading.pause_s)
            self.response = self._reading.response = self._send(call)


class ChatStream(Stream[ChatCompletionChunk]):
    """A chat stream that can tell its text and the whole answer."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(ChatCompletionChunk, response)
        self._chunks: list[ChatCompletionChunk] = []

    def _keep(self, value: ChatCompletionChunk) -> None:
        self._chunks.append(value)

    def text(self) -> Iterator[str]:
        """The pieces of the first answer's text, as they come."""
        for chunk in self:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                yield piece

    def final(self) -> ChatCompletion:
        """The whole answer; reads the rest of the stream. Raises `NexevoError` for one that was left before its end."""
        for _ in self:
            pass
        if self._was_left:
            raise NexevoError("the stream was left before its end, and its whole answer is not known")
        whole: ChatCompletion = parsed(ChatCompletion, whole_chat(self._chunks))
        return whole
