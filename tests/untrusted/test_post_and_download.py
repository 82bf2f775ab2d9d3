"""Tests of webhook deliveries and downloads of providers' files: allowed targets, sent headers, failures."""

from __future__ import annotations

import ssl

import pytest

from gateway.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from gateway.untrusted.fetch import Download
from tests.transport.scripted_server import Peer, Script, serving
from tests.untrusted.conftest import Names, fetcher, here
from tests.untrusted.test_fetch import Answers, answer, redirect

pytestmark = pytest.mark.anyio

TLS = tuple[ssl.SSLContext, ssl.SSLContext]
FILE = bytes(range(100))


@pytest.fixture
def tls(served: ssl.SSLContext, trusting: ssl.SSLContext) -> TLS:
    return served, trusting


async def post(tls: TLS, script: Script, names: Names | None = None, limit_s: float = 5.0) -> int:
    served, trusting = tls
    async with serving(script, tls=served) as server:
        url = f"https://files.example:{server.origin.port}/hook"
        return await fetcher(trusting, names, limit_s=limit_s).post(url, {"webhook-id": "msg_1"}, b'{"a":1}')


async def test_a_delivery_arrives_with_its_headers_and_body(tls: TLS) -> None:
    server = Answers(answer(b"thanks"))
    assert await post(tls, server) == 200
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert (head.startswith(b"POST /hook HTTP/1.1\r\nhost: files.example:"), body) == (True, b'{"a":1}')
    assert b"\r\nwebhook-id: msg_1\r\n" in head


@pytest.mark.parametrize("status", ["204 No Content", "400 Bad Request", "503 Busy"])
async def test_a_delivery_has_the_status_that_it_was_answered_with(tls: TLS, status: str) -> None:
    assert await post(tls, Answers(answer(b"", status=status))) == int(status[:3])


async def test_a_delivery_follows_no_redirect(tls: TLS) -> None:
    server = Answers(redirect("/elsewhere", "307 Temporary Redirect"))
    assert (await post(tls, server), len(server.asked)) == (307, 1)


@pytest.mark.parametrize("size_bytes", [64 * 1024, 64 * 1024 + 1, 10_000_000])
async def test_what_a_webhook_says_besides_is_not_kept(tls: TLS, size_bytes: int) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(bytes(size_bytes)))

    assert await post(tls, script) == 200


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"]
)
async def test_an_answer_whose_body_does_not_end_counts_by_its_status(tls: TLS, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await peer.gone()

    assert await post(tls, script, limit_s=0.3) == 200


async def test_a_webhook_that_is_silent_is_given_up_in_time(tls: TLS) -> None:
    async def script(peer: Peer) -> None:
        await peer.gone()

    with pytest.raises(UpstreamTimeout, match=r"^The webhook does not answer in time\.$"):
        await post(tls, script, limit_s=0.2)


async def test_a_webhook_that_hangs_up_has_not_answered_and_is_not_asked_again(tls: TLS) -> None:
    connections = []

    async def script(peer: Peer) -> None:
        connections.append(peer.number)
        await peer.request()

    with pytest.raises(UpstreamError, match=r"^The webhook gives no readable answer\.$"):
        await post(tls, script)
    assert connections == [1]


async def test_a_webhook_that_turned_private_is_refused(tls: TLS) -> None:
    server = Answers()
    with pytest.raises(InvalidRequest, match=r"^The URL must lead to a public host\.$"):
        await post(tls, server, Names(files_example=[["192.168.0.1"]]))
    assert server.asked == []


async def downloaded(download: Download, first_byte: int = 0) -> tuple[int, int | None, str | None, bytes]:
    """Returns the start, the whole size, the declared type, and the bytes."""
    async with download.opened(first_byte) as opened:
        body = b"".join([piece async for piece in opened.pieces])
        return opened.first_byte, opened.size_bytes, opened.declared_type, body


async def download(
    tls: TLS, script: Script, first_byte: int = 0, names: Names | None = None
) -> tuple[int, int | None, str | None, bytes]:
    served, trusting = tls
    async with serving(script, tls=served) as server:
        url = f"https://files.example:{server.origin.port}/film.mp4"
        made = fetcher(trusting, names or here())
        return await downloaded(made.download(url, (("X-Goog-Api-Key", "secret"),)), first_byte)


async def test_a_providers_file_is_opened_with_the_headers_it_wants(tls: TLS) -> None:
    server = Answers(answer(FILE, "content-type: video/mp4"))
    assert await download(tls, server) == (0, 100, "video/mp4", FILE)
    assert b"\r\nx-goog-api-key: secret\r\n" in server.asked[0]
    assert b"\r\nrange:" not in server.asked[0]


async def test_a_providers_file_of_unknown_size_is_read_to_its_end(tls: TLS) -> None:
    body = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n%b\r\n0\r\n\r\n" % FILE
    assert await download(tls, Answers(body)) == (0, None, None, FILE)


async def test_a_file_goes_on_where_it_broke_off(tls: TLS) -> None:
    server = Answers(answer(FILE[40:], "content-range: bytes 40-99/100", status="206 Partial Content"))
    assert await download(tls, server, 40) == (40, 100, None, FILE[40:])
    assert b"\r\nrange: bytes=40-\r\n" in server.asked[0]


async def test_a_server_without_ranges_begins_anew_and_says_so(tls: TLS) -> None:
    assert await download(tls, Answers(answer(FILE)), 40) == (0, 100, None, FILE)


async def test_a_file_that_had_come_to_its_end_has_no_more(tls: TLS) -> None:
    past = answer(b"no such range", "content-range: bytes */100", status="416 Range Not Satisfiable")
    assert await download(tls, Answers(past), 100) == (100, 100, None, b"")


@pytest.mark.parametrize(
    "said",
    [
        answer(b"", status="404 Not Found"),
        answer(b"", status="403 Forbidden"),
        answer(b"", status="500 Oops"),
        answer(b"", "content-range: bytes */90", status="416 Range Not Satisfiable"),
        answer(FILE[50:], "content-range: bytes 50-99/100", status="206 Partial Content"),
        answer(FILE[40:], status="206 Partial Content"),
        answer(FILE[40:], "content-range: bytes 40-99/" + "9" * 5000, status="206 Partial Content"),
        answer(FILE, "content-encoding: br"),
        answer(FILE)[:-1],
    ],
    ids=["404", "403", "500", "past another end", "another range", "no range", "no number", "compressed", "cut off"],
)
async def test_a_file_that_is_not_delivered_is_the_providers_failure(tls: TLS, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)

    with pytest.raises(UpstreamError):
        await download(tls, script, 40)


async def test_a_part_that_was_not_asked_for_is_the_providers_failure(tls: TLS) -> None:
    part = answer(FILE[40:], "content-range: bytes 0-99/100", status="206 Partial Content")
    with pytest.raises(UpstreamError):
        await download(tls, Answers(part))


async def test_headers_stay_with_the_origin_they_were_meant_for(tls: TLS) -> None:
    served, trusting = tls
    elsewhere = Answers(answer(FILE[40:], "content-range: bytes 40-99/100", status="206 Partial Content"))
    async with serving(elsewhere, tls=served) as other:
        first = Answers(redirect("/moved"), redirect(f"https://other.example:{other.origin.port}/film.mp4"))
        async with serving(first, tls=served) as server:
            url = f"https://files.example:{server.origin.port}/film.mp4"
            made = fetcher(trusting).download(url, (("x-goog-api-key", "secret"),))
            assert await downloaded(made, 40) == (40, 100, None, FILE[40:])
    told = [b"x-goog-api-key: secret" in request for request in (*first.asked, *elsewhere.asked)]
    ranged = [b"range: bytes=40-" in request for request in (*first.asked, *elsewhere.asked)]
    assert (told, ranged) == ([True, True, False], [True, True, True])


async def test_a_header_that_was_left_behind_is_not_taken_up_again(tls: TLS) -> None:
    served, trusting = tls
    first = Answers()
    async with serving(first, tls=served) as server:
        back = Answers(redirect(f"https://files.example:{server.origin.port}/again"))
        async with serving(back, tls=served) as other:
            first._answers = [redirect(f"https://other.example:{other.origin.port}/"), answer(FILE)]
            url = f"https://files.example:{server.origin.port}/film.mp4"
            await downloaded(fetcher(trusting).download(url, (("x-goog-api-key", "secret"),)))
    assert [b"x-goog-api-key" in request for request in first.asked] == [True, False]


async def test_a_providers_file_at_a_private_address_is_refused(tls: TLS) -> None:
    with pytest.raises(InvalidRequest):
        await download(tls, Answers(), names=Names(files_example=[["10.0.0.1"]]))


async def test_a_provider_that_cannot_be_reached_is_its_failure(tls: TLS) -> None:
    with pytest.raises(UpstreamError, match=r"^The provider's file cannot be reached\.$"):
        await download(tls, Answers(), names=Names(files_example=[["127.0.0.9"]]))
