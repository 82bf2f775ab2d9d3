"""Passes one stream from a provider to a caller: what is held back, what goes out, what it used.

Until an attempt delivers its first content its bytes are kept here, so that another attempt can take its place
unseen; from then on every piece leaves as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, Protocol

from gateway.canonical.response import Extension
from gateway.canonical.usage import Usage, Uses
from gateway.errors import GatewayError, UpstreamError
from gateway.pipeline.operation import A, Continuation, Piece, Transcoder
from gateway.pipeline.provider_client import StreamBody
from gateway.ports.sink import CallerLeft, Sink
from gateway.ports.upstream import UpstreamResponse
from gateway.routing.plan import Candidate

# What an attempt may send before its first content, which is kept for the case that another takes its place.
HELD_BYTES_MAX = 4 * 1024 * 1024
# A small part of what the smallest hold pays for.
UNPAID_BYTES_MAX = 512
NO_CONTENT = "The provider sent megabytes without any content."


class Funds(Protocol):
    """The money behind one stream."""

    def covers(self, delivered_bytes: int, uses: Uses) -> bool:
        """Notes how far the stream has come; false where it has to be asked whether that is still paid for."""

    async def carries(self, delivered_bytes: int) -> bool:
        """True while the stream is paid for, which may first need more to be held."""


class HoldExhausted(Exception):
    """The delivered part has used up the hold, and the balance does not carry more."""


class Relay(Generic[A]):
    """The state of one caller's stream over all its attempts."""

    def __init__(self, transcoder: Transcoder[A], sink: Sink, funds: Funds) -> None:
        self.transcoder = transcoder
        # What came whole, of a model that does not stream or in a stream's place.
        self.answer: A | None = None
        self._sink = sink
        self._funds = funds
        self._response: UpstreamResponse | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._ended = False
        self._begins: Callable[[], None] = _unannounced
        self.delivered_bytes = 0
        # What was delivered before the present attempt, which goes on with it.
        self._earlier_bytes = 0
        self._earlier: Usage | None = None
        self.usage: Usage | None = None
        # False once content follows the last report of usage, which then does not count it.
        self.is_counted = True
        self.uses: Uses = ()

    async def pump(
        self, response: UpstreamResponse, candidate: Candidate[Any], begins: Callable[[], None]
    ) -> bytes | None:
        """One attempt, until its wire says that the stream is whole; raises where it is not.

        Nothing of an earlier attempt remains, unless this one goes on with it. `begins` is called at this one's first
        content, before it goes out. Returns the body of an answer that is no stream, for `replay` or for the error that
        it holds.
        """
        await self.let_go()
        self._response = response
        self._begin(candidate, begins)
        feed, body = self.transcoder.feed, StreamBody(response)
        if (whole := await body.in_its_place()) is not None:
            return whole
        async for chunk in body:
            await self._deliver(feed(chunk))
            if self._ended:
                return None
        await self._deliver(self.transcoder.flush())
        return None

    async def replay(self, answer: A, candidate: Candidate[Any], begins: Callable[[], None]) -> None:
        """One attempt by its whole answer: of a model that does not stream, or in a stream's place."""
        self._begin(candidate, begins)
        self.answer = answer
        await self._deliver(self.transcoder.replay(answer))

    def announce(self, headers: Mapping[str, str]) -> None:
        """Notes the headers that tell of the attempt that delivers."""
        self._sink.announce(headers)

    @property
    def delivered(self) -> bool:
        """True once the caller has content that another attempt would repeat."""
        return self.delivered_bytes > 0

    def go_on(self, before: Usage) -> Continuation | None:
        """Has the next attempt go on with what was delivered, whose usage is `before`; nothing where none can."""
        asked = self.transcoder.go_on(before)
        if asked is not None:
            self._earlier = self.usage = before
        return asked

    def keep(self, account_id: str) -> Coroutine[Any, Any, None] | None:
        """Keeps what the next request needs; nothing where there is nothing to keep."""
        return self.transcoder.keep(account_id)

    async def let_go(self) -> None:
        """Gives the provider's connection back."""
        if self._response is not None:
            await self._response.aclose()
            self._response = None

    def finish(self, extension: Extension) -> bytes:
        """The clean end, after what is still held back."""
        return self._take_held() + self.transcoder.finish(extension)

    def cut_short(self, extension: Extension) -> bytes:
        """The end where time or money has run out: finish reason `length`."""
        return self._take_held() + self.transcoder.cut_short(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""
        return self.transcoder.fail(error)

    def _begin(self, candidate: Candidate[Any], begins: Callable[[], None]) -> None:
        self._begins, self.answer = begins, None
        self.transcoder.begin(candidate)
        self._take_held()
        self._earlier_bytes = self.delivered_bytes
        self._ended, self.usage, self.is_counted, self.uses = False, self._earlier, True, ()

    async def _deliver(self, pieces: Iterable[Piece]) -> None:
        """Passes on what came before a failure, then raises it: no token is lost to what follows it.

        A read may bring more content than the hold pays for: what is over `UNPAID_BYTES_MAX` waits for the hold.
        """
        failure, content, before_bytes = None, 0, self.delivered_bytes
        for piece in pieces:
            self._note(piece)
            if piece.error is not None:
                failure = piece.error
                break
            self._held.append(piece.data)
            self._held_bytes += len(piece.data)
            content += piece.delivered_bytes
            if content > UNPAID_BYTES_MAX:
                content = 0
                if not self._is_covered():
                    await self._require_hold()
        if self.delivered_bytes and self._held_bytes:
            try:
                await self._sink.write(self._take_held())
            except CallerLeft:
                self.delivered_bytes = before_bytes
                raise
        if failure is not None:
            raise failure
        if self._held_bytes > HELD_BYTES_MAX:
            raise UpstreamError(NO_CONTENT)
        if not self._is_covered():
            await self._require_hold()

    def _is_covered(self) -> bool:
        return self._funds.covers(self.delivered_bytes, self.uses)

    async def _require_hold(self) -> None:
        if not await self._funds.carries(self.delivered_bytes):
            raise HoldExhausted

    def _note(self, piece: Piece) -> None:
        if piece.usage is not None:
            self.usage, self.is_counted = piece.usage, True
        elif piece.delivered_bytes:
            self.is_counted = False
        self.uses = piece.uses or self.uses
        self._ended = self._ended or piece.ended
        if piece.delivered_bytes and self.delivered_bytes == self._earlier_bytes:
            self._begins()
        self.delivered_bytes += piece.delivered_bytes

    def _take_held(self) -> bytes:
        held = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return held


class Lanes(Generic[A]):
    """The relays of one caller's stream: one, or two while a second target is asked beside the first.

    `relay` is the one that the caller hears.
    """

    def __init__(self, another: Callable[[], Relay[A]]) -> None:
        self.another = another
        self.relay = another()


def _unannounced() -> None:
    """Does nothing: no attempt has begun."""
