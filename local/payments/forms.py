"""Reads Stripe's form bodies: `line_items[0][price_data][currency]=usd` is a member of nested objects and lists."""

import re
from typing import Any
from urllib.parse import parse_qsl

_PART = re.compile(r"\[([^\[\]]*)\]")


def members(body: bytes) -> dict[str, Any]:
    """The members of a form; every value is a text."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        path = [name.partition("[")[0], *_PART.findall(name)]
        place = found
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return found
