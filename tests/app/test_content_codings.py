"""Coded bodies are read, a caller's and a provider's."""

from __future__ import annotations

import asyncio
import gzip

import orjson
import pytest

from gateway.framing.sse import sse_event
from tests.app.harness import SSE_HEAD, Scripted, app_under_test, completion, delta, hello, piece, sized, usage
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio
GZIP = {"content-encoding": "gzip"}


async def answered(_: int, writer: asyncio.StreamWriter) -> None:
    writer.write(sized(200, completion()))


async def test_a_callers_gzip_is_read() -> None:
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(gzip.compress(orjson.dumps(hello())), headers=GZIP)
        assert (answer.status, orjson.loads(provider.bodies[0])["messages"]) == (200, hello()["messages"])


@pytest.mark.parametrize(
    ("body", "coding", "refusal"),
    [
        (b"x", "br", (415, "unsupported_media_type")),
        (gzip.compress(b"x" * 1000)[:-9], "gzip", (400, "invalid_body")),
        (gzip.compress(b" " * 7_000_000), "gzip", (413, "request_too_large")),
    ],
    ids=["unknown", "damaged", "too large"],
)
async def test_a_coding_that_cannot_be_read_is_refused(body: bytes, coding: str, refusal: tuple[int, str]) -> None:
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(body, headers={"content-encoding": coding})
        assert ((answer.status, answer.error["code"]), provider.bodies) == (refusal, [])


async def test_a_provider_is_asked_not_to_code_its_answer() -> None:
    async with Scripted(answered) as provider, app_under_test(provider.base_url) as gateway:
        await gateway.ask(hello())
        assert b"\r\naccept-encoding: identity\r\n" in provider.heads[0].lower()


async def test_a_providers_coded_answer_is_still_read() -> None:
    async def coded(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, gzip.compress(completion()), "content-encoding: gzip"))

    async with Scripted(coded) as provider, app_under_test(provider.base_url) as gateway:
        assert (await gateway.ask(hello())).json["choices"][0]["message"]["content"] == "Hello!"


async def test_a_providers_coded_stream_is_still_read() -> None:
    said = [orjson.dumps(chunk) for chunk in (delta("Hi"), delta(finish="stop"), usage())]
    coded = piece(gzip.compress(b"".join([sse_event(data) for data in (*said, b"[DONE]")])))
    head = SSE_HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    async with (
        Scripted(doing(head, coded, None)) as provider,
        app_under_test(provider.base_url) as gateway,
    ):
        assert (await gateway.ask(hello(stream=True))).text == "Hi"


async def test_a_providers_damaged_answer_is_an_upstream_error() -> None:
    async def damaged(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, gzip.compress(completion())[:-9], "content-encoding: gzip"))

    async with Scripted(damaged) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"]) == (502, "upstream_error")
