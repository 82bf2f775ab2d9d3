"""Defines one endpoint of a vendor beside its text: where it is asked, with which account, and how it refuses.

Where a vendor sells text too, address and signature are those of its row in `providers/chat`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
import orjson
from msgspec import Struct

from gateway.errors import GatewayError, UnreadableAnswer
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.chat.wires import part
from gateway.providers.outgoing import Headers, Outgoing, bearer

_JSON = ("content-type", "application/json")


def row_in(kind: str, module: str, row: str, model: str) -> Any:
    """The row that serves a vendor's model: a member of the vendor's module, which is loaded now, or chosen by it."""
    found = getattr(import_module(f"gateway.providers.{kind}.{module}"), row)
    return found(model) if callable(found) else found


class VendorEndpoint(Struct, frozen=True, kw_only=True):
    """One row. `path` follows the base URL. `errors` is the module of `protocols` that reads its refusals.

    `located` says in which region an account is asked.
    """

    name: str
    base_url: Callable[[Credential], str]
    path: Callable[[Outgoing], str]
    sign: Callable[[str, Outgoing], Headers] = bearer
    errors: str = "openai_chat.errors"
    located: Callable[[Credential, str | None], Credential] = lambda credential, _: credential

    def origin(self, credential: Credential) -> str:
        """The address of all its requests: the operator's base URL, or the vendor's own."""
        return (credential.base_url or self.base_url(credential)).rstrip("/")

    def posted(
        self,
        members: Mapping[str, Any],
        model: str,
        credential: Credential,
        now_s: float,
        path: Callable[[Outgoing], str] | None = None,
    ) -> UpstreamRequest:
        """The request of these members, ready to leave; those that are `None` are left out. `path` is this one's."""
        body = orjson.dumps({name: value for name, value in members.items() if value is not None})
        return self.sent(body, _JSON, model, credential, now_s, path)

    def sent(
        self,
        body: bytes,
        content_type: tuple[str, str],
        model: str,
        credential: Credential,
        now_s: float,
        path: Callable[[Outgoing], str] | None = None,
    ) -> UpstreamRequest:
        """The request of this body, of any type, ready to leave."""
        outgoing = Outgoing(model, stream=False, body=body, credential=credential, now_s=now_s)
        url = self.origin(credential) + (path or self.path)(outgoing)
        return UpstreamRequest(url, (content_type, *self.sign(url, outgoing)), body)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Converts a refusal to the caller's error."""
        error: GatewayError = part(self.errors).decode_error(status, headers, body)
        return error


@cache
def _reader(shape: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(shape)


def shaped(body: bytes, shape: Any, what: str) -> Any:
    """The answer as a value of `shape`; raises `UnreadableAnswer` for another, with what is missing in it."""
    try:
        return _reader(shape).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnreadableAnswer(f"it holds no {what}") from None
