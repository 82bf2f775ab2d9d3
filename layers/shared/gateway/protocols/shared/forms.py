"""Reads a form as the JSON request that it stands for, so that one decoder reads both; its files stand beside it.

SDKs send lists as `image[]` and members of objects as `provider[order][]`, and every value as text. A field that is
known to hold a number or a flag becomes one; a text that is neither stays, and is refused where the value is read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import orjson
from msgspec import Struct

from gateway.errors import InvalidRequest
from gateway.framing.multipart import FormPart, parts_of, refuse_oversized
from gateway.protocols.shared.document import Node

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_FLAGS = {"true": True, "false": False}
# `name`, then the names of members in brackets; empty brackets are an element of a list.
_FIELD = re.compile(r"(?P<name>[^\[\]]{1,100})(?P<inner>(?:\[[^\[\]]{0,100}\]){0,4})")
_INNER = re.compile(r"\[([^\[\]]*)\]")


class Form(Struct, frozen=True):
    """A form's fields as the document `source`, and its files by the names of their fields, each in its order."""

    root: Node
    source: bytes
    files: Mapping[str, tuple[FormPart, ...]]


def read_form(
    content_type: str,
    body: bytes,
    *,
    integers: Collection[str] = (),
    numbers: Collection[str] = (),
    flags: Collection[str] = (),
    lists: Collection[str] = (),
) -> Form:
    """The form; raises `InvalidRequest` at the field that is wrong, and `RequestTooLarge` over the platform's limit.

    `lists` are the fields that may be given several times without brackets too.
    """
    refuse_oversized(body)
    members: dict[str, Any] = {}
    files: dict[str, list[FormPart]] = {}
    for part in parts_of(content_type, body):
        found = _FIELD.fullmatch(part.name)
        if found is None:
            raise InvalidRequest("The field's name cannot be read.", param=part.name[:100], code="invalid_body")
        name, inner = found["name"], _INNER.findall(found["inner"])
        if part.filename is not None:
            files.setdefault(name, []).append(part)
            continue
        if name in lists and not inner:
            inner = [""]
        _set(members, (name, *inner), _value(part, name, integers, numbers, flags), part.name)
    source = orjson.dumps(members)
    return Form(Node(members), source, {name: tuple(found) for name, found in files.items()})


def _value(
    part: FormPart, name: str, integers: Collection[str], numbers: Collection[str], flags: Collection[str]
) -> Any:
    text = part.text
    if name in integers and _INTEGER.fullmatch(text):
        return int(text)
    if name in numbers and _NUMBER.fullmatch(text):
        return orjson.loads(text)
    if name in flags:
        return _FLAGS.get(text.lower(), text)
    return text


def _set(members: dict[str, Any], path: tuple[str, ...], value: object, field: str) -> None:
    """Puts the value at its place; empty names append to a list."""
    holder: Any = members
    for name, following in zip(path, (*path[1:], None), strict=True):
        if following is None:
            _put(holder, name, value, field)
            return
        inner: Any = [] if following == "" else {}
        if name == "" or not isinstance(holder, dict):
            raise _ambiguous(field)
        holder = holder.setdefault(name, inner)
        if type(holder) is not type(inner):
            raise _ambiguous(field)


def _put(holder: Any, name: str, value: object, field: str) -> None:
    if isinstance(holder, list) and name == "":
        holder.append(value)
    elif isinstance(holder, dict) and name and name not in holder:
        holder[name] = value
    else:
        raise _ambiguous(field)


def _ambiguous(field: str) -> InvalidRequest:
    return InvalidRequest("The field is given twice, or in two forms.", param=field[:100], code="duplicate_parameter")
