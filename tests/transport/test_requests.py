"""Tests of the client's bytes, and of the requests that it refuses to send."""

from __future__ import annotations

import asyncio

import pytest

from gateway.transport import Client, Headers, Origin, PeerClosed, Truncated, parse_url
from gateway.transport.head import last_chunk, sized_request_head
from tests import virtual_time
from tests.hangs import HANGS_AFTER_S
from tests.transport.scripted_server import Peer, serving

ORIGIN = Origin("http", "example.com", 80)
EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_a_posts_head_announces_its_body() -> None:
    headers = [(b"content-type", b"application/json"), (b"x-a", b"\xe9 b\tc")]
    assert sized_request_head("POST", ORIGIN, "/v1/chat?a=b%20c", headers, 2) == (
        b"POST /v1/chat?a=b%20c HTTP/1.1\r\nhost: example.com\r\ncontent-type: application/json\r\n"
        b"x-a: \xe9 b\tc\r\ncontent-length: 2\r\n\r\n"
    )


def test_an_empty_post_says_so_and_a_get_says_nothing() -> None:
    assert sized_request_head("POST", ORIGIN, "/", (), 0).endswith(b"\r\ncontent-length: 0\r\n\r\n")
    assert sized_request_head("GET", ORIGIN, "/", (), 0) == b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n"


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nevil: 1"),
        (b"x", b"a\nevil: 1"),
        (b"x", b"a\rb"),
        (b"x", b"a\x00b"),
        (b"x\r\nevil", b"1"),
        (b"x: 1\r\nevil", b"1"),
        (b"x y", b"1"),
        (b"", b"1"),
        (b"content-length", b"7"),
        (b"Transfer-Encoding", b"chunked"),
        (b"host", b"elsewhere"),
    ],
)
def test_a_header_that_could_split_or_reframe_the_request_is_refused(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match=r"header field|client's own"):
        sized_request_head("POST", ORIGIN, "/", [field], 2)


@pytest.mark.parametrize("target", ["", "v1", "/a b", "/a\r\nevil: 1", "/a HTTP/1.1\r\n\r\n", "/é", "/\x00"])
def test_a_target_that_could_split_the_request_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="method or target"):
        sized_request_head("GET", ORIGIN, target, (), 0)


def test_a_trailer_that_could_split_the_body_is_refused() -> None:
    with pytest.raises(ValueError, match="header field"):
        last_chunk([(b"x", b"1\r\n\r\nGET / HTTP/1.1")])


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1", (Origin("https", "api.openai.com", 443), "/v1")),
        ("https://api.openai.com/v1/", (Origin("https", "api.openai.com", 443), "/v1")),
        ("http://127.0.0.1:9001", (Origin("http", "127.0.0.1", 9001), "")),
        ("http://[::1]:80/a", (Origin("http", "::1", 80), "/a")),
        ("http://API.Example.com", (Origin("http", "api.example.com", 80), "")),
    ],
)
def test_a_base_url_is_an_origin_and_a_prefix(url: str, expected: tuple[Origin, str]) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "api.openai.com",
        "ftp://a",
        "http://",
        "http://a:0",
        "http://a:99999",
        "http://user:pass@a",
        "http://a/?q=1",
        "http://a/#f",
        "http://a/\r\nx",
        "http://a b",
    ],
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"base URL|port"):
        parse_url(url)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (Origin("https", "a.b", 443), "a.b"),
        (Origin("https", "a.b", 80), "a.b:80"),
        (Origin("http", "::1", 8080), "[::1]:8080"),
    ],
)
def test_the_authority_names_only_an_unusual_port(origin: Origin, expected: str) -> None:
    assert origin.authority == expected


async def streamed(pieces: list[bytes], last: bytes = b"", trailers: Headers = ()) -> list[bytes]:
    """Returns the peer's reads of a streamed request: one for each piece, and one for its end."""
    reads: list[bytes] = []
    step = asyncio.Event()

    async def script(peer: Peer) -> None:
        while not reads or not reads[-1].endswith(b"\r\n\r\n"):
            reads.append(await peer.reader.read(65536))
            step.set()
        await peer.send(EMPTY)

    async with Client() as client, serving(script) as server:
        names = tuple(name for name, _ in trailers)
        stream = await client.stream("POST", server.origin, "/", trailer_names=names)
        for piece in pieces:
            stream.write(piece)
            await stream.drain()
            await step.wait()
            step.clear()
        response = await stream.finish(last, trailers)
        assert (response.status, await response.read(10)) == (200, b"")
    return reads


def test_each_piece_of_a_streamed_body_leaves_as_its_own_chunk_at_once_the_first_with_the_head() -> None:
    reads = virtual_time.run(streamed([b"one", b"two" * 10]))
    head, first = reads[0].split(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1\r\n")
    assert [first, *reads[1:]] == [b"3\r\none\r\n", b"1e\r\n" + b"two" * 10 + b"\r\n", b"0\r\n\r\n"]


def test_a_streamed_body_ends_with_the_trailers_it_announced() -> None:
    head, end = virtual_time.run(streamed([b"one"], trailers=[(b"x-sum", b"1"), (b"x-b", b"2")]))
    assert b"\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, x-b\r\n" in head
    assert end == b"0\r\nx-sum: 1\r\nx-b: 2\r\n\r\n"


def test_a_last_piece_leaves_together_with_the_end() -> None:
    assert virtual_time.run(streamed([b"one"], b"two"))[1:] == [b"3\r\ntwo\r\n0\r\n\r\n"]


def test_a_body_of_one_piece_is_sent_whole() -> None:
    (everything,) = virtual_time.run(streamed([], b"all"))
    assert everything.endswith(b"\r\n\r\n3\r\nall\r\n0\r\n\r\n")


def test_an_aborted_stream_is_left_without_its_last_chunk() -> None:
    async def run() -> bytes:
        seen = asyncio.get_running_loop().create_future()

        async def script(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            seen.set_result(await peer.reader.read())

        async with Client() as client, serving(script) as server:
            stream = await client.stream("POST", server.origin, "/")
            stream.write(b"one")
            stream.abort()
            received: bytes = await seen
        return received

    assert virtual_time.run(run()) == b"3\r\none\r\n"


def test_an_answer_that_comes_before_the_body_is_complete_is_still_the_answer() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")

    async def run() -> tuple[int, bytes]:
        async with Client() as client, serving(script) as server:
            stream = await client.stream("POST", server.origin, "/")
            while not stream.answered:
                stream.write(b"x" * 1000)
                await asyncio.sleep(0)
            stream.write(b"more")
            response = await stream.finish()
            return response.status, await response.read(10)

    assert virtual_time.run(run()) == (413, b"no")


def test_writing_to_a_stream_whose_peer_died_raises_what_happened() -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(b"HTTP/1.1 200")

    async def run() -> None:
        async with Client() as client, serving(script) as server:
            stream = await client.stream("POST", server.origin, "/")
            async with asyncio.timeout(HANGS_AFTER_S):
                while True:
                    stream.write(b"x" * 1000)
                    await asyncio.sleep(0)
                    await stream.drain()

    with pytest.raises(Truncated):
        virtual_time.run(run())


def test_drain_does_not_wait_for_a_peer_that_died() -> None:
    async def run() -> None:
        filled = asyncio.Event()

        async def script(peer: Peer) -> None:
            await filled.wait()
            peer.reset()

        async with Client() as client, serving(script) as server, asyncio.timeout(HANGS_AFTER_S):
            stream = await client.stream("POST", server.origin, "/")
            stream.write(b"x" * 20_000_000)
            filled.set()
            await stream.drain()

    with pytest.raises(PeerClosed):
        virtual_time.run(run())


def test_drain_waits_for_a_peer_that_does_not_read() -> None:
    async def run() -> bool:
        read_on = asyncio.Event()

        async def script(peer: Peer) -> None:
            await read_on.wait()
            await peer.gone()

        async with Client() as client, serving(script) as server:
            stream = await client.stream("POST", server.origin, "/")
            stream.write(b"x" * 20_000_000)
            drained = asyncio.create_task(stream.drain())
            await asyncio.sleep(0.05)
            waited = not drained.done()
            read_on.set()
            await drained
            stream.abort()
        return waited

    assert virtual_time.run(run())
