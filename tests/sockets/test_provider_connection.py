"""Tests the connection to a provider against a server of the package: order, back-pressure, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve

from gateway.ports.sockets import ProviderClosed, ProviderSocket
from gateway.upstream.sockets import WebSockets
from tests.hangs import HANGS_AFTER_S

LOOKS_S = 0.05


def connected(
    serves: Callable[[ServerConnection], Awaitable[None]], test: Callable[[ProviderSocket], Awaitable[None]]
) -> None:
    """Runs a test with a socket of a server that is not read ahead of what serves it."""

    async def main() -> None:
        async with asyncio.timeout(HANGS_AFTER_S), serve(serves, "127.0.0.1", 0, max_queue=1) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            socket = await WebSockets().open(f"ws://127.0.0.1:{port}/", [("X-Key", "k")])
            await test(socket)
            await socket.close()

    asyncio.run(main())


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
