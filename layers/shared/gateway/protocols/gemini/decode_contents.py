"""Contents and their parts to canonical form, with what only this wire can say kept apart under its path.

https://ai.google.dev/api/caching#Content. A call and its response find each other by id where both have the same one,
else by name in order, for callers write responses without ids (field case F3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.canonical.media_types import registered
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
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.protocols.gemini.answer import PROTOCOL
from gateway.protocols.gemini.names import boolean, member, others, required, string
from gateway.protocols.gemini.signatures import decode_signature, is_foreign
from gateway.protocols.shared.document import Node
from gateway.protocols.shared.replayed import said_arguments, said_parts

# Where Google keeps files that were uploaded to it; no other provider can read them.
UPLOADS = ("https://generativelanguage.googleapis.com/", "gs://", "files/")

_ROLES = ("user", "model", "function")
# `partMetadata` is the caller's own note, and tells the model nothing.
_BESIDE = frozenset({"thought", "thoughtSignature", "partMetadata"})
# Work of the provider's own tools, and what else only this wire knows a part for.
_OWN = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse", "audioTranscription"})
_MEDIA_BY_EXTENSION: Mapping[str, str] = {
    "gif": "image/gif",
    "heic": "image/heic",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "txt": "text/plain",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
}
_URL_SAFE = str.maketrans("-_", "+/")

Media = Image | Document | Audio


def decode_contents(contents: Node) -> tuple[tuple[Message, ...], dict[str, Any]]:
    """The conversation, and the members of its parts that no other wire is known to express, by their path."""
    reader = _Reader()
    listed = contents.elements(minimum=1)
    messages = [message for place, node in enumerate(listed) for message in reader.content(node, place)]
    return tuple(messages), reader.unmapped


def decode_instruction(root: Node) -> tuple[Message, ...]:
    """The system instruction as the conversation's first message."""
    instruction = member(root, "systemInstruction")
    if instruction is None:
        return ()
    parts = [Text(required(part, "text").as_string()) for part in required(instruction, "parts").elements()]
    return (Message("system", tuple(parts)),) if parts else ()


def media_type_of(url: str) -> str | None:
    """Guesses the media type from a URL's own extension."""
    path = url.partition("?")[0].partition("#")[0]
    return _MEDIA_BY_EXTENSION.get(path.rpartition(".")[2].lower())


class _Reader:
    """One conversation: which calls wait for their responses, and what has no place in canonical form."""

    def __init__(self) -> None:
        self._waiting: list[ToolCall] = []
        self._place = 0
        self._last_role = ""
        self.unmapped: dict[str, Any] = {}

    def content(self, node: Node, place: int) -> list[Message]:
        """One turn, or two where the caller's own words stand beside a function's response."""
        self._place = place
        role = string(node, "role") or "user"
        if role not in _ROLES:
            raise required(node, "role").unsupported(role, _ROLES)
        last_role, self._last_role = self._last_role, role
        if role == "model":
            self._waiting = self._waiting if last_role == "model" else []
            return [Message("assistant", tuple(self._part(part, "model") for part in said_parts(node, "parts")))]
        parts = member(node, "parts")
        listed = [] if parts is None else parts.elements()
        read = [self._part(part, "user") for part in listed]
        results = tuple(part for part in read if isinstance(part, ToolResult))
        said = tuple(part for part in read if not isinstance(part, ToolResult))
        tool_turn = [Message("tool", results)] if results else []
        return tool_turn + ([Message("user", said)] if said or not results else [])

    def _part(self, node: Node, role: str) -> Part:
        kind = next((name for name in _READERS if member(node, name) is not None), None)
        if kind is None:
            return self._own_part(node)
        for extra in others(node, _BESIDE | {kind}):
            self.unmapped[extra.path] = extra.value
        return _READERS[kind](self, node, role)

    def _own_part(self, node: Node) -> Part:
        signature = member(node, "thoughtSignature")
        if not any(member(node, name) is not None for name in _OWN):
            # A signature that came alone at the end of a stream belongs to an empty text.
            text = member(node, "text") if signature is None else Node("", node, "text")
            return Text(required(node, "text").as_string() if text is None else "", signature=_own_signature(node))
        return _as_it_is(node)

    def text(self, node: Node, _: str) -> Part:
        """Reads a text or a thought."""
        text = required(node, "text").as_string()
        if not boolean(node, "thought"):
            return Text(text, signature=_own_signature(node))
        signature = string(node, "thoughtSignature")
        if not signature:
            return Thinking(text)
        kept = decode_signature(signature)
        if kept.redacted:
            return RedactedThinking(kept.text, signed_by=kept.signed_by)
        return Thinking(text, signature=kept.text, signed_by=kept.signed_by)

    def inline(self, node: Node, role: str) -> Part:
        """Bytes in the request; those of a model, which other wires have no place for, stay as they are."""
        if role == "model":
            return _as_it_is(node)
        return _inline(required(node, "inlineData"))

    def file(self, node: Node, _: str) -> Part:
        """Bytes elsewhere; what cannot be told from its address, such as a video's page, stays as it is."""
        return _file(required(node, "fileData")) or _as_it_is(node)

    def call(self, node: Node, _: str) -> Part:
        """A call, with an id from its place where it has none."""
        function = required(node, "functionCall")
        call = ToolCall(
            id=string(function, "id") or f"call_{self._place}_{len(self._waiting)}",
            name=required(function, "name").as_string(minimum=1),
            arguments=said_arguments(function, "args") or "{}",
            signature=_own_signature(node),
        )
        self._waiting.append(call)
        return call

    def response(self, node: Node, _: str) -> Part:
        """Reads a function's answer: its output, its error, or an object of any other form as JSON text."""
        function = required(node, "functionResponse")
        name = required(function, "name").as_string(minimum=1)
        body = member(function, "response")
        value = {} if body is None else body.as_object()
        is_error = value.keys() == {"error"}
        plain = value["error"] if is_error else value["output"] if value.keys() == {"output"} else value
        text = plain if isinstance(plain, str) else _json_text(plain)
        for extra in others(function, {"id", "name", "response", "parts"}):
            self.unmapped[extra.path] = extra.value
        pieces = member(function, "parts")
        media = [] if pieces is None else [self._result_media(piece) for piece in pieces.elements()]
        identity = self._answered(string(function, "id"), name)
        return ToolResult(identity, (Text(text), *media), is_error=is_error, name=name)

    def _result_media(self, node: Node) -> Media:
        for extra in others(node, {"inlineData", "fileData"}):
            self.unmapped[extra.path] = extra.value
        inline = member(node, "inlineData")
        if inline is not None:
            return _inline(inline)
        holder = required(node, "fileData")
        media = _file(holder)
        if media is None:
            raise required(holder, "mimeType").error("A file in a function's response needs its media type.")
        return media

    def _answered(self, identity: str | None, name: str) -> str:
        """The id of the call that is answered: the same id, else the first of that name, else the response's own."""
        by_id = [call for call in self._waiting if call.id == identity]
        by_name = [call for call in self._waiting if call.name == name]
        found = next(iter(by_id or by_name), None)
        if found is None:
            return identity or f"call_{self._place}_{name}"
        self._waiting.remove(found)
        return found.id


_READERS: Mapping[str, Callable[[_Reader, Node, str], Part]] = {
    "functionCall": _Reader.call,
    "functionResponse": _Reader.response,
    "inlineData": _Reader.inline,
    "fileData": _Reader.file,
    "text": _Reader.text,
}


def _as_it_is(node: Node) -> Opaque:
    return Opaque(PROTOCOL, _json_text(node.value))


def _json_text(value: object) -> str:
    return orjson.dumps(value).decode()


def _own_signature(node: Node) -> str | None:
    """Gemini's signature on what was said or called; another wire's is only ever on a thought."""
    signature = string(node, "thoughtSignature")
    return None if not signature or is_foreign(signature) else signature


def _inline(blob: Node) -> Media:
    """Base64 of the standard alphabet, which other wires insist on; the Python SDK writes the URL-safe one."""
    media_type = required(blob, "mimeType").as_string(minimum=1)
    data = required(blob, "data").as_string()
    if "-" in data or "_" in data:
        data = data.translate(_URL_SAFE)
    return _media(InlineMedia(data + "=" * (-len(data) % 4), media_type), media_type, string(blob, "displayName"))


def _file(file: Node) -> Media | None:
    url = required(file, "fileUri").as_string(minimum=1)
    media_type = string(file, "mimeType") or media_type_of(url)
    if media_type is None:
        return None
    source: MediaSource = UploadedMedia(url) if url.startswith(UPLOADS) else RemoteMedia(url, media_type)
    return _media(source, media_type, string(file, "displayName"))


def _media(source: MediaSource, written: str, name: str | None) -> Media:
    media_type = registered(written)
    if media_type.startswith("image/"):
        return Image(source)
    if media_type.startswith(("audio/", "video/")):
        return Audio(source)
    return Document(source, name=name)
