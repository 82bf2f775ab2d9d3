"""Tests of what the references say of embeddings, rerank and retrieval, one assertion for each statement."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

TEXT = "The food was delicious and the waiter..."
LARGE, SMALL = "text-embedding-3-large", "text-embedding-3-small"
QUERY, DOCUMENTS = (
    "如何重置员工 VPN?",
    ["VPN 服务器列表", "重置 VPN 密码需要登录员工门户", "The canteen opens at noon."],
)


class Asking:
    """The endpoints, as the statements ask them."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def embed(self, model: str = SMALL, **more: Any) -> Any:
        answer = self._http.post("/v1/embeddings", json={"model": model, "input": TEXT} | more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def length(self, model: str, **more: Any) -> int:
        return len(self.embed(model, **more)["data"][0]["embedding"])

    def rank(self, model: str = "rerank-v3.5", **more: Any) -> Any:
        asked = {"model": model, "query": QUERY, "documents": DOCUMENTS} | more
        answer = self._http.post("/v1/rerank", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, body: Any) -> Any:
        answer = self._http.post(path, json=body)
        return answer.status_code, answer.json()["error"]["param"]

    def price(self, model: str) -> Any:
        pricing = self._http.get(f"/v1/models/{model}").json()["pricing"]
        return pricing.get("input") or pricing["search"]


@pytest.fixture
def asking(stack: Stack) -> Iterator[Asking]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http:
        yield Asking(http)


def unpacked(told: Any) -> tuple[float, ...]:
    packed = base64.b64decode(told["data"][0]["embedding"])
    return struct.unpack(f"<{len(packed) // 4}f", packed)


def scores(told: Any) -> list[float]:
    return [row["relevance_score"] for row in told["results"]]


Check = tuple[str, Callable[[Asking], Any], Any]
EMBEDDINGS: list[Check] = [
    ("001: the sample's text of the small model", lambda on: on.length(SMALL), 1536),
    ("004: the large model has 3,072 numbers", lambda on: on.length(LARGE), 3072),
    ("004: voyage-3-large is there", lambda on: on.length("voyage-3-large"), 1024),
    ("004: voyage-3 is there", lambda on: on.length("voyage-3"), 1024),
    ("004: jina-embeddings-v3 is there", lambda on: on.length("jina-embeddings-v3"), 1024),
    ("004: bge-m3 is there", lambda on: on.length("bge-m3"), 1024),
    ("004: embed-multilingual-v3.0 is there", lambda on: on.length("embed-multilingual-v3.0"), 1024),
    ("004: nexevo/embed-fast routes", lambda on: on.embed("nexevo/embed-fast")["nexevo"]["model_used"], SMALL),
    (
        "004: nexevo/embed-balanced is voyage-3",
        lambda on: on.embed("nexevo/embed-balanced")["nexevo"]["model_used"],
        "voyage-3",
    ),
    (
        "004: an answer names the alias that was asked for",
        lambda on: on.embed("nexevo/embed-fast")["model"],
        "nexevo/embed-fast",
    ),
    ("004: one text is one row", lambda on: len(on.embed()["data"]), 1),
    (
        "004: a list is a row each, by index",
        lambda on: [row["index"] for row in on.embed(input=["a", "b", "c"])["data"]],
        [0, 1, 2],
    ),
    ("004: 2,048 texts are one request", lambda on: len(on.embed(dimensions=1, input=["a"] * 2_048)["data"]), 2_048),
    ("004: numbers unless base64 is asked for", lambda on: type(on.embed()["data"][0]["embedding"]), list),
    (
        "004: base64 is of the same numbers",
        lambda on: list(unpacked(on.embed(encoding_format="base64"))) == on.embed()["data"][0]["embedding"],
        True,
    ),
    (
        "004: dimensions of text-embedding-3-*",
        lambda on: [on.length(model, dimensions=256) for model in (SMALL, LARGE)],
        [256, 256],
    ),
    ("004: dimensions of jina-embeddings-v3", lambda on: on.length("jina-embeddings-v3", dimensions=512), 512),
    (
        "004: no dimensions elsewhere",
        lambda on: on.refused("/v1/embeddings", {"model": "bge-m3", "input": "a", "dimensions": 512}),
        (400, "dimensions"),
    ),
    ("004: a user may be named", lambda on: len(on.embed(user="tenant-1")["data"]), 1),
    ("004: usage counts the input's tokens", lambda on: on.embed()["usage"]["prompt_tokens"] > 0, True),
    (
        "004: model and input are required",
        lambda on: [on.refused("/v1/embeddings", body) for body in ({"input": "a"}, {"model": SMALL})],
        [(400, "model"), (400, "input")],
    ),
    (
        "004: prices a million tokens",
        lambda on: [on.price(model) for model in ("bge-m3", "voyage-3", "jina-embeddings-v3", SMALL)],
        ["0.07", "0.06", "0.02", "0.02"],
    ),
]
RERANK: list[Check] = [
    ("004: rerank-v3.5 is there", lambda on: len(on.rank()["results"]), 3),
    ("004: rerank-multilingual-v3.0 is there", lambda on: len(on.rank("rerank-multilingual-v3.0")["results"]), 3),
    ("004: jina-reranker-v2-base is there", lambda on: len(on.rank("jina-reranker-v2-base")["results"]), 3),
    ("004: bge-reranker-v2 is there", lambda on: len(on.rank("bge-reranker-v2")["results"]), 3),
    (
        "004: nexevo/rerank-fast routes",
        lambda on: on.rank("nexevo/rerank-fast")["nexevo"]["model_used"],
        "jina-reranker-v2-base",
    ),
    (
        "004: nexevo/rerank-balanced routes",
        lambda on: on.rank("nexevo/rerank-balanced")["nexevo"]["model_used"],
        "rerank-v3.5",
    ),
    (
        "004: query is required",
        lambda on: on.refused("/v1/rerank", {"model": "rerank-v3.5", "documents": ["a"]}),
        (400, "query"),
    ),
    (
        "004: documents are required",
        lambda on: on.refused("/v1/rerank", {"model": "rerank-v3.5", "query": "a"}),
        (400, "documents"),
    ),
    ("004: documents may be texts", lambda on: {row["document"] for row in on.rank()["results"]}, set(DOCUMENTS)),
    (
        "004: documents may be objects",
        lambda on: sorted(
            row["document"]["text"] for row in on.rank(documents=[{"text": text} for text in DOCUMENTS])["results"]
        ),
        sorted(DOCUMENTS),
    ),
    ("004: top_n keeps the best", lambda on: scores(on.rank(top_n=2)) == scores(on.rank())[:2], True),
    (
        "004: all come sorted without top_n",
        lambda on: scores(on.rank()) == sorted(scores(on.rank()), reverse=True),
        True,
    ),
    (
        "004: an index is the document's place",
        lambda on: [DOCUMENTS[row["index"]] == row["document"] for row in on.rank()["results"]],
        [True] * 3,
    ),
    (
        "004: without documents a row is index and score",
        lambda on: {frozenset(row) for row in on.rank(return_documents=False)["results"]},
        {frozenset({"index", "relevance_score"})},
    ),
    (
        "004: prices of a call",
        lambda on: [on.price(model) for model in ("rerank-v3.5", "bge-reranker-v2", "jina-reranker-v2-base")],
        ["0.002", "0.0008", "0.001"],
    ),
]


@pytest.mark.parametrize(("_", "asked", "said"), EMBEDDINGS, ids=map(itemgetter(0), EMBEDDINGS))
def test_the_references_words_of_embeddings_hold(
    asking: Asking, _: str, asked: Callable[[Asking], Any], said: Any
) -> None:
    assert asked(asking) == said


@pytest.mark.parametrize(("_", "asked", "said"), RERANK, ids=map(itemgetter(0), RERANK))
def test_the_references_words_of_rerank_hold(asking: Asking, _: str, asked: Callable[[Asking], Any], said: Any) -> None:
    assert asked(asking) == said


def test_the_three_steps_of_retrieval_cost_what_the_reference_says(asking: Asking) -> None:
    index = asking.embed("bge-m3", input=[f"文档 {number}: {'重置 VPN 密码。' * 20}" for number in range(50)])
    question = asking.embed("bge-m3", input=QUERY)
    ranked = asking.rank(documents=[f"文档 {number}" for number in range(50)], top_n=5)
    costs = [float(told["nexevo"]["cost_usd"]) for told in (index, question, ranked)]
    assert len(ranked["results"]) == 5
    # Of 10,000 documents, two hundred times as many, the index is a few cents.
    assert 200 * costs[0] < 2
    assert sum(costs[1:]) < 0.06


def test_the_statements_are_as_many_as_were_counted() -> None:
    assert (len(EMBEDDINGS), len(RERANK)) == (22, 15)
