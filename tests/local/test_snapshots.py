"""Tests that copies of one snapshot share nothing that they must not, on both runtimes, and that they would here."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from local import LAYER
from local.children import Children
from local.functions import FunctionPool, function_environment
from local.invocation import FunctionFailed
from local.limits import Limits
from local.template import Function
from tests.hangs import HANGS_AFTER_S

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="which files a process shares is told by Linux's /proc"),
]

# What both functions tell. `careless` is a generator that was made before the snapshot and is not seeded anew.
FACTS = """
import asyncio, os, random, secrets, ssl, uuid
from pathlib import Path
from gateway.runtime.hooks import after_restore, before_snapshot
from gateway.transport import parse_url
from gateway.wiring.process import process

CARELESS = random.Random()
SNAPSHOT = os.getpid()
STORY = []

@before_snapshot
async def before():
    STORY.append("before")
    client = process().client
    client.release(await client.connect(parse_url(os.environ["ELSEWHERE"])[0]))

@after_restore
async def after():
    STORY.append("after")

def sockets():
    files = [file for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    return [name for name in map(os.readlink, files) if name.startswith("socket:")]

async def facts():
    await asyncio.sleep(0.2)
    return {
        "pid": os.getpid(), "snapshot": SNAPSHOT, "story": STORY, "careless": CARELESS.random(),
        "drawn": [random.random(), secrets.token_hex(), uuid.uuid4().hex, ssl.RAND_bytes(16).hex()],
        "sockets": sockets(),
        "access_key": (await process().aws._credentials()).access_key_id,
        "environment": os.environ.get("AWS_ACCESS_KEY_ID"),
    }
"""
STREAMING = """
import json
from facts import facts

async def app(scope, receive, send):
    if scope["type"] == "http":
        body = json.dumps(await facts()).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""
BUFFERED = """
from facts import facts
from gateway.wiring.managed import managed

async def told(event, context):
    return {"body": await facts()}

app = managed(told)
"""
EVENT = json.dumps({"httpMethod": "GET", "path": "/", "headers": {}, "requestContext": {}}).encode()
PoolOf = Callable[[str], FunctionPool]


@pytest.fixture
async def pool_of(tmp_path: Path) -> AsyncIterator[PoolOf]:
    """Makes the pool of a function with that program, under SnapStart."""
    children = Children(tmp_path / "processes.json")
    await children.start()
    elsewhere = await asyncio.start_server(until_left, "127.0.0.1", 0)
    port = elsewhere.sockets[0].getsockname()[1]

    def pool(program: str) -> FunctionPool:
        task_root = tmp_path / "function"
        task_root.mkdir()
        (task_root / "app.py").write_text(program)
        (task_root / "facts.py").write_text(FACTS)
        function = Function(
            name="copied",
            family="copied",
            handler="app.app",
            task_root=task_root,
            layers=(Path(LAYER),),
            command_prefix=(f"{LAYER}/stream-runtime",) if program is not BUFFERED else (),
            timeout_s=60,
            memory_mb=128,
            log_format="JSON",
            environment={"ELSEWHERE": f"http://127.0.0.1:{port}"},
            snap_start=True,
        )
        return FunctionPool(function, function_environment(function, os.environ, {}), children, Limits(), tmp_path)

    yield pool
    await children.end_all()
    elsewhere.close()


async def until_left(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Keeps a connection open until its other side closes it."""
    await reader.read()
    writer.close()


async def told_by_two(pool: FunctionPool) -> list[dict[str, Any]]:
    """Asks for two answers at the same time, which takes two environments."""
    async with asyncio.timeout(HANGS_AFTER_S):
        started = [await pool.start(EVENT, "Root=1-2-3") for _ in range(2)]
        answers = [await invocation.read() for invocation in started]
    found: list[dict[str, Any]] = [json.loads(answer.rpartition(b"\0")[2]) for answer in answers]
    return [each if "pid" in each else each["body"] for each in found]


@pytest.mark.parametrize("program", [STREAMING, BUFFERED], ids=["streaming", "buffered"])
async def test_copies_of_a_snapshot_draw_other_numbers_and_share_no_connection(pool_of: PoolOf, program: str) -> None:
    first, second = await told_by_two(pool_of(program))
    assert len({first["pid"], second["pid"], first["snapshot"]}) == 3
    assert first["snapshot"] == second["snapshot"]
    assert first["careless"] == second["careless"]
    assert set(first["drawn"]).isdisjoint(second["drawn"])
    assert set(first["sockets"]).isdisjoint(second["sockets"])
    assert first["story"] == second["story"] == ["before", "after"]


@pytest.mark.parametrize("program", [STREAMING, BUFFERED], ids=["streaming", "buffered"])
async def test_a_copy_asks_for_its_credentials(pool_of: PoolOf, program: str) -> None:
    for told in await told_by_two(pool_of(program)):
        assert told["access_key"]
        assert told["environment"] is None


async def test_a_copy_serves_one_event_after_another(pool_of: PoolOf) -> None:
    pool = pool_of(STREAMING)
    answers = []
    async with asyncio.timeout(HANGS_AFTER_S):
        for _ in range(3):
            answers.append(await (await pool.start(EVENT, "Root=1-2-3")).read())
            while not pool._idle:  # noqa: ASYNC110  # a pool tells of no such event
                await asyncio.sleep(0.01)
    assert len({json.loads(answer.rpartition(b"\0")[2])["pid"] for answer in answers}) == 1


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("raise RuntimeError('no')", "RuntimeError"),
        (f"{STREAMING}\nfrom gateway.runtime.hooks import before_snapshot\nbefore_snapshot(lambda: 1 / 0)", "Zero"),
        (f"{STREAMING}\nfrom gateway.runtime.hooks import after_restore\nafter_restore(lambda: 1 / 0)", "Zero"),
        ("import os\nos._exit(3)", "Runtime.ExitError"),
    ],
)
async def test_a_failure_on_either_side_of_the_snapshot_is_the_invocations(
    pool_of: PoolOf, program: str, error: str
) -> None:
    pool = pool_of(program)
    for _ in range(2):
        async with asyncio.timeout(HANGS_AFTER_S):
            with pytest.raises(FunctionFailed, match=error):
                await (await pool.start(EVENT, "Root=1-2-3")).read()
