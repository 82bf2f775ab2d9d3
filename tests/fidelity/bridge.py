"""Drives the codecs as `gateway.pipeline.stream` does, with the bytes of one recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.canonical.codec import Decoded, UpstreamCodec
from gateway.canonical.events import Event, Failed
from gateway.errors import GatewayError
from tests.fidelity.recordings import JSON, SSE, Recording
from tests.fidelity.replay import Answer
from tests.fidelity.wires import CLIENTS, EXTENSION, STAMP, UPSTREAMS, question

# Of it the pipeline makes the ids of calls that came without.
ANSWER_ID = "nxn1"


def bridged_answer(recording: Recording, client: str) -> Answer:
    """Returns a whole answer, or the error that replaces it if the provider refused."""
    codec, upstream = CLIENTS[client], UPSTREAMS[recording.wire]
    try:
        if recording.status != 200:
            raise upstream.decode_error(recording.status, {}, recording.body)
        response = upstream.decode_response(recording.body, ANSWER_ID)
    except GatewayError as error:
        return Answer(codec.encode_error(error, "req-1"), JSON, error.status)
    if client == recording.wire:
        return Answer(codec.forward_response(recording.body, STAMP, EXTENSION), JSON)
    return Answer(codec.encode_response(response, STAMP, EXTENSION), JSON)


def bridged_stream(frames: Sequence[Decoded], recording: Recording, client: str, choices: int) -> Answer:
    """Returns a stream, to its clean end or to the error event."""
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
    """Returns the error that a stream ended with."""
    return next((event.error for frame in frames for event in frame.events if isinstance(event, Failed)), None)


def decoded(upstream: UpstreamCodec, chunks: Iterator[bytes]) -> list[Decoded]:
    """Decodes a stream's frames."""
    decoder = upstream.stream_decoder(ANSWER_ID)
    frames = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return frames + decoder.flush()


def meaning(frames: Sequence[Decoded]) -> list[tuple[list[Event | str], bytes]]:
    """Returns the comparable part of frames. Errors are compared by their text, since they equal only themselves."""
    return [([_comparable(event) for event in frame.events], frame.frame) for frame in frames]


def _comparable(event: Event) -> Event | str:
    return repr(event) if isinstance(event, Failed) else event
