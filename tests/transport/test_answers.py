"""Tests of the same raw answers through our client and through aiohttp's: same status, same body, same failures."""

from __future__ import annotations

import asyncio
import gzip
from typing import NamedTuple

import aiohttp
import pytest

from gateway.transport import Client, TransportError
from gateway.transport.answer import HEAD_BYTES_MAX, Answer
from gateway.transport.errors import BadResponse, Truncated
from tests.transport.scripted_server import Peer, serving

FAILED = "failed"
Outcome = tuple[int, bytes] | str


class Case(NamedTuple):
    """A raw answer, after which the peer closes, and its expected reading."""

    raw: bytes
    ours: Outcome
    aiohttps: Outcome


def same(raw: bytes, outcome: Outcome) -> Case:
    return Case(raw, outcome, outcome)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"

GZIPPED = gzip.compress(b"hello", mtime=0)

CASES = {
    "sized": same(OK + b"content-length: 5\r\n\r\nhello", (200, b"hello")),
    "empty": same(OK + b"content-length: 0\r\n\r\n", (200, b"")),
    "chunked": same(CHUNKED + b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", (200, b"hello!")),
    "chunk extensions": same(CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n', (200, b"hello")),
    "trailers": same(CHUNKED + b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n", (200, b"hello")),
    "until the end of the connection": same(OK + b"\r\nhello", (200, b"hello")),
    "HTTP/1.0": same(b"HTTP/1.0 200 OK\r\n\r\nhello", (200, b"hello")),
    "an error status": same(b"HTTP/1.1 529 \r\ncontent-length: 2\r\n\r\n{}", (529, b"{}")),
    "no reason phrase": same(b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\n{}", (200, b"{}")),
    "204": same(b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"")),
    "304 with the length of what it stands for": same(
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", (304, b"")
    ),
    "100, then 200": same(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 2\r\n\r\nhi", (200, b"hi")),
    "103 with fields, then 200": same(
        b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK + b"content-length: 2\r\n\r\nhi", (200, b"hi")
    ),
    "connection: close": same(OK + b"connection: close\r\ncontent-length: 2\r\n\r\nhi", (200, b"hi")),
    "sized, cut in the body": same(OK + b"content-length: 9\r\n\r\nhello", FAILED),
    "chunked, cut in a chunk": same(CHUNKED + b"9\r\nhello", FAILED),
    "chunked, cut between chunks": same(CHUNKED + b"5\r\nhello\r\n", FAILED),
    "cut in the head": same(OK + b"content-le", FAILED),
    "nothing at all": same(b"", FAILED),
    "only an interim response": same(b"HTTP/1.1 100 Continue\r\n\r\n", FAILED),
    "garbage": same(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", FAILED),
    "a chunk size that is none": same(CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", FAILED),
    "a negative length": same(OK + b"content-length: -1\r\n\r\n", FAILED),
    "two different lengths": same(OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello!", FAILED),
    "a header name with a space": same(OK + b"bad name: x\r\ncontent-length: 0\r\n\r\n", FAILED),
    "the same length twice": same(OK + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello", FAILED),
    "length and chunks": same(
        OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", FAILED
    ),
    # Intended differences: nothing is decompressed here, since nothing compressed is asked for; a field may
    # be longer than aiohttp's 8 KB; and the leniencies that aiohttp grants to servers stay off, since no
    # provider needs them and every one is a way for two readers to disagree about where an answer ends.
    "a folded header": Case(OK + b"x-a: 1\r\n 2\r\ncontent-length: 2\r\n\r\nhi", FAILED, (200, b"hi")),
    "bare line feeds": Case(b"HTTP/1.1 200 OK\ncontent-length: 2\n\nhi", FAILED, (200, b"hi")),
    "compressed": Case(
        OK + b"content-encoding: gzip\r\ncontent-length: 25\r\n\r\n" + GZIPPED,
        (200, GZIPPED),
        (200, b"hello"),
    ),
    "a long field": Case(OK + b"x-a: " + b"a" * 20_000 + b"\r\ncontent-length: 2\r\n\r\nhi", (200, b"hi"), FAILED),
    "a body after the end": same(OK + b"content-length: 2\r\n\r\nhi" + OK + b"\r\n", (200, b"hi")),
}


async def ours(raw: bytes) -> Outcome:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)

    async with Client() as client, serving(script) as server:
        try:
            response = await client.request("GET", server.origin, "/")
            return response.status, await response.read(1 << 20)
        except TransportError:
            return FAILED


async def aiohttps(raw: bytes) -> Outcome:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)

    async with serving(script) as server, aiohttp.ClientSession() as session:
        try:
            async with session.get(f"http://{server.origin.authority}/") as response:
                return response.status, await response.read()
        except aiohttp.ClientError:
            return FAILED


@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_read_as_intended(name: str) -> None:
    assert asyncio.run(ours(CASES[name].raw)) == CASES[name].ours


@pytest.mark.parametrize("name", CASES)
def test_aiohttp_reads_it_alike_or_differs_as_listed(name: str) -> None:
    assert asyncio.run(aiohttps(CASES[name].raw)) == CASES[name].aiohttps


def read(pieces: list[bytes]) -> Outcome:
    answer = Answer(head_only=False)
    body = b""
    for piece in pieces:
        if answer.complete:
            break
        try:
            answer.feed(piece)
        except BadResponse:
            return FAILED
        body += answer.take()
    return (answer.status, body) if answer.complete or answer.end_of_input() else FAILED


@pytest.mark.parametrize("name", CASES)
def test_the_cut_between_reads_changes_nothing(name: str) -> None:
    raw = CASES[name].raw
    cuts = [[raw[:i], raw[i:]] for i in range(1, len(raw))]
    bytewise = [raw[i : i + 1] for i in range(len(raw))]
    assert {read([p for p in pieces if p]) for pieces in [*cuts, bytewise]} <= {CASES[name].ours}


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if case.ours != FAILED])
def test_an_answer_cut_anywhere_never_ends_cleanly(name: str) -> None:
    raw = CASES[name].raw
    whole = next(i for i in range(len(raw) + 1) if read([raw[:i]]) == CASES[name].ours)
    if b"content-length" not in raw and b"chunked" not in raw:
        whole = raw.index(b"\r\n\r\n") + 4  # here the end of the connection is the end, for every kind of body
    assert {read([raw[:i]]) for i in range(1, whole)} == {FAILED}


def test_fields_keep_their_order_and_repetitions_with_names_in_lower_case() -> None:
    answer = Answer(head_only=False)
    answer.feed(OK + b"X-A: 1\r\nSet-Cookie: a\r\nset-cookie: b\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n")
    assert answer.headers == [
        (b"x-a", b"1"),
        (b"set-cookie", b"a"),
        (b"set-cookie", b"b"),
        (b"x-empty", b""),
        (b"content-length", b"0"),
    ]


def test_an_interim_responses_fields_are_not_the_answers() -> None:
    answer = Answer(head_only=False)
    answer.feed(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK + b"content-length: 0\r\n\r\n")
    assert answer.headers == [(b"content-length", b"0")]


def test_trailers_are_kept_apart_from_headers() -> None:
    answer = Answer(head_only=False)
    answer.feed(CHUNKED + b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert (answer.headers, answer.trailers) == ([(b"transfer-encoding", b"chunked")], [(b"x-sum", b"1")])


def test_a_head_answer_has_no_body_although_its_length_says_so() -> None:
    answer = Answer(head_only=True)
    answer.feed(OK + b"content-length: 500\r\n\r\n")
    assert (answer.complete, answer.reusable) == (True, True)


def test_an_answer_with_more_behind_it_is_good_but_its_connection_is_not() -> None:
    answer = Answer(head_only=False)
    answer.feed(OK + b"content-length: 2\r\n\r\nhi" + OK)
    assert (answer.take(), answer.complete, answer.reusable) == (b"hi", True, False)


@pytest.mark.parametrize("line", [b"connection: close", b"x: y"])
def test_a_connection_is_reusable_unless_the_peer_says_otherwise(line: bytes) -> None:
    answer = Answer(head_only=False)
    answer.feed(OK + line + b"\r\ncontent-length: 0\r\n\r\n")
    assert answer.reusable == (line == b"x: y")


ENDLESS = {
    "one header value": (OK + b"x: ", b"a" * 1000),
    "header lines": (OK, b"x-a: 1\r\n" * 100),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10),
    "a chunk extension": (CHUNKED + b"5;", b"a" * 1000),
    "trailer lines": (CHUNKED + b"0\r\n", b"x-a: 1\r\n" * 100),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_that_never_comes_to_its_body_is_given_up(name: str) -> None:
    start, more = ENDLESS[name]
    answer = Answer(head_only=False)
    answer.feed(start or more)

    def feed_on() -> None:
        for _ in range(2 * HEAD_BYTES_MAX // len(more)):
            answer.feed(more)

    with pytest.raises(BadResponse, match="bytes of response head"):
        feed_on()


def test_a_head_over_the_limit_is_refused_even_when_it_comes_in_one_read() -> None:
    answer = Answer(head_only=False)
    with pytest.raises(BadResponse, match="bytes of response head"):
        answer.feed(OK + b"x: " + b"a" * HEAD_BYTES_MAX + b"\r\n\r\nbody")


def test_a_switch_of_protocols_is_no_answer() -> None:
    answer = Answer(head_only=False)
    with pytest.raises(BadResponse):
        answer.feed(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")


def test_what_arrived_before_a_cut_is_handed_over_before_the_error() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"content-length: 9\r\n\r\nhello")

    async def run() -> list[bytes]:
        async with Client() as client, serving(script) as server:
            response = await client.request("GET", server.origin, "/")
            pieces = response.chunks()
            seen = [await anext(pieces)]
            with pytest.raises(Truncated):
                await anext(pieces)
        return seen

    assert asyncio.run(run()) == [b"hello"]
