"""Tests of an origin with a fixed address: the connection goes there, and no name is looked up."""

from __future__ import annotations

import asyncio

import pytest

from gateway.transport import Client, ConnectFailed, Origin
from tests.transport.scripted_server import Peer, serving

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class Hosts:
    """A script that says hi, and records the Host fields of its requests."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            self.asked.append((await peer.request()).split(b"\r\n")[1])
            await peer.send(HI)


def asked(*pairs: tuple[str, str | None]) -> tuple[list[bytes], int]:
    """Returns the Host fields and the number of connections for one request to each host at its address."""
    hosts = Hosts()

    async def run() -> int:
        async with Client() as client, serving(hosts) as server:
            for host, address in pairs:
                origin = Origin("http", host, server.origin.port, address)
                response = await client.request("GET", origin, "/")
                await response.read(10)
            return server.connections

    connections = asyncio.run(run())
    return [host.rpartition(b":")[0] for host in hosts.asked], connections


def test_the_connection_goes_to_the_address_and_the_request_to_the_name() -> None:
    assert asked(("no-such-name.invalid", "127.0.0.1")) == ([b"host: no-such-name.invalid"], 1)


def test_a_connection_is_kept_for_its_name_and_address() -> None:
    hosts, connections = asked(("a.invalid", "127.0.0.1"), ("a.invalid", "127.0.0.1"))
    assert (hosts, connections) == ([b"host: a.invalid"] * 2, 1)


def test_a_connection_to_an_address_serves_no_other_name() -> None:
    assert asked(("a.invalid", "127.0.0.1"), ("b.invalid", "127.0.0.1"))[1] == 2


def test_a_connection_to_one_address_serves_no_other_and_none_that_is_looked_up() -> None:
    assert asked(("127.0.0.1", None), ("127.0.0.1", "127.0.0.1"))[1] == 2
    with pytest.raises(ConnectFailed):
        asked(("a.invalid", "127.0.0.1"), ("a.invalid", "127.0.0.9"))
