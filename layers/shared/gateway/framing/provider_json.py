"""A provider's JSON is read value by value, and what is not of the awaited type makes the whole answer unreadable.

Null counts as absent, since providers write it for what they leave out; only the document itself must be an object.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import UpstreamError

UNREADABLE = "The provider sent an answer that cannot be read."


def load(data: bytes) -> dict[str, Any]:
    """A provider's JSON object; raises `UpstreamError` on anything else."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UpstreamError(UNREADABLE) from None
    if not isinstance(value, dict):
        raise UpstreamError(UNREADABLE)
    return value


def as_object(value: object) -> dict[str, Any]:
    """An object, where null stands for an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UpstreamError(UNREADABLE)
    return value


def as_array(value: object) -> list[Any]:
    """An array, where null stands for an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise UpstreamError(UNREADABLE)
    return value


def as_objects(value: object) -> list[dict[str, Any]]:
    """An array of objects, where null stands for an empty one."""
    return [as_object(element) for element in as_array(value)]


def as_text(value: object) -> str:
    """A string, where null stands for an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UpstreamError(UNREADABLE)
    return value


def as_count(value: object) -> int:
    """A count that a bill can rest on, where null stands for zero: all but a whole number of tokens is garbage."""
    return 0 if value is None else as_position(value)


def as_position(value: object) -> int:
    """A place in an array, which the provider must tell."""
    if type(value) is not int or value < 0:
        raise UpstreamError(UNREADABLE)
    return value


def as_index(value: object, otherwise: int) -> int:
    """A place in an array, where providers may leave it out."""
    return value if type(value) is int and value >= 0 else otherwise


def created_s(value: object) -> int | None:
    """The time of creation in epoch seconds; some providers send it as a decimal, or 0 for none."""
    return int(value) or None if isinstance(value, int | float) else None


def dumped(value: object) -> str:
    """JSON text of something that stays as it came; more than 254 levels deep is no answer."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        raise UpstreamError(UNREADABLE) from None
