"""Serves the simulated Realtime API over WebSockets, with the faults that a client's words ask for.

The words stand in a session's instructions or in what is asked, as everywhere: `chunk_ms` slows the deltas of a
response; `cut_after=N` ends the socket after N events of it, with the code `code` if one is given, or with none for
1006, as a connection that breaks; `stall_after=N` sends no more; `garbage_after=N` sends a frame that is no JSON.

The control API's faults are a socket's own: `status` refuses its handshake, and `cut_after=0`, `stall_after=0` and
`garbage_after=0` come before its first event, which is Gemini's answer to the setup.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import orjson

from local.providers import gemini, openai_dialects, openai_shapes
from local.providers.faults import Fault, FaultRegistry, directives, merged
from local.providers.gemini_live import PREFIX, LiveConversation
from local.providers.gemini_live_checks import Refused
from local.providers.openai_shapes import Dialect
from local.providers.realtime import Conversation
from local.providers.realtime_items import question_of

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ABNORMAL, INTERNAL_ERROR = 1006, 1011
PATHS = ("/realtime", "/openai/v1/realtime", "/v1/realtime")
DIALECTS: tuple[Dialect, ...] = (
    openai_shapes.OPENAI,
    openai_dialects.AZURE,
    next(row for row in openai_dialects.DIALECTS if row.row == "xai"),
)


class Sockets:
    """The sockets of all rows that speak this wire."""

    def __init__(self, faults: FaultRegistry) -> None:
        self._faults = faults
        self._serial = 0
        # What was made and reported: the id and the usage of each response whose end was sent.
        self.responses: list[Message] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == gemini.DEVELOPER.prefix + PREFIX:
            await self._live(scope, receive, send)
            return
        found = _found(scope)
        await receive()
        if found is None:
            await _refuse(send, 404, b'{"error": {"message": "Invalid URL", "type": "invalid_request_error"}}')
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get(found.key_header, "")
        if given not in {found.api_key, f"Bearer {found.api_key}"}:
            await _refuse(send, 401, orjson.dumps({"error": {"message": "Incorrect API key provided."}}))
            return
        query = dict(parse_qsl(scope["query_string"].decode()))
        model = query.get("model", "")
        fault = self._faults.fault_for(found.row, model, b"", "")
        if await _refused(fault, send):
            return
        if (query.get("intent") == "transcription") is bool(model):
            await _refuse(send, 400, b'{"error": {"message": "Name a model, or the intent of a transcription."}}')
            return
        self._serial += 1
        await send({"type": "websocket.accept"})
        conversation = Conversation(model, self._serial, is_xai=found.row == "xai")
        await Served(conversation, receive, send, self.responses, fault).run()

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        query = dict(parse_qsl(scope["query_string"].decode()))
        given = dict(scope["headers"]).get(b"x-goog-api-key", b"").decode() or query.get("key")
        if given != gemini.DEVELOPER.api_key:
            await _refuse(send, 403, orjson.dumps({"error": {"message": "API key not valid.", "code": 403}}))
            return
        fault = self._faults.fault_for(gemini.DEVELOPER.row, "", b"", "")
        if await _refused(fault, send):
            return
        self._serial += 1
        await send({"type": "websocket.accept"})
        await LiveServed(LiveConversation(self._serial), receive, send, fault).run()


class Open(ABC):
    """One open socket: it hears its client until one of both has closed, and speaks beside that."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._speaking: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self._breaks_off = False

    @abstractmethod
    async def _hear(self) -> None:
        """Takes the client's messages until it has closed."""

    @staticmethod
    @abstractmethod
    def _frame(data: bytes) -> Message:
        """The data of a frame: text or bytes, by the wire."""

    async def run(self) -> None:
        hearing = asyncio.ensure_future(self._hear())
        over = asyncio.ensure_future(self._over.wait())
        await asyncio.wait({hearing, over}, return_when=asyncio.FIRST_COMPLETED)
        for task in filter(None, (hearing, over, self._speaking)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._breaks_off:
            # The server drops a connection whose app fails.
            raise ConnectionAbortedError

    async def _say(self, message: Message) -> None:
        await self._say_bytes(orjson.dumps(message))

    async def _say_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.send", **self._frame(data)})

    async def _close(self, code: int, reason: str = "") -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})
        self._over.set()

    async def _breaks(self, fault: Fault, number: int) -> bool:
        """True where a fault ends what is sent here."""
        if number == fault.garbage_after:
            await self._say_bytes(b"{not json")
        if number == fault.stall_after:
            await asyncio.Event().wait()
        if number != fault.cut_after:
            return False
        code = int(fault.code or INTERNAL_ERROR)
        if code == ABNORMAL:
            self._breaks_off = True
            self._over.set()
        else:
            await self._close(code)
        return True


class LiveServed(Open):
    """One open socket of Gemini's wire."""

    def __init__(self, conversation: LiveConversation, receive: Receive, send: Send, fault: Fault) -> None:
        super().__init__(receive, send)
        self._conversation = conversation
        # What this socket's setup meets.
        self._fault: Fault | None = fault

    @staticmethod
    def _frame(data: bytes) -> Message:
        return {"bytes": data}

    async def _hear(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes") or (message.get("text") or "").encode()
            before = self._conversation.left
            try:
                told = self._conversation.received(data)
            except Refused as refused:
                await self._close(refused.code, refused.reason)
                return
            if self._conversation.left is not before and self._speaking is not None:
                self._speaking.cancel()
            if self._fault is not None:
                # Beside the hearing, which knows the end of a socket that stalls.
                self._speaking = asyncio.ensure_future(self._begin(told, self._fault))
                self._fault = None
                continue
            for each in told:
                await self._say(each)
            if self._conversation.left is not None and self._conversation.left is not before:
                self._speaking = asyncio.ensure_future(self._speak(self._conversation.left))

    async def _begin(self, told: list[Message], fault: Fault) -> None:
        if not await self._breaks(fault, 0):
            for each in told:
                await self._say(each)

    async def _speak(self, left: Iterator[Message]) -> None:
        fault = self._conversation.fault
        for number, each in enumerate(left):
            if await self._breaks(fault, number):
                return
            await asyncio.sleep(fault.chunk_ms / 1000)
            await self._say(each)
        self._conversation.ended()


class Served(Open):
    """One open socket of OpenAI's wire."""

    def __init__(
        self, conversation: Conversation, receive: Receive, send: Send, done: list[Message], fault: Fault
    ) -> None:
        super().__init__(receive, send)
        self._conversation = conversation
        # What this socket meets before its first event.
        self._fault = fault
        self._turn = asyncio.Lock()
        self._done = done

    @staticmethod
    def _frame(data: bytes) -> Message:
        return {"text": data.decode()}

    async def run(self) -> None:
        self._speaking = asyncio.ensure_future(self._begin())
        await super().run()

    async def _begin(self) -> None:
        if await self._breaks(self._fault, 0):
            return
        for event in self._conversation.begun():
            await self._say(event)

    async def _hear(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            async with self._turn:
                before = self._conversation.turn
                told = self._conversation.received(text if isinstance(text, str) else "")
                for event in told:
                    await self._say(event)
                turn = self._conversation.turn
            if turn is not before:
                if self._speaking is not None:
                    self._speaking.cancel()
                self._speaking = None if turn is None else asyncio.ensure_future(self._speak())

    async def _speak(self) -> None:
        turn = self._conversation.turn
        if turn is None:
            return
        said = question_of(self._conversation.items)
        fault = merged([self._conversation.fault, *directives(said)])
        for number, paced in enumerate(turn.left):
            if await self._breaks(fault, number):
                return
            await asyncio.sleep(paced.wait_ms / 1000)
            async with self._turn:
                if self._conversation.turn is not turn:
                    return
                if paced.event["type"] == "response.done":
                    self._conversation.ended()
                    response = paced.event["response"]
                    self._done.append({"id": response["id"], "usage": response["usage"] or paced.event["usage"]})
                await self._say(paced.event)


def _found(scope: Message) -> Dialect | None:
    for dialect in DIALECTS:
        if scope["path"] in {dialect.prefix + path for path in PATHS}:
            return dialect
    return None


async def _refused(fault: Fault, send: Send) -> bool:
    """True where a fault refuses the handshake."""
    if fault.status is None:
        return False
    await _refuse(send, fault.status, orjson.dumps({"error": {"message": "Simulated refusal.", "code": fault.code}}))
    return True


async def _refuse(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
