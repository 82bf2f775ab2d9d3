"""Reads what a model said, as callers send it back: in every spelling in which an answer is read and forwarded.

Providers of one wire spell content and arguments differently, and the answer goes on as it came. The next turn of the
conversation holds it, so that these readers take what `provider_json.as_parts` and `as_arguments` take.
"""

from __future__ import annotations

from gateway.protocols.shared.document import Node
from gateway.protocols.shared.provider_json import dumped

_CONTENT = "one of a string or array of objects"


def said_parts(node: Node, name: str, **text: str) -> list[Node]:
    """The parts of the content `name`: an array, where one may stand alone, a string for a text, or nothing.

    `text` are the members of a text's part beside `text` itself. Empty parts are left out.
    """
    content = node.member(name)
    if content is None:
        return []
    match content.value:
        case str() | dict():
            listed = [content]
        case list():
            listed = content.elements()
        case _:
            raise content.wrong_type(_CONTENT)
    return [_part(part, text) for part in listed if part.value not in ({}, None)]


def _part(part: Node, text: dict[str, str]) -> Node:
    return part.instead({**text, "text": part.value}) if isinstance(part.value, str) else part


def said_arguments(node: Node, name: str) -> str:
    """A call's arguments as JSON text: written as text, as the JSON value itself, or not at all."""
    arguments = node.member(name)
    match None if arguments is None else arguments.value:
        case None:
            return ""
        case str() as written:
            return written
        case dict() | list() as value:
            return dumped(value)
        case _:
            raise node.required(name).wrong_type("one of a string or an object")
