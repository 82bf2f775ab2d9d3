"""Rerank on the whole stack, as the references' samples and clients ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from operator import mul

import httpx
import openai
import pytest

from local.providers.rerank import score
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

QUERY = "如何重置员工 VPN?"
DOCUMENTS = ["VPN 服务器列表请联系 IT 支持...", "重置 VPN 密码需要登录员工门户...", "The canteen opens at noon."]


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


@pytest.mark.parametrize(
    "model",
    [
        "rerank-v3.5",
        "rerank-multilingual-v3.0",
        "jina-reranker-v2-base",
        "bge-reranker-v2",
        "rerank-2.5",
        "amazon-rerank-v1",
        "nexevo/rerank-fast",
        "nexevo/rerank-balanced",
    ],
)
def test_the_documents_come_back_ranked(http: httpx.Client, model: str) -> None:
    body = {"model": model, "query": QUERY, "documents": DOCUMENTS, "top_n": 2}
    answer = http.post("/v1/rerank", json=body)
    assert answer.status_code == 200, answer.text
    ranked = answer.json()
    scores = sorted((score(QUERY, text) for text in DOCUMENTS), reverse=True)[:2]
    assert [row["relevance_score"] for row in ranked["results"]] == scores
    assert all(row["document"] == DOCUMENTS[row["index"]] for row in ranked["results"])
    assert ranked["model"] == model


def test_objects_are_echoed_and_may_be_left_out(http: httpx.Client) -> None:
    documents = [{"text": text, "page": number} for number, text in enumerate(DOCUMENTS)]
    body = {"model": "rerank-v3.5", "query": QUERY, "documents": documents}
    shown = http.post("/v1/rerank", json=body).json()["results"]
    assert [row["document"] for row in shown] == [documents[row["index"]] for row in shown]
    bare = http.post("/v1/rerank", json=body | {"return_documents": False}).json()["results"]
    assert [set(row) for row in bare] == [{"index", "relevance_score"}] * 3


def test_coheres_wire_is_served_with_its_own_errors(http: httpx.Client) -> None:
    body = {"model": "rerank-v3.5", "query": QUERY, "documents": DOCUMENTS}
    told = http.post("/v2/rerank", json=body).json()
    assert len(told["results"]) == 3
    assert told["meta"]["billed_units"] == {"search_units": 1}
    stranger = http.post("/v2/rerank", json=body, headers={"Authorization": "Bearer sk-xc-wrong"})
    assert (stranger.status_code, set(stranger.json())) == (401, {"id", "message", "code", "param"})


def test_the_models_are_listed_with_their_prices(http: httpx.Client) -> None:
    rows = {row["id"]: row for row in http.get("/v1/models").json()["data"]}
    assert rows["rerank-v3.5"]["pricing"] == {
        "currency": "USD",
        "unit": "search",
        "search": "0.002",
        "margin_percent": "5",
    }
    assert rows["rerank-2.5"]["pricing"] == {
        "currency": "USD",
        "unit": "1M tokens",
        "input": "0.05",
        "margin_percent": "5",
    }
    assert (rows["nexevo/rerank-balanced"]["kind"], rows["nexevo/rerank-fast"]["provider"]) == ("rerank", "jina")


def test_texts_are_embedded_ranked_and_answered_from(http: httpx.Client, stack: Stack) -> None:
    texts = [f"Note {number} of the handbook." for number in range(40)] + DOCUMENTS
    with openai.OpenAI(api_key=stack.api_key, base_url=stack.base_url, timeout=HANGS_AFTER_S) as client:
        rows = client.embeddings.create(model="bge-m3", input=texts, encoding_format="float").data
        question = client.embeddings.create(model="bge-m3", input=QUERY, encoding_format="float").data[0].embedding
        near = sorted(range(len(texts)), key=lambda place: -sum(map(mul, rows[place].embedding, question)))[:20]
        asked = {"model": "rerank-v3.5", "query": QUERY, "documents": [texts[place] for place in near], "top_n": 5}
        ranked = http.post("/v1/rerank", json=asked).json()["results"]
        context = "\n\n".join(texts[near[row["index"]]] for row in ranked)
        answer = client.chat.completions.create(
            model="nexevo/balanced",
            messages=[{"role": "system", "content": context}, {"role": "user", "content": QUERY}],
        )
    assert len(ranked) == 5
    assert answer.choices[0].message.content
