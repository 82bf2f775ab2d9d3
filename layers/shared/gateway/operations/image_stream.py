"""Turns a provider's stream of one picture into the caller's: unfinished versions as they come, then the finished one.

The last waits for the bill, since it says what the request cost. Several pictures come from a whole answer.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Iterator
from typing import Any

import msgspec

from gateway.canonical.images import IMAGE, PARTIAL, Drawing, Drawn, ImageModel
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, uses_of
from gateway.errors import GatewayError, UpstreamError, UpstreamTimeout
from gateway.framing.sse import Frame, SSEDecoder
from gateway.operations.image_files import told_by
from gateway.pipeline.operation import Continuation, Piece
from gateway.protocols.openai_images import OpenAIImages
from gateway.protocols.shared.provider_errors import error_fields
from gateway.protocols.shared.provider_json import load
from gateway.providers.images.openai import TokenUsage, decode_error, usage_of
from gateway.routing.plan import Candidate

CUT = "The provider's stream ended before its picture was finished."
_TOLD = ("size", "quality", "background", "output_format")


class ImageTranscoder:
    """One caller's stream over its attempts."""

    def __init__(self, wire: OpenAIImages, stamp: Stamp) -> None:
        self._wire = wire
        self._stamp = stamp
        self._reset()

    def _reset(self) -> None:
        self._decoder = SSEDecoder()
        self._drawn = Drawn(())
        self._usage: Usage | None = None
        self._partials = 0

    def begin(self, candidate: Candidate[ImageModel]) -> None:
        """Starts an attempt; nothing of an earlier one remains."""
        del candidate
        self._reset()

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that the bytes complete."""
        return map(self._piece, self._decoder.feed(data))

    def flush(self) -> Iterable[Piece]:
        """The last pieces; a stream without a finished picture was cut."""
        pieces = [self._piece(frame) for frame in self._decoder.flush()]
        if not self._drawn.drawings and not any(piece.error for piece in pieces):
            pieces.append(Piece(error=UpstreamError(CUT)))
        return pieces

    def replay(self, answer: Drawn) -> Iterable[Piece]:
        """The finished pictures of a whole answer."""
        self._drawn = answer
        self._usage = answer.usage
        size = sum(len(drawing.base64) + len(drawing.url) for drawing in answer.drawings)
        return [Piece(delivered_bytes=size, usage=answer.usage, uses=self._uses(), ended=True)]

    def finish(self, extension: Extension) -> bytes:
        """The events of the finished pictures."""
        *others, last = self._drawn.drawings
        events = [self._wire.completed_event(one, self._drawn, None, self._stamp, None) for one in others]
        events.append(self._wire.completed_event(last, self._drawn, self._usage, self._stamp, extension))
        return b"".join(events)

    def cut_short(self, extension: Extension) -> bytes:
        """The end where time has run out: what is finished, or the error."""
        if self._drawn.drawings:
            return self.finish(extension)
        return self.fail(UpstreamTimeout("The picture was not finished in time."))

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""
        return self._wire.error_event(error)

    def go_on(self, before: Usage) -> Continuation | None:
        """Nothing: no other target goes on with a picture."""
        del before
        return None

    def keep(self, account_id: str) -> Coroutine[Any, Any, None] | None:
        """Nothing is kept."""
        del account_id
        return None

    def _uses(self) -> Any:
        return uses_of({IMAGE: len(self._drawn.drawings), PARTIAL: self._partials})

    def _piece(self, frame: Frame) -> Piece:
        if frame.data.strip() == b"[DONE]":
            return Piece(ended=True)
        event = load(frame.data)
        kind = str(event.get("type", ""))
        if kind == "error" or isinstance(event.get("error"), dict):
            return Piece(error=_failure(event))
        if kind.endswith(".partial_image"):
            self._partials += 1
            size = len(str(event.get("b64_json", "")))
            return Piece(self._wire.partial_event(event), size, uses=self._uses())
        if kind.endswith(".completed"):
            return self._completed(event)
        return Piece()

    def _completed(self, event: dict[str, Any]) -> Piece:
        picture = str(event.get("b64_json") or "")
        told = told_by(picture) | {name: str(event[name]) for name in _TOLD if event.get(name)}
        self._drawn = Drawn((Drawing(picture),), told=told)
        self._usage = usage_of(msgspec.convert(event.get("usage"), TokenUsage | None, strict=False), 1)
        return Piece(delivered_bytes=len(picture), usage=self._usage, uses=self._uses(), ended=True)


def _failure(event: dict[str, Any]) -> GatewayError:
    fields = error_fields(event)
    status = 400 if fields.get("type") in {"invalid_request_error", "image_generation_user_error"} else 502
    return decode_error(status, {}, msgspec.json.encode(event))
