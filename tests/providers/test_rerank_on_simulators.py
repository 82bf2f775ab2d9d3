"""Tests of each vendor of rerank against its simulator, and on recorded answers."""

import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.rerank import Document, Ranking, RerankRequest
from gateway.canonical.usage import Usage
from gateway.ports.upstream import Credential
from gateway.providers.rerank.registry import reranker
from local.providers import rerank as simulated
from tests.exchanged import exchanged
from tests.recorded import body, files, read_recording

QUERY = "How do I reset the VPN password?"
TEXTS = ["The canteen opens at noon.", "To reset the VPN password, ask the portal.", "The VPN is up."]
BEST = [1, 2, 0]
TOKENS = simulated.read_tokens(QUERY, TEXTS)
SEARCH = Usage(uses=(("search", 1),))
# A model of each vendor, and the usage that its answer reports.
MODELS = [
    ("cohere", "rerank-v3.5", SEARCH),
    ("bedrock", "cohere.rerank-v3-5:0", SEARCH),
    ("bedrock", "amazon.rerank-v1:0", SEARCH),
    ("jina", "jina-reranker-v2-base-multilingual", Usage(input=TOKENS, uses=(("search", 1),))),
    ("dashscope", "bge-reranker-v2-m3", Usage(input=TOKENS, uses=(("search", 1),))),
    ("voyage", "rerank-2.5", Usage(input=TOKENS)),
]
RECORDED = files("*/rerank/*.json")


def asking(texts: list[str], query: str = QUERY, **more: Any) -> RerankRequest:
    return RerankRequest("", "m", query, tuple(Document(text, orjson.dumps(text)) for text in texts), **more)


def sent(row: str, model: str, credential: Credential, request: RerankRequest) -> tuple[int, bytes]:
    answer = exchanged(reranker(row).request(request, model, credential, time.time()))
    return answer.status, answer.body


@pytest.mark.parametrize(("row", "model", "usage"), MODELS)
def test_each_vendor_ranks_the_documents(
    credentials: dict[str, Credential], row: str, model: str, usage: Usage
) -> None:
    status, answer = sent(row, model, credentials[row], asking(TEXTS))
    assert status == 200, answer
    found = reranker(row).read(asking(TEXTS), answer)
    assert [ranked.index for ranked in found.results] == BEST
    assert [ranked.score for ranked in found.results] == [simulated.score(QUERY, TEXTS[index]) for index in BEST]
    assert found.usage == usage


@pytest.mark.parametrize(("row", "model", "_"), MODELS)
def test_a_wrong_key_is_the_gateways_own_fault(
    credentials: dict[str, Credential], row: str, model: str, _: Usage
) -> None:
    stranger = replace(credentials[row], api_key="wrong", extra={"region": "us-east-1"})
    status, answer = sent(row, model, stranger, asking(TEXTS))
    assert status in (401, 403)
    assert reranker(row).decode_error(status, {}, answer).status == 502


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_recorded_answer_ranks_its_documents_with_what_is_billed(path: Path) -> None:
    recording = read_recording(path)
    given = recording["request"]["body"]
    asked = orjson.loads(given) if isinstance(given, str) else given
    request = asking([str(one) for one in asked["documents"]], top_n=asked.get("top_n", asked.get("top_k")))
    found: Ranking = reranker(path.parts[-3]).read(request, body(recording))
    answer = orjson.loads(body(recording))
    rows = answer.get("results", answer.get("data"))
    assert [(one.index, one.score) for one in found.results] == [(row["index"], row["relevance_score"]) for row in rows]
    assert found.usage is not None
    units = answer.get("meta", {}).get("billed_units", {}).get("search_units")
    assert dict(found.usage.uses).get("search") == units
    assert found.usage.input == answer.get("usage", {}).get("total_tokens", 0)
