"""Renders the mapping templates of API Gateway's integrations: the few expressions that the template uses.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-data-transformations.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

_EXPRESSION = re.compile(
    r"\$(?:context\.(?P<context>\w+)(?:\.replace\((?P<old>\"[^\"]*\"), ?(?P<new>\"[^\"]*\")\))?"
    r"|input\.(?P<input>body)"
    r"|util\.(?P<function>\w+)\()"
)


class UnknownExpression(ValueError):
    """The template uses what is not rendered here; the message has it."""


@dataclass(frozen=True, slots=True)
class Message:
    """Everything that a mapping template may read: the variables of `$context`, and the message's text."""

    context: Mapping[str, str]
    body: str


def render(template: str, message: Message) -> str:
    """Renders a template; raises UnknownExpression."""
    rendered, at = "", 0
    while at < len(template):
        if template[at] != "$":
            rendered, at = rendered + template[at], at + 1
            continue
        value, at = _value(template, at, message)
        rendered += value
    return rendered


def _value(template: str, at: int, message: Message) -> tuple[str, int]:
    """The value of the expression that begins at a place, and the place behind it."""
    found = _EXPRESSION.match(template, at)
    if found is None:
        raise UnknownExpression(template[at : at + 40])
    if found["input"]:
        return message.body, found.end()
    if found["function"]:
        if found["function"] not in FUNCTIONS:
            raise UnknownExpression(found[0])
        argument, end = _value(template, found.end(), message)
        if template[end : end + 1] != ")":
            raise UnknownExpression(template[at : end + 1])
        return FUNCTIONS[found["function"]](argument), end + 1
    text = message.context.get(found["context"], "")
    if found["old"]:
        text = text.replace(found["old"][1:-1], found["new"][1:-1])
    return text, found.end()


def _url_encoded(text: str) -> str:
    return quote(text, safe="")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FUNCTIONS: Mapping[str, Callable[[str], str]] = {"urlEncode": _url_encoded, "base64Encode": _base64}
