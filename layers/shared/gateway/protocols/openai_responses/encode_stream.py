"""Events to a caller: a provider's of the same wire with the gateway's names in them, or new ones from canonical.

The last event is held back until the bill is known, so that it carries `nexevo`; all else leaves at once. Every event
has its `event:` line and its number, the response the same id in all of them (field case E7). There are no `id:` lines:
the official SDK reads a comment after one as an event.
"""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from gateway.canonical.codec import Decoded
from gateway.canonical.events import Ended, Event, Failed, Finished, Started, UsageReported
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.framing.json_edit import edit, members
from gateway.framing.sse import sse_event
from gateway.protocols.openai_responses.answer import encode_ending
from gateway.protocols.openai_responses.encode_answer import item_status, last_word, response_object
from gateway.protocols.openai_responses.errors import failure_object
from gateway.protocols.openai_responses.output import Output
from gateway.protocols.openai_responses.output_item import Json, Wire
from gateway.protocols.openai_responses.rename import EventRenamer
from gateway.protocols.openai_responses.transcript import Transcript
from gateway.protocols.shared.openai_errors import error_object

DONE = sse_event(b"[DONE]")

_NAME_START = len(b"event: ")
_DATA_START = len(b"\ndata: ")
_WITH_RESPONSE = frozenset({b"response.created", b"response.queued", b"response.in_progress"})
_COMPLETED = b"response.completed"
_LAST = frozenset({_COMPLETED, b"response.incomplete"})
_IN_PROGRESS: Json = {"status": "in_progress", "error": None, "incomplete_details": None}


class ResponsesStreamEncoder:
    """One caller's stream."""

    def __init__(self, request: ChatRequest, stamp: Stamp) -> None:
        self._stamp = stamp
        self._echo = request.echo
        self._output = Output(stamp.response_id, request.echo)
        self._transcript: Transcript | None = None
        self._renamer = EventRenamer(stamp)
        self._held: tuple[str, bytes] | None = None
        self._number = 0
        self._usage: Usage | None = None
        self._reason: FinishReason | None = None

    def forward(self, decoded: Decoded) -> bytes:
        """The same wire's event under the gateway's names, all other bytes untouched."""
        frame = decoded.frame
        if not frame:
            return b""
        transcript = self._transcript = self._transcript or Transcript()
        data_start = frame.index(b"\n") + _DATA_START
        name, data = frame[_NAME_START : data_start - _DATA_START], self._renamer.rename(frame[data_start:-2])
        if name in _LAST:
            self._held = name.decode(), self._whole(transcript, name, data)
            return b""
        if name in _WITH_RESPONSE:
            transcript.note_response(data)
        else:
            transcript.note(name, data)
        return frame[:data_start] + data + frame[-2:]

    def _whole(self, transcript: Transcript, name: bytes, data: bytes) -> bytes:
        """The last event with the items that came before it, where its provider does not list them again."""
        response = members(data).get("response", b"{}")
        if members(response).get("output") != b"[]":
            return data
        transcript.close("completed" if name == _COMPLETED else "incomplete")
        return edit(data, {"response": edit(response, {"output": orjson.dumps(transcript.items)})})

    def encode(self, event: Event) -> bytes:
        """The events of one event; what this wire has no word for is left out, as docs/bridging.md has it."""
        match event:
            case UsageReported(usage):
                self._usage = usage
            case Started(usage=usage):
                self._usage = usage
                return self._opening()
            case Finished(reason):
                self._reason = last_word(self._reason, reason)
                return self._opening() + self._closing(reason)
            case Ended() | Failed():
                pass
            case _:
                return self._opening() + self._numbered(self._output.write(event))
        return b""

    def finish(self, extension: Extension) -> bytes:
        """The last event, with `nexevo` in it, and the terminal mark."""
        out, (name, data) = self._conclude() if self._held is None else (b"", self._held)
        return out + sse_event(edit(data, {"nexevo": orjson.dumps(extension.as_json())}), name) + DONE

    def cut_short(self, extension: Extension) -> bytes:
        """An incomplete response, with all that was said in it, and the end."""
        if self._reason is None:
            self._reason = FinishReason.LENGTH
        return self.finish(extension)

    def fail(self, error: GatewayError) -> bytes:
        """`response.failed`, by which agents end a turn, and the error event, on which the official SDKs raise.

        The event says itself twice: flat, as the reference has it, and in `error`, as the service sends it. `status` is
        the one that the response would have had before it was committed.
        """
        out = self._opening()
        # An item that is cut off has no end event: agents act on it.
        (self._transcript or self._output).close("incomplete")
        failed = self._response({"status": "failed", "error": failure_object(error), "incomplete_details": None})
        said = error_object(error) | {"status": error.status}
        flat = {"code": error.code, "message": error.message, "param": error.param, "error": said}
        return out + self._numbered([Wire("response.failed", {"response": failed}), Wire("error", flat)])

    def _opening(self) -> bytes:
        """The response begins, once."""
        if self._number > 0 or self._transcript is not None:
            return b""
        response = response_object(self._stamp, self._echo, _IN_PROGRESS, [], None)
        names = ("response.created", "response.in_progress")
        return self._numbered([Wire(name, {"response": response}) for name in names])

    def _closing(self, reason: FinishReason) -> bytes:
        """The end of every item that is open."""
        said = self._transcript or self._output
        return self._numbered(said.close(item_status(encode_ending(reason))))

    def _conclude(self) -> tuple[bytes, tuple[str, bytes]]:
        """The end of what is open, and the last event."""
        reason = self._reason or FinishReason.STOP
        out = self._opening() + self._closing(reason)
        ending = encode_ending(reason)
        name = f"response.{ending['status']}"
        return out, (name, self._payload(Wire(name, {"response": self._response(ending)})))

    def _response(self, ending: Json) -> Json:
        """The response at its end, with all that was said."""
        if self._transcript is None:
            return response_object(self._stamp, self._echo, ending, self._output.items, self._usage)
        return self._transcript.response | ending | {"output": self._transcript.items}

    def _numbered(self, wires: Iterable[Wire]) -> bytes:
        return b"".join([sse_event(self._payload(wire), wire.name) for wire in wires])

    def _payload(self, wire: Wire) -> bytes:
        """An event's JSON with its number; after a forwarded stream the provider's numbers go on."""
        if self._number == 0 and self._transcript is not None:
            self._number = self._transcript.next_number
        number = self._number
        self._number += 1
        return orjson.dumps({"type": wire.name, **wire.members, "sequence_number": number})
