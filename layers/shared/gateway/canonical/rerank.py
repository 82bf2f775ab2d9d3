"""Rerank as values: a request, the order of an answer, and the models for sale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from gateway.canonical.models import Model
from gateway.canonical.request import NOTHING, Json, RoutingPreferences
from gateway.canonical.usage import Usage

DOCUMENTS_MAX = 10_000
# The word under which usage counts what a provider bills by the search.
SEARCH = "search"


class Document(Struct, frozen=True):
    """One document: its text, and the JSON in which the caller sent it."""

    text: str
    sent: bytes


class RerankRequest(Struct, frozen=True):
    """One query and its documents, the same for every wire. `top_n` is how many of them are wanted at most.

    `data_too` has the rows in `data` too, where Voyage's clients look for them.
    """

    protocol: str
    model: str
    query: str
    documents: tuple[Document, ...]
    top_n: int | None = None
    return_documents: bool = True
    max_tokens_per_doc: int | None = None
    data_too: bool = False
    user: str | None = None
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    stream: bool = False
    echo: Json = field(default_factory=lambda: NOTHING)

    @property
    def wanted(self) -> int:
        """The number of documents in the answer."""
        return min(self.top_n or len(self.documents), len(self.documents))


class Ranked(Struct, frozen=True):
    """A document's place in the request, and its score as the provider wrote it."""

    index: int
    score: float


class Ranking(Struct, frozen=True):
    """The documents in order, the best first; `usage` is `None` if it was not reported."""

    results: Sequence[Ranked]
    usage: Usage | None


class RerankPrice(Struct, frozen=True):
    """USD for one search, or for a million tokens of queries and documents; decimal text."""

    search: str | None = None
    input: str | None = None

    @property
    def listed(self) -> Mapping[str, str]:
        """The unit and the price, as the list of models shows them."""
        if self.search is not None:
            return {"unit": "search", "search": self.search}
        return {"unit": "1M tokens", "input": self.input or ""}


class RerankModel(Model[RerankPrice], frozen=True, kw_only=True):
    """One rerank model for sale.

    A request has at most `documents_max` documents. The model reads `max_input_tokens` of a document beside its query,
    and a search is at most `search_documents` documents, or pieces of `search_tokens` tokens of longer ones; without
    these a request is one search.
    """

    documents_max: int
    max_input_tokens: int
    search_documents: int | None = None
    search_tokens: int | None = None
