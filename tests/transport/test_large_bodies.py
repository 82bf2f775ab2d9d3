"""Tests that a large request body is sent piece by piece, as its peer reads it, and a small one with its head."""

from __future__ import annotations

import asyncio

import pytest

from gateway.transport import Client, FirstByteTimedOut, PeerClosed, Response, Timeouts
from tests import virtual_time
from tests.transport.scripted_server import Peer, Script, Server, serving

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
# More than the sockets of both sides hold together.
LARGE = bytes(range(256)) * (32 * 4096)


async def put(script: Script, body: bytes, timeouts: Timeouts | None = None) -> tuple[int, bytes]:
    async with Client() as client, serving(script) as server:
        response = await client.request("PUT", server.origin, "/", body=body, timeouts=timeouts or Timeouts())
        return response.status, await response.read(100)


@pytest.mark.parametrize("size_bytes", [0, 1, 256 * 1024, 256 * 1024 + 1, 1_000_000, len(LARGE)])
def test_a_body_of_any_size_arrives_whole(size_bytes: int) -> None:
    arrived = []

    async def script(peer: Peer) -> None:
        arrived.append((await peer.request()).partition(b"\r\n\r\n")[2])
        await peer.send(HI)

    assert virtual_time.run(put(script, LARGE[:size_bytes])) == (200, b"hi")
    assert arrived == [LARGE[:size_bytes]]


def test_a_connection_that_carried_a_large_body_is_kept() -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(HI)

    async def twice() -> int:
        async with Client() as client, serving(script) as server:
            for _ in range(2):
                response: Response = await client.request("PUT", server.origin, "/", body=LARGE)
                await response.read(100)
            return server.connections

    assert virtual_time.run(twice()) == 1


def test_a_peer_that_takes_nothing_has_as_long_as_for_its_first_byte() -> None:
    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can be read from
        await asyncio.Event().wait()

    with pytest.raises(FirstByteTimedOut):
        virtual_time.run(put(script, LARGE, Timeouts(first_byte_s=0.2)))


def test_a_peer_that_leaves_in_the_middle_is_a_failure() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readexactly(1000)
        peer.reset()

    async def posted(client: Client, server: Server) -> None:
        await client.request("POST", server.origin, "/", body=LARGE)

    async def run() -> None:
        async with Client() as client, serving(script) as server:
            with pytest.raises(PeerClosed):
                await posted(client, server)

    virtual_time.run(run())


def test_an_answer_before_the_end_of_the_body_is_heard() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await peer.gone()

    assert virtual_time.run(put(script, LARGE)) == (413, b"no")


def test_a_caller_that_gives_up_takes_the_connection_with_it() -> None:
    async def script(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport can be read from
        await asyncio.Event().wait()

    async def run() -> int:
        async with Client() as client, serving(script) as server:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.request("PUT", server.origin, "/", body=LARGE)
            assert all(connection._transport.is_closing() for connection in client._open)
            return server.connections

    assert virtual_time.run(run()) == 1
