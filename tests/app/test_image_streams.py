"""Tests of streamed pictures: unfinished ones leave as they come, and what each end of a stream costs."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from local.providers import drawing
from tests.app.harness import SSE_HEAD, AppUnderTest, Scripted, piece
from tests.app.test_images import (
    COST,
    DALL_E,
    DALL_E_NANO,
    GPT,
    GPT_NANO,
    PICTURE,
    USAGE,
    Wiring,
    ask,
    charged,
    made,
    provider,
    under,
)
from tests.hangs import HANGS_AFTER_S

pytestmark = pytest.mark.anyio


def events(*found: tuple[str, Mapping[str, Any]]) -> bytes:
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **body})) for kind, body in found
    )


def streaming(*pieces: bytes) -> Scripted:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + b"".join(piece(each) for each in pieces))
        writer.write(piece(b""))
        await writer.drain()

    return Scripted(script)


PARTIAL = ("image_generation.partial_image", {"b64_json": "AAAA", "partial_image_index": 0, "size": "1024x1024"})
COMPLETED = ("image_generation.completed", {"b64_json": PICTURE, "usage": USAGE, "size": "1024x1024"})
# 100 tokens at $40 a million, and 5 %.
PARTIAL_NANO = 100 * 40_000 * 105 // 100
STREAM = {"model": GPT, "prompt": "x", "stream": True, "partial_images": 1}


async def test_unfinished_pictures_are_streamed_as_they_come_and_the_last_event_names_the_cost() -> None:
    whole = events(PARTIAL, COMPLETED)
    for cut in (len(whole), 7, 100):
        pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
        async with streaming(*pieces) as openai, under(openai) as gateway:
            answer = await ask(gateway, STREAM)
            assert orjson.loads(openai.bodies[0]) == {
                "model": GPT, "prompt": "x", "n": 1, "size": "1024x1024", "stream": True, "partial_images": 1,
            }  # fmt: skip
            first, last = answer.chunks
            assert (first["type"], first["b64_json"]) == ("image_generation.partial_image", "AAAA")
            assert (last["type"], last["b64_json"], last["usage"]) == (COMPLETED[0], PICTURE, USAGE)
            assert last["nexevo"]["cost_usd"] == COST
            assert await charged(gateway) == GPT_NANO


async def test_several_pictures_of_a_stream_are_asked_for_whole_and_each_is_an_event() -> None:
    two = {**USAGE, "output_tokens": 2 * 1056, "total_tokens": 13 + 2 * 1056}
    async with provider(made(count=2, usage=two)) as openai, under(openai) as gateway:
        answer = await ask(gateway, {**STREAM, "n": 2})
        assert orjson.loads(openai.bodies[0]) == {"model": GPT, "prompt": "x", "n": 2, "size": "1024x1024"}
        assert [(each["type"], each["b64_json"]) for each in answer.chunks] == [(COMPLETED[0], PICTURE)] * 2
        assert await charged(gateway) == GPT_NANO + 1056 * 40_000 * 105 // 100


async def test_a_stream_that_is_cut_after_an_unfinished_picture_ends_with_an_error_and_that_is_paid() -> None:
    async with streaming(events(PARTIAL)) as openai, under(openai) as gateway:
        answer = await ask(gateway, STREAM)
        assert answer.chunks[-1]["error"]["type"] == "upstream_error"
        assert await charged(gateway) == PARTIAL_NANO


async def test_a_stream_that_moderation_ends_first_is_a_400_and_free() -> None:
    refused = {"error": {"message": "Rejected.", "type": "image_generation_user_error", "code": "moderation_blocked"}}
    async with streaming(events(("error", refused))) as openai, under(openai) as gateway:
        answer = await ask(gateway, STREAM)
        assert (answer.status, answer.error["code"], await charged(gateway)) == (400, "moderation_blocked", 0)


async def test_a_model_that_does_not_stream_sends_its_finished_picture() -> None:
    async with provider(made()) as openai, under(openai) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "x", "stream": True, "response_format": "b64_json"})
        (only,) = answer.chunks
        assert (only["type"], only["b64_json"]) == ("image_generation.completed", PICTURE)
        assert (await charged(gateway), "stream" in orjson.loads(openai.bodies[0])) == (DALL_E_NANO, False)


@pytest.mark.parametrize("asked", [{}, {"response_format": "url"}])
async def test_the_event_of_a_model_that_answers_by_address_has_base64_and_says_what_the_picture_is(
    asked: dict[str, str],
) -> None:
    wiring, content = Wiring(), drawing.drawn("a cat", 96, 64, "jpeg")
    wiring.at["https://files.vendor.test/1"] = content
    answered = 200, {"data": [{"url": "https://files.vendor.test/1"}]}
    async with provider(answered) as openai, under(openai, wiring) as gateway:
        answer = await ask(gateway, {"model": DALL_E, "prompt": "x", "stream": True, **asked})
        (only,) = answer.chunks
        assert (base64.b64decode(only["b64_json"]), "url" in only) == (content, False)
        told = (only["output_format"], only["size"], only["background"], only["quality"])
        assert told == ("jpeg", "96x64", "opaque", "auto")
        assert (wiring.objects._objects, await charged(gateway)) == ({}, DALL_E_NANO)


async def test_a_streamed_picture_says_what_it_is_where_the_provider_s_event_does_not() -> None:
    content = base64.b64encode(drawing.drawn("a cat", 96, 64, "webp")).decode()
    event = ("image_generation.completed", {"b64_json": content, "usage": USAGE})
    async with streaming(events(event)) as openai, under(openai) as gateway:
        (only,) = (await ask(gateway, {**STREAM, "partial_images": 0})).chunks
        assert (only["output_format"], only["size"], only["background"]) == ("webp", "96x64", "opaque")


async def checkpointed(gateway: AppUnderTest, unfinished: int) -> int:
    """Waits until a checkpoint counts the pictures; returns what a death of the process would be charged."""
    async with asyncio.timeout(HANGS_AFTER_S):
        while True:
            async for hold in gateway.money.overdue(2**40):
                if (kept := hold.checkpoint) is None:
                    continue
                if kept.usage.output == unfinished * 100:
                    return kept.cost_nanousd
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("unfinished", "cost"), [(1, PARTIAL_NANO), (3, 3 * PARTIAL_NANO)])
async def test_a_caller_who_leaves_pays_for_what_was_delivered(unfinished: int, cost: int) -> None:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + piece(events(*[PARTIAL] * unfinished)))
        await writer.drain()
        await asyncio.sleep(3_600)

    async with Scripted(script) as openai, under(openai, checkpoint_s=0.05) as gateway:
        asking = asyncio.ensure_future(ask(gateway, {**STREAM, "partial_images": 3}))
        assert await checkpointed(gateway, unfinished) == cost
        asking.cancel()
        await asyncio.wait({asking})
        assert (await charged(gateway), len(openai.bodies)) == (cost, 1)


async def test_a_caller_who_leaves_before_the_first_picture_pays_nothing() -> None:
    begun = asyncio.Event()

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD)
        await writer.drain()
        begun.set()
        await asyncio.sleep(3_600)

    async with Scripted(script) as openai, under(openai) as gateway:
        asking = asyncio.ensure_future(ask(gateway, STREAM))
        await begun.wait()
        assert len((await gateway.look()).holds) == 1
        asking.cancel()
        await asyncio.wait({asking})
        assert await charged(gateway) == 0
