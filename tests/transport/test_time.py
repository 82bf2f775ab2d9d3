"""Tests of time and pressure: each phase's own limit, bytes at once, and a slow reader."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.transport import Client, ConnectTimedOut, FirstByteTimedOut, IdleTimedOut, Origin, Timeouts
from tests import virtual_time
from tests.hangs import HANGS_AFTER_S
from tests.transport.scripted_server import Peer, serving

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"


def test_a_peer_that_does_not_accept_is_given_up_after_the_connect_time() -> None:
    async def run() -> None:
        # A listener with a full backlog: further handshakes are left unanswered.
        with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for filler in (first, second):
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            origin = Origin("http", "127.0.0.1", listener.getsockname()[1])
            await Client().connect(origin, timeout_s=0.05)

    with pytest.raises(ConnectTimedOut):
        virtual_time.run(run())


def test_a_peer_that_does_not_answer_is_given_up_after_the_first_byte_time() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await peer.gone()

    async def run() -> None:
        async with Client() as client, serving(script) as server:
            await client.request("GET", server.origin, "/", timeouts=Timeouts(first_byte_s=0.05))

    with pytest.raises(FirstByteTimedOut):
        virtual_time.run(run())


def test_a_peer_that_falls_silent_is_given_up_after_the_idle_time() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD, b"hi")
        await peer.gone()

    async def run() -> None:
        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/", timeouts=Timeouts(idle_s=0.05))
            pieces = response.chunks()
            assert await anext(pieces) == b"hi"
            await anext(pieces)

    with pytest.raises(IdleTimedOut):
        virtual_time.run(run())


def test_a_slow_body_is_read_to_its_end_as_long_as_no_pause_is_too_long() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.02)
            await peer.send(b"x")

    async def run() -> bytes:
        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/", timeouts=Timeouts(1, 1, idle_s=0.1))
            return await response.read(10)

    assert virtual_time.run(run()) == b"x" * 8


def test_the_readers_own_slowness_is_not_the_peers_silence() -> None:
    size = 8_000_000

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size, b"x" * size)
        await peer.gone()

    async def run() -> int:
        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/", timeouts=Timeouts(1, 1, idle_s=0.05))
            await asyncio.sleep(0.15)
            return len(await response.read(size))

    assert virtual_time.run(run()) == size


def test_a_reader_that_lags_behind_holds_the_peer_back() -> None:
    async def run() -> tuple[bool, int]:
        all_sent = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 30_000_000)
            all_sent.set()

        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/")
            await asyncio.sleep(0.1)
            held_back = not all_sent.is_set()
            buffered = response._exchange.answer.buffered_bytes
            await response.read(30_000_000)
        return held_back, buffered

    held_back, buffered = virtual_time.run(run())
    assert (held_back, buffered < 1_000_000) == (True, True)


def test_each_chunk_is_handed_over_before_the_next_one_is_sent() -> None:
    async def run() -> list[bytes]:
        taken = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            for i in range(5):
                await peer.send(b"1\r\n%d\r\n" % i)
                await taken.wait()
                taken.clear()
            await peer.send(b"0\r\n\r\n")

        seen = []
        async with Client() as client, serving(script) as server, asyncio.timeout(HANGS_AFTER_S):
            response = await client.request("GET", server.origin, "/")
            async for piece in response.chunks():
                seen.append(piece)
                taken.set()
        return seen

    assert virtual_time.run(run()) == [b"0", b"1", b"2", b"3", b"4"]


def test_each_exchange_of_a_connection_has_its_own_time() -> None:
    """A limit that is over ends no idle connection, and no exchange that may take longer; the next one's holds."""

    async def script(peer: Peer) -> None:
        for pause_s in (0, 0.2, 60):
            await peer.request()
            await asyncio.sleep(pause_s)
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")

    async def run() -> tuple[list[bytes], int]:
        async with Client() as client, serving(script) as server:
            bodies: list[bytes] = []
            for first_byte_s in (0.1, 0.5, 0.1):
                limits = Timeouts(1, first_byte_s, 1)
                try:
                    response = await client.request("POST", server.origin, "/", timeouts=limits)
                except FirstByteTimedOut:
                    return bodies, len(client._open)
                bodies.append(await response.read(10))
                await asyncio.sleep(0.3)
        raise AssertionError("the last answer comes too late")

    assert virtual_time.run(run()) == ([b"hi", b"hi"], 1)


def test_a_closed_connection_leaves_no_timer_behind() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        await peer.gone()

    async def run() -> asyncio.TimerHandle | None:
        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/")
            await response.read(10)
            connection = response._exchange._connection
        return connection._timer

    timer = virtual_time.run(run())
    assert timer is not None
    assert timer.cancelled()


def test_a_long_wait_costs_no_more_turns_of_the_loop_than_a_short_one() -> None:
    async def turns(silence_s: float) -> int:
        async def script(peer: Peer) -> None:
            await peer.request()
            await asyncio.sleep(silence_s)
            await peer.send(HEAD)

        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual_time.VirtualTimeLoop)
        async with Client() as client, serving(script) as server:
            before = loop.waits
            patient = Timeouts(first_byte_s=10_000, idle_s=10_000)
            async with await client.request("GET", server.origin, "/", timeouts=patient):
                return loop.waits - before

    short, long = virtual_time.run(turns(0.2)), virtual_time.run(turns(5_000))
    assert 1 <= long <= short + 2
