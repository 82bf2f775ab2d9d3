"""Tests of compaction: the provider's own, under the gateway's names, at the price of its tokens."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from gateway.canonical.money import EntryKind
from gateway.http.routes import OperationRoute
from gateway.operations.compaction import CompactionOperation
from gateway.protocols.openai_responses.compaction import CLIENT
from gateway.signatures import Vault
from tests.app.harness import CATALOG, Answer, AppUnderTest, Scripted, app_under_test, sized
from tests.fakes.signatures import MemorySignatures
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

PATH = "/v1/responses/compact"
SAID: list[Any] = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
USAGE = (
    b'{"input_tokens":100,"input_tokens_details":{"cached_tokens":0},"output_tokens":100,'
    b'"output_tokens_details":{"reasoning_tokens":0},"total_tokens":200}'
)
OUTPUT = (
    b'[{"id":"msg_0","type":"message","status":"completed","role":"user","content":[{"type":"input_text",'
    b'"text":"Hello"}]},{"id":"cmp_0","type":"compaction","encrypted_content":"gA"}]'
)
COMPACTED = b'{"id":"resp_up","object":"response.compaction", "created_at":1,"output":%b,"usage":%b}' % (OUTPUT, USAGE)


def route_at(_path: str, _query: Mapping[str, str]) -> OperationRoute:
    return OperationRoute(lambda: CompactionOperation(CLIENT, CATALOG, Vault(MemorySignatures(), LoopClock())))


def provider(status: int = 200, body: bytes = COMPACTED) -> Scripted:
    async def script(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(status, body))
        await writer.drain()

    return Scripted(script)


async def asked(gateway: AppUnderTest, **members: object) -> Answer:
    return await gateway.ask({"model": "gpt-4o", "input": SAID, **members}, path=PATH)


async def test_the_answer_is_the_providers_under_the_gateways_names() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, provider={"sort": "price"})
        told = answer.json
        named = OUTPUT.replace(b"msg_", b"msg_nxn-").replace(b"cmp_", b"cmp_nxn-")
        assert COMPACTED.replace(OUTPUT, named).partition(b" ")[2][:-1] in answer.body
        assert told["id"].startswith("resp_nxn-")
        assert openai.heads[0].startswith(b"POST /v1/responses/compact ")
        assert orjson.loads(openai.bodies[0]) == {"model": "gpt-4o", "input": SAID}


async def test_a_compaction_that_is_sent_back_has_its_providers_ids_again() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        first = await asked(gateway)
        await asked(gateway, input=first.json["output"])
        assert orjson.loads(openai.bodies[1])["input"] == orjson.loads(OUTPUT)


async def test_it_costs_what_its_tokens_cost_and_leaves_no_hold() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway)
        account = await gateway.look()
        charged = [-entry.amount_nanousd for entry in account.entries if entry.kind is EntryKind.CHARGE]
        # 100 tokens at 2.50 and 100 at 10 USD a million, and 5 % on top.
        assert (charged, account.holds, answer.json["nexevo"]["cost_usd"]) == ([1_312_500], (), "0.0013125")


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": "claude-haiku-4-5"}, "model", "unsupported_model"),
        ({"stream": True}, "stream", "unknown_parameter"),
        ({"background": True}, "background", "unknown_parameter"),
        ({"conversation": "conv_1"}, "conversation", "unsupported_parameter"),
        ({"input": 7}, "input", "invalid_type"),
    ],
)
async def test_what_cannot_be_compacted_is_refused_by_name_before_anything_is_sent(
    members: dict[str, object], param: str, code: str
) -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, **members)
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, param, code)
        assert openai.bodies == []


async def test_of_several_models_one_that_can_compact_serves() -> None:
    async with provider() as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway, model="claude-haiku-4-5", models=["gpt-4o"])
        assert (answer.status, answer.json["nexevo"]["model_used"]) == (200, "gpt-4o")


async def test_an_answer_that_is_no_compaction_is_an_upstream_error() -> None:
    async with provider(body=b"{}") as openai, app_under_test(openai.base_url, wire_at=route_at) as gateway:
        answer = await asked(gateway)
        assert (answer.status, answer.error["type"]) == (502, "upstream_error")
