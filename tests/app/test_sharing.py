"""Tests of a process that serves several requests at a time: its memory is one room, and heavy bodies hold up none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.canonical.request import ChatRequest
from gateway.errors import ServiceUnavailable
from gateway.pipeline import sharing
from gateway.pipeline.sharing import COUNTED_BYTES, Sharing
from gateway.protocols.openai_chat.codec import ChatClient
from gateway.wiring import process
from gateway.wiring.settings import from_environment
from tests.app.harness import Answer, Scripted, app_under_test, completion, hello, sized
from tests.app.test_streams import doing

pytestmark = pytest.mark.anyio

# Room for 1 MiB: bodies of 512 KiB together, and answers of 256 KiB each.
SMALL_MB = 20
KB = 1024


def long(size: int) -> dict[str, Any]:
    return hello(messages=[{"role": "user", "content": "x" * size}])


class Held:
    """A provider whose first answer waits until it is let go; others come at once."""

    def __init__(self, answer: bytes) -> None:
        self.asked = 0
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self._answer = answer

    async def __call__(self, _number: int, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self.began.set()
        if self.asked == 1:
            await self.go.wait()
        writer.write(self._answer)
        await writer.drain()


async def two(body: Callable[[], dict[str, Any]], *, let_go: bool) -> tuple[Answer, Answer, int]:
    """The answers to two requests, of which the first one's provider waits, and how many had been asked meanwhile."""
    held = Held(sized(200, completion()))
    async with Scripted(held) as provider, app_under_test(provider.base_url, sharing=Sharing(SMALL_MB)) as gateway:
        first = asyncio.create_task(gateway.ask(body()))
        await held.began.wait()
        second = asyncio.create_task(gateway.ask(body()))
        if let_go:
            await asyncio.sleep(0.1)
        else:
            await asyncio.wait({second})
        asked = held.asked
        held.go.set()
        return await first, await second, asked


async def test_a_body_without_room_waits_until_another_request_ends() -> None:
    first, second, asked = await two(lambda: long(300 * KB), let_go=True)
    assert (first.status, second.status, asked) == (200, 200, 1)


async def test_a_body_that_finds_no_room_is_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_S", 0.05)
    first, second, asked = await two(lambda: long(300 * KB), let_go=False)
    assert (first.status, second.status, asked) == (200, 503, 1)
    assert (second.headers["retry-after"], second.error["code"]) == ("2", "overloaded")


async def test_a_body_takes_room_for_its_values_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_S", 0.05)
    first, second, asked = await two(lambda: hello(stop=None, metadata=None, x=[0] * 20_000), let_go=False)
    assert (first.status, second.status, asked) == (200, 503, 1)


async def test_small_bodies_need_no_room() -> None:
    first, second, asked = await two(lambda: long(COUNTED_BYTES // 2), let_go=False)
    assert (first.status, second.status, asked) == (200, 200, 2)


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_takes_a_part_of_the_room_at_most(*, chunked: bool) -> None:
    for size, status in ((200 * KB, 200), (300 * KB, 502)):
        whole = sized(200, completion("x" * size))
        if chunked:
            head, _, body = whole.partition(b"\r\n\r\n")
            kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
            framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
            whole = b"\r\n".join([*kept, b"transfer-encoding: chunked", b"", framed])
        async with (
            Scripted(doing(whole)) as provider,
            app_under_test(provider.base_url, sharing=Sharing(SMALL_MB)) as gateway,
        ):
            assert (await gateway.ask(hello())).status == status


async def test_answers_without_room_are_refused_for_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_S", 0.05)
    room = Sharing(SMALL_MB)
    with room.share():
        await room.take_body(b"x" * (room.bytes_max // 2))
        for _ in range(2):
            await room.take_answer(room.bytes_max // 4)
        async with (
            Scripted(doing(sized(200, completion("x" * 200 * KB)))) as provider,
            app_under_test(provider.base_url, sharing=room) as gateway,
        ):
            refused = await gateway.ask(hello())
            money = await gateway.look()
    assert (refused.status, refused.headers["retry-after"], money.holds) == (503, "2", ())
    async with (
        Scripted(doing(sized(200, completion("x" * 200 * KB)))) as provider,
        app_under_test(provider.base_url, sharing=room) as gateway,
    ):
        assert (await gateway.ask(hello())).status == 200


async def test_answers_that_say_their_length_do_not_wait_for_each_other_half_read() -> None:
    whole = sized(200, completion("x" * 250 * KB))
    go = asyncio.Event()

    async def in_pieces(_number: int, writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(whole), 100 * KB):
            writer.write(whole[start : start + 100 * KB])
            await writer.drain()
            await go.wait()

    async with Scripted(in_pieces) as provider, app_under_test(provider.base_url, sharing=Sharing(SMALL_MB)) as gateway:
        asked = [asyncio.create_task(gateway.ask(hello())) for _ in range(10)]
        await asyncio.sleep(0.2)
        go.set()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 10


@pytest.mark.parametrize(
    ("body", "is_heavy"),
    [
        (b"[" + b"[]," * 9_000 + b"1]", False),
        (b"[" + b"[]," * 11_000 + b"1]", True),
        (b'"' + b"x" * 1024 * 1024 + b'"', True),
        (b'"' + b"x" * 1000 * 1024 + b'"', False),
        (b"[" + b"{}," * 900 + b'"' + b"x" * 20_000 + b'"]', False),
        (b"[" + b"{}," * 1_100 + b'"' + b"x" * 20_000 + b'"]', True),
    ],
)
def test_a_body_of_many_values_of_any_kind_is_heavy(body: bytes, *, is_heavy: bool) -> None:
    assert Sharing(SMALL_MB).is_heavy(body) is is_heavy


async def test_what_outlives_its_request_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Sharing(SMALL_MB)
    ended, late = asyncio.Event(), asyncio.Event()

    async def outliving() -> None:
        await ended.wait()
        await room.take_answer(room.bytes_max)
        late.set()

    with room.share():
        await room.take_answer(room.bytes_max)
        task = asyncio.create_task(outliving())
        await asyncio.sleep(0)
    ended.set()
    await task
    with room.share():
        await room.take_answer(room.bytes_max)
    monkeypatch.setattr(sharing, "PATIENCE_S", 0.01)
    with room.share(), pytest.raises(ServiceUnavailable):
        await room.take_answer(room.bytes_max + 1)


class Watched(ChatClient):
    """A wire that notes which threads read requests."""

    threads: list[bool]

    def decode_request(self, body: bytes) -> ChatRequest:
        self.threads.append(threading.current_thread() is threading.main_thread())
        return super().decode_request(body)


# Threads take real time, which the loop of these tests would leap over.
@pytest.mark.parametrize("is_shared", [False, True])
def test_a_heavy_body_is_read_apart_where_the_loop_is_shared(*, is_shared: bool) -> None:
    watched = Watched()
    watched.threads = []
    bodies = (hello(), hello(messages=[{"role": "user", "content": "a"}] * 2_000), long(1100 * KB))

    async def asked() -> list[int]:
        room = Sharing(2048) if is_shared else None
        async with (
            Scripted(doing(sized(200, completion()))) as provider,
            app_under_test(provider.base_url, balance_usd=1_000, wire_at=lambda *_: watched, sharing=room) as gateway,
        ):
            return [(await gateway.ask(body)).status for body in bodies]

    assert asyncio.run(asked()) == [200, 200, 200]
    assert watched.threads == [True, not is_shared, not is_shared]


def test_a_heavy_body_that_is_wrong_is_refused_as_any_other() -> None:
    wrong = [{"role": "user", "content": "a"}] * 2_000 + [{"role": "robot", "content": "a"}]

    async def refused() -> Answer:
        async with app_under_test("http://127.0.0.1:1/v1", sharing=Sharing(2048)) as gateway:
            return await gateway.ask(hello(messages=wrong))

    answer = asyncio.run(refused())
    assert (answer.status, answer.error["param"]) == (400, "messages[2000].role")


def test_a_process_shares_where_it_serves_several_requests_at_a_time() -> None:
    alone, shared = (
        process.of_settings(from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048", **more}))
        for more in ({}, {"AWS_LAMBDA_MAX_CONCURRENCY": "500"})
    )
    assert (alone.sharing, alone.client._idle_connections_max) == (None, 64)
    assert shared.sharing is not None
    assert (shared.sharing.bytes_max, shared.client._idle_connections_max) == (2048 * KB * KB // 20, 1_000)
