"""Renders the mapping templates of API Gateway's integrations: the few expressions that the template uses.

A template is read once. One that writes a form, as those of SQS do, gives its fields without encoding and decoding what
it has url-encoded, which would be most of the work that a message is.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-transformations.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote_plus

_EXPRESSION = re.compile(
    r"\$(?:context\.(?P<context>\w+)(?:\.replace\((?P<old>\"[^\"]*\"), ?(?P<new>\"[^\"]*\")\))?"
    r"|input\.(?P<input>body)"
    r"|util\.(?P<function>\w+)\()"
)
# A value that is the same url-encoded and as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_ENCODES = "urlEncode"
NAMELESS = "a field of a form that has no name of its own"


class UnknownExpression(ValueError):
    """The template uses what is not rendered here; the message has it."""


class Message(NamedTuple):
    """Everything that a mapping template may read: the variables of `$context`, and the message's text."""

    context: Mapping[str, str]
    body: str


Value = Callable[[Message], str]
# Gives what a reader of a form finds in it, or `None` where that depends on what is beside it.
Unencoded = Callable[[Message], str | None]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of a template; `encoded` is the value that it url-encodes, where that is all that it does."""

    value: Value
    encoded: Value | None = None


class Template:
    """One mapping template; raises UnknownExpression."""

    def __init__(self, text: str) -> None:
        self._parts = tuple(_parts(text))

    def render(self, message: Message) -> str:
        """The text for a message."""
        return "".join([part if isinstance(part, str) else part.value(message) for part in self._parts])

    @cached_property
    def _fields(self) -> Mapping[str, Sequence[str | Unencoded]]:
        return {name: [_unencoded(part) for part in parts] for name, parts in _fields(self._parts).items()}

    def form(self, message: Message) -> dict[str, str]:
        """The fields of the form that the template renders for a message."""
        told = {}
        for name, parts in self._fields.items():
            values = [part if isinstance(part, str) else part(message) for part in parts]
            if None in values:
                # What is written without url-encoding may hold another field.
                read = parse_qs(self.render(message), keep_blank_values=True)
                return {name: first for name, (first, *_) in read.items()}
            told[name] = "".join(filter(None, values))
        return told


def _unencoded(part: str | Expression) -> str | Unencoded:
    """Text that a reader of the form finds in a part, or what gives it."""
    if isinstance(part, str):
        return part
    return part.encoded or partial(_plain, part.value)


def _plain(value: Value, message: Message) -> str | None:
    told = value(message)
    return told if _PLAIN.fullmatch(told) else None


def _parts(template: str) -> Iterator[str | Expression]:
    at = 0
    while at < len(template):
        if template[at] == "$":
            expression, at = _expression(template, at)
            yield expression
        else:
            end = template.find("$", at) if "$" in template[at:] else len(template)
            yield template[at:end]
            at = end


def _fields(parts: Sequence[str | Expression]) -> dict[str, list[str | Expression]]:
    """The fields of a form by their names, each with the parts of its value; what stands in the template is decoded."""
    pairs: list[list[str | Expression]] = [[]]
    for part in parts:
        first, *others = part.split("&") if isinstance(part, str) else [part]
        pairs[-1].append(first)
        pairs += [[each] for each in others]
    told: dict[str, list[str | Expression]] = {}
    for head, *rest in pairs:
        if not isinstance(head, str):
            raise UnknownExpression(NAMELESS)
        name, _, begins = head.partition("=")
        if not (name or begins or rest):
            continue
        told[unquote_plus(name)] = [unquote_plus(each) if isinstance(each, str) else each for each in (begins, *rest)]
    return told


def _expression(template: str, at: int) -> tuple[Expression, int]:
    """The expression that begins at a place, and the place behind it."""
    found = _EXPRESSION.match(template, at)
    if found is None:
        raise UnknownExpression(template[at : at + 40])
    if found["input"]:
        return Expression(lambda message: message.body), found.end()
    if name := found["function"]:
        if name not in FUNCTIONS:
            raise UnknownExpression(found[0])
        argument, end = _expression(template, found.end())
        if template[end : end + 1] != ")":
            raise UnknownExpression(template[at : end + 1])
        function, inner = FUNCTIONS[name], argument.value
        return Expression(lambda message: function(inner(message)), inner if name == _ENCODES else None), end + 1
    name, old, new = found["context"], (found["old"] or "")[1:-1], (found["new"] or "")[1:-1]
    if found["old"]:
        return Expression(lambda message: message.context.get(name, "").replace(old, new)), found.end()
    return Expression(lambda message: message.context.get(name, "")), found.end()


def _url_encoded(text: str) -> str:
    return quote(text, safe="")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FUNCTIONS: Mapping[str, Callable[[str], str]] = {_ENCODES: _url_encoded, "base64Encode": _base64}
