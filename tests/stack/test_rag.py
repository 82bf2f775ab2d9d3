"""Tests that the references' samples of retrieval run as written: embedding, ranking, and an answer from the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import mul
from typing import Any

import httpx
import openai
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

QUESTION = "如何重置员工 VPN?"
DOCS = [f"文档 {number}: 重置 VPN 密码需要登录员工门户, 第 {number} 步。" for number in range(60)]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint as the samples' client has it: members in, the answer's JSON out."""

    http: httpx.Client
    path: str

    def create(self, **body: Any) -> Any:
        answer = self.http.post(self.path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass(frozen=True)
class Found:
    """A document that a search found."""

    text: str


class VectorDb:
    """A search by the angle between vectors."""

    def __init__(self, vectors: list[list[float]]) -> None:
        self.vectors = vectors

    def query(self, vector: list[float], k: int) -> list[Found]:
        nearness = [sum(map(mul, vector, other)) for other in self.vectors]
        best = sorted(range(len(nearness)), key=lambda index: -nearness[index])[:k]
        return [Found(DOCS[index]) for index in best]


@pytest.fixture
def create(stack: Stack) -> Iterator[Any]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as http:
        yield partial(Endpoint, http)


@pytest.mark.parametrize(
    ("model", "size"),
    [("text-embedding-3-large", 3072), ("voyage-3", 1024), ("jina-embeddings-v3", 1024), ("bge-m3", 1024)],
)
def test_the_sample_s_text_becomes_a_vector(create: Any, model: str, size: int) -> None:
    resp = create("/v1/embeddings").create(model=model, input="Nexevo.ai 是一个 LLM 网关")
    assert len(resp["data"][0]["embedding"]) == size
    assert resp["usage"]["prompt_tokens"] > 0
    assert float(resp["nexevo"]["cost_usd"]) > 0


@pytest.mark.parametrize("model", ["rerank-v3.5", "jina-reranker-v2-base", "bge-reranker-v2"])
@pytest.mark.parametrize("is_object", [False, True])
def test_the_sample_s_documents_are_ranked_and_shown(create: Any, model: str, is_object: bool) -> None:
    documents: list[Any] = [{"text": text} for text in DOCS[:50]] if is_object else DOCS[:50]
    ranked = create("/v1/rerank").create(model=model, query=QUESTION, documents=documents, top_n=5)
    assert len(ranked["results"]) == 5
    scores = [row["relevance_score"] for row in ranked["results"]]
    assert scores == sorted(scores, reverse=True)
    assert [row["document"] for row in ranked["results"]] == [documents[row["index"]] for row in ranked["results"]]


def test_the_sample_s_three_steps_lead_to_an_answer(stack: Stack, create: Any) -> None:
    embeddings, rerank = create("/v1/embeddings"), create("/v1/rerank")
    emb_resp = embeddings.create(model="bge-m3", input=DOCS)
    vector_db = VectorDb([d["embedding"] for d in emb_resp["data"]])
    q_emb = embeddings.create(model="bge-m3", input=QUESTION)
    top50 = vector_db.query(q_emb["data"][0]["embedding"], k=50)
    ranked = rerank.create(model="rerank-v3.5", query=QUESTION, documents=[d.text for d in top50], top_n=5)["results"]
    top5 = [top50[r["index"]] for r in ranked]
    assert len({d.text for d in top5}) == 5
    context = "\n\n".join(d.text for d in top5)
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.api_key, max_retries=0) as client:
        ans = client.chat.completions.create(
            model="nexevo/balanced",
            messages=[
                {"role": "system", "content": f"基于以下材料答题(只能用这些材料,不要编):\n\n{context}"},
                {"role": "user", "content": QUESTION},
            ],
        )
    assert ans.choices[0].message.content
    assert ans.usage is not None
    assert ans.usage.prompt_tokens > len(context) // 8
