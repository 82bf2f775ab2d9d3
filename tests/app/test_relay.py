"""Tests of one caller's stream over its attempts: what is kept of a failed one, what is held back, what is counted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from gateway.canonical.usage import Usage, Uses
from gateway.errors import UpstreamError
from gateway.pipeline.operation import Piece
from gateway.pipeline.stream import HoldExhausted, Relay

pytestmark = pytest.mark.anyio

CANDIDATE: Any = object()
SEARCHED: Uses = (("web_search", 1),)
FOUR_MEGABYTES = 4 * 1024 * 1024


@dataclass
class Attempt:
    """A provider's answer, whose chunks complete these pieces."""

    chunked: list[list[Piece]]
    let_go: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    async def chunks(self) -> AsyncIterator[bytes]:
        for number in range(len(self.chunked)):
            yield b"data: %d" % number

    async def aclose(self) -> None:
        self.let_go = True


@dataclass
class Stream:
    """The transcoder and the caller's sink of one stream."""

    carried: bool = True
    attempt: Attempt = field(default_factory=lambda: Attempt([]))
    written: list[bytes] = field(default_factory=list)
    announced: list[Mapping[str, str]] = field(default_factory=list)

    def begin(self, _candidate: object) -> None:
        pass

    def feed(self, data: bytes) -> Iterable[Piece]:
        return self.attempt.chunked[int(data.removeprefix(b"data: "))]

    def flush(self) -> Iterable[Piece]:
        return ()

    def finish(self, _extension: object) -> bytes:
        return b"end"

    def cut_short(self, _extension: object) -> bytes:
        return b"cut"

    def announce(self, headers: Mapping[str, str]) -> None:
        self.announced.append(headers)

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    def covers(self, _delivered_bytes: int, _uses: Uses) -> bool:
        return False

    async def carries(self, _delivered_bytes: int) -> bool:
        return self.carried


def begun(stream: Stream) -> Relay[Any]:
    both: Any = stream
    return Relay(both, both, both)


async def pumped(relay: Relay[Any], stream: Stream, *chunks: list[Piece]) -> Attempt:
    stream.attempt = Attempt(list(chunks))
    response: Any = stream.attempt
    await relay.pump(response, CANDIDATE, partial(relay.announce, {"attempt": str(len(stream.announced))}))
    return stream.attempt


def failing() -> Piece:
    return Piece(error=UpstreamError("down"))


async def test_nothing_of_an_attempt_that_delivered_nothing_remains() -> None:
    stream = Stream()
    relay = begun(stream)
    with pytest.raises(UpstreamError):
        await pumped(relay, stream, [Piece(b"start", usage=Usage(output=9), uses=SEARCHED)], [failing()])
    failed = stream.attempt
    await pumped(relay, stream, [Piece(b"hi", delivered_bytes=2), Piece(ended=True)])
    assert failed.let_go
    assert (relay.usage, relay.uses, relay.delivered_bytes, stream.written) == (None, (), 2, [b"hi"])


async def test_the_last_usage_and_the_last_uses_stand() -> None:
    stream = Stream()
    relay = begun(stream)
    first, last = Usage(output=1), Usage(output=2)
    await pumped(relay, stream, [Piece(usage=first, uses=SEARCHED)], [Piece(usage=last)], [Piece(b"x")])
    assert (relay.usage, relay.uses) == (last, SEARCHED)


async def test_content_is_counted_and_announced_once() -> None:
    stream = Stream()
    relay = begun(stream)
    await pumped(relay, stream, [Piece(b"ab", delivered_bytes=2)], [Piece(b"cde", delivered_bytes=3), Piece(b"f")])
    assert (relay.delivered, relay.delivered_bytes) == (True, 5)
    assert (stream.written, stream.announced) == ([b"ab", b"cdef"], [{"attempt": "0"}])


async def test_what_came_before_a_failure_in_one_chunk_is_passed_on() -> None:
    stream = Stream()
    with pytest.raises(UpstreamError):
        await pumped(begun(stream), stream, [Piece(b"a", delivered_bytes=1), failing(), Piece(b"b", delivered_bytes=1)])
    assert stream.written == [b"a"]


@pytest.mark.parametrize(("extra", "fails"), [(0, False), (1, True)])
async def test_four_megabytes_without_content_are_held_back_and_no_more(extra: int, *, fails: bool) -> None:
    stream = Stream()
    relay = begun(stream)
    pieces = [Piece(b"x" * (FOUR_MEGABYTES // 2)), Piece(b"x" * (FOUR_MEGABYTES // 2 + extra))]
    if fails:
        with pytest.raises(UpstreamError):
            await pumped(relay, stream, *([piece] for piece in pieces))
    else:
        await pumped(relay, stream, *([piece] for piece in pieces))
    assert stream.written == []


async def test_a_stream_that_is_not_carried_ends_with_what_was_held_back() -> None:
    stream = Stream(carried=False)
    relay = begun(stream)
    extension: Any = object()
    with pytest.raises(HoldExhausted):
        await pumped(relay, stream, [Piece(b"start")])
    assert relay.cut_short(extension) == b"startcut"
    assert relay.finish(extension) == b"end"


async def test_after_its_end_nothing_more_is_read() -> None:
    stream = Stream()
    relay = begun(stream)
    await pumped(relay, stream, [Piece(b"a", delivered_bytes=1, ended=True)], [Piece(b"b", delivered_bytes=1)])
    assert stream.written == [b"a"]


@pytest.mark.parametrize(
    ("sizes", "asked"),
    [
        ((512,), [512]),
        ((513,), [513, 513]),
        ((300, 212, 1), [513, 513]),
        ((300, 213, 300), [513, 813]),
        ((600, 600), [600, 1_200, 1_200]),
        ((513, 512), [513, 1_025]),
        ((513, 513), [513, 1_026, 1_026]),
    ],
)
async def test_the_hold_is_asked_for_every_half_kilobyte_of_one_read(sizes: tuple[int, ...], asked: list[int]) -> None:
    covered: list[int] = []

    class Counting(Stream):
        def covers(self, delivered_bytes: int, _uses: Uses) -> bool:
            covered.append(delivered_bytes)
            return True

    stream = Counting()
    relay = begun(stream)
    await relay._deliver([Piece(b"x" * size, delivered_bytes=size) for size in sizes])
    assert covered == asked


async def test_a_byte_is_delivered_content() -> None:
    relay = begun(Stream())
    await relay._deliver([Piece(b"x", delivered_bytes=1)])
    assert relay.delivered
