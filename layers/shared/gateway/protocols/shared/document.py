"""Reads a JSON request value by value. A wrong value is a 400 that names the JSON path.

Paths are written as OpenAI writes them, `messages[0].content[1].image_url.url`, and built only when something
failed. A member that is `null` counts as absent, as it does for OpenAI's optional parameters. Numbers that
are money are read from the document's own text, because a float has already lost them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from gateway.canonical.json_bounds import ExceedsBounds
from gateway.errors import InvalidRequest
from gateway.framing import json_edit, json_values

_KINDS: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
    orjson.Fragment: "an integer of more than 64 bits",
}
_ECHO_CHARACTERS_MAX = 80


class Node:
    """One value of the document, and where it stands. `key` is a member's name or an element's position."""

    __slots__ = ("_key", "_parent", "value")

    value: Any

    def __init__(self, value: object, parent: Node | None = None, key: str | int = "") -> None:
        self.value = value
        self._parent = parent
        self._key = key

    @property
    def path(self) -> str:
        """The JSON path; empty for the document itself."""
        if self._parent is None:
            return ""
        outer = self._parent.path
        if isinstance(self._key, int):
            return f"{outer}[{self._key}]"
        return f"{outer}.{self._key}" if outer else self._key

    def instead(self, value: object) -> Node:
        """Another value in this one's place."""
        return Node(value, self._parent, self._key)

    def error(self, message: str, code: str | None = "invalid_value") -> InvalidRequest:
        """A refusal of this value."""
        return InvalidRequest(message, param=self.path or None, code=code)

    def wrong_type(self, expected: str) -> InvalidRequest:
        """A refusal of this value's JSON type."""
        subject = f"'{self.path}'" if self._parent else "the request body"
        found = _KINDS[type(self.value)]
        return self.error(f"Invalid type for {subject}: expected {expected}, but got {found} instead.", "invalid_type")

    def member(self, name: str) -> Node | None:
        """The member `name` of this object, or `None` where it is absent or null."""
        value = self.value
        # Asked for some fifty members of each request: `as_object` only says what is wrong.
        found = value.get(name) if type(value) is dict else self.as_object()
        return None if found is None else Node(found, self, name)

    def required(self, name: str) -> Node:
        """The member `name` of this object, which must be there."""
        found = self.member(name)
        if found is None:
            missing = Node(None, self, name)
            raise missing.error(f"Missing required parameter: '{missing.path}'.", "missing_required_parameter")
        return found

    def elements(self, minimum: int = 0, maximum: int | None = None) -> list[Node]:
        """The elements of this array, whose number may be bounded."""
        if type(self.value) is not list:
            raise self.wrong_type("an array")
        self._bound_length("array", "an array", minimum, maximum)
        return [Node(value, self, position) for position, value in enumerate(self.value)]

    def as_object(self) -> dict[str, Any]:
        """The value, which must be an object."""
        if type(self.value) is not dict:
            raise self.wrong_type("an object")
        return self.value

    def as_string(self, minimum: int = 0, maximum: int | None = None) -> str:
        """The value, which must be a string of a bounded length."""
        if type(self.value) is not str:
            raise self.wrong_type("a string")
        self._bound_length("string", "a string", minimum, maximum)
        return self.value

    def as_boolean(self) -> bool:
        """The value, which must be true or false."""
        if type(self.value) is not bool:
            raise self.wrong_type("a boolean")
        return self.value

    def as_integer(self, minimum: int, maximum: int) -> int:
        """The value, which must be an integer within the bounds; a boolean is none, nor is 1.0."""
        if type(self.value) is not int:
            raise self.wrong_type("an integer")
        self._bound("integer", self.value, minimum, maximum)
        return self.value

    def as_number(self, minimum: float, maximum: float) -> float:
        """The value, which must be a number within the bounds."""
        if type(self.value) not in (int, float):
            raise self.wrong_type("a decimal")
        self._bound("decimal", self.value, minimum, maximum)
        return float(self.value)

    def as_decimal(self, text: bytes, maximum: int) -> Decimal:
        """The value, an amount from 0 to `maximum`, as the number or string that `text` spells in the
        document.
        """
        if type(self.value) not in (int, float, str):
            raise self.wrong_type("a decimal")
        try:
            amount = Decimal(text.decode().strip('"'))
        except InvalidOperation:
            raise self.wrong_type("a decimal") from None
        if not amount.is_finite():
            raise self.wrong_type("a decimal")
        self._bound("decimal", amount, 0, maximum)
        return amount

    def as_one_of(self, options: Sequence[str]) -> str:
        """The value, which must be one of the words."""
        word = self.as_string()
        if word not in options:
            raise self.unsupported(word, options)
        return word

    def unsupported(self, word: str, options: Sequence[str]) -> InvalidRequest:
        """A refusal of `word`, with the words that would do."""
        known = ", ".join(f"'{option}'" for option in options)
        return self.error(f"Invalid value: '{word[:_ECHO_CHARACTERS_MAX]}'. Supported values are: {known}.")

    def _bound(self, kind: str, value: float | Decimal, minimum: float, maximum: float) -> None:
        if minimum <= value <= maximum:
            return
        is_above = value > maximum
        word, edge, rule = ("above", "max", f"<= {maximum}") if is_above else ("below", "min", f">= {minimum}")
        found = str(value)[:_ECHO_CHARACTERS_MAX]
        message = f"Invalid '{self.path}': {kind} {word} {edge}imum value. Expected a value {rule}, but got {found}."
        raise self.error(message, f"{kind}_{word}_{edge}_value")

    def _bound_length(self, kind: str, noun: str, minimum: int, maximum: int | None) -> None:
        length = len(self.value)
        if length < minimum:
            word, rule, code = "short", f"minimum length {minimum}", f"{kind}_below_min_length"
        elif maximum is not None and length > maximum:
            word, rule, code = "long", f"maximum length {maximum}", f"{kind}_above_max_length"
        else:
            return
        state, got = f"{kind} too {word}", f"{noun} with length {length}"
        if length == 0:
            state, got, code = f"empty {kind}", f"an empty {kind}", f"empty_{kind}"
        message = f"Invalid '{self.path}': {state}. Expected {noun} with {rule}, but got {got} instead."
        raise self.error(message, code)


def parse(body: bytes) -> Node:
    """The document of a request body; raises `InvalidRequest` unless it is one JSON object (RFC 8259).

    An integer of more than 64 bits stays its digits, and is written so where it is passed on. The parser refuses NaN,
    lone surrogates and invalid UTF-8.
    """
    try:
        value = json_values.loads(body)
    except ExceedsBounds as exceeded:
        raise InvalidRequest(f"The request body {exceeded}.", code="invalid_json") from None
    except orjson.JSONDecodeError as bad:
        where = f"line {bad.lineno}, column {bad.colno} (character {bad.pos})"
        raise InvalidRequest(
            f"The request body is not valid JSON: {bad.msg} at {where}.", code="invalid_json"
        ) from None
    document = Node(value)
    document.as_object()
    if json_values.repeats_a_name(body, value):
        raise _repeated(body)
    return document


def _repeated(body: bytes) -> InvalidRequest:
    names = Counter(member.name for member in json_edit.scan(body))
    name, count = names.most_common(1)[0]
    if count > 1:
        return InvalidRequest(f"'{name}' is given twice.", param=name, code="duplicate_parameter")
    return InvalidRequest("An object of the request body has a member twice.", code="duplicate_parameter")


def amounts(source: bytes, node: Node, names: Sequence[str], maximum: int) -> dict[str, Decimal]:
    """The members of `node` that are amounts of money, exactly as written.

    `node` stands in `source`, the document's bytes, below objects alone. Absent and null members are left out.
    """
    texts = json_edit.members(source)
    for name in node.path.split("."):
        texts = json_edit.members(texts[name])
    present = [(name, node.member(name)) for name in names]
    return {name: member.as_decimal(texts[name], maximum) for name, member in present if member is not None}


def string_in(node: Node, name: str) -> str | None:
    """The object's member of that name as a string, or nothing where it is missing or null."""
    member = node.member(name)
    return None if member is None else member.as_string()


def boolean_in(node: Node, name: str) -> bool | None:
    """Reads an optional boolean member."""
    member = node.member(name)
    return None if member is None else member.as_boolean()


def integer_in(node: Node, name: str, minimum: int, maximum: int) -> int | None:
    """Reads an optional integer member within the bounds."""
    member = node.member(name)
    return None if member is None else member.as_integer(minimum, maximum)


def number_in(node: Node, name: str, minimum: float, maximum: float) -> float | None:
    """Reads an optional number member within the bounds."""
    member = node.member(name)
    return None if member is None else member.as_number(minimum, maximum)
