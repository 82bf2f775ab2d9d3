"""Reads inputs of several texts and pictures, in the shapes of all wires that embed them.

A picture is a data: URL, plain base64, an https address, or an uploaded file's id; its content is read later.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.canonical.embeddings import Compound, Input, Shown
from gateway.protocols.shared.document import Node

_NAMED = ("data:", "file-")
_KINDS = ("text", "image_url", "image_base64")
_UNKNOWN = "Unrecognized request argument supplied: {name}"


def joined(parts: Sequence[str | Shown]) -> Input:
    """The input of these parts: a text alone is a text."""
    first = parts[0]
    return first if len(parts) == 1 and isinstance(first, str) else Compound(tuple(parts))


def shown(given: Node) -> Shown:
    """The picture that a string names or holds."""
    value = given.as_string(minimum=1)
    is_named = "://" in value[:16] or value[:5].lower().startswith(_NAMED)
    return Shown(given.path, value if is_named else f"data:;base64,{value}")


def typed_parts(content: Node) -> Input:
    """The input of Cohere's, Voyage's or OpenAI's list of parts, each with its `type`."""
    nodes = content.elements(1)
    parts = [_typed(node) for node in nodes]
    if len(parts) > 1 and all(isinstance(part, str) for part in parts):
        raise nodes[1].error("Several texts are one input only beside a picture.", "unsupported_value")
    return joined(parts)


def _typed(part: Node) -> str | Shown:
    kind = part.required("type").as_one_of(_KINDS)
    given = part.required(kind)
    if kind == "text":
        return given.as_string(minimum=1)
    return shown(given.required("url") if isinstance(given.value, dict) else given)


def object_input(given: Node) -> Input:
    """An element of Jina's list, `{"text"}` or `{"image"}`, or of Voyage's, `{"content": [...]}`."""
    for name, value in given.as_object().items():
        if name not in ("text", "image", "content") and value is not None:
            raise Node(value, given, name).error(_UNKNOWN.format(name=name), "unknown_parameter")
    content = given.member("content")
    if content is not None:
        return typed_parts(content)
    text, image = given.member("text"), given.member("image")
    parts = [] if text is None else [text.as_string(minimum=1)]
    pictures = [] if image is None else [shown(image)]
    if not parts and not pictures:
        return given.required("text").as_string()
    return joined([*parts, *pictures])
