"""Law: the codecs are driven here as the corridor drives them (`gateway.relay`), with the bytes of one recording."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from gateway.canonical.codec import Decoded, UpstreamCodec
from gateway.canonical.events import Event, Failed
from gateway.errors import GatewayError
from tests.fidelity.recordings import JSON, SSE, Recording
from tests.fidelity.replay import Answer
from tests.fidelity.wires import CLIENTS, EXTENSION, STAMP, UPSTREAMS, question

PIECES = 12


def bridged_answer(recording: Recording, client: str) -> Answer:
    """A whole answer, or what is said in place of one that the provider refused."""
    codec, upstream = CLIENTS[client], UPSTREAMS[recording.wire]
    try:
        if recording.status != 200:
            raise upstream.decode_error(recording.status, {}, recording.body)
        response = upstream.decode_response(recording.body)
    except GatewayError as error:
        return Answer(codec.encode_error(error, "req-1"), JSON, error.status)
    if client == recording.wire:
        return Answer(codec.forward_response(recording.body, STAMP, EXTENSION), JSON)
    return Answer(codec.encode_response(response, STAMP, EXTENSION), JSON)


def bridged_stream(frames: Sequence[Decoded], recording: Recording, client: str, choices: int) -> Answer:
    """A stream, to its clean end or to the error event."""
    encoder = CLIENTS[client].stream_encoder(question(client, choices), STAMP)
    out = b""
    for decoded in frames:
        if (error := failure([decoded])) is not None:
            return Answer(out + encoder.fail(error), SSE)
        if client == recording.wire:
            out += encoder.forward(decoded)
        else:
            out += b"".join(encoder.encode(event) for event in decoded.events)
    return Answer(out + encoder.finish(EXTENSION), SSE)


def failure(frames: Sequence[Decoded]) -> GatewayError | None:
    """The error that a stream ended with."""
    return next((event.error for frame in frames for event in frame.events if isinstance(event, Failed)), None)


def decoded(upstream: UpstreamCodec, chunks: Iterator[bytes]) -> list[Decoded]:
    """A stream's frames."""
    decoder = upstream.stream_decoder()
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def cuttings(data: bytes, count: int, every_byte: bool) -> Iterator[list[int]]:
    """Where to cut: `count` seeded draws of places, and between all bytes."""
    drawn = random.Random(len(data))
    inside = range(1, len(data))
    for _ in range(count):
        yield sorted(drawn.sample(inside, min(PIECES, len(inside))))
    if every_byte:
        yield list(inside)


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """The pieces, in order."""
    for start, end in zip((0, *places), (*places, len(data)), strict=True):
        yield data[start:end]


def meaning(frames: Sequence[Decoded]) -> list[tuple[list[Event | str], bytes]]:
    """What can be compared of frames: errors by what they say, since they are equal to themselves only."""
    return [([_comparable(event) for event in frame.events], frame.frame) for frame in frames]


def _comparable(event: Event) -> Event | str:
    return repr(event) if isinstance(event, Failed) else event
