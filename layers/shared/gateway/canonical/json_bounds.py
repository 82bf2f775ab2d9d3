"""Bounds JSON text by what its values take in memory, before and after it is read. Pure."""

from __future__ import annotations

import orjson

# As deep as orjson writes.
DEPTH_MAX = 254
# What is written again in other words stands below some more levels there.
REWRITTEN_DEPTH_MAX = 240
# An empty array takes 60 bytes of memory and two of text, a small object 470 with what is made of it, so that it counts
# as three values. Histories and schemas of 5 MB have some 50,000 values.
VALUES_MAX = 1_000_000
_FURTHER_VALUES_OF_AN_OBJECT = 2
_PIECE_BYTES = 64 * 1024


class ExceedsBounds(ValueError):
    """The text would take too much memory, or could not be written again. The message names the bound."""


def bound_values(data: bytes) -> None:
    """Raises `ExceedsBounds` if the text holds more values than `VALUES_MAX`; what is no JSON may pass.

    The text is looked at closely only where its commas and brackets, those in strings included, exceed the bound.
    """
    if len(data) <= VALUES_MAX or _values(data) < VALUES_MAX:
        return
    # Without escapes every quote starts or ends a string.
    quoted = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    values, in_string = 0, False
    for start in range(0, len(quoted), _PIECE_BYTES):
        pieces = quoted[start : start + _PIECE_BYTES].split(b'"')
        values += _values(b"".join(pieces[in_string::2]))
        in_string ^= len(pieces) % 2 == 0
        if values >= VALUES_MAX:
            raise ExceedsBounds(f"holds more than {VALUES_MAX} values, of which an object counts as three")


def bound_depth(data: bytes, value: object, depth_max: int = DEPTH_MAX) -> None:
    """Raises `ExceedsBounds` if `value`, read from this text, nests deeper than so many arrays and objects."""
    if len(data) <= 2 * depth_max or data.count(b"[") + data.count(b"{") <= depth_max:
        return
    for _ in range(DEPTH_MAX - depth_max):
        value = [value]
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        raise ExceedsBounds(f"nests deeper than {depth_max} levels") from None


def _values(data: bytes) -> int:
    """Counts values by what begins or separates them, an object as several."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") * (1 + _FURTHER_VALUES_OF_AN_OBJECT)
