"""Parses one response incrementally: bytes in; status, fields and body out, independent of the chunking. Pure.

llhttp (through httptools) reads the syntax. This module decides the rest: interim responses are skipped (RFC 9110
15.2), a response to HEAD has no body, a body without length or chunks ends with the connection (RFC 9112 6.3), heads
are bounded, and bytes after the end make the connection unfit for another request.
"""

from __future__ import annotations

import httptools

from gateway.transport.errors import BadResponse, PeerClosed, TransportError, Truncated

HEAD_BYTES_MAX = 64 * 1024


class Answer:
    """The response to one request; `take` returns the part of the body that has arrived."""

    __slots__ = (
        "_field_bytes",
        "_head_only",
        "_heard",
        "_idle_bytes",
        "_parser",
        "_parts",
        "buffered_bytes",
        "complete",
        "head_complete",
        "headers",
        "reusable",
        "status",
        "trailers",
    )

    def __init__(self, *, head_only: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.trailers: list[tuple[bytes, bytes]] = []
        self.head_complete = False
        self.complete = False
        self.reusable = False
        self.buffered_bytes = 0
        self._head_only = head_only
        self._heard = False
        self._field_bytes = 0
        self._idle_bytes = 0
        self._parts: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes | memoryview) -> None:
        """Reads the next bytes of an incomplete answer; raises BadResponse if they cannot be part of this response."""
        self._heard = True
        body_before = self.buffered_bytes
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # Garbage after a complete answer costs the connection, not the answer.
            self.reusable = False
            if not self.complete:
                raise BadResponse(f"malformed response: {type(error).__name__}") from error
        # Bytes without body (fields, interim responses, chunk extensions) must not go on for ever.
        self._idle_bytes = 0 if self.buffered_bytes > body_before else self._idle_bytes + len(data)
        if self.complete:
            # The parser refers back to this object; a cycle for each request would be work for the garbage collector.
            del self._parser
        elif max(self._idle_bytes, self._field_bytes) > HEAD_BYTES_MAX:
            raise BadResponse(f"more than {HEAD_BYTES_MAX} bytes of response head")

    def end_of_input(self) -> bool:
        """Handles the end of the peer's bytes; true if it ends this body."""
        if self.head_complete and _ends_with_connection(self.status, self.headers):
            self.complete = True
            return True
        return False

    def cut(self) -> TransportError:
        """The error for a connection that ended before this response was complete."""
        if not self._heard:
            return PeerClosed("connection closed before the answer")
        return Truncated(f"connection closed inside the {'body' if self.head_complete else 'head'}")

    def take(self) -> bytes:
        """The part of the body that arrived since the last call, possibly empty."""
        parts, self._parts = self._parts, []
        self.buffered_bytes = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)

    # httptools calls these from feed_data; an exception raised here would lose its type, so none is.

    def on_message_begin(self) -> None:
        """Notes a second response to one request, which means that the connection is out of step."""
        if self.complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Stores a field of the head or, after it, of the trailer section."""
        if self.complete:
            return
        self._field_bytes += len(name) + len(value)
        (self.trailers if self.head_complete else self.headers).append((name.lower(), value or b""))

    def on_headers_complete(self) -> None:
        """Ends the head; interim heads are cleared in `on_message_complete`."""
        if self.complete:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            return
        self.head_complete = True
        if self._head_only:
            self._end()

    def on_body(self, data: bytes) -> None:
        """Stores a piece of the body."""
        if self.complete:
            self.reusable = False
            return
        self._parts.append(data)
        self.buffered_bytes += len(data)

    def on_message_complete(self) -> None:
        """Ends an interim response, or this one."""
        if self.complete:
            return
        if self.head_complete:
            self._end()
        else:
            self.headers.clear()

    def _end(self) -> None:
        self.complete = True
        self.reusable = self._parser.should_keep_alive()


def _ends_with_connection(status: int, headers: list[tuple[bytes, bytes]]) -> bool:
    """True if the body ends with the connection: RFC 9112 6.3, the cases without chunks and without length."""
    if status in (204, 304):
        return False
    fields = dict(headers)
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        return not coding.lower().rstrip().endswith(b"chunked")
    return b"content-length" not in fields
