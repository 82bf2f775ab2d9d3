"""A provider's JSON is read value by value, and what is not of the awaited type makes the whole answer unreadable.

Null counts as absent, since providers write it for what they leave out; only the document itself must be an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson

from gateway.canonical.json_bounds import REWRITTEN_DEPTH_MAX, ExceedsBounds
from gateway.canonical.usage import TOKENS_MAX, Usage
from gateway.errors import UnreadableAnswer
from gateway.framing import json_values

UNREADABLE = "The provider sent an answer that cannot be read."

# No count of tokens has more.
_DIGITS = r"[0-9]{1,10}"
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
        error.usage = usage(reported)
        raise


def load(data: bytes) -> dict[str, Any]:
    """A provider's JSON object; raises `UnreadableAnswer` on anything else."""
    try:
        value = json_values.loads(json_values.readable(data), REWRITTEN_DEPTH_MAX)
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


def as_count(value: object) -> int | None:
    """A whole number of tokens; `None` for what is no number of tokens, since no bill can rest on it.

    Some services hold every number as a decimal, or write integers as text, as JSON of Protocol Buffers does.
    """
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and re.fullmatch(_DIGITS, value)):
        value = int(value)
    return value if type(value) is int and 0 <= value <= TOKENS_MAX else None


def as_share(value: object) -> int:
    """A count of tokens among others, which are billed in any case: what is no count is none of them."""
    return as_count(value) or 0


def whole_counts(usage: Mapping[str, Any], prompt: str, output: str) -> tuple[int, int] | None:
    """The counts by which an answer is billed, from the members of these names, where null stands for zero.

    `None` where neither is told or one is no count: the answer is then billed as one whose provider reports nothing.
    """
    told = usage.get(prompt), usage.get(output)
    read, written = (0 if value is None else as_count(value) for value in told)
    return None if told == (None, None) or read is None or written is None else (read, written)


def cache_writes(told: object, hour: int, five_minutes: int) -> tuple[int, int]:
    """The tokens written to a cache for five minutes and for an hour, which together are no more than the whole `told`.

    What the lifetimes leave open was written for five minutes; without a whole, they are it.
    """
    whole = as_count(told)
    written = hour + five_minutes if whole is None else whole
    for_an_hour = min(hour, written)
    return written - for_an_hour, for_an_hour


def as_shares(value: object) -> dict[str, Any]:
    """The object that holds such counts, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_logprobs(value: object) -> dict[str, Any] | None:
    """Log probabilities in the shape of the OpenAI chat wire, without what is no token; none where none are told."""
    told = as_shares(value)
    return told | {"content": _scored(told["content"])} if told.get("content") else told or None


def _scored(tokens: object) -> list[dict[str, Any]]:
    listed = [token for token in (tokens if isinstance(tokens, list) else ()) if isinstance(token, dict)]
    scored = [token for token in listed if isinstance(token.get("token"), str)]
    for token in scored:
        if token.get("top_logprobs"):
            token["top_logprobs"] = _scored(token["top_logprobs"])
    return scored


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
