"""A provider's JSON is read value by value, and what is not of the awaited type makes the whole answer unreadable.

Null counts as absent, since providers write it for what they leave out; only the document itself must be an object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from gateway.canonical.json_bounds import REWRITTEN_DEPTH_MAX, ExceedsBounds
from gateway.canonical.usage import Usage
from gateway.errors import UnreadableAnswer
from gateway.framing import json_values

UNREADABLE = "The provider sent an answer that cannot be read."

_KINDS: dict[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "nothing",
}


def unreadable(expected: str, found: object) -> UnreadableAnswer:
    """Describes the fault of an answer, without any of its text."""
    return UnreadableAnswer(f"{expected} was expected where {_KINDS.get(type(found), 'something else')} stands")


@contextmanager
def counting(usage: Callable[[object], Usage | None], reported: object) -> Iterator[None]:
    """Adds to an answer that cannot be read the tokens that it reports, which its provider bills."""
    try:
        yield
    except UnreadableAnswer as error:
        try:
            error.usage = usage(reported)
        except UnreadableAnswer:
            error.usage = None
        raise


def load(data: bytes) -> dict[str, Any]:
    """A provider's JSON object; raises `UnreadableAnswer` on anything else."""
    try:
        value = json_values.loads(data, REWRITTEN_DEPTH_MAX)
    except orjson.JSONDecodeError:
        raise UnreadableAnswer("it is not JSON") from None
    except ExceedsBounds as exceeded:
        raise UnreadableAnswer(f"it {exceeded}") from None
    if not isinstance(value, dict):
        raise unreadable("an object", value)
    return value


def as_object(value: object) -> dict[str, Any]:
    """An object, where null stands for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unreadable("an object", value)
    return value


def as_array(value: object) -> list[Any]:
    """An array, where null stands for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise unreadable("an array", value)
    return value


def as_objects(value: object) -> list[dict[str, Any]]:
    """An array of objects, where null stands for an empty one."""
    return [as_object(element) for element in as_array(value)]


def as_parts(value: object, **text: str) -> list[dict[str, Any]]:
    """Content: an array of parts, where one may stand alone, and a string for a text.

    `text` are the members of a text's part beside `text` itself.
    """
    listed = [value] if isinstance(value, str | dict) else as_array(value)
    return [{**text, "text": part} if isinstance(part, str) else as_object(part) for part in listed]


def as_text(value: object) -> str:
    """A string, where null stands for an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise unreadable("a string", value)
    return value


def as_word(value: object) -> str:
    """A name, an id or a reason; what is no string says nothing that could be acted upon."""
    return value if isinstance(value, str) else ""


def as_arguments(value: object) -> str:
    """A call's arguments as JSON text: written as text, as the JSON value itself, or not at all."""
    if value is None:
        return ""
    return value if isinstance(value, str) else dumped(value)


def as_count(value: object) -> int:
    """A count that a bill can rest on, where null stands for zero: all but a whole number of tokens is garbage."""
    if isinstance(value, float) and value.is_integer():
        # Some services hold every number as a decimal.
        value = int(value)
    return 0 if value is None else as_position(value)


def as_share(value: object) -> int:
    """A count of tokens among others, which are billed in any case: what is no count is none of them."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return max(value, 0) if type(value) is int else 0


def as_shares(value: object) -> dict[str, Any]:
    """The object that holds such counts, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_position(value: object) -> int:
    """A place in an array, which the provider must tell."""
    if type(value) is not int or value < 0:
        raise unreadable("a whole number", value)
    return value


def as_index(value: object, otherwise: int) -> int:
    """A place in an array, where providers may leave it out."""
    return value if type(value) is int and value >= 0 else otherwise


def created_s(value: object) -> int | None:
    """The time of creation in epoch seconds; some providers send it as a decimal, or 0 for none."""
    return int(value) or None if isinstance(value, int | float) else None


def dumped(value: object) -> str:
    """JSON text of something that stays as it came."""
    return orjson.dumps(value).decode()
