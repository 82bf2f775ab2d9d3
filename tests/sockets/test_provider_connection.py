"""Tests the connection to a provider against a server of the package: order, back-pressure, and how it ends."""

from __future__ import annotations

import asyncio
import socket as sockets
import struct
from collections.abc import Awaitable, Callable, Coroutine
from itertools import islice
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from gateway.ports.sockets import ProviderClosed, ProviderSocket
from gateway.upstream.sockets import BEHIND_S_MAX, CLOSE_WITHIN_S, MASKS_AT_ONCE, WebSockets, masks
from tests.hangs import HANGS_AFTER_S
from tests.virtual_time import LoopClock, run

LOOKS_S = 0.05


def connected(
    serves: Callable[[ServerConnection], Awaitable[None]],
    test: Callable[[ProviderSocket], Awaitable[None]],
    runs: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run,
    **options: Any,
) -> None:
    """Runs a test with a socket of a server that is not read ahead of what serves it."""

    async def main() -> None:
        async with asyncio.timeout(HANGS_AFTER_S), serve(serves, "127.0.0.1", 0, max_queue=1, **options) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            socket = await WebSockets().open(f"ws://127.0.0.1:{port}/", [("X-Key", "k")])
            await test(socket)
            await socket.close()

    runs(main())


def test_frames_come_in_the_order_in_which_they_were_sent_and_before_the_close() -> None:
    heard: list[str] = []

    async def serves(client: ServerConnection) -> None:
        assert client.request is not None
        assert client.request.headers["X-Key"] == "k"
        await client.send("hello")
        heard.extend([str(text) async for text in client])

    async def test(socket: ProviderSocket) -> None:
        assert await socket.receive() == b"hello"
        for number in range(300):
            await socket.send(b"%d" % number)
            if number % 7 == 0:
                await asyncio.sleep(0)
        await socket.close()

    connected(serves, test)
    assert heard == [str(number) for number in range(300)]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_a_text_of_any_length_comes_as_it_was_sent(length: int) -> None:
    heard: list[str | bytes] = []
    sent = [(f"{number}ü" * length)[:length] for number in range(3)]

    async def serves(client: ServerConnection) -> None:
        heard.extend([text async for text in client])

    async def test(socket: ProviderSocket) -> None:
        for text in sent:
            await socket.send(text.encode())

    connected(serves, test)
    assert heard == sent


def test_each_frame_has_a_mask_of_its_own() -> None:
    drawn = list(islice(masks(), 3 * MASKS_AT_ONCE))
    # Two of so few are the same once in 15,000 times, and three never.
    assert len(set(drawn)) >= len(drawn) - 1


def test_a_provider_that_does_not_read_stops_what_is_sent_to_it() -> None:
    frames, data = 4_000, b"x" * 16_384
    heard = 0

    async def test(socket: ProviderSocket) -> None:
        sent = 0

        async def sends() -> None:
            nonlocal sent
            while sent < frames:
                await socket.send(data)
                sent += 1
            await socket.close()

        sending, before = asyncio.create_task(sends()), -1
        while sent != before:
            before = sent
            await asyncio.sleep(LOOKS_S)
        reads.set()
        await sending
        assert before < frames

    async def serves(client: ServerConnection) -> None:
        nonlocal heard
        await reads.wait()
        async for text in client:
            heard += len(text)

    reads = asyncio.Event()
    connected(serves, test)
    assert heard == frames * len(data)


def test_a_provider_that_takes_nothing_does_not_hold_up_the_close() -> None:
    async def serves(client: ServerConnection) -> None:
        client.transport.pause_reading()
        await ends.wait()

    async def test(socket: ProviderSocket) -> None:
        begun = sent = 0

        async def sends() -> None:
            nonlocal begun, sent
            while True:
                begun += 1
                await socket.send(b"x" * 65_536)
                sent += 1

        sending, before, clock = asyncio.create_task(sends()), -1, LoopClock()
        while sent != before:
            before = sent
            await asyncio.sleep(LOOKS_S)
        began_s = clock.monotonic_s()
        await socket.close()
        # By itself the package waits until its ping has failed.
        assert clock.monotonic_s() - began_s == pytest.approx(CLOSE_WITHIN_S, abs=0.1)
        # What has waited for the provider hears of it.
        with pytest.raises(ProviderClosed):
            await sending
        # It was not taken.
        assert sent == begun - 1 == before
        ends.set()

    ends = asyncio.Event()
    connected(serves, test, run)


def test_a_provider_that_takes_nothing_for_long_ends_the_socket() -> None:
    async def serves(client: ServerConnection) -> None:
        client.transport.pause_reading()
        await ends.wait()

    async def test(socket: ProviderSocket) -> None:
        clock, last_s = LoopClock(), 0.0

        async def sends() -> None:
            nonlocal last_s
            while True:
                last_s = clock.monotonic_s()
                await socket.send(b"x" * 65_536)

        try:
            with pytest.raises(ProviderClosed):
                await sends()
        finally:
            ends.set()
        assert clock.monotonic_s() - last_s == pytest.approx(BEHIND_S_MAX, abs=0.1)
        with pytest.raises(ProviderClosed):
            await socket.receive()

    ends = asyncio.Event()
    connected(serves, test, run, ping_interval=None)


def test_a_connection_that_breaks_while_it_is_written_to_is_the_end_of_the_socket() -> None:
    async def serves(client: ServerConnection) -> None:
        await breaks.wait()
        # With a reset, and what was not read.
        linger = struct.pack("ii", 1, 0)
        client.transport.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, linger)
        client.transport.abort()

    async def test(socket: ProviderSocket) -> None:
        async def sends() -> None:
            while True:
                await socket.send(b"x" * 65_536)

        sending = asyncio.create_task(sends())
        await asyncio.sleep(LOOKS_S)
        breaks.set()
        with pytest.raises(ProviderClosed) as closed:
            await sending
        assert closed.value.code == 1006

    breaks = asyncio.Event()
    connected(serves, test)


def test_what_is_sent_to_a_socket_that_its_provider_has_closed_is_told_with_its_code() -> None:
    async def serves(client: ServerConnection) -> None:
        await client.close(1011, "broken")

    async def test(socket: ProviderSocket) -> None:
        async def sends() -> None:
            while True:
                await socket.send(b"frame")
                await asyncio.sleep(0)

        with pytest.raises(ProviderClosed) as closed:
            await sends()
        assert closed.value.code == 1011
        with pytest.raises(ProviderClosed):
            await socket.receive()

    connected(serves, test)


def test_a_frame_that_was_sent_as_its_provider_left_is_no_failure_of_the_loop() -> None:
    failures: list[dict[str, Any]] = []

    async def serves(client: ServerConnection) -> None:
        await client.wait_closed()

    async def test(socket: ProviderSocket) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: failures.append(told))
        connection: Any = socket
        await socket.send(b"hello")
        # The end of what the provider sends is seen in the turn in which the frame was put.
        connection._connection.eof_received()
        await asyncio.sleep(0)
        with pytest.raises(ProviderClosed):
            await socket.send(b"more")

    connected(serves, test)
    assert failures == []
