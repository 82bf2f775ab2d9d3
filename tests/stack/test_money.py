"""Tests the ledger after many concurrent requests over the whole stack against costs computed from usage and prices."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import orjson
import pytest

from gateway.stores.aws.deferred_settlements import message_of
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.money.given import admitted, charge, wanted
from tests.stack.conftest import RPM_LIMIT, Stack, local

pytestmark = pytest.mark.anyio

# USD per million tokens, input and output, as the contract bills them: list price + 5 %, or flat.
PRICES = {
    "gpt-4o": (Decimal("2.625"), Decimal("10.5")),
    "gpt-4o-mini": (Decimal("0.1575"), Decimal("0.63")),
    "o4-mini": (Decimal("1.155"), Decimal("4.62")),
    "nexevo/fast": (Decimal(3), Decimal(12)),
    "nexevo/balanced": (Decimal(3), Decimal(12)),
}
# Two hundred requests at once start as many processes, a few at a time.
PASSING_S = 3 * HANGS_AFTER_S


@pytest.fixture
def stack(stack: Stack) -> Stack:
    """Returns the session's stack with an account without money, whose books hold this test's entries alone."""
    return stack.with_new_account()


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
        made = await client.post("/keys", json={"name": "test", "rpm_limit": RPM_LIMIT, **settings})
        assert made.status_code == 201, made.text
        key: str = made.json()["full_key"]
        return key


def nano(model: str, usage: dict[str, Any]) -> int:
    input_price, output_price = PRICES[model]
    micro_usd = usage["prompt_tokens"] * input_price + usage["completion_tokens"] * output_price
    return int((micro_usd * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def balanced(books: dict[str, Any]) -> bool:
    total = sum(entry["amount_nano"] for entry in books["entries"])
    held = sum(hold["amount_nano"] for hold in books["holds"])
    return bool(books["balance_nano"] + books["held_nano"] == total and held == books["held_nano"])


async def until_held(stack: Stack, streams: list[asyncio.Task[Any]]) -> None:
    """Waits until each stream has its hold; one that has ended by then was refused."""
    deadline_s = time.monotonic() + PASSING_S
    while len((await asyncio.to_thread(stack.ledger))["holds"]) < len(streams):
        assert [stream.result() for stream in streams if stream.done()] == []
        assert time.monotonic() < deadline_s
        await asyncio.sleep(1)


async def in_parallel(count: int, requests: list[Any]) -> list[Any]:
    gate = asyncio.Semaphore(count)

    async def one(request: Any) -> Any:
        async with gate:
            return await request

    return await asyncio.gather(*(one(request) for request in requests))


async def ask(client: httpx.AsyncClient, model: str, words: str, **more: Any) -> tuple[str, dict[str, Any] | None]:
    """Returns the generation id and, if the request succeeded, its usage."""
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
    stack.credit("100")
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
    books = await asyncio.to_thread(stack.settled)
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
    body = {
        "model": "gpt-4o",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "[[sim: tokens=100 prompt_tokens=000 delay_ms=15000]]"}],
    }
    # The hold is the most that the body can cost: as many prompt tokens as bytes, and a frame for each message.
    bound = len(orjson.dumps(body)) + 32
    content = orjson.dumps(body).replace(b"prompt_tokens=000", b"prompt_tokens=%03d" % bound)
    hold_nano = nano("gpt-4o", {"prompt_tokens": bound, "completion_tokens": 100})
    stack.credit(str(Decimal(50 * hold_nano) / 10**9))
    async with caller(stack, await new_key(stack)) as client:
        answers = await asyncio.gather(
            *(client.post("/chat/completions", content=content) for _ in range(200)),
        )
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(402)) == (50, 150)
    books = await asyncio.to_thread(stack.settled)
    assert (books["balance_nano"], books["holds"], balanced(books)) == (0, [], True)
    assert [entry["amount_nano"] for entry in books["entries"] if entry["kind"] == "charge"] == [-hold_nano] * 50


async def test_a_charge_that_waited_in_the_queue_is_booked_once(stack: Stack) -> None:
    stack.credit("1")
    request = wanted(stack.account_id, 1_000, time.time())
    hold = stack.operate(lambda services: admitted(services.money, request, time.time()))
    queue = stack.aws("sqs")
    address = queue.get_queue_url(QueueName="nexgate-local-SettlementsQueue")["QueueUrl"]
    # A queue may bring a message twice.
    for _ in range(2):
        queue.send_message(QueueUrl=address, MessageBody=message_of(hold, charge(600)))
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        attributes = queue.get_queue_attributes(QueueUrl=address, AttributeNames=counts)["Attributes"]
        return set(attributes.values()) == {"0"}

    assert await asyncio.to_thread(comes_true, is_empty)
    books = await asyncio.to_thread(stack.settled)
    assert [entry["amount_nano"] for entry in books["entries"] if entry["kind"] == "charge"] == [-600]
    assert balanced(books)


async def test_processes_killed_during_80_streams_leave_no_hold_after_the_sweeper(stack: Stack) -> None:
    stack.credit("100")
    # Ten minutes: the first one still runs when the last one begins, on a slow machine too.
    words = "[[sim: chunk_ms=600 chunks=1000 tokens=900]]"
    async with caller(stack, await new_key(stack)) as client:
        streams = [asyncio.create_task(ask(client, "gpt-4o", words, stream=True, max_tokens=1000)) for _ in range(80)]
        await until_held(stack, streams)
        killed = stack.processes("chat")[::2]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert balanced(stack.ledger())
        await asyncio.to_thread(stack.hurry_streams)
        outcomes = await asyncio.gather(*streams, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, httpx.RemoteProtocolError)]
    assert len(failed) >= 1
    assert balanced(await asyncio.to_thread(stack.settled, len(failed)))
    for _ in range(2):
        swept = local("sweep", "--data", str(stack.data), "--now", str(time.time() + 3600))
        assert swept.returncode == 0, swept.stderr
        books = stack.ledger()
        assert (books["holds"], books["held_nano"], balanced(books)) == ([], 0, True)
