"""Converts one vector between its two forms: a JSON array of numbers, and base64 of little-endian float32.

A vector that is in the wanted form already keeps its bytes.
"""

from __future__ import annotations

import sys
from array import array
from binascii import Error, a2b_base64, b2a_base64

import orjson

from gateway.canonical.embeddings import BASE64, FLOAT, Vector
from gateway.errors import UnreadableAnswer

_FORMS = {ord("["): FLOAT, ord('"'): BASE64}
_SWAPPED = sys.byteorder == "big"


def in_form(vector: Vector, form: str) -> Vector:
    """The vector in one of the two forms; raises `UnreadableAnswer` for what is no vector."""
    text = memoryview(vector)
    found = _FORMS.get(text[0]) if text.nbytes else None
    if found is None:
        raise UnreadableAnswer("a vector is neither an array nor a string")
    if found == form:
        return vector
    return _to_base64(text) if form == BASE64 else _to_numbers(text)


def _to_base64(text: memoryview) -> bytes:
    try:
        numbers = array("f", orjson.loads(text))
    except (TypeError, OverflowError, orjson.JSONDecodeError):
        raise UnreadableAnswer("a vector does not hold 32-bit numbers alone") from None
    if _SWAPPED:
        numbers.byteswap()
    return b'"' + b2a_base64(numbers.tobytes(), newline=False) + b'"'


def _to_numbers(text: memoryview) -> bytes:
    numbers = array("f")
    try:
        numbers.frombytes(a2b_base64(text[1:-1], strict_mode=True))
    except (Error, ValueError):
        raise UnreadableAnswer("a vector is not base64 of 32-bit numbers") from None
    if _SWAPPED:
        numbers.byteswap()
    return orjson.dumps(numbers.tolist())
