"""Reads server-sent events incrementally: bytes in, whole frames out, independent of the chunking. Pure.

The rules are WHATWG's, "Interpreting an event stream" (https://html.spec.whatwg.org/multipage/server-sent-events.html):
lines end with CR, LF or CRLF, a byte order mark may open the stream, lines that start with a colon are comments, data
lines of one frame are joined with LF, and U+FFFD stands for what is no UTF-8. Two things differ, because a gateway
reads to the end and forwards: `id` and `retry` are only kept in `raw`, and `flush` returns a last frame without its
blank line, so that the wire's decoder can judge it. Data is JSON, which is made `readable`.
"""

from __future__ import annotations

import re

from msgspec import Struct

from gateway.errors import UpstreamError
from gateway.framing.json_values import readable

FRAME_BYTES_MAX = 16 * 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Atomic, so that one CRLF is never read as a CR and an LF.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
# The longest blank line is CRLF CRLF: bytes that may be the start of one are searched again with the next bytes.
_BLANK_LINE_BYTES_MAX = 4


class Frame(Struct, frozen=True):
    """One event; `raw` is its unchanged bytes, comments and the blank line included."""

    event: str | None
    data: bytes
    raw: bytes


class SSEDecoder:
    """An incremental reader of one event stream."""

    def __init__(self) -> None:
        # The bytes of a frame that is not whole, as they came: joining them at each piece would copy them each time.
        self._parts: list[bytes] = []
        self._kept_bytes = 0
        self._tail = b""
        self._at_start = True

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes; raises `UpstreamError` on a frame over 16 MB."""
        if not self._parts:
            return self._whole_frames(data, 0)
        searched = self._tail + data
        if _BLANK_LINE.search(searched) is None:
            self._keep(data)
            return []
        kept_bytes = self._kept_bytes
        return self._whole_frames(self._take() + data, max(kept_bytes - _BLANK_LINE_BYTES_MAX, 0))

    def _whole_frames(self, buffer: bytes, searched: int) -> list[Frame]:
        """The whole frames of `buffer`, whose first `searched` bytes end none; what follows them is kept."""
        frames: list[Frame] = []
        start = 0
        while start < len(buffer):
            frame = _ordinary(buffer, start)
            if frame is not None:
                frames.append(frame)
                self._at_start = False
                end = start + len(frame.raw)
            else:
                end = _blank_line_end(buffer, max(start, searched))
                if end < 0:
                    break
                self._append_parsed(frames, buffer[start:end])
            start = end
        if start < len(buffer):
            self._keep(buffer[start:])
        return frames

    def _keep(self, data: bytes) -> None:
        self._parts.append(data)
        self._kept_bytes += len(data)
        self._tail = (self._tail + data)[-_BLANK_LINE_BYTES_MAX:]
        if self._kept_bytes > FRAME_BYTES_MAX:
            raise UpstreamError("The provider sent a stream event that is too large.")

    def _take(self) -> bytes:
        kept = b"".join(self._parts)
        self._parts, self._kept_bytes, self._tail = [], 0, b""
        return kept

    def flush(self) -> list[Frame]:
        """The last frame, if the stream ended without its blank line."""
        frames: list[Frame] = []
        self._append_parsed(frames, self._take())
        return frames

    def _append_parsed(self, frames: list[Frame], raw: bytes) -> None:
        text = raw.removeprefix(_BYTE_ORDER_MARK) if self._at_start else raw
        self._at_start = self._at_start and not raw
        frame = _parse(text, raw)
        if frame is not None:
            frames.append(frame)


def sse_event(data: bytes, event: str | None = None) -> bytes:
    """The bytes of one event; `data` may span lines."""
    name = b"" if event is None else b"event: " + event.encode() + b"\n"
    if data.find(b"\n") >= 0:
        data = data.replace(b"\n", b"\ndata: ")
    return name + b"data: " + data + b"\n\n"


def _ordinary(buffer: bytes, start: int) -> Frame | None:
    """Parses a frame of one data line, named or not, with a blank line of the same kind: the usual case."""
    event, line = None, start
    if buffer.startswith(b"event: ", start):
        line = buffer.find(b"\n", start) + 1 or len(buffer)
        name = buffer[start + 7 : line - 1]
        event = (name[:-1] if name.endswith(b"\r") else name).decode("utf-8", "replace")
        if "\r" in event:
            return None
    if not buffer.startswith(b"data: ", line):
        return None
    line_end = buffer.find(b"\n", line)
    if line_end < 0:
        return None
    carriage = buffer.find(b"\r", line, line_end)
    if carriage < 0 and buffer.startswith(b"\n", line_end + 1):
        return Frame(event, readable(buffer[line + 6 : line_end]), buffer[start : line_end + 2])
    if carriage == line_end - 1 and buffer.startswith(b"\r\n", line_end + 1):
        return Frame(event, readable(buffer[line + 6 : carriage]), buffer[start : line_end + 3])
    return None


def _blank_line_end(buffer: bytes, searched: int) -> int:
    """The end of the next blank line, or -1; a CR at the very end waits for the LF that may follow."""
    blank = _BLANK_LINE.search(buffer, searched)
    if blank is None or (blank.end() == len(buffer) and buffer.endswith(b"\r")):
        return -1
    return blank.end()


def _parse(text: bytes, raw: bytes) -> Frame | None:
    """Parses a frame of any shape; `None` without data, such as a comment."""
    event: str | None = None
    lines: list[bytes] = []
    for line in text.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(event, readable(b"\n".join(lines)), raw) if lines else None
