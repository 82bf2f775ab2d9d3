"""Tests of an endpoint that passes through: the provider's bytes under the gateway's names, at no cost."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.auth.principal import Principal
from gateway.canonical.money import EntryKind, Tier
from gateway.canonical.usage import Usage
from gateway.catalog.loader import parse
from gateway.catalog.plain import plain
from gateway.http.routes import OperationRoute
from gateway.operations.passthrough import PassthroughOperation, PassthroughRequest
from gateway.protocols.openai_moderations import CLIENT
from gateway.providers.chat.registry import KNOWN
from gateway.wiring.moderations import moderations
from tests.app.harness import RECORD, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.app.test_own_keys import OWN, home

pytestmark = pytest.mark.anyio

PATH = "/v1/moderations"
RESULT = {"flagged": False, "categories": {"hate": False}, "category_scores": {"hate": 1e-05}, "later": [1]}
JUDGED = orjson.dumps({"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [RESULT]})
UNREADABLE = b"<html>"
REFUSED = orjson.dumps({"error": {"message": "Too many images.", "type": "invalid_request_error", "code": None}})


def route_at(_path: str, _query: Mapping[str, str]) -> OperationRoute:
    return OperationRoute(moderations)


def provider(status: int = 200, body: bytes = JUDGED) -> Scripted:
    async def script(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(status, body))
        await writer.drain()

    return Scripted(script)


async def asked(gateway: AppUnderTest, body: Any) -> Answer:
    return await gateway.ask(body, path=PATH)


async def test_the_answer_is_the_providers_under_the_gateways_names() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, {"input": "Hello"})
        told = answer.json
        assert (answer.status, told["model"], told["results"]) == (200, "omni-moderation-latest", [RESULT])
        assert told["id"].startswith("modr-nxn-")
        assert told["nexevo"]["cost_usd"] == "0"
        assert orjson.loads(openai.bodies[0]) == {"input": "Hello", "model": "omni-moderation-latest"}


async def test_it_is_free_and_leaves_one_charge_and_no_hold() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        await asked(gateway, {"input": ["one", "two"], "model": "omni-moderation-2024-09-26"})
        account = await gateway.look()
        charges = [entry.amount_nanousd for entry in account.entries if entry.kind is EntryKind.CHARGE]
        assert (charges, account.holds) == ([0], ())


async def test_an_accounts_own_key_serves_and_is_billed_as_such() -> None:
    async with home({OWN: sized(200, JUDGED)}, balance_usd=0, wire_at=route_at) as here:
        answer = await asked(here.app, {"input": "Hello"})
        assert (answer.status, here.shown) == (200, [OWN])
        (entry,) = [each for each in (await here.app.look()).entries if each.kind is EntryKind.CHARGE]
        assert entry.charge is not None
        assert entry.charge.tier is Tier.BYOK


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "input"),
        ({"input": 7}, 400, "input"),
        ({"input": "a", "model": 1}, 400, "model"),
        ({"input": "a", "model": "gpt-4o"}, 404, "model"),
        (b"[]", 400, None),
    ],
)
async def test_what_is_no_moderation_is_refused_before_anything_is_sent(body: Any, status: int, param: str) -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, body)
        assert (answer.status, answer.error["param"], openai.bodies) == (status, param, [])


@pytest.mark.parametrize(("sent", "body", "status"), [(400, REFUSED, 400), (200, UNREADABLE, 502), (200, b"{}", 502)])
async def test_a_provider_that_refuses_or_answers_nonsense_is_an_error_and_free(
    sent: int, body: bytes, status: int
) -> None:
    async with provider(sent, body) as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, {"input": "Hello"})
        account = await gateway.look()
        assert (answer.status, account.holds) == (status, ())
        assert [entry.kind for entry in account.entries if entry.kind is EntryKind.CHARGE] == []


def test_the_dearest_target_is_held_for_and_each_is_charged_at_its_own_price() -> None:
    targets = [{"provider": "openai", "price": "0.001"}, {"provider": "deepseek", "price": "0.002"}]
    row = {"id": "judge", "owned_by": "openai", "created": 1_760_000_000, "targets": targets}
    catalog = parse(plain("moderations.json"), {"price_version": "2026-01-01", "models": [row]}, KNOWN)
    operation = PassthroughOperation(CLIENT, catalog)
    request = PassthroughRequest("judge", b"{}")
    plan = operation.plan(Principal("acct_test", RECORD), request)
    meter = operation.meter(request, plan)
    assert meter.worst_case(0) == 2_100_000
    assert [meter.cost(candidate, Usage()).nanousd for candidate in plan.candidates] == [1_050_000, 2_100_000]


async def test_a_model_of_one_target_is_tried_once_more_after_a_failure() -> None:
    failed = orjson.dumps({"error": {"message": "Try again.", "type": "server_error", "code": None}})
    async with provider(500, failed) as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, {"input": "Hello"})
        assert (answer.status, len(openai.bodies)) == (502, 2)
