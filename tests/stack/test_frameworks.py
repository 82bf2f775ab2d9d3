"""Tests that requests of frameworks for retrieval, as they were sent, are answered as their classes read answers.

`make frameworks` writes `tests/frameworks/requests.json` from LangChain's and LlamaIndex' classes. Open WebUI's are
written here, after its `retrieval/utils.py` and `retrieval/models/external.py`.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from local.providers import rerank, vectors
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

SENT = orjson.loads((Path(__file__).parents[1] / "frameworks" / "requests.json").read_bytes())
DOCUMENTS = ["Ask IT for the list of VPN servers.", "To reset the VPN password, sign in."]
WEB_UI = [
    {"path": "/v1/embeddings", "body": {"input": DOCUMENTS, "model": "text-embedding-3-small"}},
    {"path": "/v1/embeddings", "body": {"input": DOCUMENTS[:1], "model": "bge-m3"}},
    {
        "path": "/v1/rerank",
        "body": {"model": "rerank-v3.5", "query": "VPN password", "documents": DOCUMENTS, "top_n": 2},
    },
]
# What Open WebUI tells of its user where it is set to.
WEB_UI_HEADERS = {"X-OpenWebUI-User-Name": "Ada", "X-OpenWebUI-User-Id": "1", "X-OpenWebUI-User-Role": "user"}


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.root_url, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def unpacked(vector: Any) -> list[float]:
    if isinstance(vector, str):
        packed = base64.b64decode(vector)
        return list(struct.unpack(f"<{len(packed) // 4}f", packed))
    return list(vector)


def listed(body: Mapping[str, Any], told: Mapping[str, Any]) -> tuple[list[str], list[Any], int]:
    """The texts of a request of OpenAI's wire, the answer's vectors, and its tokens."""
    rows = sorted(told["data"], key=lambda row: row["index"])
    return list(body["input"]), [unpacked(row["embedding"]) for row in rows], told["usage"]["total_tokens"]


def by_form(body: Mapping[str, Any], told: Mapping[str, Any]) -> tuple[list[str], list[Any], int]:
    """Reads an exchange of Cohere's wire alike."""
    return list(body["texts"]), told["embeddings"]["float"], told["meta"]["billed_units"]["input_tokens"]


def in_batch(body: Mapping[str, Any], told: Mapping[str, Any]) -> tuple[list[str], list[Any], int]:
    """Reads an exchange of Gemini's wire alike."""
    texts = [request["content"]["parts"][0]["text"] for request in body["requests"]]
    return texts, [one["values"] for one in told["embeddings"]], told["usageMetadata"]["promptTokenCount"]


Reading = Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[list[str], list[Any], int]]
READINGS: Mapping[str, Reading] = {"/embeddings": listed, "/embed": by_form, ":batchEmbedContents": in_batch}


def judge(path: str, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Asserts what the class that asked needs of the answer."""
    if path.endswith("/rerank"):
        scores = [rerank.score(body["query"], text) for text in body["documents"]]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[: body.get("top_n") or body["top_k"]]
        ranked = [[row["index"], row["relevance_score"]] for row in told["data" if "truncation" in body else "results"]]
        assert ranked == [[index, scores[index]] for index in best]
        return
    texts, found, count = next(read for end, read in READINGS.items() if path.endswith(end))(body, told)
    model = body.get("model") or path.partition("models/")[2].partition(":")[0]
    assert found == [vectors.numbers(model, text, len(found[0])) for text in texts]
    assert count > 0


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent["class"])
def test_what_a_framework_sent_is_answered_as_it_reads_answers(
    stack: Stack, http: httpx.Client, sent: dict[str, Any]
) -> None:
    key = "x-goog-api-key" if sent["class"] == "langchain_google" else "authorization"
    value = stack.api_key if key == "x-goog-api-key" else f"Bearer {stack.api_key}"
    answer = http.post(sent["path"], json=sent["body"], headers={key: value})
    assert answer.status_code == 200, answer.text
    judge(sent["path"], sent["body"], answer.json())


@pytest.mark.parametrize("sent", WEB_UI, ids=lambda sent: f"{sent['body']['model']}")
def test_what_open_web_ui_sends_is_answered_as_it_reads_answers(
    stack: Stack, http: httpx.Client, sent: dict[str, Any]
) -> None:
    headers = {"authorization": f"Bearer {stack.api_key}", **WEB_UI_HEADERS}
    answer = http.post(sent["path"], json=sent["body"], headers=headers)
    assert answer.status_code == 200, answer.text
    judge(sent["path"], sent["body"], answer.json())


def test_the_requests_are_those_of_every_class() -> None:
    assert len({sent["class"] for sent in SENT}) == 13
    assert {sent["path"].partition(":")[2] or sent["path"] for sent in SENT} == {
        "/v1/embeddings",
        "/v1/embed",
        "/v2/embed",
        "batchEmbedContents",
        "/v1/rerank",
        "/v2/rerank",
    }
