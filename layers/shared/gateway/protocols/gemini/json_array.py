"""A JSON array of objects: bytes in, whole objects out, the same objects however the bytes are cut.

What `streamGenerateContent` answers where `alt=sse` was not asked for. Only braces and strings are looked at; whether
an object is JSON is for its reader to say. A byte that cannot stand between objects is handed out as one, with all that
follows it, so that garbage is found in its place.
"""

from __future__ import annotations

import re

from gateway.errors import UpstreamError
from gateway.framing.json_values import readable
from gateway.framing.sse import FRAME_BYTES_MAX

_BETWEEN = re.compile(rb"[ \t\r\n,\[\]]*+")
_PLAIN = re.compile(rb'[^"{}]*+')
_QUOTED = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)

_QUOTE, _OPENING = b'"{'


class JsonArrayDecoder:
    """An incremental reader of one array."""

    def __init__(self) -> None:
        self._buffer = b""
        self._at = 0
        self._depth = 0
        self._is_quoted = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that `data` completes; raises `UpstreamError` on one over 16 MB."""
        self._buffer += data
        objects: list[bytes] = []
        while self._advance(objects):
            pass
        if len(self._buffer) > FRAME_BYTES_MAX:
            raise UpstreamError("The provider sent a stream event that is too large.")
        return objects

    def flush(self) -> list[bytes]:
        """An object that never ended."""
        return [self._buffer] if self._depth else []

    def _advance(self, objects: list[bytes]) -> bool:
        """One step through the buffer; whether there is more to read in it."""
        if not self._depth:
            return self._begin(objects)
        pattern = _QUOTED if self._is_quoted else _PLAIN
        plain = pattern.match(self._buffer, self._at)
        self._at = self._at if plain is None else plain.end()
        if self._at >= len(self._buffer) or (self._is_quoted and self._buffer[self._at] != _QUOTE):
            return False
        byte = self._buffer[self._at]
        self._at += 1
        if byte == _QUOTE:
            self._is_quoted = not self._is_quoted
            return True
        self._depth += 1 if byte == _OPENING else -1
        if not self._depth:
            objects.append(readable(self._buffer[: self._at]))
            self._buffer, self._at = self._buffer[self._at :], 0
        return True

    def _begin(self, objects: list[bytes]) -> bool:
        """Drops what stands between objects, up to the next one."""
        between = _BETWEEN.match(self._buffer)
        self._buffer = self._buffer if between is None else self._buffer[between.end() :]
        if not self._buffer:
            return False
        if self._buffer[0] != _OPENING:
            objects.append(self._buffer)
            self._buffer = b""
            return False
        self._depth, self._at = 1, 1
        return True
