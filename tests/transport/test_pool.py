"""Tests of connections: kept, checked, dropped; and of the requests that may be sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.transport import BadResponse, BodyTooLarge, Client, ConnectFailed, Origin, PeerClosed, Timeouts
from tests.transport.scripted_server import Peer, Script, Server, serving

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def answer_always(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(HI)


def on(script: Script, act: Callable[[Client, Server], Awaitable[None]]) -> int:
    """Runs `act` against `script` and returns the number of connections."""

    async def run() -> int:
        async with Client() as client, serving(script) as server:
            await act(client, server)
            return server.connections

    return asyncio.run(run())


async def fetch(client: Client, origin: Origin, method: str = "GET", *, replayable: bool | None = None) -> bytes:
    response = await client.request(method, origin, "/", replayable=replayable)
    return await response.read(100)


def test_a_connection_serves_one_request_after_another() -> None:
    async def act(client: Client, server: Server) -> None:
        assert [await fetch(client, server.origin) for _ in range(3)] == [b"hi"] * 3

    assert on(answer_always, act) == 1


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async def act(client: Client, server: Server) -> None:
        assert await asyncio.gather(*(fetch(client, server.origin) for _ in range(3))) == [b"hi"] * 3
        assert await asyncio.gather(*(fetch(client, server.origin) for _ in range(3))) == [b"hi"] * 3

    assert on(answer_always, act) == 3


def test_a_connection_opened_ahead_carries_the_request_it_was_opened_for() -> None:
    async def act(client: Client, server: Server) -> None:
        connection = await client.connect(server.origin)
        response = await client.request("POST", server.origin, "/", connection=connection)
        assert await response.read(10) == b"hi"

    assert on(answer_always, act) == 1


def test_a_connection_opened_ahead_and_not_needed_serves_the_next_request() -> None:
    async def act(client: Client, server: Server) -> None:
        client.release(await client.connect(server.origin))
        assert await fetch(client, server.origin) == b"hi"

    assert on(answer_always, act) == 1


def test_a_connection_to_another_origin_is_not_used() -> None:
    async def act(client: Client, server: Server) -> None:
        connection = await client.connect(server.origin)
        with pytest.raises(ValueError, match="another origin"):
            await client.request("GET", Origin("http", "127.0.0.2", 1), "/", connection=connection)

    assert on(answer_always, act) == 1


def test_a_connection_idle_for_too_long_is_closed_and_not_used_again() -> None:
    async def run() -> int:
        left = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(HI)
            await peer.gone()
            left.set()

        async with Client(idle_age_s=0.0) as client, serving(script) as server:
            await fetch(client, server.origin)
            await fetch(client, server.origin)
            await left.wait()
            return server.connections

    assert asyncio.run(run()) == 2


def test_no_more_connections_are_kept_than_allowed() -> None:
    async def run() -> int:
        async with Client(idle_connections_max=1) as client, serving(answer_always) as server:
            await asyncio.gather(*(fetch(client, server.origin) for _ in range(3)))
            await asyncio.gather(*(fetch(client, server.origin) for _ in range(3)))
            return server.connections

    assert asyncio.run(run()) == 5


async def answer_once_and_close(peer: Peer) -> None:
    await peer.request()
    await peer.send(HI)


def test_a_connection_its_peer_has_closed_is_not_used_again_even_before_the_loop_has_seen_it() -> None:
    async def act(client: Client, server: Server) -> None:
        for _ in range(3):
            assert await fetch(client, server.origin, "POST") == b"hi"
            # The peer's end arrives while no code runs here, as it does while a function is frozen.
            connection = client._idle[server.origin][0]
            while not connection._poll.poll(0):
                await asyncio.to_thread(connection._poll.poll, 1000)

    assert on(answer_once_and_close, act) == 3


def test_a_connection_on_which_the_peer_spoke_unasked_is_not_used_again() -> None:
    answered = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HI)
        await answered.wait()
        await peer.send(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nslow")
        await peer.gone()

    async def act(client: Client, server: Server) -> None:
        assert await fetch(client, server.origin, "POST") == b"hi"
        (connection,) = client._idle[server.origin]
        answered.set()
        await connection.closed
        assert await fetch(client, server.origin, "POST") == b"hi"

    assert on(script, act) == 2


def test_a_connection_with_a_half_read_answer_is_not_used_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhi")
        await peer.gone()

    async def act(client: Client, server: Server) -> None:
        for _ in range(2):
            async with await client.request("GET", server.origin, "/") as response:
                assert await anext(response.chunks()) == b"hi"

    assert on(script, act) == 2


def test_an_answer_read_to_its_end_and_closed_keeps_its_connection() -> None:
    async def act(client: Client, server: Server) -> None:
        for _ in range(2):
            async with await client.request("GET", server.origin, "/") as response:
                assert await response.read(2) == b"hi"

    assert on(answer_always, act) == 1


def test_a_body_over_the_limit_is_refused_and_its_connection_closed() -> None:
    async def run() -> None:
        left = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nhi")
            await peer.gone()
            left.set()

        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/")
            with pytest.raises(BodyTooLarge):
                await response.read(1)
            await left.wait()

    asyncio.run(run())


def test_a_cancelled_request_takes_its_connection_with_it() -> None:
    asked = asyncio.Event()
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()
        left.set()

    async def act(client: Client, server: Server) -> None:
        task = asyncio.create_task(client.request("GET", server.origin, "/"))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left.wait()

    assert on(script, act) == 1


async def close_the_second_time(peer: Peer) -> None:
    """Closes the first connection in the place of its second answer, as a stale kept connection does."""
    await peer.request()
    await peer.send(HI)
    await (peer.request() if peer.number == 1 else peer.gone())


def test_an_idempotent_request_is_repeated_once_when_a_kept_connection_turns_out_closed() -> None:
    async def act(client: Client, server: Server) -> None:
        assert [await fetch(client, server.origin) for _ in range(2)] == [b"hi", b"hi"]

    assert on(close_the_second_time, act) == 2


def test_a_post_is_repeated_only_when_its_caller_says_that_it_may_be() -> None:
    async def act(client: Client, server: Server) -> None:
        await fetch(client, server.origin)
        with pytest.raises(PeerClosed):
            await fetch(client, server.origin, "POST")

    async def act_replayable(client: Client, server: Server) -> None:
        await fetch(client, server.origin)
        assert await fetch(client, server.origin, "POST", replayable=True) == b"hi"

    assert on(close_the_second_time, act) == 1
    assert on(close_the_second_time, act_replayable) == 2


def test_a_request_is_not_repeated_on_a_fresh_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()

    async def act(client: Client, server: Server) -> None:
        with pytest.raises(PeerClosed):
            await fetch(client, server.origin)

    assert on(script, act) == 1


def test_a_request_is_not_repeated_once_a_byte_of_the_answer_has_come() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HI)
        await peer.request()
        await peer.send(b"\x00")

    async def act(client: Client, server: Server) -> None:
        await fetch(client, server.origin)
        with pytest.raises(BadResponse):
            await fetch(client, server.origin)

    assert on(script, act) == 1


def test_a_reset_before_the_answer_is_a_closed_peer_and_tells_why() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async def act(client: Client, server: Server) -> None:
        with pytest.raises(PeerClosed):
            await fetch(client, server.origin)

    assert on(script, act) == 1


def test_a_refused_connection_is_a_failure_to_connect() -> None:
    async def run() -> None:
        async with serving(answer_always) as server:
            pass
        await Client().request("GET", server.origin, "/", timeouts=Timeouts(connect_s=1))

    with pytest.raises(ConnectFailed):
        asyncio.run(run())


def test_a_closed_client_opens_new_connections_when_asked_again() -> None:
    async def act(client: Client, server: Server) -> None:
        await fetch(client, server.origin)
        await client.close()
        assert await fetch(client, server.origin) == b"hi"

    assert on(answer_always, act) == 2
