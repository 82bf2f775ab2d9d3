"""Tests of several conversations in one request: one hold, one bill, all of them or none."""

import asyncio
from collections.abc import Mapping

import orjson
import pytest

from gateway.canonical.codec import ClientCodec
from gateway.canonical.money import EntryKind
from gateway.pipeline.beside import together
from gateway.protocols import openai_completions
from tests.app.harness import Scripted, app_under_test, completion, sized

pytestmark = pytest.mark.anyio
PATH = "/v1/completions"


def legacy(_path: str, _query: Mapping[str, str]) -> ClientCodec:
    return openai_completions.CLIENT


async def said(number: int, writer: asyncio.StreamWriter) -> None:
    """Answers each request with its number of arrival."""
    writer.write(sized(200, completion(f"answer {number}")))
    await writer.drain()


async def failing(number: int, writer: asyncio.StreamWriter) -> None:
    """Refuses every second request permanently."""
    refused = orjson.dumps({"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}})
    writer.write(sized(400, refused) if number % 2 else sized(200, completion("fine")))
    await writer.drain()


async def test_each_prompt_is_asked_by_itself_and_all_are_one_bill() -> None:
    async with Scripted(said) as provider, app_under_test(provider.base_url, wire_at=legacy) as gateway:
        alone = await gateway.ask({"model": "gpt-4o", "prompt": "a"}, path=PATH)
        # Entries of the same moment have no order.
        await asyncio.sleep(1)
        together = await gateway.ask({"model": "gpt-4o", "prompt": ["a", "b", "c"]}, path=PATH)
        look = await gateway.look()
        charges = [-entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE]
        assert [choice["index"] for choice in together.json["choices"]] == [0, 1, 2]
        assert together.json["usage"]["total_tokens"] == 3 * alone.json["usage"]["total_tokens"]
        assert (len(provider.bodies), charges) == (4, [charges[0], 3 * charges[0]])
        assert look.holds == ()


async def test_one_refused_prompt_refuses_them_all_at_no_cost() -> None:
    async with Scripted(failing) as provider, app_under_test(provider.base_url, wire_at=legacy) as gateway:
        answer = await gateway.ask({"model": "gpt-4o", "prompt": ["a", "b"]}, path=PATH)
        look = await gateway.look()
        assert answer.status == 400
        assert {entry.kind for entry in look.entries} == {EntryKind.CREDIT, EntryKind.RELEASE}


async def test_when_one_part_fails_the_others_are_let_go() -> None:
    ended: list[str] = []

    async def waiting() -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("let go")
            raise
        return "answered"

    async def failing() -> str:
        await asyncio.sleep(0.1)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # it has no text
        await together([waiting, failing, waiting], 3)
    await asyncio.sleep(0)
    assert ended == ["let go", "let go"]
