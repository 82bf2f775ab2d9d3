"""A canonical conversation as this wire's contents, for a provider that did not see it in this form.

Mappings, each with a test: instructions go to the system instruction from any place; turns of one role that follow
each other are one content, which opens with the responses to calls (field case F2); media that a tool returned follow
these; a refusal is text; names of participants and documents have no place; cache markers are dropped, since Gemini
finds prefixes by itself; thoughts are sent to the wire that signed them only. The rest of what the wire cannot say is
refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.canonical.arguments import written_object
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
from gateway.framing.json_values import reread
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.decode_contents import UPLOADS, media_type_of
from gateway.protocols.gemini.signatures import UNSIGNED_CALL, is_foreign
from gateway.protocols.shared.inexpressible import inexpressible_part

Json = dict[str, Any]


def encode_contents(messages: Sequence[Message]) -> tuple[list[Json], list[Json]]:
    """The contents, and the parts of the system instruction."""
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
    written = written_object(text)
    return None if written is None else orjson.Fragment(written)


class _Conversation:
    """The contents so far, and the tool that each call so far was of."""

    def __init__(self) -> None:
        self._contents: list[Json] = []
        self._system: list[Json] = []
        self._tools: dict[str, str] = {}

    def add(self, message: Message, path: str) -> None:
        """One message of any role."""
        places = [(part, f"{path}.content[{position}]") for position, part in enumerate(message.parts)]
        match message.role:
            case "system":
                self._system += [_instruction(part, place) for part, place in places]
            case "tool":
                self._put("user", [said for part, place in places for said in self._result(part, place)])
            case "assistant":
                self._tools |= {part.id: part.name for part in message.parts if isinstance(part, ToolCall)}
                self._put("model", [said for part, place in places for said in _assistant(part, place)])
            case "user":
                self._put("user", [_user(part, place) for part, place in places])

    def finished(self) -> tuple[list[Json], list[Json]]:
        """All of it; raises `InvalidRequest` where nothing was said."""
        if not self._contents:
            raise InvalidRequest("This model's provider needs a message beside the instructions.", param="messages")
        for content in self._contents:
            content["parts"].sort(key=_after_responses)
        return self._contents, self._system

    def _put(self, role: str, parts: list[Json]) -> None:
        if not parts:
            return
        if self._contents and self._contents[-1]["role"] == role:
            self._contents[-1]["parts"] += parts
        else:
            self._contents.append({"role": role, "parts": parts})

    def _result(self, result: Part, path: str) -> list[Json]:
        """A response, and the media that came with it, which follow the responses."""
        if not isinstance(result, ToolResult):
            raise inexpressible_part(result, path)
        text = "\n".join(piece.text for piece in result.parts if isinstance(piece, Text))
        name = self._tools.get(result.call_id) or result.name or ""
        media = [_user(piece, path) for piece in result.parts if not isinstance(piece, Text)]
        if media:
            media.insert(0, {"text": f"Media returned by the tool call {result.call_id}:"})
        return [_response(result.call_id, name, text, is_error=result.is_error), *media]


def _after_responses(part: Json) -> bool:
    """The order within a content: what the model said stays as it is."""
    return "functionResponse" not in part


def _instruction(part: Part, path: str) -> Json:
    if not isinstance(part, Text):
        raise inexpressible_part(part, path)
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
            own: Json = reread(json_text)
            return own
        case _:
            raise inexpressible_part(part, path)


def _media(part: Part, source: MediaSource, path: str) -> Json:
    match source:
        case InlineMedia(data, media_type):
            return {"inlineData": {"mimeType": media_type, "data": data}}
        case RemoteMedia(url, media_type):
            return {"fileData": _typed(media_type or media_type_of(url)) | {"fileUri": url}}
        case UploadedMedia(file_id) if file_id.startswith(UPLOADS):
            return {"fileData": _typed(media_type_of(file_id)) | {"fileUri": file_id}}
        case UploadedMedia():
            raise inexpressible_part(part, path)


def _typed(media_type: str | None) -> Json:
    return {} if media_type is None else {"mimeType": media_type}


def _response(call_id: str, name: str, text: str, *, is_error: bool) -> Json:
    """https://ai.google.dev/api/caching#FunctionResponse: `output` and `error` are the words that Gemini knows."""
    output = (object_written(text) if text else None) or text
    response = {"error": text} if is_error else {"output": output}
    return {"functionResponse": {"id": call_id, "name": name, "response": response}}


def _with_signature(part: Json, signature: str | None) -> Json:
    return part | {"thoughtSignature": signature} if signature else part
