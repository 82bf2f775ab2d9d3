"""Writes requests as bytes; refuses text that could end a line early, and so smuggle a request (RFC 9112 11.1).

Only the client writes the fields that frame a message: a caller's `content-length` that disagrees with the body would
allow the same attack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from gateway.transport.url import Origin

Headers = Sequence[tuple[bytes, bytes]]

_OWN_FIELDS = frozenset((b"host", b"content-length", b"transfer-encoding", b"connection", b"trailer"))
_METHODS_WITH_CONTENT = frozenset(("POST", "PUT", "PATCH"))

# RFC 9110 sections 5.1 and 5.5: a name is a token, a value visible characters, spaces and tabs.
_IN_NAMES = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORBIDDEN = b"\x00"
# What a value may hold, and in the place of everything else a NUL: one pass over all values, and one search, tell.
_IN_VALUES = bytes(byte if byte == 0x09 or 0x20 <= byte != 0x7F else 0 for byte in range(256))


def field_lines(headers: Headers) -> bytes:
    """Header or trailer fields as lines ended by CRLF; ValueError if one is not exactly one field of the caller's."""
    _check_value(b"".join([value for _, value in headers]))
    return b"".join([_opening(name) + value + b"\r\n" for name, value in headers])


@lru_cache(maxsize=64)
def _opening(name: bytes) -> bytes:
    """A field's line up to its value. Names are few; values are not kept, since some are secrets."""
    if not name or name.translate(None, _IN_NAMES):
        raise ValueError("a header field's name holds a forbidden character")
    if name.lower() in _OWN_FIELDS:
        raise ValueError("host, framing and connection fields are the client's own")
    return name + b": "


def _check_value(value: bytes) -> None:
    if value.translate(_IN_VALUES).find(_FORBIDDEN) >= 0:
        raise ValueError("a header field's value holds a forbidden character")


def _request_line(method: str, target: str) -> bytes:
    is_visible = target.isascii() and target.isprintable() and " " not in target
    if not (method.isascii() and method.isalpha() and method.isupper() and target.startswith("/") and is_visible):
        raise ValueError("a request's method or target holds a forbidden character")
    return f"{method} {target} HTTP/1.1\r\n".encode("ascii")


@lru_cache(maxsize=64)
def _host_line(origin: Origin) -> bytes:
    authority = origin.authority.encode("ascii")
    _check_value(authority)
    return b"host: " + authority + b"\r\n"


def _head(method: str, origin: Origin, target: str, headers: Headers, framing: bytes) -> bytes:
    return _request_line(method, target) + _host_line(origin) + field_lines(headers) + framing + b"\r\n"


def sized_request_head(method: str, origin: Origin, target: str, headers: Headers, body_bytes: int) -> bytes:
    """The head of a request with a complete body; an empty one is announced if usual (RFC 9110 section 8.6)."""
    if not body_bytes and method not in _METHODS_WITH_CONTENT:
        return _head(method, origin, target, headers, b"")
    return _head(method, origin, target, headers, b"content-length: %d\r\n" % body_bytes)


def chunked_request_head(
    method: str, origin: Origin, target: str, headers: Headers, trailer_names: Iterable[bytes]
) -> bytes:
    """The head of a request whose body follows in chunks and may end with the named trailers."""
    names = b", ".join(trailer_names)
    _check_value(names)
    trailer = b"trailer: " + names + b"\r\n" if names else b""
    return _head(method, origin, target, headers, b"transfer-encoding: chunked\r\n" + trailer)


def chunk(data: bytes) -> bytes:
    """One chunk; `data` is not empty, since an empty chunk is the end (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def last_chunk(trailers: Headers) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + field_lines(trailers) + b"\r\n"
