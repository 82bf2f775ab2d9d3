"""Server-sent events: bytes in, whole frames out, the same frames however the bytes are cut. No socket, no
clock.

The rules are WHATWG's, "Interpreting an event stream"
(https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end with CR, LF or CRLF, a byte order
mark may open the stream, lines that start with a colon are comments, data lines of one frame are joined with
LF. Two things differ because a gateway reads to the end and forwards: `id` and `retry` are only kept in
`raw`, and a last frame whose blank line never came is handed out by `flush`, for the wire's decoder to judge.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.errors import UpstreamError

FRAME_BYTES_MAX = 16 * 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Atomic, so that one CRLF is never read as a CR and an LF.
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
# The longest blank line is CRLF CRLF: what may be the start of one is searched again when more bytes come.
_BLANK_LINE_BYTES_MAX = 4


class Frame(NamedTuple):
    """One event; `raw` is its bytes as they came, comments and the blank line included."""

    event: str | None
    data: bytes
    raw: bytes


class SSEDecoder:
    """An incremental reader of one event stream."""

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        self._at_start = True

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes; raises `UpstreamError` on a frame over 16 MB."""
        buffer = self._buffer + data if self._buffer else data
        frames: list[Frame] = []
        start = 0
        searched = self._searched
        while True:
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
        self._buffer = buffer[start:]
        self._searched = max(len(self._buffer) - _BLANK_LINE_BYTES_MAX, 0)
        if len(self._buffer) > FRAME_BYTES_MAX:
            raise UpstreamError("The provider sent a stream event that is too large.")
        return frames

    def flush(self) -> list[Frame]:
        """The frame that the stream's end leaves without its blank line, if there is one."""
        frames: list[Frame] = []
        self._append_parsed(frames, self._buffer)
        self._buffer = b""
        self._searched = 0
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
    if b"\n" in data:
        data = data.replace(b"\n", b"\ndata: ")
    return name + b"data: " + data + b"\n\n"


def _ordinary(buffer: bytes, start: int) -> Frame | None:
    """The frame of a line of data, behind its name or without one, and a blank line of the same kind: nearly all frames
    of nearly all providers.
    """
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
        return Frame(event, buffer[line + 6 : line_end], buffer[start : line_end + 2])
    if carriage == line_end - 1 and buffer.startswith(b"\r\n", line_end + 1):
        return Frame(event, buffer[line + 6 : carriage], buffer[start : line_end + 3])
    return None


def _blank_line_end(buffer: bytes, searched: int) -> int:
    """Where the next blank line ends, or -1; a CR at the very end waits for the LF that may follow."""
    blank = _BLANK_LINE.search(buffer, searched)
    if blank is None or (blank.end() == len(buffer) and buffer.endswith(b"\r")):
        return -1
    return blank.end()


def _parse(text: bytes, raw: bytes) -> Frame | None:
    """A frame of any shape; `None` where it holds no data, as a comment does."""
    event: str | None = None
    lines: list[bytes] = []
    for line in text.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(event, b"\n".join(lines), raw) if lines else None
