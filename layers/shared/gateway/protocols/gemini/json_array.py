"""A JSON array of objects: bytes in, whole objects out, the same objects however the bytes are cut.

What `streamGenerateContent` answers where `alt=sse` was not asked for. Only braces and strings are looked at; whether
an object is JSON is for its reader to say. A byte that cannot stand between objects is handed out as one, with all that
follows it, so that garbage is found in its place. Each byte is looked at as it comes, and joined to its object once.
"""

from __future__ import annotations

import re

from gateway.errors import UpstreamError
from gateway.framing.json_values import readable
from gateway.framing.sse import FRAME_BYTES_MAX

_BETWEEN = re.compile(rb"[ \t\r\n,\[\]]*+")
# All up to the next brace, whole strings included, or up to a string that has not ended.
_PLAIN = re.compile(rb'(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_QUOTED = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)


class JsonArrayDecoder:
    """An incremental reader of one array."""

    def __init__(self) -> None:
        # The bytes of an object that is not whole, as they came.
        self._parts: list[bytes] = []
        self._kept_bytes = 0
        self._depth = 0
        self._is_quoted = False
        self._is_escaped = False

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that `data` completes; raises `UpstreamError` on one over 16 MB."""
        objects: list[bytes] = []
        start = 0
        while start < len(data):
            if not self._depth:
                start = _end_of(_BETWEEN, data, start)
                if data[start : start + 1] != b"{":
                    return [*objects, data[start:]] if start < len(data) else objects
            end = self._object_end(data, start)
            self._parts.append(data[start:end])
            if self._depth:
                self._kept_bytes += end - start
                if self._kept_bytes > FRAME_BYTES_MAX:
                    raise UpstreamError("The provider sent a stream event that is too large.")
            else:
                objects.append(readable(self._take()))
            start = end
        return objects

    def flush(self) -> list[bytes]:
        """An object that never ended."""
        return [self._take()] if self._depth else []

    def _take(self) -> bytes:
        whole = b"".join(self._parts)
        self._parts, self._kept_bytes = [], 0
        return whole

    def _object_end(self, data: bytes, at: int) -> int:
        """The position after the brace that ends the object, or the end of the bytes."""
        while at < len(data):
            if self._is_quoted:
                at = self._string_end(data, at)
                continue
            at = _end_of(_PLAIN, data, at)
            byte = data[at : at + 1]
            at += len(byte)
            if byte == b'"':
                self._is_quoted = True
            elif byte:
                self._depth += 1 if byte == b"{" else -1
                if not self._depth:
                    return at
        return at

    def _string_end(self, data: bytes, at: int) -> int:
        """The position after the quote that ends the string, or the end of the bytes."""
        at = _end_of(_QUOTED, data, at + self._is_escaped)
        # A backslash at the very end goes with the byte that follows it.
        self._is_escaped = data[at : at + 1] == b"\\"
        self._is_quoted = at >= len(data) or self._is_escaped
        return at + 1


def _end_of(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return at if found is None else found.end()
