"""Tests of TLS: verified, named, HTTP/1.1 agreed, and an unannounced cut is never an end."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.transport import Client, ConnectFailed, Truncated
from gateway.transport.client import shared_tls_context
from tests.certificates import self_signed
from tests.transport.scripted_server import Peer, Script, serving

HI = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Creates a file with a self-signed certificate for 127.0.0.1 and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context


def client_for(certificate: Path) -> Client:
    context = ssl.create_default_context(cafile=str(certificate))
    context.set_alpn_protocols(["http/1.1"])
    return Client(tls_context=context)


async def fetch_twice(client: Client, script: Script, certificate: Path) -> tuple[list[bytes], int]:
    bodies = []
    async with client, serving(script, tls=server_context(certificate)) as server:
        for _ in range(2):
            response = await client.request("GET", server.origin, "/")
            bodies.append(await response.read(100))
        return bodies, server.connections


def test_requests_go_over_one_verified_connection(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(HI)

    expected = ([b"hi", b"hi"], 1)
    assert asyncio.run(fetch_twice(client_for(certificate), script, certificate)) == expected


def test_a_connection_opened_ahead_survives_the_servers_session_tickets(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HI)
        await peer.gone()

    async def run() -> tuple[bytes, int]:
        async with client_for(certificate) as client, serving(script, tls=server_context(certificate)) as server:
            connection = await client.connect(server.origin)
            response = await client.request("POST", server.origin, "/", connection=connection)
            return await response.read(10), server.connections

    assert asyncio.run(run()) == (b"hi", 1)


def test_session_tickets_that_wait_unread_are_no_reason_to_leave_a_connection(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(HI)
        await peer.gone()

    async def run() -> int:
        async with client_for(certificate) as client, serving(script, tls=server_context(certificate)) as server:
            connection = await client.connect(server.origin)
            tls_transport: Any = connection._transport
            socket_transport = tls_transport._ssl_protocol._transport
            socket_transport.pause_reading()
            assert await asyncio.to_thread(connection._poll.poll, 5000)
            socket_transport.resume_reading()
            response = await client.request("POST", server.origin, "/", connection=connection)
            await response.read(10)
            return server.connections

    assert asyncio.run(run()) == 1


def test_an_unknown_issuer_is_a_failure_to_connect(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    with pytest.raises(ConnectFailed):
        asyncio.run(fetch_twice(Client(), script, certificate))


def test_a_closure_alert_ends_a_body_without_length(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhi")

    expected = ([b"hi", b"hi"], 2)
    assert asyncio.run(fetch_twice(client_for(certificate), script, certificate)) == expected


def test_a_cut_without_closure_alert_does_not_end_a_body_without_length(certificate: Path) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhi")
        # Below TLS: the socket closes, the alert is never written.
        peer.writer.transport.abort()

    with pytest.raises(Truncated):
        asyncio.run(fetch_twice(client_for(certificate), script, certificate))


def test_the_context_is_made_once_and_verifies() -> None:
    context = shared_tls_context()
    assert (context is shared_tls_context(), context.verify_mode) == (True, ssl.CERT_REQUIRED)
