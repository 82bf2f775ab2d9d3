"""Embeddings on the whole stack, by the vendors' own SDKs."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import openai
import pytest
from google import genai
from google.genai import types

from local.providers import vectors
from local.providers.embedded_pictures import named
from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack
from tests.untrusted.pillow_files import PNG

LARGE, SMALL = "text-embedding-3-large", "text-embedding-3-small"
# Models of pictures, each with its vendor's name of it, the length of its vectors, and the cost of one small picture.
PICTURES = [
    ("embed-v4.0", "embed-v4.0", 1536, "0.0003948"),
    ("gemini-embedding-2", "gemini-embedding-2", 3072, "0.000121905"),
    ("voyage-multimodal-3", "voyage-multimodal-3", 1024, "0.0000315"),
    ("jina-clip-v2", "jina-clip-v2", 1024, "0.000084"),
    ("titan-embed-image-v1", "amazon.titan-embed-image-v1", 1024, "0.000063"),
]
TEXT = "The food was delicious and the waiter..."


def test_openais_sdk_reads_one_text_as_base64(sdk: openai.OpenAI) -> None:
    found = sdk.embeddings.create(model=LARGE, input=TEXT)
    assert (found.model, len(found.data)) == (LARGE, 1)
    assert found.data[0].embedding == pytest.approx(vectors.numbers(LARGE, TEXT, 3072), abs=0)
    assert found.usage.prompt_tokens == found.usage.total_tokens > 0


def test_openais_sdk_reads_numbers_of_a_chosen_length(sdk: openai.OpenAI) -> None:
    found = sdk.embeddings.create(model=SMALL, input=[TEXT, "b"], encoding_format="float", dimensions=256)
    assert [row.index for row in found.data] == [0, 1]
    assert found.data[1].embedding == vectors.numbers(SMALL, "b", 256)


@pytest.mark.parametrize(
    ("model", "served_by", "dimensions"),
    [
        ("voyage-3-large", "voyage-3-large", 1024),
        ("voyage-3", "voyage-3", 1024),
        ("jina-embeddings-v3", "jina-embeddings-v3", 1024),
        ("bge-m3", "bge-m3", 1024),
        ("embed-multilingual-v3.0", "embed-multilingual-v3.0", 1024),
        ("gemini-embedding-001", "gemini-embedding-001", 3072),
        ("mistral-embed", "mistral-embed", 1024),
        ("titan-embed-text-v2", "amazon.titan-embed-text-v2:0", 1024),
        ("nexevo/embed-balanced", "voyage-3", 1024),
        ("nexevo/embed-fast", SMALL, 1536),
    ],
)
def test_each_vendors_vectors_reach_openais_sdk(
    sdk: openai.OpenAI, model: str, served_by: str, dimensions: int
) -> None:
    found = sdk.embeddings.create(model=model, input=["doc 1...", "doc 2...", "doc 3..."])
    assert [row.embedding for row in found.data] == [
        vectors.numbers(served_by, f"doc {number}...", dimensions) for number in (1, 2, 3)
    ]


def test_a_batch_above_every_limit_is_split_and_comes_back_in_order(sdk: openai.OpenAI) -> None:
    texts = [f"document {number}" for number in range(60)]
    found = sdk.embeddings.create(model="bge-m3", input=texts)
    assert [row.embedding for row in found.data] == [vectors.numbers("bge-m3", text, 1024) for text in texts]


def test_an_answer_of_more_than_6_mb_comes_whole(http: httpx.Client) -> None:
    texts = [f"text {number}" for number in range(400)]
    answer = http.post("/v1/embeddings", json={"model": LARGE, "input": texts})
    assert answer.status_code == 200
    assert len(answer.content) > 6 * 1024 * 1024
    assert answer.json()["data"][399]["embedding"] == vectors.numbers(LARGE, "text 399", 3072)


def test_base64_is_little_endian_float32(http: httpx.Client) -> None:
    answer = http.post("/v1/embeddings", json={"model": SMALL, "input": TEXT, "encoding_format": "base64"})
    packed = base64.b64decode(answer.json()["data"][0]["embedding"])
    assert list(struct.unpack("<1536f", packed)) == vectors.numbers(SMALL, TEXT, 1536)


def test_openais_sdk_raises_the_wires_errors(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.embeddings.create(model="voyage-3", input="a", dimensions=512)
    assert refused.value.param == "dimensions"
    with pytest.raises(openai.NotFoundError):
        sdk.embeddings.create(model="no-such-model", input="a")


def test_googles_sdk_embeds_contents(stack: Stack) -> None:
    options = types.HttpOptions(base_url=stack.root_url, timeout=int(HANGS_AFTER_S * 1000))
    with genai.Client(api_key=stack.api_key, http_options=options) as client:
        wanted: Any = ["a", "b"]
        config = types.EmbedContentConfig(output_dimensionality=256, task_type="RETRIEVAL_QUERY")
        found = client.models.embed_content(model="gemini-embedding-001", contents=wanted, config=config)
    assert found.embeddings is not None
    assert [one.values for one in found.embeddings] == [
        vectors.numbers("gemini-embedding-001", text, 256) for text in ("a", "b")
    ]


def test_googles_sdk_finds_the_models_that_embed(stack: Stack) -> None:
    options = types.HttpOptions(base_url=stack.root_url, timeout=int(HANGS_AFTER_S * 1000))
    with genai.Client(api_key=stack.api_key, http_options=options) as client:
        listed = {str(model.name): model for model in client.models.list(config={"query_base": True})}
        found = client.models.get(model="gemini-embedding-001")
        embed = client.models.embed_content(model="gemini-embedding-001", contents="hello")
    actions = ["embedContent", "batchEmbedContents"]
    assert (found.name, found.supported_actions, found.input_token_limit) == (
        "models/gemini-embedding-001",
        actions,
        2_048,
    )
    embedding = {name for name, model in listed.items() if "embedContent" in (model.supported_actions or ())}
    assert {"models/gemini-embedding-001", f"models/{SMALL}", "models/nexevo/embed-fast"} <= embedding
    assert "models/gemini-2.5-flash" in listed.keys() - embedding
    assert embed.embeddings is not None


def test_a_text_above_the_context_is_refused_as_openai_refuses_it(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length is 8192 tokens"):
        sdk.embeddings.create(model=SMALL, input="word " * 9_001)
    found = sdk.embeddings.create(model="gemini-embedding-001", input="word " * 9_001)
    assert found.usage.prompt_tokens == 2_048


def test_an_uploaded_picture_is_embedded_by_models_of_every_vendor_and_paid(
    sdk: openai.OpenAI, http: httpx.Client
) -> None:
    file = sdk.files.create(file=("a.png", PNG, "image/png"), purpose="vision")
    for model, served_by, size, units in PICTURES:
        body = {"model": model, "input": [{"image": file.id}]}
        answer = http.post("/v1/embeddings", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"][0]["embedding"] == vectors.numbers(served_by, named([PNG]), size)
        assert answer.json()["nexevo"]["cost_usd"] == units
    unknown = http.post("/v1/embeddings", json={"model": "embed-v4.0", "input": [{"image": "file-nxn-0"}]})
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (404, "input[0].image")


def test_coheres_wire_is_served_with_its_own_errors(http: httpx.Client) -> None:
    body = {"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float", "int8"]}
    answer = http.post("/v2/embed", json=body)
    told = answer.json()
    assert told["embeddings"]["float"] == [vectors.numbers("embed-v4.0", "a", 1536)]
    assert len(told["embeddings"]["int8"][0]) == 1536
    stranger = http.post("/v2/embed", json=body, headers={"Authorization": "Bearer sk-xc-wrong"})
    assert (stranger.status_code, set(stranger.json())) == (401, {"id", "message", "code", "param"})


def test_the_models_are_listed_with_their_prices(http: httpx.Client) -> None:
    rows = {row["id"]: row for row in http.get("/v1/models").json()["data"]}
    small, alias = rows[SMALL], rows["nexevo/embed-balanced"]
    assert small["pricing"] == {"currency": "USD", "unit": "1M tokens", "input": "0.02", "margin_percent": "5"}
    assert (small["kind"], small["dimensions"], small["modalities"]["output"]) == ("embedding", 1536, ["embedding"])
    assert (alias["dimensions"], alias["pricing"]["input"]) == (1024, "0.06")
    assert http.get(f"/v1/models/{SMALL}").json() == small
