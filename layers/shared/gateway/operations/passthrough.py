"""Runs endpoints whose requests and answers pass through as they are, priced by the request.

The provider speaks the caller's wire: its bytes are forwarded, the model's name apart. A new endpoint of this kind is
its wire and rows of the catalog (docs/adding-an-endpoint.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson
from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.limits import NO_TOKENS, TokenDemand
from gateway.canonical.models import Model
from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.request import NOTHING, RoutingPreferences
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses
from gateway.canonical.wire import Wire
from gateway.errors import InvalidRequest
from gateway.framing import json_edit
from gateway.ledger.request_prices import request_cost
from gateway.pipeline.operation import Cost, InboundRequest, ProviderCall, Transcoder
from gateway.pipeline.provider_client import body_of
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import provider_row
from gateway.routing.plan import Candidate, Plan
from gateway.routing.planning import candidates_for

Plain = Candidate[Model[str]]


class PassthroughRequest(Struct, frozen=True):
    """A request whose body the provider reads; the gateway needs the model's name alone."""

    model: str
    body: bytes
    stream: bool = False
    user: str | None = None
    echo: Mapping[str, Any] = NOTHING


class PassthroughWire(Wire, Protocol):
    """The wire of one endpoint. `path` follows the provider's base URL."""

    path: str

    def decode_model(self, body: bytes) -> str:
        """The model's name; raises `InvalidRequest` with the JSON path of what is wrong."""

    def forward_response(self, body: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """The provider's answer with id, model and extension set; raises `UpstreamError` for one that is none."""


class RequestMeter(Struct, frozen=True):
    """The money of one request at a fixed price."""

    candidates: tuple[Plain, ...]
    open_output: None = None
    tokens: TokenDemand = NO_TOKENS

    def worst_case(self, open_units: int) -> NanoUsd:
        """The price at the dearest candidate, so that the hold carries each of them."""
        del open_units  # A request's price does not depend on its output.
        return max(request_cost(candidate.target.price, candidate.model.sale) for candidate in self.candidates)

    def cost(self, served_by: Plain, usage: Usage) -> Cost:
        """The price of a request at the candidate."""
        del usage
        sale = served_by.model.sale
        return Cost(request_cost(served_by.target.price, sale), Tier.PASSTHROUGH, sale.price_version)

    def bounded(self, served_by: Plain, usage: Usage) -> Usage:
        """The usage as it is: nothing of it is charged for."""
        del served_by
        return usage

    def units_within(self, tokens: int) -> int:
        """Returns 0: this price does not depend on the length of an answer."""
        del tokens
        return 0

    def limited(self, units: int) -> RequestMeter:
        """Returns this meter: its price does not depend on the length of an answer."""
        del units
        return self

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """No tokens: the price is the request's."""
        del delivered_bytes, seen
        return reported or Usage()

    def bytes_worth(self, served_by: Plain, nanousd: NanoUsd) -> int:
        """Returns a number of bytes above any answer's: a checkpoint would change nothing."""
        del served_by, nanousd
        return 1 << 62


class PassthroughOperation:
    """One endpoint that forwards, over the models of a plain catalog."""

    def __init__(self, wire: PassthroughWire, catalog: Catalog[Model[str]]) -> None:
        self.wire = wire
        self._catalog = catalog

    def decode(self, inbound: InboundRequest) -> PassthroughRequest:
        """The request as its wire reads it."""
        return PassthroughRequest(self.wire.decode_model(inbound.body), inbound.body)

    def plan(self, principal: Principal, request: PassthroughRequest) -> Plan[Model[str]]:
        """All targets of the model, each tried once."""
        found = candidates_for(request.model, RoutingPreferences(), self._catalog, principal)
        return Plan(tuple(found), tries=max(2, len(found)))

    def meter(self, request: PassthroughRequest, plan: Plan[Model[str]]) -> RequestMeter:
        """Prices by the request."""
        del request
        return RequestMeter(plan.candidates)

    def bounded(self, request: PassthroughRequest, units: int) -> PassthroughRequest:
        """The request as it is: no output is open."""
        del units
        return request

    def fetching(self, request: PassthroughRequest) -> None:
        """Nothing is fetched: the provider reads the request as it is."""
        del request

    def recall(self, account_id: str, request: PassthroughRequest, candidate: Plain) -> None:
        """Nothing completes the request."""
        del account_id, request, candidate

    def parts(self, request: PassthroughRequest, candidate: Plain) -> Sequence[PassthroughRequest]:
        """The request itself."""
        del candidate
        return (request,)

    def origin(self, candidate: Plain, credential: Credential) -> str:
        """The base URL of the provider."""
        return provider_row(candidate.target.provider).origin(credential)

    def shares_quota(self, candidate: Plain) -> bool:
        """True if the provider's limits are its account's, for all models together."""
        return provider_row(candidate.target.provider).account_quota

    def streams(self, request: PassthroughRequest, candidate: Plain) -> bool:
        """Answers come whole."""
        del request, candidate
        return False

    def call(
        self, request: PassthroughRequest, candidate: Plain, credential: Credential, now_s: float, *, stream: bool
    ) -> ProviderCall:
        """The caller's bytes with the provider's name of the model."""
        del stream
        provider, model = provider_row(candidate.target.provider), candidate.target.upstream_model
        body = json_edit.edit(request.body, {"model": orjson.dumps(model)})
        asked = provider.forwarding(self.wire.path, body, model, credential, now_s)
        return ProviderCall(asked, body_of, provider.codec.decode_error)

    def amended(self, request: PassthroughRequest, refusal: InvalidRequest) -> None:
        """A refusal stands."""
        del request, refusal

    def decode_answer(
        self, request: PassthroughRequest, candidate: Plain, bodies: Sequence[bytes], answer_id: str
    ) -> bytes:
        """The provider's bytes; raises `UpstreamError` where they are no answer of this wire."""
        del request, candidate
        (body,) = bodies
        self.wire.forward_response(body, Stamp(answer_id, "", 0), NO_EXTENSION)
        return body

    def measure(self, answer: bytes) -> tuple[Usage | None, int, Uses]:
        """The answer's length; nothing is counted in tokens."""
        return Usage(), len(answer), ()

    def keep(self, account_id: str, answer: bytes) -> None:
        """Nothing is kept."""
        del account_id, answer

    def encode_answer(self, request: PassthroughRequest, answer: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """The provider's answer under the gateway's names."""
        del request
        return self.wire.forward_response(answer, stamp, extension)

    def caching(self, inbound: InboundRequest, request: PassthroughRequest) -> None:
        """No answer is kept."""
        del inbound, request

    def transcoder(self, request: PassthroughRequest, stamp: Stamp) -> Transcoder[bytes]:
        """Raises: no request of such an endpoint asks for a stream."""
        raise NotImplementedError(f"{request.model} ({stamp.response_id}) is answered whole")


NO_EXTENSION = Extension(generation_id="", model_used="", models_tried=(), cache="", cost_usd="0")
