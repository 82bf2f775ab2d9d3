"""What the ledger says after many requests at once, over the whole stack; recomputed here from usage and prices."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.clients.conftest import Stack, running
from tests.clients.test_operator import local

pytestmark = pytest.mark.anyio

# USD per million tokens, input and output, as the contract bills them: list price + 5 %, or flat.
PRICES = {
    "gpt-4o": (Decimal("2.625"), Decimal("10.5")),
    "gpt-4o-mini": (Decimal("0.1575"), Decimal("0.63")),
    "o4-mini": (Decimal("1.155"), Decimal("4.62")),
    "nexevo/fast": (Decimal(3), Decimal(12)),
    "nexevo/balanced": (Decimal(3), Decimal(12)),
}
PASSING_S = 120.0


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path, balance_usd=0) as started:
        yield started


@asynccontextmanager
async def caller(stack: Stack, key: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=256)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=stack.base_url, headers=headers, timeout=PASSING_S, limits=limits, trust_env=False
    ) as client:
        yield client


async def new_key(stack: Stack, **settings: Any) -> str:
    async with caller(stack, stack.api_key) as client:
        made = await client.post("/keys", json={"name": "test", "rpm_limit": 1000, **settings})
        assert made.status_code == 201, made.text
        key: str = made.json()["full_key"]
        return key


def credit(stack: Stack, usd: str) -> None:
    assert local("credit", stack.account_id, usd, "--data", str(stack.data)).returncode == 0


def nano(model: str, usage: dict[str, Any]) -> int:
    input_price, output_price = PRICES[model]
    micro_usd = usage["prompt_tokens"] * input_price + usage["completion_tokens"] * output_price
    return int((micro_usd * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def balanced(books: dict[str, Any]) -> bool:
    total = sum(entry["amount_nano"] for entry in books["entries"])
    held = sum(hold["amount_nano"] for hold in books["holds"])
    return bool(books["balance_nano"] + books["held_nano"] == total and held == books["held_nano"])


def until_held(stack: Stack, holds: int) -> None:
    deadline_s = time.monotonic() + 60
    while len(stack.ledger()["holds"]) < holds:
        assert time.monotonic() < deadline_s
        # A look costs a second of a core, which the functions' cold starts want.
        time.sleep(2)


async def in_parallel(count: int, requests: list[Any]) -> list[Any]:
    gate = asyncio.Semaphore(count)

    async def one(request: Any) -> Any:
        async with gate:
            return await request

    return await asyncio.gather(*(one(request) for request in requests))


async def ask(client: httpx.AsyncClient, model: str, words: str, **more: Any) -> tuple[str, dict[str, Any] | None]:
    """The generation id and, where the request succeeded, its usage."""
    message = {"role": "user", "content": f"Hello! {words}"}
    body = {"model": model, "messages": [message], "max_tokens": 200, **more}
    if more.get("stream"):
        body["stream_options"] = {"include_usage": True}
    answer = await client.post("/chat/completions", json=body)
    generation_id = answer.headers["x-nexevo-generation-id"]
    if not more.get("stream"):
        return generation_id, answer.json().get("usage")
    data = [orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]
    return generation_id, next((chunk["usage"] for chunk in data if chunk.get("usage")), None)


async def test_200_mixed_requests_are_charged_to_the_nano_dollar(stack: Stack) -> None:
    credit(stack, "100")
    words = ["", "[[sim: cached=0 prompt_tokens=33 tokens=7]]", "[[sim: chunk_ms=20 chunks=5]]", "[[sim: status=500]]"]
    async with caller(stack, await new_key(stack)) as client:
        models = list(PRICES)
        outcomes = await in_parallel(
            20,
            [
                ask(client, models[number % 5], words[number % 4], stream=number % 2 == 0, seed=number)
                for number in range(200)
            ],
        )
    books = stack.ledger()
    charged = {entry["generation_id"]: entry for entry in books["entries"] if entry["kind"] == "charge"}
    expected = {
        generation_id: -nano(models[number % 5], usage)
        for number, (generation_id, usage) in enumerate(outcomes)
        if usage is not None
    }
    assert len(expected) == 150
    assert {generation_id: entry["amount_nano"] for generation_id, entry in charged.items()} == expected
    assert (books["holds"], books["held_nano"], balanced(books)) == ([], 0, True)


async def test_a_balance_for_50_serves_50_of_200_at_once_and_the_provider_sees_50(stack: Stack) -> None:
    key = await new_key(stack)
    body = {
        "model": "gpt-4o",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "[[sim: tokens=100 prompt_tokens=000 delay_ms=15000]]"}],
    }
    async with caller(stack, key) as client:
        # The hold is what the body can come to at most: as many prompt tokens as bytes, and a frame for each message.
        bound = len(orjson.dumps(body)) + 32
        content = orjson.dumps(body).replace(b"prompt_tokens=000", b"prompt_tokens=%03d" % bound)
        hold_nano = nano("gpt-4o", {"prompt_tokens": bound, "completion_tokens": 100})
        credit(stack, str(Decimal(50 * hold_nano) / 10**9))
        answers = await asyncio.gather(
            *(client.post("/chat/completions", content=content) for _ in range(200)),
        )
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (50, 150)
    books = stack.ledger()
    assert (books["balance_nano"], books["holds"], balanced(books)) == (0, [], True)
    assert [entry["amount_nano"] for entry in books["entries"] if entry["kind"] == "charge"] == [-hold_nano] * 50


async def test_processes_killed_during_80_streams_leave_no_hold_after_the_sweeper(stack: Stack) -> None:
    credit(stack, "100")
    # Long enough that the first one still runs when the last one begins, on a slow machine too.
    words = "[[sim: chunk_ms=250 chunks=200 tokens=900]]"
    async with caller(stack, await new_key(stack)) as client:
        streams = [asyncio.create_task(ask(client, "gpt-4o", words, stream=True, max_tokens=1000)) for _ in range(80)]
        await asyncio.to_thread(until_held, stack, 80)
        killed = stack.processes("chat")[::2]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert balanced(stack.ledger())
        outcomes = await asyncio.gather(*streams, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, httpx.RemoteProtocolError)]
    assert len(failed) >= 1
    books = stack.ledger()
    assert balanced(books)
    assert len(books["holds"]) == len(failed)
    for _ in range(2):
        swept = local("sweep", "--data", str(stack.data), "--now", str(time.time() + 3600))
        assert swept.returncode == 0, swept.stderr
        books = stack.ledger()
        assert (books["holds"], books["held_nano"], balanced(books)) == ([], 0, True)
