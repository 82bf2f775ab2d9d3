"""A field of this wire has two spellings, `maxOutputTokens` and `max_output_tokens`, and both are read everywhere.

Proto3 JSON: https://protobuf.dev/programming-guides/json/. The official Python SDK mixes the two in one body. The camel
case one is the name in tables and in what we write; errors name the one that the caller used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache

from gateway.protocols.shared.document import Node

_CAPITAL = re.compile(r"[A-Z]")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


@cache
def snake(name: str) -> str:
    """The spelling with underscores of one of our own names."""
    return _CAPITAL.sub(lambda capital: "_" + capital[0].lower(), name)


def camel(name: str) -> str:
    """The camel case spelling of a name that may be a caller's."""
    return _UNDERSCORE.sub(lambda part: part[1].upper(), name) if "_" in name else name


def member(node: Node, name: str) -> Node | None:
    """The member `name` in either spelling, or `None` where it is absent or null.

    Raises `InvalidRequest` for one in both, of which Google takes the last.
    """
    members, alias = node.as_object(), snake(name)
    if alias == name or alias not in members:
        return node.member(name)
    if name in members:
        raise Node(None, node, alias).error(f"'{alias}' and '{name}' are one member: only one of them can be set.")
    return node.member(alias)


def required(node: Node, name: str) -> Node:
    """The member `name`, which must be there."""
    return member(node, name) or node.required(name)


def others(node: Node, known: Collection[str]) -> Iterator[Node]:
    """The members that are in no spelling among `known`; null ones are left out."""
    for name, value in node.as_object().items():
        if value is not None and name not in known and camel(name) not in known:
            yield Node(value, node, name)


def string(node: Node, name: str) -> str | None:
    """An optional string."""
    found = member(node, name)
    return None if found is None else found.as_string()


def boolean(node: Node, name: str) -> bool | None:
    """An optional boolean."""
    found = member(node, name)
    return None if found is None else found.as_boolean()


def integer(node: Node, name: str, minimum: int, maximum: int) -> int | None:
    """An optional integer; one written as a decimal is as good, since the SDKs type `topK` as a float."""
    found = member(node, name)
    if found is None:
        return None
    if type(found.value) is float and found.value.is_integer():
        found.value = int(found.value)
    return found.as_integer(minimum, maximum)


def number(node: Node, name: str, minimum: float, maximum: float) -> float | None:
    """An optional number."""
    found = member(node, name)
    return None if found is None else found.as_number(minimum, maximum)


def word(node: Node, name: str, options: Collection[str]) -> str | None:
    """An optional enum value, in any case, as Google's own SDKs read it."""
    found = member(node, name)
    if found is None:
        return None
    found.value = found.as_string().upper()
    return found.as_one_of(tuple(options))
