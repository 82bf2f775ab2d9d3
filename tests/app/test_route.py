"""Tests of `POST /v1/route`: the plan of a chat request with its reasons, free of charge, counted as a read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.catalog.catalog import Catalog
from gateway.http.routes import JsonRoute
from gateway.operations.chat import ChatOperation
from gateway.operations.explained import explained
from gateway.pipeline.operation import InboundRequest
from gateway.protocols import openai_chat
from gateway.signatures import Vault
from tests.app.harness import CATALOG, KEY, RECORD, Answer, AppUnderTest, app_under_test, hello
from tests.fakes.signatures import MemorySignatures
from tests.routing.catalogs import catalog_of, model, target
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio
PATH = "/v1/route"
TWICE = catalog_of(model("twice", target("openai", "2", "8"), target("deepseek", "1", "1")))


def route_over(catalog: Catalog[Any]) -> JsonRoute:
    async def answer(principal: Any, request: Any) -> bytes:
        operation = ChatOperation(openai_chat.CLIENT, catalog, Vault(MemorySignatures(), LoopClock()))
        return explained(operation, InboundRequest(principal, request.body, "req", 0.0, request.headers))

    return JsonRoute({"POST": answer})


async def asked(body: dict[str, Any], catalog: Catalog[Any] = CATALOG, **turned: Any) -> tuple[Answer, AppUnderTest]:
    async with app_under_test("http://127.0.0.1:9", wire_at=lambda *_: route_over(catalog), **turned) as gateway:
        return await gateway.ask(body, path=PATH), gateway


async def test_the_candidates_have_reasons_bounds_and_propensities() -> None:
    answer, _ = await asked(hello(model="twice:cheap", max_tokens=100), TWICE)
    assert answer.status == 200
    first, second = answer.json["candidates"]
    assert (first["provider"], first["propensity"], second["provider"], second["propensity"]) == (
        "deepseek", 1.0, "openai", 0.0,
    )  # fmt: skip
    assert first["reasons"] == ["serves 'twice:cheap'", "stands in the order of :cheap"]
    expected, worst = (Decimal(second["price_bounds"][name]) for name in ("expected", "worst_case"))
    # 100 tokens at 8 USD per million and 5 %, beside the prompt.
    assert Decimal("0.00084") < expected < worst < Decimal("0.002")


async def test_an_open_answer_is_bounded_by_its_model() -> None:
    answer, _ = await asked(hello(model="twice"), TWICE)
    worst = Decimal(answer.json["candidates"][0]["price_bounds"]["worst_case"])
    assert worst > 8_000 * 8 * Decimal("1.05") / 1_000_000


async def test_what_is_left_out_has_its_rule() -> None:
    answer, _ = await asked(hello(model="twice", provider={"ignore": ["openai"]}), TWICE)
    assert answer.json["excluded"] == [
        {
            "model": "twice",
            "provider": "openai",
            "region": None,
            "rule": "provider.ignore",
            "reasons": ["is one of the named providers"],
        }
    ]


async def test_a_refusal_by_rules_is_told_with_what_they_left_out() -> None:
    answer, _ = await asked(hello(model="twice", max_price={"prompt": "0.5"}), TWICE)
    assert answer.status == 200
    assert (answer.json["candidates"], len(answer.json["excluded"])) == ([], 2)
    assert (answer.json["refusal"]["status"], answer.json["refusal"]["code"]) == (400, "max_price_exceeded")


@pytest.mark.parametrize(
    ("body", "status"), [({"model": "twice"}, 400), (hello(model="nothing"), 404), (hello(model="twice", n=0), 400)]
)
async def test_what_is_wrong_with_the_request_itself_is_refused_as_chat_does(body: dict[str, Any], status: int) -> None:
    answer, _ = await asked(body, TWICE)
    assert answer.status == status
    assert answer.error["message"]


@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5"])
async def test_a_parameter_that_no_provider_of_the_callers_own_wire_takes_is_refused_by_the_plan(model: str) -> None:
    body = hello(model=model, top_k=5, provider={"require_parameters": True, "only": ["openai", "azure", "vertex"]})
    answer, _ = await asked(body)
    refused = None if model.startswith("claude") else "top_k"
    assert (answer.json["refusal"] or {}).get("param") == refused


async def test_auto_shows_its_grade() -> None:
    answer, _ = await asked(hello(model="nexevo/auto"))
    grade = answer.json["grade"]
    assert (grade["difficulty"], grade["needed_quality"]) == ("easy", 30)
    assert "has the quality" in answer.json["candidates"][0]["reasons"][1]
    plain, _ = await asked(hello(model="gpt-4o"))
    assert plain.json["grade"] is None


async def test_it_is_free_needs_no_balance_and_counts_as_a_read() -> None:
    async with app_under_test(
        "http://127.0.0.1:9", wire_at=lambda *_: route_over(TWICE), balance_usd=0, reads_rpm=2
    ) as gateway:
        gateway.keys.records[key_hash(KEY)] = replace(RECORD, rpm_limit=1)
        statuses = [(await gateway.ask(hello(model="twice"), path=PATH)).status for _ in range(3)]
        assert statuses == [200, 200, 429]
