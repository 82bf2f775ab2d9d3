"""Translates an API Gateway REST proxy event into an ASGI scope, as close to the client's request as the event allows.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gateway.framing.percent import decoded, encoded
from gateway.runtime.base_path import remove_base_path
from gateway.runtime.invocation import InvocationContext, Scope

Event = dict[str, Any]

# All characters allowed in a request line before the query (RFC 9112 section 3.2), the percent sign included.
_PATH = "".join(chr(byte) for byte in range(0x21, 0x7F) if byte not in b"?#")


def http_event(data: bytes) -> Event | None:
    """The event, if it is an HTTP request; warm-ups, schedules and completion notices are not."""
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    is_http = isinstance(event, dict) and "httpMethod" in event and isinstance(event.get("requestContext"), dict)
    return event if is_http else None


def take_body(event: Event) -> bytes:
    """Removes the body from the event and returns it, so that a request of 6 MB is not held twice."""
    body = event.pop("body", None) or ""
    return a2b_base64(body, strict_mode=True) if event.get("isBase64Encoded") else body.encode()


def http_scope(event: Event, context: InvocationContext) -> Scope:
    """The scope of a request; it holds the event without a base path, and without its body once that is received.

    A REST API gives `path` percent-encoded as sent, `%2F` included, without the stage. It gives the query decoded, with
    the order kept only among values of one name. Front ends that decode the path lose the difference between `/` and
    `%2F`; characters that are not allowed in a request line are encoded again.
    """
    remove_base_path(event)
    raw_path = encoded(event["path"], _PATH)
    headers = header_fields(event)
    scheme = next((value for name, value in headers if name == b"x-forwarded-proto"), b"https")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": event["httpMethod"],
        "scheme": scheme.decode("latin-1"),
        "path": decoded(raw_path),
        "raw_path": raw_path.encode(),
        "query_string": _query_string(event),
        "root_path": "",
        "headers": headers,
        "client": _client(event["requestContext"]),
        "server": None,
        "aws.event": event,
        "aws.context": context,
    }


def header_fields(event: Event) -> list[tuple[bytes, bytes]]:
    """The headers as they came, one field for each value, the names in lower case."""
    return [
        (name.lower().encode("latin-1"), value.encode("utf-8", "surrogateescape"))
        for name, value in _pairs(event, "multiValueHeaders", "headers")
    ]


def _query_string(event: Event) -> bytes:
    fields = _pairs(event, "multiValueQueryStringParameters", "queryStringParameters")
    return "&".join(f"{encoded(name)}={encoded(value)}" for name, value in fields).encode()


def _pairs(event: Event, multiple: str, single: str) -> Iterable[tuple[str, str]]:
    """Name and value pairs; the single-valued map has only the last of each, and serves hand-made events."""
    many: Mapping[str, list[str]] | None = event.get(multiple)
    if many is not None:
        return [(name, value) for name, values in many.items() for value in values]
    one: Mapping[str, str] = event.get(single) or {}
    return one.items()


def _client(request_context: Mapping[str, Any]) -> tuple[str, int] | None:
    address = (request_context.get("identity") or {}).get("sourceIp")
    return None if address is None else (address, 0)
