"""Tests of the virtual loop: a day passes at once, timers keep their order, sockets come before timers."""

import asyncio

import pytest

from tests.virtual_time import BACKEND, LoopClock

pytestmark = pytest.mark.anyio
DAY_S = 86_400


@pytest.fixture
def anyio_backend() -> object:
    return BACKEND


async def test_a_day_passes_as_far_as_the_loop_can_tell() -> None:
    clock = LoopClock()
    began_s = clock.now_s()
    await asyncio.sleep(DAY_S)
    assert clock.now_s() - began_s == pytest.approx(DAY_S)


async def test_timers_fire_in_the_order_of_their_times() -> None:
    fired: list[int] = []

    async def after(seconds: int) -> None:
        await asyncio.sleep(seconds)
        fired.append(seconds)

    await asyncio.gather(after(3), after(1), after(2))
    assert fired == [1, 2, 3]


async def test_a_timeout_ends_what_waits_longer_and_nothing_shorter() -> None:
    async with asyncio.timeout(10):
        await asyncio.sleep(9.9)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await asyncio.sleep(10.1)


async def test_bytes_on_their_way_arrive_before_the_clock_moves() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server, asyncio.timeout(0.001):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.read() == b"hello\n"
        writer.close()


async def test_a_thread_is_waited_for_where_no_timer_is_set() -> None:
    assert await asyncio.to_thread(lambda: "done") == "done"
