"""The vendors of rerank. They differ in a few members' names and in what they bill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from gateway.canonical.rerank import SEARCH, Ranked, Ranking, RerankRequest
from gateway.canonical.usage import Usage, counted, uses_of
from gateway.providers.chat import bedrock
from gateway.providers.chat.registry import PROVIDERS, at, under
from gateway.providers.rerank.vendor import RANKING, Reranker, ranking
from gateway.providers.vendor_endpoint import shaped

# Bedrock reports no units. A request that has no longer documents is so many of them a unit.
_UNIT_DOCUMENTS = 100


class _Row(Struct):
    index: int
    relevance_score: float

    @property
    def ranked(self) -> Ranked:
        """The row without its document."""
        return Ranked(self.index, self.relevance_score)


class _Billed(Struct):
    search_units: float | None = None


class _Meta(Struct):
    billed_units: _Billed | None = None


class _Usage(Struct):
    total_tokens: int | None = None


class _Results(Struct):
    results: list[_Row]
    meta: _Meta | None = None
    usage: _Usage | None = None


class _Data(Struct):
    data: list[_Row]
    usage: _Usage | None = None


class _Output(Struct):
    output: _Results
    usage: _Usage = field(default_factory=_Usage)


def _texts(asked: RerankRequest) -> list[str]:
    return [document.text for document in asked.documents]


def _cohere(asked: RerankRequest, model: str) -> Mapping[str, Any]:
    return {
        "model": model,
        "query": asked.query,
        "documents": _texts(asked),
        "top_n": asked.wanted,
        "max_tokens_per_doc": asked.max_tokens_per_doc,
    }


def _read_cohere(asked: RerankRequest, body: bytes) -> Ranking:
    answer: _Results = shaped(body, _Results, RANKING)
    billed = answer.meta.billed_units if answer.meta else None
    units = None if billed is None or billed.search_units is None else int(billed.search_units)
    usage = None if units is None else Usage(uses=uses_of({SEARCH: units}))
    return ranking(asked, [row.ranked for row in answer.results], usage)


def _bedrock(asked: RerankRequest, model: str) -> Mapping[str, Any]:
    """Cohere's model on Bedrock also takes the version of its wire."""
    members = {"query": asked.query, "documents": _texts(asked), "top_n": asked.wanted}
    if "cohere." not in model:
        return members
    return {**members, "api_version": 2, "max_tokens_per_doc": asked.max_tokens_per_doc}


def _read_bedrock(asked: RerankRequest, body: bytes) -> Ranking:
    answer: _Results = shaped(body, _Results, RANKING)
    units = -(-len(asked.documents) // _UNIT_DOCUMENTS)
    return ranking(asked, [row.ranked for row in answer.results], Usage(uses=uses_of({SEARCH: units})))


def _jina(asked: RerankRequest, model: str) -> Mapping[str, Any]:
    return {
        "model": model,
        "query": asked.query,
        "documents": _texts(asked),
        "top_n": asked.wanted,
        "return_documents": False,
    }


def _read_jina(asked: RerankRequest, body: bytes) -> Ranking:
    answer: _Results = shaped(body, _Results, RANKING)
    return ranking(asked, [row.ranked for row in answer.results], _one_search(answer.usage))


def _voyage(asked: RerankRequest, model: str) -> Mapping[str, Any]:
    return {
        "model": model,
        "query": asked.query,
        "documents": _texts(asked),
        "top_k": asked.wanted,
        "return_documents": False,
        "truncation": True,
    }


def _read_voyage(asked: RerankRequest, body: bytes) -> Ranking:
    answer: _Data = shaped(body, _Data, RANKING)
    tokens = None if answer.usage is None else answer.usage.total_tokens
    usage = None if tokens is None else counted(input=tokens)
    return ranking(asked, [row.ranked for row in answer.data], usage)


def _dashscope(asked: RerankRequest, model: str) -> Mapping[str, Any]:
    return {
        "model": model,
        "input": {"query": asked.query, "documents": _texts(asked)},
        "parameters": {"top_n": asked.wanted, "return_documents": False},
    }


def _read_dashscope(asked: RerankRequest, body: bytes) -> Ranking:
    answer: _Output = shaped(body, _Output, RANKING)
    return ranking(asked, [row.ranked for row in answer.output.results], _one_search(answer.usage))


def _one_search(usage: _Usage | None) -> Usage:
    """A request that is paid as one, and the tokens that it read."""
    tokens = (usage or _Usage()).total_tokens or 0
    return counted(uses_of({SEARCH: 1}), input=tokens)


# https://docs.cohere.com/reference/rerank
COHERE = Reranker(
    name="cohere",
    base_url=PROVIDERS["cohere"].base_url,
    path=under("/v2/rerank"),
    write=_cohere,
    read=_read_cohere,
    bounds_documents=True,
    errors="cohere_chat.errors",
)
# https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-supported.html
BEDROCK = Reranker(
    name="bedrock",
    base_url=bedrock.base_url,
    path=bedrock.invoke_path,
    sign=bedrock.headers,
    write=_bedrock,
    read=_read_bedrock,
    errors="bedrock_converse.errors",
    located=PROVIDERS["bedrock"].located,
)
# https://api.jina.ai/redoc#tag/rerank
JINA = Reranker(name="jina", base_url=at("https://api.jina.ai/v1"), path=under("/rerank"), write=_jina, read=_read_jina)
# https://docs.voyageai.com/reference/reranker-api
VOYAGE = Reranker(
    name="voyage", base_url=at("https://api.voyageai.com/v1"), path=under("/rerank"), write=_voyage, read=_read_voyage
)
# https://www.alibabacloud.com/help/en/model-studio/text-rerank-api
DASHSCOPE = Reranker(
    name="dashscope",
    base_url=at("https://dashscope-intl.aliyuncs.com/api/v1"),
    path=under("/services/rerank/text-rerank/text-rerank"),
    write=_dashscope,
    read=_read_dashscope,
)
