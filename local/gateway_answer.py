"""Parses a function's answer in the proxy format, buffered or as a stream's prelude, with API Gateway's own checks.

Source: .../developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
and .../developerguide/response-transfer-mode-lambda.html for the prelude.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from local.gateway_event import is_binary

PRELUDE_END = b"\0" * 8
KNOWN_KEYS = {"statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}
# API Gateway sends these under another name: .../developerguide/api-gateway-known-issues.html
REMAPPED = frozenset(
    (
        *("authorization", "connection", "content-length", "content-md5", "date", "host", "max-forwards"),
        *("server", "transfer-encoding", "trailer", "upgrade", "user-agent", "www-authenticate"),
    )
)


class Malformed(ValueError):
    """The function's answer is not in the proxy format. API Gateway shows a 502."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status, the headers as the client gets them, and the body that came with them."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def buffered(payload: bytes, accept: str | None, binary_types: Iterable[str]) -> Answer:
    """Parses a whole answer. Raises Malformed."""
    document = _document(payload)
    status, headers = _head(document)
    body = document.get("body") or ""
    if not isinstance(body, str):
        raise Malformed("body is not a string")
    content_type = next((value for name, value in headers if name.lower() == "content-type"), None)
    types = tuple(binary_types)
    decode = document.get("isBase64Encoded") and (is_binary(accept, types) or is_binary(content_type, types))
    if content_type is None:
        headers.append(("Content-Type", "application/json"))
    return Answer(status, headers, _decoded(body) if decode else body.encode())


def prelude(start: bytes, limit: int) -> Answer | None:
    """Parses the head of a streamed answer and the body bytes after it.

    Returns None while more is needed. Raises Malformed.
    """
    head, end, body = start.partition(PRELUDE_END)
    if not end and len(start) < limit:
        return None
    if not end or len(head) > limit:
        raise Malformed(f"no prelude within the first {limit} bytes")
    status, headers = _head(_document(head))
    return Answer(status, headers, body)


def _document(payload: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise Malformed(str(error)) from error
    if not isinstance(document, dict) or not document.keys() <= KNOWN_KEYS:
        raise Malformed("not an object of the proxy format's keys")
    return document


def _head(document: dict[str, Any]) -> tuple[int, list[tuple[str, str]]]:
    try:
        status = int(document["statusCode"])
        single = {str(name): _text(value) for name, value in (document.get("headers") or {}).items()}
        multiple = {
            str(name): [_text(value) for value in values]
            for name, values in (document.get("multiValueHeaders") or {}).items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"status or headers: {error!r}") from error
    if not 100 <= status <= 599:
        raise Malformed(f"status {status}")
    # If both name a header, the list wins.
    listed = {name.lower() for name in multiple}
    pairs = [(name, value) for name, value in single.items() if name.lower() not in listed]
    pairs += [(name, value) for name, values in multiple.items() for value in values]
    pairs += [("Set-Cookie", _text(cookie)) for cookie in document.get("cookies") or []]
    return status, [(_shown_name(name), value) for name, value in pairs]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(f"a header's value is {type(value).__name__}")


def _shown_name(name: str) -> str:
    return f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise Malformed(str(error)) from error
