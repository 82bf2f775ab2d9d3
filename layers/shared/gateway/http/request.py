"""Reads one HTTP request whole out of an ASGI scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from msgspec import Struct

from gateway.auth.principal import Fields
from gateway.errors import InvalidRequest, RequestTooLarge, UnsupportedMediaType
from gateway.framing.content_coding import CODINGS, Damaged, TooLarge, UnknownCoding, coding_of, plain
from gateway.framing.percent import decoded, query_fields

JSON_TYPE = "application/json"
IDEMPOTENCY_KEY = "idempotency-key"
TWO_IDEMPOTENCY_KEYS = "Different values of Idempotency-Key were given. Send one."

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Request(Struct, frozen=True):
    """One HTTP request, whole. Header names are lower-case; `request_id` is API Gateway's, `deadline_s` Lambda's.

    `headers` has the first value of each name and `query` the last; the fields have all. `event_context` is the
    `requestContext` of API Gateway's event.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    header_fields: Fields
    query_fields: Fields
    body: bytes
    source_ip: str
    request_id: str
    deadline_s: float
    event_context: Mapping[str, Any]

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key, if there is one; raises `InvalidRequest` for different ones."""
        if IDEMPOTENCY_KEY not in self.headers:
            return None
        given = {value for name, value in self.header_fields if name == IDEMPOTENCY_KEY}
        if len(given) > 1:
            raise InvalidRequest(TWO_IDEMPOTENCY_KEYS, code="different_idempotency_keys")
        return given.pop()

    @property
    def base_url(self) -> str:
        """The address of the path's root as the caller knows it: API Gateway's host, and the stage or base path."""
        host = self.event_context.get("domainName", "")
        return f"https://{host}{self.base_path}" if host else ""

    @property
    def base_path(self) -> str:
        """The path before the route's: that of the stage, or of a custom domain's mapping."""
        return decoded(self.event_context.get("path", "")).removesuffix(self.path)


TOO_LARGE = "The body is larger than 6 MB without its coding; upload files through /v1/files/presign."
# As much as a request may bring without being coded: Lambda's event.
BODY_BYTES_MAX = 6 * 1024 * 1024


def uncoded(body: bytes, content_encoding: str | None) -> bytes:
    """The body without its coding; raises the refusal of one that is not read, or comes to more than any other may."""
    try:
        return plain(body, coding_of(content_encoding), BODY_BYTES_MAX)
    except UnknownCoding as unknown:
        said = f"The body's Content-Encoding should be {', '.join(CODINGS)} or none, not {str(unknown)[:40]!r}."
        raise UnsupportedMediaType(said) from None
    except Damaged as damaged:
        said = f"The body is not the {damaged} that its Content-Encoding says."
        raise InvalidRequest(said, code="invalid_body") from None
    except TooLarge:
        raise RequestTooLarge(TOO_LARGE) from None


async def read(scope: Scope, receive: Receive) -> Request:
    """The whole request as it came; the platform has bounded its size already."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    context, event_context = scope["aws.context"], scope["aws.event"]["requestContext"]
    header_fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    fields = query_fields(scope["query_string"].decode("latin-1"))
    return Request(
        method=scope["method"],
        path=scope["path"],
        headers=dict(reversed(header_fields)),
        query=dict(fields),
        header_fields=header_fields,
        query_fields=fields,
        body=b"".join(parts),
        source_ip=scope["client"][0] if scope.get("client") else "",
        request_id=event_context["requestId"],
        deadline_s=context.deadline_ms / 1000,
        event_context=event_context,
    )
