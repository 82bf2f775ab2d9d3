"""Several conversations under one request: one hold, one bill, all of them or none."""

import asyncio

import orjson
import pytest

from gateway.canonical.money import EntryKind
from gateway.protocols import openai_completions
from gateway.web import only
from tests.app.harness import Scripted, completion, house, sized

pytestmark = pytest.mark.anyio
PATH = "/v1/completions"


LEGACY = only({PATH: openai_completions.CLIENT})


async def said(number: int, writer: asyncio.StreamWriter) -> None:
    """An answer to each request, numbered by its arrival."""
    writer.write(sized(200, completion(f"answer {number}")))
    await writer.drain()


async def failing(number: int, writer: asyncio.StreamWriter) -> None:
    """Every second request is refused for good."""
    refused = orjson.dumps({"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}})
    writer.write(sized(400, refused) if number % 2 else sized(200, completion("fine")))
    await writer.drain()


async def test_each_prompt_is_asked_by_itself_and_all_are_one_bill() -> None:
    async with Scripted(said) as provider, house(provider.base_url, route_at=LEGACY) as gateway:
        alone = await gateway.ask({"model": "gpt-4o", "prompt": "a"}, path=PATH)
        together = await gateway.ask({"model": "gpt-4o", "prompt": ["a", "b", "c"]}, path=PATH)
        look = await gateway.look()
        charges = [-entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE]
        assert [choice["index"] for choice in together.json["choices"]] == [0, 1, 2]
        assert together.json["usage"]["total_tokens"] == 3 * alone.json["usage"]["total_tokens"]
        assert (len(provider.bodies), charges) == (4, [charges[0], 3 * charges[0]])
        assert look.holds == ()


async def test_a_prompt_that_is_refused_refuses_them_all_and_nobody_pays() -> None:
    async with Scripted(failing) as provider, house(provider.base_url, route_at=LEGACY) as gateway:
        answer = await gateway.ask({"model": "gpt-4o", "prompt": ["a", "b"]}, path=PATH)
        look = await gateway.look()
        assert answer.status == 400
        assert {entry.kind for entry in look.entries} == {EntryKind.CREDIT, EntryKind.RELEASE}
