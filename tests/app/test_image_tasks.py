"""Tests of vendors that make pictures as tasks, or filter some: what is delivered is paid, and no more."""

import asyncio
import base64
from typing import Any

import orjson
import pytest

from gateway.pipeline.provider_client import WholeAnswer
from gateway.ports.upstream import Credential
from tests.app.harness import Scripted, app_under_test, sized
from tests.app.test_images import PICTURE, PNG, Wiring, ask, charged

pytestmark = pytest.mark.anyio

# Each picture at $0.04, and 5 %.
NANO = 42_000_000
FILE = "https://delivery.vendor.test/1.jpeg"


def vendor(row: str, wiring: Wiring, scripted: Scripted, **more: Any) -> Any:
    rows = {row: Credential("key", scripted.base_url.removesuffix("/v1"))}
    return app_under_test("", wire_at=wiring.route_at, rows=rows, memory_mb=512, **more)


def answering(*answers: tuple[int, Any]) -> Scripted:
    """Answers each request with the next of them."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        status, body = answers[number - 1]
        writer.write(sized(status, orjson.dumps(body)))
        await writer.drain()

    return Scripted(script)


def polled(*bodies: Any) -> list[WholeAnswer]:
    return [WholeAnswer(200, {}, orjson.dumps(body)) for body in bodies]


async def test_a_picture_that_rules_filter_is_not_paid_beside_those_that_are_delivered() -> None:
    predictions = [{"bytesBase64Encoded": PICTURE}, {"raiFilteredReason": "no"}, {"bytesBase64Encoded": PICTURE}]
    wiring = Wiring()
    async with answering((200, {"predictions": predictions})) as google, vendor("gemini", wiring, google) as gateway:
        body = {"model": "imagen-4", "prompt": "a fox", "n": 3, "size": "1792x1024", "response_format": "b64_json"}
        answer = await ask(gateway, body)
        assert (answer.status, len(answer.json["data"]), await charged(gateway)) == (200, 2, 2 * NANO)
        assert orjson.loads(google.bodies[0]) == {
            "instances": [{"prompt": "a fox"}],
            "parameters": {"sampleCount": 3, "includeRaiReason": True, "aspectRatio": "16:9"},
        }
        assert google.heads[0].startswith(b"POST /v1beta/models/imagen-4.0-generate-001:predict HTTP/1.1\r\n")


async def test_pictures_that_are_all_filtered_are_a_400_and_free() -> None:
    wiring, filtered = Wiring(), (200, {"predictions": [{"raiFilteredReason": "Not allowed."}]})
    async with answering(filtered) as google, vendor("vertex", wiring, google) as gateway:
        answer = await ask(gateway, {"model": "imagen-4", "prompt": "x"})
        assert (answer.status, answer.error["code"]) == (400, "moderation_blocked")
        assert (answer.error["message"], await charged(gateway)) == ("Not allowed.", 0)


async def test_a_task_is_asked_for_until_its_picture_is_there() -> None:
    wiring = Wiring()
    wiring.at[FILE] = PNG
    task = {"id": "p1", "status": "processing"}
    wiring.answers = polled(task, {"id": "p1", "status": "succeeded", "output": FILE})
    async with (
        answering((201, {**task, "status": "starting"})) as replicate,
        vendor("replicate", wiring, replicate) as gateway,
    ):
        body = {"model": "flux-pro", "prompt": "a fox", "size": "1024x1792", "seed": 7, "output_format": "jpeg"}
        answer = await ask(gateway, body)
        assert wiring.stored(answer.json["data"][0]["url"]) == PNG
        assert orjson.loads(replicate.bodies[0]) == {
            "input": {"prompt": "a fox", "aspect_ratio": "9:16", "seed": 7, "output_format": "jpg"}
        }
        assert b"prefer: wait=60" in replicate.heads[0].lower()
        at = f"{replicate.base_url}/predictions/p1"
        assert [(request.method, request.url) for request in wiring.polled] == [("GET", at), ("GET", at)]
        assert await charged(gateway) == NANO


async def test_a_task_that_fails_is_free_and_one_that_takes_too_long_is_given_up() -> None:
    wiring, begun = Wiring(), (201, {"id": "p1", "status": "starting"})
    async with answering(begun, begun, begun, begun) as replicate, vendor("replicate", wiring, replicate) as gateway:
        wiring.answers = polled(*[{"id": "p1", "status": "failed", "error": "Director: broken"}] * 3)
        failed = await ask(gateway, {"model": "flux-pro", "prompt": "x"})
        assert (failed.status, failed.error["type"], await charged(gateway)) == (502, "upstream_error", 0)
    wiring = Wiring()
    wiring.answers = polled(*[{"id": "p1", "status": "processing"}] * 50)
    async with answering(begun) as replicate, vendor("replicate", wiring, replicate, non_stream_s=0.8) as gateway:
        late = await ask(gateway, {"model": "flux-pro", "prompt": "x"})
        assert (late.status, late.error["type"], await charged(gateway)) == (408, "timeout_error", 0)
        assert wiring.polled[-1].url.endswith("/predictions/p1/cancel")


async def test_a_polling_address_of_a_stranger_is_not_shown_the_key() -> None:
    wiring = Wiring()
    begun = (200, {"id": "1", "polling_url": "https://bfl.ai.stranger.test/v1/get_result?id=1"})
    async with answering(begun) as bfl, vendor("bfl", wiring, bfl) as gateway:
        answer = await ask(gateway, {"model": "flux-pro", "prompt": "x"})
        assert (answer.status, wiring.polled, await charged(gateway)) == (502, [], 0)


async def test_several_pictures_of_one_each_are_asked_for_side_by_side_with_a_seed_each() -> None:
    wiring = Wiring()
    made = {"image": PICTURE, "finish_reason": "SUCCESS"}
    filtered = {"image": "", "finish_reason": "CONTENT_FILTERED"}
    async with (
        answering((200, made), (200, filtered), (200, made)) as stability,
        vendor("stability", wiring, stability) as gateway,
    ):
        body = {"model": "stable-image-core", "prompt": "x", "n": 3, "seed": 5, "response_format": "b64_json"}
        answer = await ask(gateway, body)
        assert [one["b64_json"] for one in answer.json["data"]] == [PICTURE] * 2
        seeds = [body.partition(b'name="seed"\r\n\r\n')[2][:1] for body in stability.bodies]
        assert (sorted(seeds), await charged(gateway)) == ([b"5", b"6", b"7"], 2 * 31_500_000)
        assert base64.b64decode(PICTURE) == PNG
