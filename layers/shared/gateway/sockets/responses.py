"""Answers one `response.create` after another over a socket: the queue of what was asked, and the events as messages.

It knows no provider and no price: each response is asked for as one request of `POST /v1/responses` (`Respond`), and
the events of its stream leave as they come, each as a message. One runs at a time; a hand-over waits for its end.
https://developers.openai.com/api/docs/guides/websocket-mode
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
import orjson
from msgspec import Struct

from gateway.errors import (
    UNFORESEEN,
    AuthenticationFailed,
    GatewayError,
    InvalidRequest,
    RateLimited,
    ServiceUnavailable,
)
from gateway.framing.json_edit import edit
from gateway.ports.sockets import SocketRecord
from gateway.protocols.shared.document import parse
from gateway.protocols.shared.openai_errors import error_object
from gateway.sockets.carrying import HandOver
from gateway.sockets.line import MESSAGE_BYTES_MAX, Line

CREATE = "response.create"
# Of OpenAI's events of a response the last one; what follows it over HTTP tells the same again.
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
# Members of the event that are not of the request.
OF_THE_EVENT = ("type", "event_id", "stream_id", "generate", "stream", "background")
# What a response repeats of its request, and its output, which its items' own events have told: left out, in this
# order, of an event that does not fit into a message.
REPEATED = ("instructions", "tools", "input", "output")
PENDING_MAX = 16
# A record has 400 KB: what another run needs of this one.
STATE_BYTES_MAX = 300 * 1024
LAST_RESPONSE_S, CUT_S = 60.0, 5.0
# A hand-over waits for a response that takes minutes.
AFTER_LONG_ONES = HandOver(before_s=420.0, share=0.5)

BUSY = f"At most {PENDING_MAX} responses may wait on one socket."
EXPIRED = "The socket has been open for 60 minutes, which is the limit. Open another one to go on."
LARGE = "An event of the response is over 128 KB, which a socket does not carry; ask over HTTP."
MOVED = "The session has moved on before the response could end; ask again."

log = logging.getLogger(__name__)

Say = Callable[[bytes], Awaitable[None]]


class Asked(Struct, frozen=True):
    """A request of the client: the body of a response, whether it is to be generated, and the lane that was named."""

    body: bytes
    generates: bool = True
    lane: str | None = None


class Refused(Struct, frozen=True):
    """An answer without a stream: HTTP's status, its headers, and the error in OpenAI's shape."""

    status: int
    headers: Mapping[str, str]
    error: Any


class Respond(Protocol):
    """Asks for responses, and keeps the last ones for those that go on from them."""

    async def __call__(self, asked: Asked, say: Say) -> Refused | None:
        """Has each event of a response said, or returns its refusal; ends early where `say` raises `OSError`."""

    def keep(self, response: bytes) -> None:
        """Keeps the response that was asked for last, for those that go on from it."""

    def turns(self) -> Sequence[tuple[str, bytes]]:
        """The kept responses, the oldest first."""


class Kept(Struct, frozen=True):
    """The state between two runs: what has not been asked yet, and the turns to go on from."""

    pending: Sequence[Asked] = ()
    turns: Sequence[tuple[str, bytes]] = ()

    def packed(self) -> bytes:
        """The state as bytes."""
        return zlib.compress(msgspec.msgpack.encode(self))


def unpacked(state: bytes | None) -> Kept:
    """The state that another run has left."""
    return Kept() if state is None else msgspec.msgpack.decode(zlib.decompress(state), type=Kept)


class Cut(ConnectionError):
    """Raised into a response that is not to go on."""


class ResponsesConversation:
    """The responses of one socket."""

    def __init__(self, line: Line, respond: Respond, pending: Sequence[Asked]) -> None:
        self._line = line
        self._respond = respond
        self._pending = deque(pending)
        self._asked = asyncio.Event()
        self._leaving = False
        self._cut = False
        # Set where the key opens nothing any more.
        self._barred = False
        self._running: asyncio.Task[None] | None = None
        # Of the response that runs.
        self._answer: Answer | None = None
        self.changed = asyncio.Event()

    async def run(self) -> None:
        while True:
            self._asked.clear()
            while self._pending and not self._leaving:
                asked = self._pending.popleft()
                self._answer = Answer(self._line, self._respond, asked.lane, lambda: self._cut)
                self._running = asyncio.create_task(self._respond_to(asked, self._answer))
                try:
                    await asyncio.wait({self._running})
                finally:
                    self._running.cancel()
                    self._running = None
                if self._barred:
                    return
            await self._asked.wait()

    async def hear(self, data: bytes) -> None:
        try:
            asked = asked_in(data)
            if len(self._pending) >= PENDING_MAX:
                raise RateLimited(BUSY, code="websocket_stream_limit_reached")
        except GatewayError as error:
            await self._line.say(error_event(error, lane_of(data)))
            return
        self._pending.append(asked)
        self._asked.set()

    async def leave(self) -> bytes:
        self._leaving = True
        answer = self._answer
        if await self._stop() and answer is not None and not answer.is_over:
            await answer.fail(moved_event(answer.lane))
        turns = list(self._respond.turns())
        # The oldest go first: a client whose response is not there any more is told so, and sends the whole again.
        while len(state := Kept(tuple(self._pending), turns).packed()) > STATE_BYTES_MAX:
            if turns:
                turns.pop(0)
            else:
                await self._line.say(moved_event(self._pending.pop().lane))
        return state

    async def end(self, *, expired: bool) -> None:
        self._leaving = True
        if not expired:
            await self._stop()
            return
        if self._running is not None:
            await asyncio.wait({self._running}, timeout=LAST_RESPONSE_S)
        await self._stop()
        await self._line.say(error_event(InvalidRequest(EXPIRED, code="websocket_connection_limit_reached")))

    async def tell(self, error: GatewayError) -> None:
        await self._line.say(error_event(error))

    @property
    def hand_over(self) -> HandOver:
        return AFTER_LONG_ONES

    @property
    def quiet(self) -> bool:
        return self._running is None and not self._pending

    @property
    def settled(self) -> bool:
        return self.quiet

    def noted(self, record: SocketRecord) -> SocketRecord:
        # Each response has a hold of its own, which the sweeper ends by its checkpoint if this process dies.
        return record

    async def _stop(self) -> bool:
        """Ends the response that runs, which is paid as far as it came; false where none does."""
        running = self._running
        if running is None:
            return False
        self._cut = True
        await asyncio.wait({running}, timeout=CUT_S)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({running})
        return True

    async def _respond_to(self, asked: Asked, answer: Answer) -> None:
        try:
            refused = await self._respond(asked, answer.say)
            if refused is not None:
                self._barred = refused.status == AuthenticationFailed.status
                await answer.fail(refusal_event(refused, asked.lane))
            elif not answer.is_over and not self._cut:
                # Of an answer that breaks off a socket has nothing to show, other than HTTP.
                await answer.fail(error_event(GatewayError(UNFORESEEN), asked.lane))
        except Exception:
            log.exception("a response over a socket failed")
            with suppress(ServiceUnavailable):
                await answer.fail(error_event(GatewayError(UNFORESEEN), asked.lane))


class Answer:
    """The events of one response on their way to the client."""

    def __init__(self, line: Line, respond: Respond, lane: str | None, is_cut: Callable[[], bool]) -> None:
        self._line = line
        self._respond = respond
        self._is_cut = is_cut
        self.lane = lane
        # Set once the client has been told the response's end.
        self.is_over = False

    async def say(self, data: bytes) -> None:
        """Sends an event; raises `Cut` where the response is not to go on."""
        if self._is_cut() or self._line.gone.is_set():
            raise Cut
        if self.is_over or not data.startswith(b"{"):
            return
        event = orjson.loads(data)
        kind = event.get("type")
        if kind in ENDS and kind != "response.failed":
            self._respond.keep(orjson.dumps(event["response"]))
        if self.lane is not None:
            event["stream_id"] = self.lane
            data = orjson.dumps(event)
        message = fitting(event, data)
        if message is None:
            await self.fail(error_event(GatewayError(LARGE, code="message_too_large"), self.lane))
            raise Cut
        try:
            await self._line.say(message)
        except ServiceUnavailable as down:
            # No fault of the provider's, and no reason to ask another one.
            raise Cut from down
        self.is_over = kind in ENDS or kind == "error"

    async def fail(self, error: bytes) -> None:
        """Ends the response with an error event."""
        self.is_over = True
        await self._line.say(error)


def asked_in(data: bytes) -> Asked:
    """The request in a message of the client; raises `InvalidRequest`."""
    root = parse(data)
    kind = root.required("type").as_string(minimum=1)
    if kind != CREATE:
        raise InvalidRequest(f"Invalid 'type': expected '{CREATE}'.", param="type", code="unsupported_event")
    generate, lane, background = (root.member(name) for name in ("generate", "stream_id", "background"))
    if background is not None and background.as_boolean():
        raise InvalidRequest("A socket runs no response in the background; ask over HTTP.", param="background")
    body = edit(data, {"stream": b"true"}, remove=OF_THE_EVENT)
    named = None if lane is None else lane.as_string(minimum=1)
    return Asked(body, generate is None or generate.as_boolean(), named)


def lane_of(data: bytes) -> str | None:
    """The lane that a refused message names, as far as it can be read."""
    try:
        lane = parse(data).member("stream_id")
        return None if lane is None else lane.as_string(minimum=1)
    except GatewayError:
        return None


def fitting(event: dict[str, Any], data: bytes) -> bytes | None:
    """The event in a message, without what it only repeats where it is too large; `None` where it does not fit."""
    if len(data) <= MESSAGE_BYTES_MAX or "delta" in event:
        return data
    response = event.get("response")
    if not isinstance(response, dict):
        return None
    for name in REPEATED:
        if name in response:
            response[name] = [] if isinstance(response[name], list) else None
        if len(data := orjson.dumps(event)) <= MESSAGE_BYTES_MAX:
            return data
    return None


def error_event(error: GatewayError, lane: str | None = None) -> bytes:
    """An error as a message."""
    return refusal_event(Refused(error.status, {}, error_object(error)), lane)


def moved_event(lane: str | None) -> bytes:
    """The error of a response that a hand-over has ended."""
    return error_event(ServiceUnavailable(MOVED, code="session_moved"), lane)


def refusal_event(refused: Refused, lane: str | None) -> bytes:
    """A refusal as a message, with the headers that it would have over HTTP."""
    event: dict[str, Any] = {"type": "error", "status": refused.status, "error": refused.error}
    if refused.headers:
        event["headers"] = refused.headers
    return orjson.dumps(event if lane is None else event | {"stream_id": lane})
