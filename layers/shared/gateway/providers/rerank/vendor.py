"""Defines a vendor of rerank: a row of pure functions that write its requests and read its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.canonical.rerank import Ranked, Ranking, RerankRequest
from gateway.canonical.usage import Usage
from gateway.errors import UnreadableAnswer
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.vendor_endpoint import VendorEndpoint

RANKING = "ranking"


class Reranker(VendorEndpoint, frozen=True, kw_only=True):
    """One row. `write` makes the body for a model's name at the vendor, `read` an answer's ranking.

    A vendor with `bounds_documents` takes a bound of the tokens that it reads of each document.
    """

    write: Callable[[RerankRequest, str], Mapping[str, Any]]
    read: Callable[[RerankRequest, bytes], Ranking]
    bounds_documents: bool = False

    def request(self, asked: RerankRequest, model: str, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave."""
        return self.posted(self.write(asked, model), model, credential, now_s)


def ranking(asked: RerankRequest, rows: Sequence[Ranked], usage: Usage | None) -> Ranking:
    """The rows by their scores; raises `UnreadableAnswer` for rows that are not of the request's documents."""
    places = {row.index for row in rows}
    if len(rows) < asked.wanted or len(places) != len(rows) or not places <= set(range(len(asked.documents))):
        raise UnreadableAnswer("it does not rank the documents of the request")
    # A vendor's own order decides between equal scores.
    return Ranking(sorted(rows, key=lambda row: -row.score)[: asked.wanted], usage)
