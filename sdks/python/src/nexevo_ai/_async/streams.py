"""Streams of events: iterators that are context managers, and go on after a cut where the gateway can."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Callable, Generic, Optional, TypeVar

import httpx

from nexevo_ai._errors import NexevoError
from nexevo_ai._models import NexevoModel, parsed
from nexevo_ai._request import Call
from nexevo_ai._streaming import Place, Reading, whole_chat
from nexevo_ai.types import ChatCompletion, ChatCompletionChunk

T = TypeVar("T", bound=NexevoModel)
S = TypeVar("S", bound="AsyncStream[Any]")


class AsyncStream(Generic[T]):
    """Events of an answer, as they come. Leave its `async with` block to give the connection back."""

    def __init__(
        self,
        kind: type[T],
        response: httpx.Response,
        place: Optional[Place] = None,
        send: Optional[Callable[[Call], Awaitable[httpx.Response]]] = None,
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

    def __aiter__(self) -> AsyncIterator[T]:
        return self._events

    async def __anext__(self) -> T:
        return await self._events.__anext__()

    async def __aenter__(self: S) -> S:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives the connection back; what was not read is lost."""
        self._was_left = self._was_left or not self._reading.is_over
        self._reading.is_over = True
        await self.response.aclose()

    def _keep(self, value: T) -> None:
        """Notes a value that is given on."""

    async def _read(self) -> AsyncIterator[T]:
        while not self._reading.is_over:
            cut: Optional[httpx.RequestError] = None
            try:
                self._reading.check()
                async for piece in self.response.aiter_bytes():
                    for value in self._reading.taken(piece):
                        self._keep(value)
                        yield value
                    if self._reading.is_over:
                        break
            except httpx.RequestError as error:
                cut = error
            finally:
                await self.response.aclose()
            call = self._reading.rest(cut)
            if call is None or self._send is None:
                self._reading.is_over = True
                return
            await asyncio.sleep(self._reading.pause_s)
            self.response = self._reading.response = await self._send(call)


class AsyncChatStream(AsyncStream[ChatCompletionChunk]):
    """A chat stream that can tell its text and the whole answer."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(ChatCompletionChunk, response)
        self._chunks: list[ChatCompletionChunk] = []

    def _keep(self, value: ChatCompletionChunk) -> None:
        self._chunks.append(value)

    async def text(self) -> AsyncIterator[str]:
        """The pieces of the first answer's text, as they come."""
        async for chunk in self:
            piece = chunk.choices[0].delta.content if chunk.choices else None
            if piece:
                yield piece

    async def final(self) -> ChatCompletion:
        """The whole answer; reads the rest of the stream. Raises `NexevoError` for one that was left before its end."""
        async for _ in self:
            pass
        if self._was_left:
            raise NexevoError("the stream was left before its end, and its whole answer is not known")
        whole: ChatCompletion = parsed(ChatCompletion, whole_chat(self._chunks))
        return whole
