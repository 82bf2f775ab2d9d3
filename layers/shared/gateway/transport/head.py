"""Writes requests as bytes; refuses text that could end a line early, and so smuggle a request (RFC 9112 11.1).

Only the client writes the fields that frame a message: a caller's `content-length` that disagrees with the body would
allow the same attack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.transport.url import Origin

Headers = Sequence[tuple[bytes, bytes]]

_OWN_FIELDS = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"trailer"))
_METHODS_WITH_CONTENT = frozenset(("POST", "PUT", "PATCH"))

# RFC 9110 sections 5.1 and 5.5: a name is a token, a value visible characters, spaces and tabs.
_IN_NAMES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IN_VALUES = b"\t" + bytes(range(0x20, 0x7F)) + bytes(range(0x80, 0x100))
_REQUEST_LINE = re.compile(r"[A-Z]+ /[\x21-\x7e]* HTTP/1\.1\r\n")


def field_lines(headers: Headers) -> bytes:
    """Header or trailer fields as lines ended by CRLF; ValueError if one is not exactly one field."""
    lines = b"".join([name + b": " + value + b"\r\n" for name, value in headers])
    names = [name for name, _ in headers]
    # What is left without the characters of values are the ends of the lines; one more would be one in a value.
    if lines.translate(None, _IN_VALUES) != b"\r\n" * len(names) or not _are_tokens(names):
        raise ValueError("a header field's name or value holds a forbidden character")
    return lines


def _are_tokens(names: list[bytes]) -> bool:
    return all(names) and not b"".join(names).translate(None, _IN_NAMES)


def _head(method: str, origin: Origin, target: str, headers: Headers, framing: Headers) -> bytes:
    request_line = f"{method} {target} HTTP/1.1\r\n"
    if _REQUEST_LINE.fullmatch(request_line) is None:
        raise ValueError("a request's method or target holds a forbidden character")
    if not _OWN_FIELDS.isdisjoint([name.lower() for name, _ in headers]):
        raise ValueError("host, framing and connection fields are the client's own")
    host = (b"host", origin.authority.encode("ascii"))
    return request_line.encode("ascii") + field_lines([host, *headers, *framing]) + b"\r\n"


def sized_request_head(method: str, origin: Origin, target: str, headers: Headers, body_bytes: int) -> bytes:
    """The head of a request with a complete body; an empty one is announced if usual (RFC 9110 section 8.6)."""
    if not body_bytes and method not in _METHODS_WITH_CONTENT:
        return _head(method, origin, target, headers, ())
    return _head(method, origin, target, headers, [(b"content-length", b"%d" % body_bytes)])


def chunked_request_head(
    method: str, origin: Origin, target: str, headers: Headers, trailer_names: Iterable[bytes]
) -> bytes:
    """The head of a request whose body follows in chunks and may end with the named trailers."""
    names = b", ".join(trailer_names)
    trailer = [(b"trailer", names)] if names else []
    return _head(method, origin, target, headers, [(b"transfer-encoding", b"chunked"), *trailer])


def chunk(data: bytes) -> bytes:
    """One chunk; `data` is not empty, since an empty chunk is the end (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: Headers) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + field_lines(trailers) + b"\r\n"
