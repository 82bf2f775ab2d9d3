"""Tests that a client's messages are handed on as they were sent, and that it gets what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedError

from local.websocket_client import Client
from tests.hangs import HANGS_AFTER_S


def connected(
    serves: Callable[[Client], Awaitable[None]], test: Callable[[ClientConnection], Awaitable[None]]
) -> list[bytes | str]:
    """Runs a test with a client's socket, and returns the messages that were handed on."""
    heard: list[bytes | str] = []

    async def serve_one(socket: ServerConnection) -> None:
        client = cast("Client", socket)
        await serves(client)
        client.begin(lambda data, is_text: heard.append(data.decode() if is_text else data))
        await client.wait_closed()

    async def main() -> None:
        async with asyncio.timeout(HANGS_AFTER_S), serve(serve_one, "127.0.0.1", 0, create_connection=Client) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}/") as socket:
                await test(socket)

    asyncio.run(main())
    return heard


async def nothing(_: Client) -> None:
    """Begins at once."""


def test_messages_are_handed_on_in_their_order_with_their_pieces_joined() -> None:
    async def test(socket: ClientConnection) -> None:
        await socket.send("one")
        await socket.send(["tw", "", "o é"])
        await socket.ping()
        await socket.send(b"\xff\x00")
        await socket.send([b"\xc3", b"\xa9"])
        await socket.send("")

    assert connected(nothing, test) == ["one", "two é", b"\xff\x00", b"\xc3\xa9", ""]


def test_what_comes_before_its_reader_waits_for_it() -> None:
    begins = asyncio.Event()

    async def serves(client: Client) -> None:
        await client.ping()
        await begins.wait()

    async def test(socket: ClientConnection) -> None:
        await socket.send("early")
        await socket.send(["in ", "pieces"])
        # An answer to what is sent after them.
        await (await socket.ping())
        begins.set()
        await socket.send("late")

    assert connected(serves, test) == ["early", "in pieces", "late"]


def test_a_text_that_is_none_ends_the_connection() -> None:
    async def test(socket: ClientConnection) -> None:
        await socket.send("before")
        await socket.send([b"\xc3", b"("], text=True)
        with pytest.raises(ConnectionClosedError) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007

    assert connected(nothing, test) == ["before"]


def test_a_text_is_sent_in_as_many_frames_as_it_is_given_in_and_not_at_all_to_a_socket_that_has_closed() -> None:
    outcomes: list[bool] = []

    async def serves(client: Client) -> None:
        outcomes.append(await client.put([b"whole"]))
        outcomes.append(await client.put([b"\xc3", b"\xa9 in ", b"pieces"]))
        await client.close()
        outcomes.append(await client.put([b"after"]))

    async def test(socket: ClientConnection) -> None:
        assert [frame async for frame in socket.recv_streaming()] == ["whole"]
        assert [frame async for frame in socket.recv_streaming()] == ["", "é in ", "pieces"]
        await socket.wait_closed()

    connected(serves, test)
    assert outcomes == [True, True, False]
