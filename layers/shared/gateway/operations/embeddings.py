"""Runs embeddings as an operation of the pipeline: a request is split into what its provider takes at once.

The parts of an attempt are asked side by side, under one hold. One that fails ends the attempt, and an attempt that
fails costs nothing: a caller gets all vectors or none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.embeddings import (
    BASE64,
    FLOAT,
    NUMBERS_MAX,
    Compound,
    Embedded,
    EmbeddingModel,
    EmbeddingPrice,
    EmbeddingsRequest,
    Input,
    Vector,
)
from gateway.canonical.estimate import estimated_text_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses, uses_of
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

if TYPE_CHECKING:
    # A cold start loads nothing that reads strangers' files.
    from gateway.operations.media_inputs import Inputs

EmbeddingCandidate = Candidate[EmbeddingModel]

# The tokens of a picture at most at vendors that bound the tokens of a request.
PICTURE_TOKENS = 4_000
# The share of the largest picture that one is taken for where its vendor counted none.
UNITS_SHARE = 4
# The numbers of one part's answer: text of twenty bytes each at most, within what one answer may take of the memory.
PART_NUMBERS_MAX = 500_000


class EmbeddingsWire(Wire, Protocol):
    """The side of a wire that callers speak."""

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        """Raises `InvalidRequest` with the JSON path of what is wrong."""

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The answer, whose vectors keep their bytes."""


class TokenBounds(Struct, frozen=True):
    """The bounds of a request's tokens: a token is at least a byte of text, or a number of the request.

    `model` is that of all candidates: vectors of different ones do not compare.
    """

    request: EmbeddingsRequest
    model: EmbeddingModel

    def at_most(self, candidate: EmbeddingCandidate) -> Usage:
        """The bound by bytes, within the model's own for so many inputs."""
        model, inputs = candidate.model, len(self.request.inputs)
        pictures = _pictures(self.request)
        # The base64 of pictures is no text.
        counted = sum(map(_bytes_of, self.request.inputs)) if pictures else self.request.source_bytes
        tokens = min(counted + FRAME_TOKENS * inputs, model.max_input_tokens * inputs)
        return _with_units(model, tokens, pictures * model.image_units_max)

    def likely(self) -> Usage:
        """Tokens by count, and those of texts by their length; a picture is a quarter of the largest."""
        units = _pictures(self.request) * -(-self.model.image_units_max // UNITS_SHARE)
        return _with_units(self.model, sum(map(_likely, self.request.inputs)), units)


class EmbeddingsOperation(WholeAnswers[EmbeddingsRequest, Embedded]):
    """Embeddings for callers of one wire."""

    def __init__(
        self, wire: EmbeddingsWire, catalog: Catalog[EmbeddingModel], inputs: Callable[[], Inputs] | None = None
    ) -> None:
        """`inputs` is asked for where a request has pictures."""
        self.wire = wire
        self._catalog = catalog
        self._inputs = inputs

    def decode(self, inbound: InboundRequest) -> EmbeddingsRequest:
        """The request as its wire reads it."""
        return self.wire.decode_request(inbound.body)

    def fetching(
        self, request: EmbeddingsRequest
    ) -> Callable[[InboundRequest, EmbeddingsRequest], Awaitable[EmbeddingsRequest]] | None:
        """Reads the pictures of a request that has any."""
        return self._fetched if _pictures(request) else None

    async def _fetched(self, inbound: InboundRequest, request: EmbeddingsRequest) -> EmbeddingsRequest:
        from gateway.operations.embedding_pictures import with_pictures  # noqa: PLC0415  # loaded with the first picture

        if self._inputs is None:
            raise NotImplementedError("built without a reader of pictures")
        return await with_pictures(request, inbound.principal.account_id, self._inputs())

    def plan(self, principal: Principal, request: EmbeddingsRequest) -> Plan[EmbeddingModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        return fitting(
            found,
            request.routing,
            partial(_refusal, request),
            lambda each: each.target.price,
            lambda each: price(each, TokenBounds(request, each.model).at_most(each)),
        )

    def meter(self, request: EmbeddingsRequest, plan: Plan[EmbeddingModel]) -> InputMeter:
        """Prices by tokens."""
        return InputMeter(plan.candidates, TokenBounds(request, plan.candidates[0].model), price)

    def parts(self, request: EmbeddingsRequest, candidate: EmbeddingCandidate) -> Sequence[EmbeddingsRequest]:
        """The request in pieces that the candidate's provider takes."""
        vendor, model = _vendor(candidate), candidate.model
        dimensions = None if request.dimensions == model.dimensions and not model.resizable else request.dimensions
        forms = tuple(dict.fromkeys(_asked_form(form, vendor) for form in request.encodings))
        whole = replace(request, encodings=forms, dimensions=dimensions)
        rows_max = max(1, min(vendor.inputs_max, PART_NUMBERS_MAX // (dimensions or model.dimensions)))
        return [replace(whole, inputs=inputs) for inputs in _pieces(request.inputs, rows_max, vendor.bytes_max)]

    def vendor(self, candidate: EmbeddingCandidate) -> Embedder:
        """The row of the candidate's provider."""
        return _vendor(candidate)

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
        account = self.account(candidate, credential)
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
        unit = candidate.model.image_unit
        usage = usage_of(parts, unit)
        # A report that leaves out the pictures is none.
        uncounted = unit is not None and _pictures(request) > 0 and usage is not None and not usage.uses
        return Embedded(vectors, None if uncounted else usage)

    def measure(self, answer: Embedded) -> tuple[Usage | None, int, Uses]:
        """The tokens that were reported, and the length of the vectors."""
        return answer.usage, sum(map(len, _views(answer.vectors))), ()

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The answer in the caller's wire."""
        return self.wire.encode_answer(request, answer, stamp, extension)


_CONVERTIBLE = frozenset({FLOAT, BASE64})


def price(candidate: EmbeddingCandidate, usage: Usage) -> NanoUsd:
    """The cost of a usage at a candidate."""
    sale, tier, listed = candidate.model.sale, tier_of(candidate), candidate.target.price
    read = cost(usage, terms(tier, price_of(listed), sale))
    if listed.image is None or candidate.model.image_unit is None:
        return read
    units = Usage(input=dict(usage.uses).get(candidate.model.image_unit, 0))
    return read + cost(units, terms(tier, price_of(EmbeddingPrice(input=listed.image, output="0")), sale))


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
    if _pictures(request):
        from gateway.operations.embedding_pictures import refusal  # noqa: PLC0415  # loaded with the first picture

        if (no_pictures := refusal(request, model, vendor)) is not None:
            return no_pictures
    if not model.token_inputs and not all(isinstance(one, str | Compound) for one in request.inputs):
        return cannot(places["inputs"], f"The model '{model.id}' takes texts, and no arrays of tokens.")
    if any(len(one) > model.max_input_tokens for one in request.inputs if not isinstance(one, str | Compound)):
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
        length = _bytes_of(one) + (PICTURE_TOKENS * len(one.pictures) if isinstance(one, Compound) else 0)
        if run and (len(run) == rows_max or run_bytes + length > bytes_max):
            yield tuple(run)
            run, run_bytes = [], 0
        run.append(one)
        run_bytes += length
    yield tuple(run)


def _bytes_of(one: Input) -> int:
    """The most tokens of an input's texts: their bytes, or those that it counts itself."""
    if isinstance(one, Compound):
        return sum(map(_bytes_of, one.texts))
    return len(one.encode()) if isinstance(one, str) and not one.isascii() else len(one)


def _likely(one: Input) -> int:
    if isinstance(one, Compound):
        return sum(map(estimated_text_tokens, one.texts))
    return estimated_text_tokens(one) if isinstance(one, str) else len(one)


def _with_units(model: EmbeddingModel, tokens: int, units: int) -> Usage:
    """The usage of tokens of text and units of pictures, which are tokens too where the model counts none apart."""
    if model.image_unit is None:
        return Usage(input=tokens + units)
    return Usage(input=tokens, uses=uses_of({model.image_unit: units}))


def _pictures(request: EmbeddingsRequest) -> int:
    return sum(len(one.pictures) for one in request.inputs if isinstance(one, Compound))


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
