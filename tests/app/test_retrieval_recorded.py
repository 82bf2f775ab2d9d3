"""Tests that recorded answers of embeddings and rerank are told, and charged, as what their vendor has counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.usage import Usage
from gateway.http.routes import OperationRoute
from gateway.ledger.prices import price_of
from gateway.ports.upstream import Credential
from gateway.protocols import cohere_embed, openai_embeddings
from gateway.protocols import rerank as own
from gateway.wiring.embeddings import CATALOG, embeddings
from gateway.wiring.rerank import CATALOG as RERANK
from gateway.wiring.rerank import rerank
from tests.app.harness import Answer, Scripted, app_under_test, sized
from tests.recorded import body, files, read_recording

pytestmark = pytest.mark.anyio

ROUTES = {
    "/v1/embeddings": OperationRoute(partial(embeddings, openai_embeddings.CLIENT)),
    "/v2/embed": OperationRoute(partial(embeddings, cohere_embed.CLIENT)),
    "/v1/rerank": OperationRoute(partial(rerank, own.CLIENT)),
}
EMBEDDING = {model.id: model for model in CATALOG.current.models()}
RANKING = {model.id: model for model in RERANK.current.models()}


def asked_of(path: Path) -> dict[str, Any]:
    given = read_recording(path)["request"]["body"]
    asked: dict[str, Any] = orjson.loads(given) if isinstance(given, str) else given
    return asked


def model_of(path: Path) -> str:
    asked = asked_of(path)
    return str(asked.get("model") or asked["requests"][0]["model"]).removeprefix("models/")


def named(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


def kept(pattern: str, models: Mapping[str, Any]) -> list[Path]:
    """The recorded answers of models that are for sale."""
    return [p for p in files(pattern) if read_recording(p)["response"]["status"] == 200 and model_of(p) in models]


async def served(path: Path, route: str, request: Any) -> tuple[Answer, Any]:
    """The answer and the charge of a request whose provider answers as it was recorded."""

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, body(read_recording(path))))
        await writer.drain()

    async with Scripted(script) as provider:
        rows = {path.parts[-3]: Credential("key", provider.base_url)}
        async with app_under_test(provider.base_url, wire_at=lambda at, _: ROUTES[at], rows=rows) as gateway:
            answer = await gateway.ask(request, path=route)
            assert answer.status == 200, answer.body
            look = await gateway.look()
            assert look.holds == ()
            return answer, look.entries[-1].charge


def counted(told: Mapping[str, Any]) -> int | None:
    """The tokens that a vendor reports, where it does."""
    usage, meta = told.get("usage") or {}, told.get("meta") or {}
    places = (
        usage.get("prompt_tokens"),
        usage.get("total_tokens"),
        meta.get("billed_units", {}).get("input_tokens"),
        told.get("usageMetadata", {}).get("promptTokenCount"),
    )
    return next((int(found) for found in places if found is not None), None)


@pytest.mark.parametrize("path", kept("*/embed*/*.json", EMBEDDING), ids=named)
async def test_a_recorded_answer_of_embeddings_is_told_and_charged_as_it_was_counted(path: Path) -> None:
    asked, told = asked_of(path), orjson.loads(body(read_recording(path)))
    model = model_of(path)
    if path.parts[-3] == "cohere":
        forms = asked.get("embedding_types")
        request = {"model": model, "texts": asked["texts"], "input_type": "search_query", "embedding_types": forms}
        answer, charge = await served(path, "/v2/embed", request)
        shown = answer.json["meta"]["billed_units"]["input_tokens"]
    else:
        texts = asked.get("input") or [one["content"]["parts"][0]["text"] for one in asked["requests"]]
        form = asked.get("encoding_format") or "float"
        answer, charge = await served(path, "/v1/embeddings", {"model": model, "input": texts, "encoding_format": form})
        shown = answer.json["usage"]["prompt_tokens"]
    count = counted(told)
    assert (shown, charge.estimated) == (charge.usage.input, count is None)
    assert count is None or shown == count
    price = price_of(EMBEDDING[model].targets[0].price).input
    # A price is of a million tokens, and 5 % are added.
    assert charge.cost_nanousd == (2 * shown * price * 105 + 10**8) // (2 * 10**8)


@pytest.mark.parametrize("path", kept("*/rerank/*.json", RANKING), ids=named)
async def test_a_recorded_answer_of_rerank_is_told_and_charged_as_it_was_counted(path: Path) -> None:
    asked, told = asked_of(path), orjson.loads(body(read_recording(path)))
    request = {name: asked[name] for name in ("query", "documents")} | {"model": model_of(path)}
    request |= {"top_n": len(told.get("results") or told["data"])}
    answer, charge = await served(path, "/v1/rerank", request)
    shown, usage = answer.json["usage"], charge.usage
    assert (shown["prompt_tokens"], shown["search_units"]) == (usage.input, dict(usage.uses).get("search", 0))
    if path.parts[-3] == "cohere":
        assert usage == Usage(uses=(("search", told["meta"]["billed_units"]["search_units"]),))
        assert charge.cost_nanousd == 2_100_000 * shown["search_units"]
    else:
        assert usage == Usage(input=told["usage"]["total_tokens"])
    assert not charge.estimated
