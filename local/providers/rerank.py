"""Simulates rerank at Voyage, Jina, DashScope, Cohere and on Bedrock: a document scores by the words of its query.

https://docs.cohere.com/reference/rerank, https://docs.voyageai.com/reference/reranker-api,
https://api.jina.ai/redoc#tag/rerank, https://www.alibabacloud.com/help/en/model-studio/text-rerank-api
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from local.providers import bedrock, bedrock_checks, cohere, embeddings, media_dashscope, openai_shapes, tokens
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Refusal, Reply, Route, Wire, json_reply, route

COHERE_MODELS = ("rerank-v3.5", "rerank-multilingual-v3.0", "rerank-english-v3.0")
BEDROCK_MODELS = ("cohere.rerank-v3-5:0", "amazon.rerank-v1:0")
VOYAGE_MODELS = ("rerank-2.5", "rerank-2.5-lite", "rerank-2", "rerank-2-lite")
JINA_MODELS = ("jina-reranker-v2-base-multilingual",)
DASHSCOPE_MODELS = ("bge-reranker-v2-m3",)
# A piece of a document, and the pieces of a search, as Cohere bills them.
PIECE_TOKENS, SEARCH_PIECES = 500, 100

_WORD = re.compile(r"\w+")
_COHERE = frozenset({"model", "query", "documents", "top_n", "max_tokens_per_doc"})
_BEDROCK = frozenset({"query", "documents", "top_n", "max_tokens_per_doc", "api_version"})
_VOYAGE = frozenset({"model", "query", "documents", "top_k", "return_documents", "truncation"})
_JINA = frozenset({"model", "query", "documents", "top_n", "return_documents"})

Refuse = Callable[[int, str], Refusal]


def wires() -> tuple[Wire, ...]:
    """Builds the endpoint of each vendor."""
    return (
        _beside(cohere.wire(), route("POST", "/v2/rerank", _cohere)),
        _beside(embeddings.wire(embeddings.VOYAGE), route("POST", "/rerank", _voyage)),
        _beside(embeddings.wire(embeddings.JINA), route("POST", "/rerank", _jina)),
        _beside(media_dashscope.wire(), route("POST", "/services/rerank/text-rerank/text-rerank", _dashscope)),
        _beside(bedrock.wire(), route("POST", "/model/(?P<model>[^/]*rerank[^/]*)/invoke", _bedrock)),
    )


def _beside(wire: Wire, own: Route) -> Wire:
    """The endpoint with the row, the key and the errors of another wire of its vendor."""
    return replace(wire, routes=(own,), question=lambda body: str(body.get("query", "")))


def score(query: str, text: str) -> float:
    """Returns the share of the query's words that the text has, told apart by a hash where that is equal."""
    wanted = set(_WORD.findall(query.lower()))
    share = len(wanted & set(_WORD.findall(text.lower()))) / max(1, len(wanted))
    drawn = int.from_bytes(hashlib.sha256(f"{query}\n{text}".encode()).digest()[:4])
    return round((share * 0.98) + drawn / 2**32 / 100, 9)


def searches(query: str, documents: list[str], tokens_max: int = 4_096) -> int:
    """Returns the searches that Cohere bills."""
    room = max(1, PIECE_TOKENS - tokens.count(query))
    pieces = sum(max(1, -(-min(tokens.count(text), tokens_max) // room)) for text in documents)
    return -(-pieces // SEARCH_PIECES)


def read_tokens(query: str, documents: list[str]) -> int:
    """Returns the tokens of each document, beside the query's."""
    return sum(tokens.count(query) + tokens.count(text) for text in documents)


def _asked(body: Json, members: frozenset[str], refuse: Refuse) -> tuple[str, list[str]]:
    """The query and the documents; raises the refusal of what the vendor does not take."""
    unknown = next((name for name in body if name not in members), None)
    if unknown is not None:
        raise refuse(400, f"unknown field: parameter '{unknown}' is not a valid field")
    query, documents = body.get("query"), body.get("documents")
    if not isinstance(query, str) or not query:
        raise refuse(400, "invalid request: query must not be empty")
    if not isinstance(documents, list) or not documents or not all(isinstance(one, str) for one in documents):
        raise refuse(400, "invalid request: list of documents must not be empty, and hold texts")
    return query, [str(one) for one in documents]


def _ranked(query: str, documents: list[str], most: JsonValue) -> list[JsonValue]:
    rows = sorted(((score(query, text), index) for index, text in enumerate(documents)), reverse=True)
    kept = rows[: most if isinstance(most, int) else len(rows)]
    return [{"index": index, "relevance_score": found} for found, index in kept]


def _model(body: Json, models: tuple[str, ...], refuse: Refuse) -> str:
    if body.get("model") not in models:
        raise refuse(404, f"model '{body.get('model')}' not found")
    return str(body["model"])


def _cohere(call: Call) -> Reply:
    _model(call.body, COHERE_MODELS, cohere.refusal)
    query, documents = _asked(call.body, _COHERE, cohere.refusal)
    bound = call.body.get("max_tokens_per_doc")
    units = searches(query, documents, bound if isinstance(bound, int) else 4_096)
    meta: Json = {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}
    results = _ranked(query, documents, call.body.get("top_n"))
    return json_reply({"id": call.unique_id("", 36), "results": results, "meta": meta})


def _bedrock(call: Call) -> Reply:
    if call.params["model"] not in BEDROCK_MODELS:
        raise bedrock_checks.invalid("The provided model identifier is invalid.")
    query, documents = _asked(call.body, _BEDROCK, bedrock_checks.refusal)
    if (call.body.get("api_version") == 2) is not call.params["model"].startswith("cohere."):
        raise bedrock_checks.invalid("Malformed input request: api_version")
    return json_reply({"results": _ranked(query, documents, call.body.get("top_n"))})


def _voyage(call: Call) -> Reply:
    model = _model(call.body, VOYAGE_MODELS, openai_shapes.refusal)
    query, documents = _asked(call.body, _VOYAGE, openai_shapes.refusal)
    usage: Json = {"total_tokens": read_tokens(query, documents)}
    data = _ranked(query, documents, call.body.get("top_k"))
    return json_reply({"object": "list", "data": data, "model": model, "usage": usage})


def _jina(call: Call) -> Reply:
    model = _model(call.body, JINA_MODELS, openai_shapes.refusal)
    query, documents = _asked(call.body, _JINA, openai_shapes.refusal)
    usage: Json = {"total_tokens": read_tokens(query, documents)}
    return json_reply({"model": model, "usage": usage, "results": _ranked(query, documents, call.body.get("top_n"))})


def _dashscope(call: Call) -> Reply:
    refuse = functools.partial(media_dashscope.refusal, code=None)
    _model(call.body, DASHSCOPE_MODELS, refuse)
    given, parameters = call.body.get("input"), call.body.get("parameters")
    query, documents = _asked(given if isinstance(given, dict) else {}, frozenset({"query", "documents"}), refuse)
    most = parameters.get("top_n") if isinstance(parameters, dict) else None
    usage: Json = {"total_tokens": read_tokens(query, documents)}
    output: Json = {"results": _ranked(query, documents, most)}
    return json_reply({"output": output, "usage": usage, "request_id": call.unique_id("", 36)})
