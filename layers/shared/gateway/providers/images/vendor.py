"""Defines a vendor of pictures: a row of pure functions that write its requests and read its answers.

A vendor answers with the pictures, or names a task that is asked for until it has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from msgspec import Struct

from gateway.canonical.images import IMAGE, Action, Drawing, Drawn, ImageRequest
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.usage import Usage, uses_of
from gateway.errors import GatewayError, InvalidRequest, UnreadableAnswer
from gateway.framing.multipart import FormPart, form_of
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import scrubbed
from gateway.providers.vendor_endpoint import VendorEndpoint

# OpenAI's word for a request that its rules stop; https://platform.openai.com/docs/guides/error-codes.
MODERATED = "moderation_blocked"
REFUSED = "The provider's content rules refused the request."
JSON = ("content-type", "application/json")

Fields: TypeAlias = Mapping[str, Any]


class Wait(Struct, frozen=True):
    """The pictures are not made yet: `request` asks for them after `after_s` seconds; `cancel` gives the task up."""

    request: UpstreamRequest
    after_s: float
    cancel: UpstreamRequest | None = None


class Asked(Struct, frozen=True):
    """One request that a vendor reads an answer to: what was asked for, of which of its models, by which account."""

    request: ImageRequest
    model: str
    account: Credential
    now_s: float


Step: TypeAlias = Drawn | Wait


class Painter(Struct, frozen=True, kw_only=True):
    """One row. `endpoints` are the addresses of what it does; an action that is not among them is not offered.

    `write` makes the members of a request, which are JSON, or a form where it returns parts. `read` reads an answer of
    one of the `accepted` statuses. One request makes `images_max` pictures. `source` is the document that the shapes
    were taken from; `verified` says that the vendor's own SDK drives the simulator that they are tested against.
    """

    name: str
    endpoints: Mapping[Action, VendorEndpoint]
    write: Callable[[ImageRequest, str], Fields | tuple[FormPart, ...]]
    read: Callable[[Asked, ProviderAnswer], Step]
    source: str
    images_max: int = 1
    accepted: tuple[int, ...] = (200,)
    decode_error: Callable[[int, Mapping[str, str], bytes], GatewayError] | None = None
    verified: bool = False

    def origin(self, credential: Credential) -> str:
        """The address of all its requests."""
        return self.endpoints[Action.GENERATION].origin(credential)

    def located(self, credential: Credential, region: str | None) -> Credential:
        """The account as it is asked in a region."""
        return self.endpoints[Action.GENERATION].located(credential, region)

    def request(self, asked: Asked) -> UpstreamRequest:
        """The request, ready to leave."""
        endpoint, written = self.endpoints[asked.request.action], self.write(asked.request, asked.model)
        if isinstance(written, tuple):
            content_type, body = form_of(written)
            return endpoint.sent(body, ("content-type", content_type), asked.model, asked.account, asked.now_s)
        body = orjson.dumps({name: value for name, value in written.items() if value is not None})
        return endpoint.sent(body, JSON, asked.model, asked.account, asked.now_s)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
        """Converts a refusal to the caller's error."""
        read = self.decode_error or self.endpoints[Action.GENERATION].decode_error
        return read(status, headers, body)


def moderated(words: object = None) -> InvalidRequest:
    """The refusal of a request that the vendor's content rules stop, in its words where it has any."""
    return InvalidRequest(scrubbed(words) or REFUSED, param="prompt", code=MODERATED)


def delivered(urls: Sequence[str], *, refused: bool = False) -> Drawn:
    """The pictures at these addresses of the vendor's; raises `UnreadableAnswer` for none without a refusal."""
    if not urls and not refused:
        raise UnreadableAnswer("it holds no picture")
    drawings = tuple(Drawing(url=url) for url in urls)
    usage = Usage(uses=uses_of({IMAGE: len(drawings)})) if drawings else None
    return Drawn(drawings, usage, REFUSED if refused else None)
