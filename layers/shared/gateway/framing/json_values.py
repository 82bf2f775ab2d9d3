"""Reads JSON without losing a digit: orjson reads integers over 64 bits as floats.

Tool arguments carry such numbers: ids of other systems, amounts in the smallest unit of a token. Their digits are kept
and written unchanged.
"""

from __future__ import annotations

import re
from functools import partial
from hashlib import sha256
from typing import Any

import orjson

from gateway.canonical.json_bounds import DEPTH_MAX, bound_depth, bound_values

# An integer of fewer digits fits 64 bits.
_DIGITS = 19
_BITS_64 = range(-(2**63), 2**64)
_DIGITS_ALONE = bytes(ord("0") if chr(byte).isdecimal() else ord(" ") for byte in range(256))
_LONG = b"0" * _DIGITS
# What few texts need is kept as a pattern, which the first of them compiles, and no cold start.
# Strings are skipped, so that digits in text stay text. A decimal is not an integer.
_TOKEN = rb'"(?:[^"\\]++|\\.)*+"|(?<![\d.eE+-])-?[1-9]\d{18,}+(?![.eE])'
# Where every chunk passes, bytes are looked for by `find`: Python 3.13's `b"..." in data` makes an exception first, and
# the ten of a chunk were a quarter of its instructions.
# A colon after a string, which is then a name.
_NAMES = rb'(?s:"(?:[^"\\]++|\\.)*+"\s*+(:?))'
_SPACED = re.compile(rb'"\s+:')
# An escaped surrogate pair, one half of a pair alone, or any other escape; JSON has backslashes in strings alone.
_ESCAPE = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|(?s:\\.)"


def loads(data: bytes, depth_max: int = DEPTH_MAX) -> Any:
    """The value of JSON text, an integer over 64 bits as an `orjson.Fragment`.

    Raises `orjson.JSONDecodeError` for what is no JSON, and `ExceedsBounds` for too many values or too deep a nesting.
    """
    bound_values(data)
    if data.translate(_DIGITS_ALONE).find(_LONG) < 0:
        value = orjson.loads(data)
        bound_depth(data, value, depth_max)
        return value
    mark = _mark_of(data)
    value = _loads_marked(data, mark)
    bound_depth(data, value, depth_max)
    return _unmarked(value, mark)


def repeats_a_name(data: bytes, value: Any) -> bool:
    """True if an object of the text has a name twice; `value` was read from it, with the last of such members.

    Some parsers take the first, or all of them, so that what one has judged is not what another obeys.
    """
    members, waiting = 0, [value]
    while waiting:
        inner = waiting.pop()
        if type(inner) is dict:
            members += len(inner)
            inner = inner.values()
        waiting += [each for each in inner if type(each) is dict or type(each) is list]
    # Every name ends so. Without escapes only a string that begins with a colon looks alike, and is one too many.
    plain = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    if plain.count(b'":') == members and _SPACED.search(plain) is None:
        return False
    return sum(map(bool, re.findall(_NAMES, data))) != members


def reread(text: bytes | str) -> Any:
    """The value of JSON text that was read before, and was within bounds; integers as `loads` gives them."""
    data = text.encode() if isinstance(text, str) else text
    if data.translate(_DIGITS_ALONE).find(_LONG) < 0:
        return orjson.loads(data)
    mark = _mark_of(data)
    return _unmarked(_loads_marked(data, mark), mark)


def readable(data: bytes) -> bytes:
    """JSON text that every reader accepts: U+FFFD stands for what is no UTF-8, and for half of a surrogate pair.

    The grammar allows such halves (https://www.rfc-editor.org/rfc/rfc8259#section-8.2), which come where a server cuts
    text by UTF-16 units; orjson and most other readers refuse them.
    """
    if not data.isascii():
        data = data.decode("utf-8", "replace").encode()
    if data.find(b"\\u") < 0 or (data.find(b"\\ud") < 0 and data.find(b"\\uD") < 0):
        return data
    return re.sub(_ESCAPE, _whole_character, data)


def _whole_character(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape[1] else escape[0]


def _mark_of(data: bytes) -> str:
    """The mark of the strings that hold long integers' digits meanwhile: no text can contain its own digest."""
    return sha256(data).hexdigest()


def _loads_marked(data: bytes, mark: str) -> Any:
    return orjson.loads(re.sub(_TOKEN, partial(_marked, mark.encode()), data))


def _marked(mark: bytes, token: re.Match[bytes]) -> bytes:
    text = token[0]
    is_short = text.startswith(b'"') or (len(text) <= _DIGITS + 1 and int(text) in _BITS_64)
    return text if is_short else b'"%b%b"' % (mark, text)


def _unmarked(value: Any, mark: str) -> Any:
    """Replaces each marked string by its integer."""
    if isinstance(value, dict):
        return {name: _unmarked(member, mark) for name, member in value.items()}
    if isinstance(value, list):
        return [_unmarked(element, mark) for element in value]
    if isinstance(value, str) and value.startswith(mark):
        return orjson.Fragment(value.removeprefix(mark))
    return value
