"""A canonical conversation as this wire's contents, for a provider that did not see it in this form.

Mappings, each with a test: instructions go to the system instruction wherever they stood; turns of one role that follow
each other are one content; every call has its response in the content behind it, in the order of the calls (field case
F2), an unanswered one says so and a response without a call becomes text; media that a tool returned follows the
responses; a refusal is text; names of participants and documents have no place; cache markers are dropped, since
Gemini finds prefixes by itself; thoughts are sent to the wire that signed them only. The rest of what the wire cannot
say is refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.canonical.parts import (
    Audio,
    Document,
    Image,
    InlineMedia,
    MediaSource,
    Message,
    Opaque,
    Part,
    RedactedThinking,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.errors import InvalidRequest
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.decode_contents import UPLOADS, media_type_of
from gateway.protocols.gemini.signatures import UNSIGNED_CALL, is_foreign

Json = dict[str, Any]

UNANSWERED = "The tool was not run, or its result was lost."


def encode_contents(messages: Sequence[Message]) -> tuple[list[Json], list[Json]]:
    """The contents, and the parts of the system instruction; alone, instructions are what the user said."""
    conversation = _Conversation()
    for position, message in enumerate(messages):
        conversation.add(message, f"messages[{position}]")
    return conversation.finished()


def with_signed_calls(contents: Sequence[Json]) -> list[Json]:
    """The contents with a stand-in where the first call of a turn has no signature (field case F1).

    Gemini 3 refuses such a turn (https://ai.google.dev/gemini-api/docs/thought-signatures); of parallel calls only the
    first one bears a signature, so the others are left alone. Either spelling of names is read.
    """
    return [turn | {"parts": _signed(turn)} if turn.get("role") == "model" else turn for turn in contents]


def without_foreign_thoughts(contents: Sequence[Json]) -> list[Json]:
    """The contents less what another wire thought and signed; an emptied turn is gone."""
    kept = []
    for content in contents:
        parts = content.get("parts") or []
        left = [part for part in parts if not is_foreign(_signature(part) or "")]
        if left or not parts:
            kept.append(content | {"parts": left})
    return kept


def _signed(content: Json) -> list[Json]:
    parts = list(content.get("parts") or [])
    for position, part in enumerate(parts):
        if part.get("functionCall") or part.get("function_call"):
            if not _signature(part):
                parts[position] = part | {"thoughtSignature": UNSIGNED_CALL}
            break
    return parts


def _signature(part: Json) -> str | None:
    return part.get("thoughtSignature") or part.get("thought_signature")


def encode_function_call(call: ToolCall) -> Json:
    """A call's part; arguments that are no JSON object, as a custom tool's, go under `input`."""
    return _with_signature(
        {"functionCall": {"id": call.id, "name": call.name, "args": arguments_object(call)}}, call.signature
    )


def arguments_object(call: ToolCall) -> Json | orjson.Fragment:
    """A call's arguments as the object that this wire insists on."""
    written = None if call.custom else object_written(call.arguments)
    return {"input": call.arguments} if written is None else written


def object_written(text: str) -> orjson.Fragment | None:
    """The object that JSON text spells, as it is written; empty where nothing is, `None` where it is no object."""
    if not text.strip():
        return orjson.Fragment("{}")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return orjson.Fragment(text) if isinstance(value, dict) else None


class _Conversation:
    """The contents so far, and the calls that have not been answered."""

    def __init__(self) -> None:
        self._contents: list[Json] = []
        self._system: list[Json] = []
        self._calls: list[ToolCall] = []
        self._responses: dict[str, Json] = {}
        self._behind: list[Json] = []

    def add(self, message: Message, path: str) -> None:
        """One message of any role."""
        places = [(part, f"{path}.content[{position}]") for position, part in enumerate(message.parts)]
        match message.role:
            case "system":
                self._system += [_instruction(part, place) for part, place in places]
            case "tool":
                for part, place in places:
                    self._answer(part, place)
            case "assistant":
                self._close(between_calls=True)
                self._calls += [part for part in message.parts if isinstance(part, ToolCall)]
                self._put("model", [said for part, place in places for said in _assistant(part, place)])
            case "user":
                self._close()
                self._put("user", [_user(part, place) for part, place in places])

    def finished(self) -> tuple[list[Json], list[Json]]:
        """All of it; calls at the very end wait for whoever sent them."""
        self._close(between_calls=True)
        if self._contents:
            return self._contents, self._system
        return [{"role": "user", "parts": self._system}], []

    def _put(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self._contents and self._contents[-1]["role"] == role:
            self._contents[-1]["parts"] += parts
        else:
            self._contents.append({"role": role, "parts": parts})

    def _answer(self, result: Part, path: str) -> None:
        """Keeps a result until the turn's results are complete; media, and a result without a call, come behind."""
        if not isinstance(result, ToolResult):
            raise _inexpressible(result, path)
        text = "\n".join(piece.text for piece in result.parts if isinstance(piece, Text))
        media = [piece for piece in result.parts if not isinstance(piece, Text)]
        call = next((call for call in self._calls if call.id == result.call_id), None)
        if call is None:
            self._behind.append({"text": f"Result of the tool call {result.call_id}: {text}"})
        else:
            self._responses[call.id] = _response(call, text, is_error=result.is_error)
        if media:
            self._behind.append({"text": f"Media returned by the tool call {result.call_id}:"})
            self._behind += [_user(piece, path) for piece in media]

    def _close(self, *, between_calls: bool = False) -> None:
        """Ends a turn of results; `between_calls` leaves calls alone that nobody has begun to answer."""
        if between_calls and not self._responses and not self._behind:
            return
        unanswered = (_response(call, UNANSWERED, is_error=True) for call in self._calls)
        responses = [self._responses.get(call.id) or lost for call, lost in zip(self._calls, unanswered, strict=True)]
        self._put("user", responses + self._behind)
        self._calls, self._responses, self._behind = [], {}, []


def _instruction(part: Part, path: str) -> Json:
    if not isinstance(part, Text):
        raise _inexpressible(part, path)
    return {"text": part.text}


def _assistant(part: Part, path: str) -> list[Json]:
    match part:
        case Text(text, signature=signature):
            return [_with_signature({"text": text}, signature)] if text or signature else []
        case Thinking(text, signature=signature, signed_by=signed_by):
            own = bool(signature) and signed_by == PROTOCOL
            return [_with_signature({"text": text, "thought": True}, signature)] if own else []
        case RedactedThinking():
            return []
        case Refusal(text):
            return [{"text": text}]
        case ToolCall():
            return [encode_function_call(part)]
        case _:
            return [_user(part, path)]


def _user(part: Part, path: str) -> Json:
    match part:
        case Text(text):
            return {"text": text}
        case Image(source) | Audio(source) | Document(source):
            return _media(part, source, path)
        case Opaque(protocol, json_text) if protocol == PROTOCOL:
            own: Json = orjson.loads(json_text)
            return own
        case _:
            raise _inexpressible(part, path)


def _media(part: Part, source: MediaSource, path: str) -> Json:
    match source:
        case InlineMedia(data, media_type):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case RemoteMedia(url, media_type):
            return {"fileData": _typed(media_type or media_type_of(url)) | {"fileUri": url}}
        case UploadedMedia(file_id) if file_id.startswith(UPLOADS):
            return {"fileData": _typed(media_type_of(file_id)) | {"fileUri": file_id}}
        case UploadedMedia():
            raise _inexpressible(part, path)


def _typed(media_type: str | None) -> Json:
    return {} if media_type is None else {"mimeType": media_type}


def _response(call: ToolCall, text: str, *, is_error: bool) -> Json:
    """https://ai.google.dev/api/caching#FunctionResponse: `output` and `error` are the words that Gemini knows."""
    output = (object_written(text) if text else None) or text
    response = {"error": text} if is_error else {"output": output}
    return {"functionResponse": {"id": call.id, "name": call.name, "response": response}}


def _with_signature(part: Json, signature: str | None) -> Json:
    return part | {"thoughtSignature": signature} if signature else part


def _inexpressible(part: Part, path: str) -> InvalidRequest:
    kind = f"{part.protocol} content" if isinstance(part, Opaque) else type(part).__name__.lower()
    message = f"Invalid '{path}': this {kind} cannot be expressed for this model's provider."
    return InvalidRequest(message, param=path, code="unsupported_content")
