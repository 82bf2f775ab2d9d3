"""Edits members of a JSON object and elements of a JSON array; every other byte is unchanged.

The scan trusts that a parser has accepted the bytes as JSON, and only finds where members begin and end.
Strings are skipped with a byte search, which costs what a memory scan costs (a fiftieth of an expression's steps); the
many short strings are skipped by one expression. RFC 8259 leaves duplicate names open. Here, as in the parsers on both
sides, the last one counts, and an edit removes the others.

Text without blanks between members and elements, as most is sent, need not be scanned: msgspec reads and writes it
with the text of each value as it stands, for a tenth of the instructions. Where it would not write what it has read
(there are blanks, a name twice, escapes in a name), and where a body is large, the scan finds the places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, TypeVar

import msgspec
import orjson

# A member up to its value, and the value itself where it is a scalar or a short plain string.
_MEMBER = re.compile(
    rb"[ \t\r\n]*+"
    rb'"((?:[^"\\]|\\.)*+)"[ \t\r\n]*+:[ \t\r\n]*+'
    rb'("[^"\\]{0,48}+"|[^"{\[,}\s]++)?+'
)
# An element up to its value, and the value itself where it is a scalar or a short plain string.
_ELEMENT = re.compile(rb'[ \t\r\n]*+("[^"\\]{0,48}+"|[^"{\[,\]\s]++)?+')
_SPACE = re.compile(rb"[ \t\r\n]*+")
# Inside a nested value: everything except brackets and strings that are long or have escapes.
_PLAIN = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]{0,48}+")*+')
# A string from its opening quote on.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"')

_QUOTE, _BACKSLASH, _COMMA = b'"\\,'
_OPENING = frozenset(b"{[")
_SEPARATORS = frozenset(b",}")
_CLOSING_BRACKET = b"]"[0]
_NOTHING: Mapping[str, bytes] = {}

_NULL = msgspec.Raw(b"null")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_WRITER = msgspec.json.Encoder()
# In a larger body strings are long, and the byte search of the scan skips them faster.
_COMPACT_BYTES_MAX = 64 * 1024


T = TypeVar("T")


class Member(NamedTuple):
    """The position of one member: its name at `start`, its value from `value_start` to `value_end`, the next separator
    at `end`.
    """

    name: str
    start: int
    value_start: int
    value_end: int
    end: int


class ObjectText:
    """The text of one object, read once for all that is looked up and edited in it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._values = _compact(_MEMBERS, body)
        self._found = scan(body) if self._values is None else []
        self._last = {member.name: member for member in self._found}

    def get(self, name: str) -> bytes:
        """The bytes of a top-level value, the last of duplicates; `null` where there is none."""
        if self._values is not None:
            return bytes(self._values.get(name, _NULL))
        member = self._last.get(name)
        return b"null" if member is None else self.body[member.value_start : member.value_end]

    def edited(self, put: Mapping[str, bytes] = _NOTHING, remove: Collection[str] = ()) -> bytes:
        """Replaces the members of `put` in place, or adds them at the end, and removes those of `remove`.

        The values of `put` are JSON.
        """
        if self._values is not None:
            kept_values = {name: value for name, value in self._values.items() if name in put or name not in remove}
            return _WRITER.encode(kept_values | {name: msgspec.Raw(value) for name, value in put.items()})
        body, found, last = self.body, self._found, self._last
        kept: list[bytes] = []
        for member in found:
            name, start, value_start, value_end, end = member
            if name in put:
                if member is last[name]:
                    kept.append(body[start:value_start] + put[name] + body[value_end:end])
            elif name not in remove:
                kept.append(body[start:end])
        kept += [orjson.dumps(name) + b":" + value for name, value in put.items() if name not in last]
        opening = body.index(b"{") + 1
        close = found[-1].end if found else body.rindex(b"}")
        return body[:opening] + b",".join(kept) + body[close:]


def members(body: bytes) -> dict[str, bytes]:
    """The bytes of each top-level value by its name; the last of duplicates."""
    return {member.name: body[member.value_start : member.value_end] for member in scan(body)}


def edit(body: bytes, put: Mapping[str, bytes] = _NOTHING, remove: Collection[str] = ()) -> bytes:
    """The object with members replaced, added and removed, as `ObjectText.edited` does it."""
    return ObjectText(body).edited(put, remove)


def edit_objects(array: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Replaces each object in an array by what `change` makes of it; a value that is no array is unchanged."""
    values = _compact(_ELEMENTS, array) if array.startswith(b"[") else None
    if values is not None:
        elements = map(bytes, values)
        return _WRITER.encode([msgspec.Raw(change(each) if each.startswith(b"{") else each) for each in elements])
    kept: list[bytes] = []
    done = 0
    for start, end in _elements(array) if array.startswith(b"[") else ():
        element = array[start:end]
        kept += [array[done:start], change(element) if element.startswith(b"{") else element]
        done = end
    return b"".join(kept) + array[done:]


def _compact(reader: msgspec.json.Decoder[T], text: bytes) -> T | None:
    """The values of text in which nothing but their own bytes, their names and separators stands; else `None`."""
    if len(text) > _COMPACT_BYTES_MAX:
        return None
    try:
        values = reader.decode(text)
    except msgspec.DecodeError:
        # Half of a pair of surrogates, which a provider may send.
        return None
    return values if _WRITER.encode(values) == text else None


def _elements(array: bytes) -> list[tuple[int, int]]:
    """The start and the end of each value, in order."""
    found: list[tuple[int, int]] = []
    position = array.index(b"[")
    while (head := _ELEMENT.match(array, position + 1)) is not None:
        start, end = head.span(1)
        if end < 0:
            start = head.end()
            if array[start] == _CLOSING_BRACKET:
                break
            end = _value_end(array, start)
        found.append((start, end))
        position = _after_space(array, end)
        if array[position] != _COMMA:
            break
    return found


def scan(body: bytes) -> list[Member]:
    """The members in order; `position` is that of the separator before each."""
    found: list[Member] = []
    position = body.index(b"{")
    while (head := _MEMBER.match(body, position + 1)) is not None:
        raw_name = head[1]
        name = _unescaped(raw_name) if raw_name.find(b"\\") >= 0 else raw_name.decode()
        value_start, value_end = head.span(2)
        if value_end < 0:
            value_start = head.end()
            value_end = _value_end(body, value_start)
        end = value_end if body[value_end] in _SEPARATORS else _after_space(body, value_end)
        found.append(Member(name, position + 1, value_start, value_end, end))
        if body[end] != _COMMA:
            break
        position = end
    return found


def _unescaped(raw_name: bytes) -> str:
    name: str = orjson.loads(b'"' + raw_name + b'"')
    return name


def _after_space(body: bytes, position: int) -> int:
    space = _SPACE.match(body, position)
    return position if space is None else space.end()


def _value_end(body: bytes, start: int) -> int:
    return _string_end(body, start) if body[start] == _QUOTE else _nested_end(body, start)


def _string_end(body: bytes, start: int) -> int:
    """The position after the closing quote. Where a backslash precedes the next quote, an expression tells which."""
    end = body.index(b'"', start + 1) + 1
    if body[end - 2] != _BACKSLASH:
        return end
    string = _STRING.match(body, start)
    return end if string is None else string.end()


def _nested_end(body: bytes, start: int) -> int:
    """The position after the bracket that closes the one at `start`."""
    depth = 0
    position = start
    while True:
        plain = _PLAIN.match(body, position)
        position = position if plain is None else plain.end()
        byte = body[position]
        if byte == _QUOTE:
            position = _string_end(body, position)
            continue
        position += 1
        depth += 1 if byte in _OPENING else -1
        if depth == 0:
            return position
