"""Runs embeddings as an operation of the pipeline: a request is split into what its provider takes at once.

The parts of an attempt are asked side by side, under one hold. One that fails ends the attempt, and an attempt that
fails costs nothing: a caller gets all vectors or none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.embeddings import (
    BASE64,
    FLOAT,
    NUMBERS_MAX,
    Embedded,
    EmbeddingModel,
    EmbeddingsRequest,
    Input,
    Vector,
)
from gateway.canonical.estimate import estimated_text_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses
from gateway.canonical.wire import Wire
from gateway.errors import InvalidRequest
from gateway.ledger.bounds import FRAME_TOKENS
from gateway.ledger.prices import cost, price_of, terms
from gateway.operations.fitting import cannot, fitting
from gateway.operations.input_meter import InputMeter, tier_of
from gateway.operations.whole_answers import WholeAnswers
from gateway.pipeline.operation import InboundRequest, ProviderCall
from gateway.pipeline.provider_client import body_of
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential, UpstreamResponse
from gateway.protocols.shared.vectors import in_form
from gateway.providers.embeddings.registry import embedder
from gateway.providers.embeddings.vendor import Embedder, usage_of
from gateway.routing.plan import Candidate, Plan
from gateway.routing.planning import candidates_for

EmbeddingCandidate = Candidate[EmbeddingModel]

# The numbers of one part's answer: text of twenty bytes each at most, within what one answer may take of the memory.
PART_NUMBERS_MAX = 500_000


class EmbeddingsWire(Wire, Protocol):
    """The side of a wire that callers speak."""

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        """Raises `InvalidRequest` with the JSON path of what is wrong."""

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The answer, whose vectors keep their bytes."""


class TokenBounds(Struct, frozen=True):
    """The bounds of a request's tokens: a token is at least a byte of text, or a number of the request."""

    request: EmbeddingsRequest

    def at_most(self, candidate: EmbeddingCandidate) -> Usage:
        """The bound by bytes, within the model's own for so many inputs."""
        inputs = len(self.request.inputs)
        counted = self.request.source_bytes + FRAME_TOKENS * inputs
        return Usage(input=min(counted, candidate.model.max_input_tokens * inputs))

    def likely(self) -> Usage:
        """Tokens by count, and those of texts by their length."""
        inputs = self.request.inputs
        return Usage(input=sum(estimated_text_tokens(one) if isinstance(one, str) else len(one) for one in inputs))


class EmbeddingsOperation(WholeAnswers[EmbeddingsRequest, Embedded]):
    """Embeddings for callers of one wire."""

    def __init__(self, wire: EmbeddingsWire, catalog: Catalog[EmbeddingModel]) -> None:
        self.wire = wire
        self._catalog = catalog

    def decode(self, inbound: InboundRequest) -> EmbeddingsRequest:
        """The request as its wire reads it."""
        return self.wire.decode_request(inbound.body)

    def plan(self, principal: Principal, request: EmbeddingsRequest) -> Plan[EmbeddingModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        bounds = TokenBounds(request)
        return fitting(
            found,
            request.routing,
            partial(_refusal, request),
            lambda each: each.target.price,
            lambda each: price(each, bounds.at_most(each)),
        )

    def meter(self, request: EmbeddingsRequest, plan: Plan[EmbeddingModel]) -> InputMeter:
        """Prices by tokens."""
        return InputMeter(plan.candidates, TokenBounds(request), price)

    def parts(self, request: EmbeddingsRequest, candidate: EmbeddingCandidate) -> Sequence[EmbeddingsRequest]:
        """The request in pieces that the candidate's provider takes."""
        vendor, model = _vendor(candidate), candidate.model
        dimensions = None if request.dimensions == model.dimensions and not model.resizable else request.dimensions
        forms = tuple(dict.fromkeys(_asked_form(form, vendor) for form in request.encodings))
        whole = replace(request, encodings=forms, dimensions=dimensions)
        rows_max = max(1, min(vendor.inputs_max, PART_NUMBERS_MAX // (dimensions or model.dimensions)))
        return [replace(whole, inputs=inputs) for inputs in _pieces(request.inputs, rows_max, vendor.bytes_max)]

    def origin(self, candidate: EmbeddingCandidate, credential: Credential) -> str:
        """The base URL of the provider."""
        vendor = _vendor(candidate)
        return vendor.origin(vendor.located(credential, candidate.target.region))

    def call(
        self,
        request: EmbeddingsRequest,
        candidate: EmbeddingCandidate,
        credential: Credential,
        now_s: float,
        *,
        stream: bool,
    ) -> ProviderCall:
        """One part, in the provider's words."""
        del stream
        vendor = _vendor(candidate)
        account = vendor.located(credential, candidate.target.region)
        asked = vendor.request(request, candidate.target.upstream_model, account, now_s)
        return ProviderCall(asked, _counting(vendor.tokens_header), vendor.decode_error)

    def decode_answer(
        self, request: EmbeddingsRequest, candidate: EmbeddingCandidate, bodies: Sequence[bytes], answer_id: str
    ) -> Embedded:
        """The vectors of all parts in the inputs' order, in the forms that were asked for."""
        del answer_id
        vendor = _vendor(candidate)
        asked = self.parts(request, candidate)
        parts = [vendor.read(part, body) for part, body in zip(asked, bodies, strict=True)]
        vectors = {
            form: [
                vector if form not in _CONVERTIBLE else in_form(vector, form)
                for part in parts
                for vector in part.vectors[_asked_form(form, vendor)]
            ]
            for form in request.encodings
        }
        return Embedded(vectors, usage_of(parts))

    def measure(self, answer: Embedded) -> tuple[Usage | None, int, Uses]:
        """The tokens that were reported, and the length of the vectors."""
        return answer.usage, sum(map(len, _views(answer.vectors))), ()

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The answer in the caller's wire."""
        return self.wire.encode_answer(request, answer, stamp, extension)


_CONVERTIBLE = frozenset({FLOAT, BASE64})


def price(candidate: EmbeddingCandidate, usage: Usage) -> NanoUsd:
    """The cost of a usage at a candidate."""
    sale = candidate.model.sale
    return cost(usage, terms(tier_of(candidate), price_of(candidate.target.price), sale))


def _vendor(candidate: EmbeddingCandidate) -> Embedder:
    return embedder(candidate.target.provider, candidate.target.upstream_model)


def _asked_form(form: str, vendor: Embedder) -> str:
    """The form that the vendor is asked for: base64 is made here where it has none."""
    return FLOAT if form == BASE64 and BASE64 not in vendor.encodings else form


def _refusal(request: EmbeddingsRequest, candidate: EmbeddingCandidate) -> InvalidRequest | None:
    """The refusal of what the candidate cannot do of a request, if there is one."""
    model, places, vendor = candidate.model, request.places, _vendor(candidate)
    foreign = next((form for form in request.encodings if _asked_form(form, vendor) not in vendor.encodings), None)
    if foreign is not None:
        return cannot(places["encodings"], f"The model '{model.id}' gives no vectors of type '{foreign}'.")
    if not model.token_inputs and not all(isinstance(one, str) for one in request.inputs):
        return cannot(places["inputs"], f"The model '{model.id}' takes texts, and no arrays of tokens.")
    if any(len(one) > model.max_input_tokens for one in request.inputs if not isinstance(one, str)):
        # Of a text its provider knows: a token may be a byte, or a long word.
        return cannot(
            places["inputs"], f"The model '{model.id}' reads at most {model.max_input_tokens} tokens an input."
        )
    if request.dimensions is not None and not model.has_size(request.dimensions):
        return cannot(places["dimensions"], _sizes(model))
    if len(request.inputs) * (request.dimensions or model.dimensions) > NUMBERS_MAX:
        most = NUMBERS_MAX // (request.dimensions or model.dimensions)
        return cannot(places["inputs"], f"One request for '{model.id}' takes at most {most} inputs of this size.")
    return None


def _sizes(model: EmbeddingModel) -> str:
    if not model.resizable:
        return f"The vectors of '{model.id}' have {model.dimensions} dimensions; no other number can be asked for."
    sizes = f"{model.sizes_from} to {model.dimensions}" if model.sizes_from else ", ".join(map(str, model.sizes))
    return f"The vectors of '{model.id}' can have these dimensions: {sizes}."


def _pieces(inputs: Sequence[Input], rows_max: int, bytes_max: int) -> Iterator[tuple[Input, ...]]:
    """The inputs in runs of so many and of so many bytes; one that is longer is a run of its own."""
    run: list[Input] = []
    run_bytes = 0
    for one in inputs:
        length = _bytes_of(one) if isinstance(one, str) else len(one)
        if run and (len(run) == rows_max or run_bytes + length > bytes_max):
            yield tuple(run)
            run, run_bytes = [], 0
        run.append(one)
        run_bytes += length
    yield tuple(run)


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _views(vectors: Mapping[str, Sequence[Vector]]) -> Iterator[memoryview]:
    return (memoryview(vector) for each in vectors.values() for vector in each)


def _counting(header: str) -> Callable[[UpstreamResponse], Awaitable[bytes]]:
    """Reads an answer's body; a count of tokens in that header is put into it, where Cohere's own answers have it."""
    if not header:
        return body_of

    async def read(response: UpstreamResponse) -> bytes:
        body = (await response.read()).strip()
        told = next((value for name, value in response.headers.items() if name.lower() == header), "")
        if not told.isdecimal() or not body.startswith(b"{") or not body.endswith(b"}"):
            return body
        return b'%b,"meta":{"billed_units":{"input_tokens":%d}}}' % (body[:-1], int(told))

    return read
