"""Tests that a provider is asked in the region of the catalog's target, also if its credential has another one."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import KNOWN
from tests.app.harness import Scripted, app_under_test, hello, sized

pytestmark = pytest.mark.anyio

ANSWER = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello!"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
}
OWN = {"project": "p", "location": "us-central1"}
MODEL = {
    "id": "far",
    "owned_by": "google",
    "created": 1_760_000_000,
    "context_window": 1000,
    "max_output_tokens": 100,
    "input": ["text"],
    "capabilities": ["tools"],
    "profile": "gemini_2_flash",
    "price": {"input": "1", "output": "2"},
    "provider": "vertex",
}


@pytest.mark.parametrize(
    ("named", "locations"),
    [
        ([{"region": "europe-west4"}], ["europe-west4"]),
        ([{}], ["us-central1"]),
        ([{"region": "europe-west4"}, {}], ["europe-west4", "us-central1"]),
    ],
)
async def test_a_target_is_asked_in_its_own_region(named: list[dict[str, str]], locations: list[str]) -> None:
    catalog = parse(CHAT_MODELS, {"price_version": "2026-01-01", "models": [{**MODEL, "targets": named}]}, KNOWN)

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        is_last = number == len(locations)
        writer.write(sized(200, orjson.dumps(ANSWER)) if is_last else sized(503, b"{}"))
        await writer.drain()

    async with Scripted(script) as provider:
        rows = {"vertex": Credential("token", provider.base_url, OWN)}
        async with app_under_test("", rows=rows, catalog=catalog) as gateway:
            answer = await gateway.ask(hello(model="far"))
    paths = [head.split()[1].decode() for head in provider.heads]
    assert answer.status == 200
    assert [path.split("/locations/")[1].split("/")[0] for path in paths] == locations
