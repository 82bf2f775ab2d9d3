"""Searches the documents that came with the run: embedded by bge-m3, the best reranked by rerank-v3.5.

The passages' vectors are paid once a run: each batch has a key of its own in the ring, which gives its answer again to
every later search and to a process that takes the run over.
"""

from __future__ import annotations

import base64
from array import array
from collections.abc import Sequence
from operator import mul
from typing import Any

import orjson

from gateway.agents.tools.tool import Arguments, Offer, Tool, ToolRefused, Work, number_of, text_of

EMBEDDER, RERANKER = "bge-m3", "rerank-v3.5"
PASSAGE_CHARACTERS, OVERLAP_CHARACTERS = 1_200, 150
PASSAGES_MAX = 4_000
BATCH, NEAREST = 64, 20
TOP_MAX, TOP = 10, 5
QUERY_CHARACTERS_MAX = 2_000
NO_DOCUMENTS = "This run has no documents: they come with it, as 'rag_documents'."


async def run(work: Work, arguments: Arguments) -> str:
    """The passages that answer the query best."""
    query = text_of(arguments, "query", characters_max=QUERY_CHARACTERS_MAX)
    top = number_of(arguments, "top_k", default=TOP, lowest=1, highest=TOP_MAX)
    passages = split(work.documents)
    if len(passages) > PASSAGES_MAX:
        raise ToolRefused(f"The documents come to more than {PASSAGES_MAX} passages.")
    near = await _nearest(work, query, passages) if len(passages) > NEAREST else list(range(len(passages)))
    body = {"model": RERANKER, "query": query, "documents": [passages[at][1] for at in near], "top_n": top}
    ranked = orjson.loads(await work.ask("rerank", orjson.dumps(body), "rerank"))["results"]
    found = [_shown(passages, near[each["index"]], each["relevance_score"]) for each in ranked]
    return orjson.dumps({"passages": found}).decode()


def split(documents: Sequence[str]) -> list[tuple[int, str]]:
    """The documents in passages that overlap, each with its document's number."""
    step = PASSAGE_CHARACTERS - OVERLAP_CHARACTERS
    return [
        (number, text[start : start + PASSAGE_CHARACTERS])
        for number, text in enumerate(documents)
        for start in range(0, max(len(text) - OVERLAP_CHARACTERS, 1), step)
        if text[start : start + PASSAGE_CHARACTERS].strip()
    ]


async def _nearest(work: Work, query: str, passages: Sequence[tuple[int, str]]) -> list[int]:
    """The places of the passages whose vectors are nearest to the query's."""
    vectors: list[array[float]] = []
    for start in range(0, len(passages), BATCH):
        batch = [text for _, text in passages[start : start + BATCH]]
        vectors += _vectors(await work.ask_once_a_run("embeddings", _embedding_of(batch), f"rag_documents/{start}"))
    (asked,) = _vectors(await work.ask("embeddings", _embedding_of([query]), "query"))
    scores = [sum(map(mul, asked, vector)) for vector in vectors]
    return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:NEAREST]


def _embedding_of(texts: Sequence[str]) -> bytes:
    return orjson.dumps({"model": EMBEDDER, "input": list(texts), "encoding_format": "base64"})


def _vectors(answer: bytes) -> list[array[float]]:
    rows = sorted(orjson.loads(answer)["data"], key=lambda row: row["index"])
    return [array("f", base64.b64decode(row["embedding"])) for row in rows]


def _shown(passages: Sequence[tuple[int, str]], at: int, score: float) -> dict[str, Any]:
    number, text = passages[at]
    return {"document": number, "text": text, "score": round(score, 4)}


def _without_documents(offer: Offer) -> str | None:
    return None if offer.documents else NO_DOCUMENTS


TOOL = Tool(
    name="rag_search",
    description="Searches the documents that the user gave with the task, and returns the passages that fit best.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "maxLength": QUERY_CHARACTERS_MAX},
            "top_k": {"type": "integer", "minimum": 1, "maximum": TOP_MAX},
        },
        "required": ["query"],
    },
    run=run,
    price="bge-m3 once for the documents and for each query, rerank-v3.5 for each query",
    time_limit_s=130.0,
    unavailable=_without_documents,
)
