"""Tests of rerank: documents come back as they were sent, and each provider's own units are held and billed."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import EntryKind, Tier
from gateway.canonical.usage import Usage
from gateway.http.routes import OperationRoute
from gateway.operations.rerank import RerankOperation, SearchBounds
from gateway.ports.upstream import Credential
from gateway.protocols import cohere_rerank
from gateway.protocols import rerank as own
from gateway.wiring.rerank import rerank
from tests.app.harness import RECORD, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.fakes.provider_keys import MemoryDataKeys, own_key

pytestmark = pytest.mark.anyio

PATH, COHERE_PATH = "/v1/rerank", "/v2/rerank"
SEARCH_NANOUSD = 2_100_000  # $0.002 a search, and 5 %.
# Documents in spellings that an encoder would change.
SENT = (b'"caf\\u00e9"', b'{ "text" : "b", "n": 1.50 }', b'"c"')
ASKED = b'{"model": "rerank-v3.5", "query": "q", "documents": [' + b", ".join(SENT) + b"]}"


def route_at(path: str, _: Mapping[str, str]) -> OperationRoute:
    return OperationRoute(partial(rerank, cohere_rerank.CLIENT if path == COHERE_PATH else own.CLIENT))


def results(*rows: tuple[int, float], **more: Any) -> bytes:
    shown = [{"index": index, "relevance_score": score} for index, score in rows]
    return orjson.dumps({"id": "1", "results": shown, **more})


def billed(units: int) -> dict[str, Any]:
    return {"meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}}


THREE = results((2, 0.9), (0, 0.5), (1, 0.1), **billed(1))


def provider(answer: Callable[[dict[str, Any]], bytes], status: int = 200) -> Scripted:
    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(status, answer(orjson.loads(scripted.bodies[number - 1]))))
        await writer.drain()

    scripted = Scripted(script)
    return scripted


def under(scripted: Scripted, row: str = "cohere", **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url, {"region": "us-east-1"})}
    return app_under_test(scripted.base_url, wire_at=route_at, rows=rows, **more)


async def ask(gateway: AppUnderTest, body: Any, path: str = PATH, **more: Any) -> Answer:
    return await gateway.ask(body, path=path, **more)


async def charged(gateway: AppUnderTest) -> int:
    look = await gateway.look()
    assert look.holds == ()
    return -look.entries[-1].amount_nanousd


async def test_documents_are_echoed_in_the_bytes_in_which_they_came() -> None:
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        answer = await ask(gateway, ASKED)
        told = answer.json
        assert [(row["index"], row["relevance_score"]) for row in told["results"]] == [(2, 0.9), (0, 0.5), (1, 0.1)]
        for sent in SENT:
            assert b'"document":' + sent in answer.body
        assert told["id"].startswith("rerank-nxn-")
        assert (told["model"], told["usage"]["search_units"]) == ("rerank-v3.5", 1)
        assert told["nexevo"]["cost_usd"] == "0.0021"
        assert orjson.loads(cohere.bodies[0]) == {
            "model": "rerank-v3.5", "query": "q", "documents": ["café", "b", "c"], "top_n": 3
        }  # fmt: skip
        assert await charged(gateway) == SEARCH_NANOUSD


async def test_the_best_are_kept_and_documents_left_out_where_they_are_not_wanted() -> None:
    body = orjson.loads(ASKED) | {"top_n": 2, "return_documents": False, "max_tokens_per_doc": 64}
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        answer = await ask(gateway, body)
        assert answer.json["results"] == [{"index": 2, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.5}]
        sent = orjson.loads(cohere.bodies[0])
        assert (sent["top_n"], sent["max_tokens_per_doc"]) == (2, 64)


async def test_voyages_clients_find_the_rows_where_they_look_for_them() -> None:
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        told = (await ask(gateway, orjson.loads(ASKED) | {"top_k": 3, "truncation": True})).json
        assert (told["data"], len(told["data"])) == (told["results"], 3)
        assert "data" not in (await ask(gateway, ASKED)).json
        refused = await ask(gateway, orjson.loads(ASKED) | {"truncation": False})
        assert (refused.status, refused.error["param"]) == (400, "truncation")


async def test_coheres_wire_returns_no_documents_and_errors_in_its_shape() -> None:
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        answer = await ask(gateway, ASKED, COHERE_PATH)
        assert [set(row) for row in answer.json["results"]] == [{"index", "relevance_score"}] * 3
        assert answer.json["meta"] == {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
        refused = await ask(gateway, {"model": "rerank-v3.5", "documents": ["a"]}, COHERE_PATH)
        assert (refused.status, refused.json["message"]) == (400, "Missing required parameter: 'query'.")


@pytest.mark.parametrize(
    ("row", "model", "answer", "cost", "sent"),
    [
        ("jina", "jina-reranker-v2-base", results((0, 0.5), usage={"total_tokens": 9}), 1_050_000, {"top_n": 1}),
        (
            "voyage",
            "rerank-2.5",
            b'{"data": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 10}}',
            525,
            {"top_k": 1},
        ),
        (
            "dashscope",
            "bge-reranker-v2",
            b'{"output": {"results": [{"index": 0, "relevance_score": 0.5}]}, "usage": {"total_tokens": 7}}',
            840_000,
            {"model": "bge-reranker-v2-m3", "input": {"query": "q", "documents": ["a"]}},
        ),
        ("bedrock", "amazon-rerank-v1", results((0, 0.5)), 1_050_000, {"query": "q", "documents": ["a"], "top_n": 1}),
        ("bedrock", "rerank-v3.5", results((0, 0.5)), SEARCH_NANOUSD, {"api_version": 2}),
    ],
)
async def test_each_vendor_is_asked_in_its_words_and_billed_by_its_units(
    row: str, model: str, answer: bytes, cost: int, sent: dict[str, Any]
) -> None:
    async with provider(lambda _: answer) as vendor, under(vendor, row) as gateway:
        told = await ask(gateway, {"model": model, "query": "q", "documents": [{"text": "a"}]})
        assert told.json["results"] == [{"index": 0, "relevance_score": 0.5, "document": {"text": "a"}}]
        assert await charged(gateway) == cost
        assert orjson.loads(vendor.bodies[0]).items() >= sent.items()


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "model"),
        ({"model": "rerank-v3.5", "documents": ["a"]}, 400, "query"),
        ({"model": "rerank-v3.5", "query": "q"}, 400, "documents"),
        ({"model": "rerank-v3.5", "query": "q", "documents": []}, 400, "documents"),
        ({"model": "rerank-v3.5", "query": "q", "documents": ["a", 1]}, 400, "documents[1]"),
        ({"model": "rerank-v3.5", "query": "q", "documents": [{"title": "a"}]}, 400, "documents[0].text"),
        ({"model": "rerank-v3.5", "query": "q", "documents": ["a"], "top_n": 0}, 400, "top_n"),
        ({"model": "rerank-v3.5", "query": "q", "documents": ["a"], "return_documents": 1}, 400, "return_documents"),
        ({"model": "rerank-v3.5", "query": "q", "documents": ["a"], "rank_fields": ["b"]}, 400, "rank_fields"),
        ({"model": "rerank-2.5", "query": "q", "documents": ["a"], "max_tokens_per_doc": 9}, 400, "max_tokens_per_doc"),
        ({"model": "rerank-2.5", "query": "q", "documents": ["a"] * 1_001}, 400, "documents"),
        ({"model": "rerank-v3.5", "query": "q", "documents": ["a"], "max_price": {"total": "0.001"}}, 400, "max_price"),
        ({"model": "gpt-4o", "query": "q", "documents": ["a"]}, 404, "model"),
    ],
)
async def test_what_cannot_be_ranked_is_refused_before_anything_is_sent(body: Any, status: int, param: str) -> None:
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        answer = await ask(gateway, body)
        assert (answer.status, answer.error["param"], cohere.bodies) == (status, param, [])


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"results": []}',
        results((0, 0.5), (1, 0.4)),
        results((0, 0.5), (1, 0.4), (3, 0.1)),
        results((0, 0.5), (0, 0.4), (1, 0.1)),
    ],
)
async def test_a_ranking_of_other_documents_is_an_error_and_free(body: bytes) -> None:
    async with provider(lambda _: body) as cohere, under(cohere) as gateway:
        answer = await ask(gateway, ASKED)
        look = await gateway.look()
        assert (answer.status, look.holds) == (502, ())
        assert [entry for entry in look.entries if entry.kind is EntryKind.CHARGE] == []


async def test_more_searches_than_the_request_can_have_caused_are_not_charged() -> None:
    async with provider(lambda _: results((0, 1.0), **billed(50))) as cohere, under(cohere) as gateway:
        await ask(gateway, {"model": "rerank-v3.5", "query": "q", "documents": ["a"]})
        assert await charged(gateway) == SEARCH_NANOUSD


@pytest.mark.parametrize(
    ("documents", "query", "bound", "searches"),
    [
        (["a"] * 100, "q", None, 1),
        (["a"] * 101, "q", None, 2),
        (["a" * 499] * 100, "q", None, 1),
        (["a" * 500] * 100, "q", None, 2),
        (["a" * 100_000] * 100, "q", None, 9),
        (["a" * 100_000] * 100, "q", 499, 1),
        (["a" * 400] * 100, "q" * 1_000, None, 8),
    ],
)
def test_the_worst_case_has_each_piece_of_a_long_document(
    documents: list[str], query: str, bound: int | None, searches: int
) -> None:
    operation: RerankOperation = rerank(own.CLIENT)
    body = {"model": "rerank-v3.5", "query": query, "documents": documents, "max_tokens_per_doc": bound}
    request = own.CLIENT.decode_request(orjson.dumps(body))
    plan = operation.plan(Principal("acct_test", RECORD), request)
    assert dict(SearchBounds(request).at_most(plan.candidates[0]).uses) == {"search": searches}
    meter = operation.meter(request, plan)
    assert meter.worst_case(0) == searches * SEARCH_NANOUSD
    assert meter.cost(plan.candidates[0], Usage(uses=(("search", 1),))).nanousd == SEARCH_NANOUSD


def test_the_dearest_candidate_is_held_for() -> None:
    operation: RerankOperation = rerank(own.CLIENT)
    body = {"model": "nexevo/rerank-balanced", "query": "q", "documents": ["a"]}
    request = own.CLIENT.decode_request(orjson.dumps(body))
    plan = operation.plan(Principal("acct_test", RECORD), request)
    prices = {
        each.target.provider: operation.meter(request, replace(plan, candidates=(each,))) for each in plan.candidates
    }
    assert operation.meter(request, plan).worst_case(0) == SEARCH_NANOUSD
    assert prices["voyage"].worst_case(0) < prices["cohere"].worst_case(0) == SEARCH_NANOUSD


@pytest.mark.parametrize("model", ["rerank-v3.5", "rerank-2.5"])
async def test_an_accounts_own_key_pays_the_fee_alone(model: str) -> None:
    operation: RerankOperation = rerank(own.CLIENT)
    request = own.CLIENT.decode_request(orjson.dumps({"model": model, "query": "q", "documents": ["a"]}))
    plan = operation.plan(Principal("acct_test", RECORD), request)
    key = await own_key("acct_test", "cohere", "sk-own", MemoryDataKeys())
    candidate = replace(plan.candidates[0], own=key)
    cost = operation.meter(request, plan).cost(candidate, Usage(input=10, uses=(("search", 1),)))
    assert (cost.nanousd, cost.tier) == (0, Tier.BYOK)


async def test_an_alias_goes_on_to_its_next_model_and_a_key_is_kept_to_its_list() -> None:
    failed = b'{"message": "try again"}'
    voyages = b'{"data": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 10}}'
    async with provider(lambda _: failed, 500) as cohere, provider(lambda _: voyages) as voyage:
        rows = {"cohere": Credential("a", cohere.base_url), "voyage": Credential("b", voyage.base_url)}
        async with app_under_test("", wire_at=route_at, rows=rows) as gateway:
            body = {"model": "nexevo/rerank-balanced", "query": "q", "documents": ["a"]}
            answer = await ask(gateway, body)
            assert (answer.status, answer.headers["x-nexevo-model-used"]) == (200, "rerank-2.5")
            assert await charged(gateway) == 525
            (hashed,) = gateway.keys.records
            gateway.keys.records[hashed] = replace(RECORD, allowed_models=("gpt-*",))
            assert (await ask(gateway, body)).status == 403


async def test_a_repeated_key_brings_the_same_answer_and_one_charge() -> None:
    async with provider(lambda _: THREE) as cohere, under(cohere) as gateway:
        asked = partial(ask, gateway, ASKED, headers={"idempotency-key": "once"})
        first, again = await asked(), await asked()
        assert (first.body, len(cohere.bodies)) == (again.body, 1)
