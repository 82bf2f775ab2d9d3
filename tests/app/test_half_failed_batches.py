"""Tests that a batch of which any parts fail for good is free and answers nothing, at every vendor of embeddings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import orjson
import pytest

from gateway.canonical.money import EntryKind
from gateway.http.routes import OperationRoute
from gateway.ledger.prices import price_of
from gateway.ports.upstream import Credential
from gateway.protocols import openai_embeddings
from gateway.wiring.embeddings import CATALOG, embeddings
from tests.app.harness import Scripted, app_under_test, sized

pytestmark = pytest.mark.anyio

PARTS = 3
FAILED = b'{"error": {"message": "Try again."}, "message": "Try again."}'
MODELS = {model.id: model for model in CATALOG.current.models()}


def openais(body: dict[str, Any]) -> tuple[list[str], bytes]:
    texts = body["input"]
    rows = [{"index": index, "embedding": [1]} for index in range(len(texts))]
    return texts, orjson.dumps({"data": rows, "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}})


def multimodals(body: dict[str, Any]) -> tuple[list[str], bytes]:
    texts = [one["content"][0]["text"] for one in body["inputs"]]
    rows = [{"index": index, "embedding": [1]} for index in range(len(texts))]
    return texts, orjson.dumps({"data": rows, "usage": {"text_tokens": len(texts), "image_pixels": 0}})


def coheres(body: dict[str, Any]) -> tuple[list[str], bytes]:
    texts = body["texts"]
    billed = {"billed_units": {"input_tokens": len(texts)}}
    return texts, orjson.dumps({"embeddings": {"float": [[1]] * len(texts)}, "meta": billed})


def geminis(body: dict[str, Any]) -> tuple[list[str], bytes]:
    texts = [one["content"]["parts"][0]["text"] for one in body["requests"]]
    told = {"embeddings": [{"values": [1]}] * len(texts), "usageMetadata": {"promptTokenCount": len(texts)}}
    return texts, orjson.dumps(told)


def titans(body: dict[str, Any]) -> tuple[list[str], bytes]:
    return [body["inputText"]], orjson.dumps({"embedding": [1], "inputTextTokenCount": 1})


# Each vendor with a model, and how many texts of it are one part.
VENDORS: list[tuple[str, str, int, Callable[[dict[str, Any]], tuple[list[str], bytes]]]] = [
    ("openai", "text-embedding-3-small", 325, openais),
    ("azure", "text-embedding-3-small", 325, openais),
    ("voyage", "voyage-3.5", 488, openais),
    ("voyage", "voyage-multimodal-3", 128, multimodals),
    ("jina", "jina-embeddings-v3", 488, openais),
    ("mistral", "mistral-embed", 128, openais),
    ("qwen", "bge-m3", 10, openais),
    ("cohere", "embed-english-v3.0", 96, coheres),
    ("bedrock", "embed-english-v3.0", 96, coheres),
    ("gemini", "gemini-embedding-2", 100, geminis),
    ("bedrock", "titan-embed-text-v2", 1, titans),
    ("bedrock", "titan-embed-image-v1", 1, titans),
]


@pytest.mark.parametrize("failing", list(product((False, True), repeat=PARTS)), ids=str)
@pytest.mark.parametrize(
    ("row", "model", "each", "read"), VENDORS, ids=[f"{row}-{model}" for row, model, *_ in VENDORS]
)
async def test_a_batch_is_paid_as_a_whole_or_not_at_all(
    row: str,
    model: str,
    each: int,
    read: Callable[[dict[str, Any]], tuple[list[str], bytes]],
    failing: tuple[bool, ...],
) -> None:
    asked: set[int] = set()

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        texts, answer = read(orjson.loads(provider.bodies[number - 1]))
        part = int(texts[0]) // each
        asked.add(part)
        writer.write(sized(500, FAILED) if failing[part] else sized(200, answer))
        await writer.drain()

    provider = Scripted(script)
    async with provider:
        rows = {row: Credential("key", provider.base_url, {"region": "us-east-1"})}
        route = OperationRoute(partial(embeddings, openai_embeddings.CLIENT))
        async with app_under_test(provider.base_url, wire_at=lambda *_: route, rows=rows) as gateway:
            texts = [str(number) for number in range(each * PARTS)]
            answer = await gateway.ask({"model": model, "input": texts}, path="/v1/embeddings")
            look = await gateway.look()
    assert look.holds == ()
    if any(failing):
        assert (answer.status, answer.error["type"]) == (502, "upstream_error")
        assert {entry.kind for entry in look.entries} == {EntryKind.CREDIT, EntryKind.RELEASE}
        return
    charge = look.entries[-1].charge
    assert charge is not None
    assert (answer.status, len(answer.json["data"]), asked) == (200, len(texts), set(range(PARTS)))
    assert charge.usage.input == answer.json["usage"]["prompt_tokens"] == len(texts)
    price = price_of(MODELS[model].targets[0].price).input
    assert charge.cost_nanousd == (2 * len(texts) * price * 105 + 10**8) // (2 * 10**8)
