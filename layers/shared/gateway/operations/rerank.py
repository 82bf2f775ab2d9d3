"""Runs rerank as an operation of the pipeline, billed as each provider bills it: by searches or by tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ListPrice
from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.rerank import SEARCH, Ranking, RerankModel, RerankRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses, uses_of
from gateway.canonical.wire import Wire
from gateway.errors import InvalidRequest
from gateway.ledger.bounds import FRAME_TOKENS
from gateway.ledger.prices import cost, price_of, share_of_list, terms
from gateway.ledger.request_prices import pieces_cost
from gateway.operations.fitting import cannot, fitting
from gateway.operations.input_meter import InputMeter, tier_of
from gateway.operations.whole_answers import WholeAnswers
from gateway.pipeline.operation import InboundRequest, ProviderCall
from gateway.pipeline.provider_client import body_of
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential
from gateway.providers.rerank.registry import reranker
from gateway.routing.plan import Candidate, Plan
from gateway.routing.planning import candidates_for

if TYPE_CHECKING:
    # The vendors are loaded at their first use.
    from gateway.providers.rerank.vendor import Reranker

RerankCandidate = Candidate[RerankModel]

# The least part of a piece of a document that a long query leaves to it.
ROOM = 10


class RerankWire(Wire, Protocol):
    """The side of a wire that callers speak."""

    def decode_request(self, body: bytes) -> RerankRequest:
        """Raises `InvalidRequest` with the JSON path of what is wrong."""

    def encode_answer(self, request: RerankRequest, answer: Ranking, stamp: Stamp, extension: Extension) -> bytes: ...


class SearchBounds(Struct, frozen=True):
    """The bounds of a request's searches and tokens: a token is at least a byte."""

    request: RerankRequest

    def at_most(self, candidate: RerankCandidate) -> Usage:
        """The bound by bytes, within what the model reads of each document beside the query."""
        model, query = candidate.model, len(self.request.query.encode())
        texts = [len(document.text.encode()) for document in self.request.documents]
        tokens = sum(min(query + text + FRAME_TOKENS, model.max_input_tokens + FRAME_TOKENS) for text in texts)
        return Usage(input=tokens, uses=uses_of({SEARCH: self._searches(model, query, texts)}))

    def _searches(self, model: RerankModel, query: int, texts: Sequence[int]) -> int:
        if model.search_documents is None or model.search_tokens is None:
            return 1
        read = self.request.max_tokens_per_doc or model.max_input_tokens
        room = max(model.search_tokens // ROOM, model.search_tokens - query)
        pieces = sum(max(1, -(-min(text, read) // room)) for text in texts)
        return -(-pieces // model.search_documents)

    def likely(self) -> Usage:
        """One search, and the tokens of each document beside the query."""
        query = len(self.request.query.encode())
        tokens = sum(estimated_tokens(query + len(document.text.encode())) for document in self.request.documents)
        return Usage(input=tokens, uses=uses_of({SEARCH: 1}))


class RerankOperation(WholeAnswers[RerankRequest, Ranking]):
    """Rerank for callers of one wire."""

    def __init__(self, wire: RerankWire, catalog: Catalog[RerankModel]) -> None:
        self.wire = wire
        self._catalog = catalog

    def decode(self, inbound: InboundRequest) -> RerankRequest:
        """The request as its wire reads it."""
        return self.wire.decode_request(inbound.body)

    def plan(self, principal: Principal, request: RerankRequest) -> Plan[RerankModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        bounds = SearchBounds(request)
        return fitting(
            found, request.routing, partial(_refusal, request), _listed, lambda each: price(each, bounds.at_most(each))
        )

    def meter(self, request: RerankRequest, plan: Plan[RerankModel]) -> InputMeter:
        """Prices by searches or by tokens, as each candidate has it."""
        return InputMeter(plan.candidates, SearchBounds(request), price)

    def parts(self, request: RerankRequest, candidate: RerankCandidate) -> Sequence[RerankRequest]:
        """The request itself: scores of one request are comparable."""
        del candidate
        return (request,)

    def vendor(self, candidate: RerankCandidate) -> Reranker:
        """The row of the candidate's provider."""
        return reranker(candidate.target.provider)

    def call(
        self, request: RerankRequest, candidate: RerankCandidate, credential: Credential, now_s: float, *, stream: bool
    ) -> ProviderCall:
        """The request in the provider's words."""
        del stream
        vendor, target = reranker(candidate.target.provider), candidate.target
        account = self.account(candidate, credential)
        return ProviderCall(
            vendor.request(request, target.upstream_model, account, now_s), body_of, vendor.decode_error
        )

    def decode_answer(
        self, request: RerankRequest, candidate: RerankCandidate, bodies: Sequence[bytes], answer_id: str
    ) -> Ranking:
        """The provider's ranking; raises `UnreadableAnswer` for one that is not of the request's documents."""
        del answer_id
        (body,) = bodies
        return reranker(candidate.target.provider).read(request, body)

    def measure(self, answer: Ranking) -> tuple[Usage | None, int, Uses]:
        """The usage that was reported, and how many documents were ranked."""
        return answer.usage, len(answer.results), ()

    def encode_answer(self, request: RerankRequest, answer: Ranking, stamp: Stamp, extension: Extension) -> bytes:
        """The answer in the caller's wire."""
        return self.wire.encode_answer(request, answer, stamp, extension)


def price(candidate: RerankCandidate, usage: Usage) -> NanoUsd:
    """The cost of a usage at a candidate: of its searches, or of its tokens."""
    sale, tier = candidate.model.sale, tier_of(candidate)
    if (listed := _listed(candidate)) is not None:
        return cost(usage, terms(tier, price_of(listed), sale))
    return pieces_cost(candidate.target.price.search, dict(usage.uses).get(SEARCH, 0), share_of_list(tier, sale))


def _listed(candidate: RerankCandidate) -> ListPrice | None:
    """The price of tokens, if the candidate has one."""
    listed = candidate.target.price
    return None if listed.input is None else ListPrice(input=listed.input, output="0")


def _refusal(request: RerankRequest, candidate: RerankCandidate) -> InvalidRequest | None:
    """The refusal of what the candidate cannot do of a request, if there is one."""
    model = candidate.model
    if len(request.documents) > model.documents_max:
        return cannot("documents", f"The model '{model.id}' ranks at most {model.documents_max} documents.")
    if request.max_tokens_per_doc is not None and not reranker(candidate.target.provider).bounds_documents:
        return cannot("max_tokens_per_doc", f"The model '{model.id}' takes no bound of a document's tokens.")
    return None
