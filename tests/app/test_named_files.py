"""Tests that uploaded files which a request names reach the provider as bytes, held for and paid as if sent inline."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from gateway.files.inputs import MediaInputs
from gateway.operations.file_inputs import FILES_BYTES_MAX
from gateway.ports.upstream import Credential
from tests.app.harness import ACCOUNT, Answer, AppUnderTest, Scripted, app_under_test, completion, sized
from tests.fakes.media import MemoryMediaObjects
from tests.generation.studio import Web
from tests.untrusted.file_forms import PDF
from tests.untrusted.pillow_files import PNG
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

FILE, PAPER = "file-nxn-01m7ydax8g00000000", "file-nxn-01m7ydax8g00000001"
SAID = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "A cat."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 20, "output_tokens": 5},
}


class Bench:
    """The app before a provider, over a bucket with files."""

    def __init__(self, app: AppUnderTest, provider: Scripted, objects: MemoryMediaObjects) -> None:
        self.app, self.provider, self.objects = app, provider, objects

    async def keep(self, file_id: str, content: bytes, account_id: str = ACCOUNT) -> None:
        await self.objects.put(f"uploads/{account_id}/{file_id}", content, "application/octet-stream")

    async def ask(self, *parts: dict[str, Any], model: str = "gpt-4o", **more: Any) -> Answer:
        headers = more.pop("headers", {})
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": list(parts)}], **more}
        return await self.app.ask(body, headers=headers)

    def sent(self, number: int = -1) -> dict[str, Any]:
        body: dict[str, Any] = orjson.loads(self.provider.bodies[number])
        return body


@asynccontextmanager
async def bench(body: bytes = b"", *, balance_usd: int = 100) -> AsyncIterator[Bench]:
    async def answer(_: int, writer: Any) -> None:
        writer.write(sized(200, body or completion(prompt=1000)))
        await writer.drain()

    objects = MemoryMediaObjects()
    async with Scripted(answer) as provider:
        rows = {name: Credential("sim", provider.base_url) for name in ("openai", "anthropic")}
        inputs = MediaInputs(objects, Web(), LoopClock())
        async with app_under_test("", rows=rows, inputs=lambda: inputs, balance_usd=balance_usd) as app:
            yield Bench(app, provider, objects)


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def file(file_id: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_id": file_id}}


def data_url(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


async def test_a_named_file_reaches_the_provider_as_bytes() -> None:
    async with bench() as on:
        await on.keep(FILE, PNG)
        await on.keep(PAPER, PDF)
        text = {"type": "text", "text": f"What is {FILE}?"}
        answer = await on.ask(text, image(FILE), file(PAPER))
        assert answer.status == 200, answer.body
        assert on.sent()["messages"][0]["content"] == [
            text,
            image(data_url(PNG, "image/png")),
            {"type": "file", "file": {"filename": "file.pdf", "file_data": data_url(PDF, "application/pdf")}},
        ]


async def test_it_is_translated_for_a_provider_of_another_wire() -> None:
    async with bench(orjson.dumps(SAID)) as on:
        await on.keep(PAPER, PDF)
        answer = await on.ask(file(PAPER), model="claude-haiku-4-5")
        assert answer.status == 200, answer.body
        (block,) = [part for part in on.sent()["messages"][0]["content"] if part["type"] == "document"]
        data = base64.b64encode(PDF).decode()
        assert block["source"] == {"type": "base64", "media_type": "application/pdf", "data": data}


async def test_it_is_held_for_and_paid_as_if_it_came_inline() -> None:
    reported = completion(usage={"prompt_tokens": 10**7, "completion_tokens": 5, "total_tokens": 10**7 + 5})
    costs = []
    for url in (FILE, data_url(PNG, "image/png")):
        async with bench(reported) as on:
            await on.keep(FILE, PNG)
            answer = await on.ask(image(url))
            costs.append(answer.json["nexevo"]["cost_usd"])
            assert (await on.app.look()).held_nanousd == 0
    # What a provider reports is bounded by what is held for.
    assert costs[0] == costs[1]


@pytest.mark.parametrize("owner", ["acct_other", None])
async def test_a_file_of_another_account_is_unknown_and_nothing_is_sent(owner: str | None) -> None:
    async with bench() as on:
        if owner is not None:
            await on.keep(FILE, PNG, owner)
        answer = await on.ask(image(FILE))
        assert (answer.status, answer.error["code"]) == (404, "file_not_found")
        assert answer.error["param"] == "messages[0].content[0].image_url.url"
        assert on.provider.bodies == []
        assert (await on.app.look()).free_nanousd == 100 * 10**9


async def test_files_that_are_too_large_together_are_refused() -> None:
    async with bench() as on:
        half = PDF[:-6] + b"\n" * (FILES_BYTES_MAX // 2) + PDF[-6:]
        await on.keep(PAPER, half)
        answer = await on.ask(file(PAPER), file(PAPER))
        assert (answer.status, answer.error["param"]) == (413, "messages[0].content[1].file.file_id")
        assert on.provider.bodies == []
        assert (await on.ask(file(PAPER))).status == 200


async def test_nothing_is_read_for_an_account_without_balance() -> None:
    async with bench(balance_usd=0) as on:
        answer = await on.ask(image(FILE))
        assert answer.status == 402


async def test_a_repeat_of_the_key_is_answered_after_its_file_is_gone() -> None:
    async with bench() as on:
        await on.keep(FILE, PNG)
        headers = {"idempotency-key": "one"}
        first = await on.ask(image(FILE), headers=headers)
        await on.objects.delete(f"uploads/{ACCOUNT}/{FILE}")
        again = await on.ask(image(FILE), headers=headers)
        assert (first.status, again.body) == (200, first.body)
        assert len(on.provider.bodies) == 1


async def test_a_vendor_s_file_is_refused_by_name() -> None:
    async with bench() as on:
        answer = await on.ask(file("file-abc123"))
        assert (answer.status, answer.error["code"]) == (400, "unsupported_parameter")


async def test_a_request_that_requires_every_parameter_may_name_a_file() -> None:
    async with bench(orjson.dumps(SAID)) as on:
        await on.keep(PAPER, PDF)
        answer = await on.ask(file(PAPER), model="claude-haiku-4-5", provider={"require_parameters": True})
        assert answer.status == 200, answer.body


async def test_an_id_in_text_alone_is_text() -> None:
    async with bench() as on:
        answer = await on.ask({"type": "text", "text": FILE})
        assert answer.status == 200
        assert on.sent()["messages"][0]["content"] == [{"type": "text", "text": FILE}]
