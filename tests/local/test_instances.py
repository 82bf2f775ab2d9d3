"""Tests that a function on managed instances has as many events in one process as it may, and no more."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local import LAYER
from local.children import Children
from local.functions import FunctionPool, function_environment
from local.invocation import FunctionFailed
from local.limits import Limits
from local.template import Function
from tests.hangs import HANGS_AFTER_S

pytestmark = pytest.mark.anyio

CONCURRENCY = 4
# Answers when as many requests are there as its path says, with what it knows of itself; `/0` never does.
APP = """
import asyncio, json, os
here = asyncio.Condition()
count = 0

async def app(scope, receive, send):
    global count
    if scope["type"] != "http":
        return
    wanted = int(scope["path"][1:])
    async with here:
        count += 1
        here.notify_all()
        await here.wait_for(lambda: wanted and count >= wanted)
    names = ("AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_INITIALIZATION_TYPE")
    body = json.dumps([os.getpid(), *(os.environ.get(name) for name in names)]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[FunctionPool]:
    children = Children(tmp_path / "processes.json")
    await children.start()
    (tmp_path / "app.py").write_text(APP)
    function = Function(
        name="many",
        family="many",
        handler="app.app",
        task_root=tmp_path,
        layers=(Path(LAYER),),
        command_prefix=(f"{LAYER}/stream-runtime",),
        timeout_s=3,
        memory_mb=2048,
        log_format="JSON",
        environment={},
        concurrency=CONCURRENCY,
    )
    yield FunctionPool(function, function_environment(function, os.environ, {}), children, Limits(), tmp_path)
    await children.end_all()


async def told(pool: FunctionPool, meeting: int, times: int) -> list[list[object]]:
    event = {"httpMethod": "GET", "path": f"/{meeting}", "headers": {}, "requestContext": {}}
    async with asyncio.timeout(HANGS_AFTER_S):
        started = [await pool.start(json.dumps(event).encode(), "Root=1-2-3") for _ in range(times)]
        answers = [await invocation.read() for invocation in started]
    return [json.loads(answer.rpartition(b"\0")[2]) for answer in answers]


async def test_events_meet_in_one_process_up_to_its_concurrency(pool: FunctionPool) -> None:
    answers = await told(pool, CONCURRENCY, CONCURRENCY)
    assert {tuple(rest) for _, *rest in answers} == {(str(CONCURRENCY), "lambda-managed-instances")}
    assert len({pid for pid, *_ in answers}) == 1


async def test_more_events_take_another_process(pool: FunctionPool) -> None:
    answers = await told(pool, CONCURRENCY, 2 * CONCURRENCY)
    assert len({pid for pid, *_ in answers}) == 2


async def test_an_event_that_takes_too_long_leaves_the_others_their_process(pool: FunctionPool) -> None:
    (before,) = await told(pool, 1, 1)
    with pytest.raises(FunctionFailed, match="Timedout"):
        await told(pool, 0, 1)
    assert await told(pool, 1, 1) == [before]
