"""One stream on its way from a provider to a caller: what is held back, what goes out, what it used.

Until an attempt delivers its first content its bytes are kept here, so that another attempt can take its place
unseen; from then on every frame leaves as it comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from gateway.canonical.codec import Decoded, StreamEncoder, UpstreamCodec
from gateway.canonical.custom_tools import Freeing
from gateway.canonical.events import Ended, Event, Failed, Started, UsageReported, delivered_bytes
from gateway.canonical.recital import recited
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import ChatResponse, Extension, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.ports import SignedCall, Sink, UpstreamResponse
from gateway.signatures import Collector

NewEncoder = Callable[[ChatRequest, Stamp], StreamEncoder]
Carries = Callable[[int], Awaitable[bool]]


class Uncarried(Exception):
    """What was delivered has used up the hold, and the balance does not carry more."""


async def joined(response: UpstreamResponse, codec: UpstreamCodec, join: Callable[[Iterable[bytes]], bytes]) -> bytes:
    """The whole answer that a stream amounts to; raises what the provider says in its place."""
    decoder = codec.stream_decoder()
    frames: list[bytes] = []
    async for chunk in response.chunks():
        if _ends(decoder.feed(chunk), frames):
            return join(frames)
    _ends(decoder.flush(), frames)
    return join(frames)


def _ends(read: Iterable[Decoded], frames: list[bytes]) -> bool:
    """Whether the wire has said that the stream is whole; its frames go to `frames`, a failure is raised."""
    ended = False
    for decoded in read:
        frames.append(decoded.frame)
        for event in decoded.events:
            if isinstance(event, Failed):
                raise event.error
            ended = ended or isinstance(event, Ended)
    return ended


class Relay:
    """The state of one caller's stream over all its attempts."""

    def __init__(
        self, new_encoder: NewEncoder, request: ChatRequest, stamp: Stamp, sink: Sink, carries: Carries
    ) -> None:
        self._new_encoder = new_encoder
        self._request = request
        self._stamp = stamp
        self._sink = sink
        self._carries = carries
        self._encoder = new_encoder(request, stamp)
        self._freeing = Freeing(request.tools)
        self._response: UpstreamResponse | None = None
        self._held = b""
        self._ended = False
        self._forwards = False
        self._collector: Collector | None = None
        self._headers: Mapping[str, str] = {}
        self.delivered_bytes = 0
        self.usage: Usage | None = None

    async def pump(self, response: UpstreamResponse, codec: UpstreamCodec, headers: Mapping[str, str]) -> None:
        """One attempt, until its wire says that the stream is whole; raises where it is not.

        Nothing of an earlier attempt remains. `headers` tell of this one, should it be the one that delivers.
        """
        await self.let_go()
        self._response = response
        self._begin(codec.protocol, headers)
        self._forwards = codec.protocol == self._request.protocol
        decoder = codec.stream_decoder()
        async for chunk in response.chunks():
            await self._deliver(decoder.feed(chunk))
            if self._ended:
                return
        await self._deliver(decoder.flush())

    async def recite(self, answer: ChatResponse, protocol: str, headers: Mapping[str, str]) -> None:
        """One attempt at a model that does not stream: its whole answer, from a provider of the wire `protocol`."""
        self._begin(protocol, headers)
        await self._deliver([Decoded(tuple(recited(answer)), b"")])

    @property
    def delivered(self) -> bool:
        """Whether the caller has been given anything that another attempt would say again."""
        return self.delivered_bytes > 0

    @property
    def signed_calls(self) -> tuple[SignedCall, ...]:
        """What the provider will want back, and the caller's wire did not carry."""
        return () if self._collector is None else self._collector.calls

    async def let_go(self) -> None:
        """Gives the provider's connection back."""
        if self._response is not None:
            await self._response.aclose()
            self._response = None

    def finish(self, extension: Extension) -> bytes:
        """The clean end, after whatever is still held back."""
        return self._take_held() + self._encoder.finish(extension)

    def cut_short(self, extension: Extension) -> bytes:
        """The end where time or money has run out: finish reason `length`."""
        return self._take_held() + self._encoder.cut_short(extension)

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""
        return self._encoder.fail(error)

    def _begin(self, protocol: str, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._encoder = self._new_encoder(self._request, self._stamp)
        self._freeing = Freeing(self._request.tools)
        self._forwards = False
        self._collector = None if protocol == self._request.protocol else Collector(protocol)
        self._held, self._ended, self.usage = b"", False, None

    async def _deliver(self, frames: list[Decoded]) -> None:
        """Passes on what came before a failure, then raises it: no token is lost to what follows it."""
        failure = None
        for decoded in frames:
            failure = self._noted(decoded.events)
            if failure is not None:
                break
            self._held += self._encode(decoded)
        if self.delivered and self._held:
            await self._sink.write(self._take_held())
        if failure is not None:
            raise failure
        if not await self._carries(self.delivered_bytes):
            raise Uncarried

    def _encode(self, decoded: Decoded) -> bytes:
        if self._forwards:
            return self._encoder.forward(decoded)
        return b"".join([self._encoder.encode(event) for event in self._freeing.events(decoded.events)])

    def _noted(self, events: Iterable[Event]) -> GatewayError | None:
        """Keeps what the events tell of usage and end; the failure among them."""
        for event in events:
            if self._collector is not None:
                self._collector.note(event)
            match event:
                case Failed(error):
                    return error
                case UsageReported(usage):
                    self.usage = usage
                case Started(usage=usage):
                    self.usage = usage or self.usage
                case Ended():
                    self._ended = True
                case _:
                    self._count(delivered_bytes(event))
        return None

    def _count(self, more_bytes: int) -> None:
        if more_bytes and not self.delivered:
            self._sink.announce(self._headers)
        self.delivered_bytes += more_bytes

    def _take_held(self) -> bytes:
        held, self._held = self._held, b""
        return held
