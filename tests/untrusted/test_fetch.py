"""Tests of fetching a user's file: only from public addresses, only where the name leads, within all limits."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from gateway.errors import InvalidRequest
from gateway.untrusted.fetch import Fetched, Fetcher, looked_up
from gateway.untrusted.file_types import IMAGES, FileType
from gateway.untrusted.urls import PUBLIC_ONLY, Policy
from tests.transport.scripted_server import Peer, Script, serving
from tests.untrusted import pillow_files as pillow
from tests.untrusted.conftest import Names, fetcher, here

pytestmark = pytest.mark.anyio

PNG = Fetched(pillow.PNG, FileType.PNG)
BYTES_MAX = 10_000


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{lines}\r\n".encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", f"location: {location}", status=status)


class Answers:
    """A script that gives these answers in turn, one per connection, and records the requests."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.asked: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        self.asked.append(await peer.request())
        await peer.send(self._answers.pop(0))
        await peer.gone()


async def fetch(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
    script: Script,
    names: Names | None = None,
    path: str = "/a.png",
    *,
    policy: Policy | None = None,
    limit_s: float = 5.0,
    bytes_max: int = BYTES_MAX,
) -> Fetched:
    """Fetches a path of files.example from a server with this script."""
    served, trusting = tls
    async with serving(script, tls=served) as server:
        made = fetcher(trusting, names, limit_s=limit_s) if policy is None else fetcher(trusting, names, policy)
        url = f"https://files.example:{server.origin.port}{path}"
        return await made.fetch(url, "image_url", size_bytes_max=bytes_max, accepted=IMAGES)


async def refusal(tls: tuple[ssl.SSLContext, ssl.SSLContext], script: Script, *args: object, **options: object) -> str:
    with pytest.raises(InvalidRequest) as refused:
        await fetch(tls, script, *args, **options)  # type: ignore[arg-type]  # passed on as they came
    assert refused.value.param == "image_url"
    return refused.value.message


@pytest.fixture
def tls(served: ssl.SSLContext, trusting: ssl.SSLContext) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    return served, trusting


TLS = tuple[ssl.SSLContext, ssl.SSLContext]


async def test_a_file_comes_from_where_its_name_leads(tls: TLS) -> None:
    server = Answers(answer(pillow.PNG, "content-type: image/png"))
    assert await fetch(tls, server) == PNG
    head = server.asked[0].decode()
    assert head.startswith("GET /a.png HTTP/1.1\r\nhost: files.example:")
    assert "accept-encoding: identity\r\n" in head


async def test_a_file_is_what_its_content_says_and_not_its_server(tls: TLS) -> None:
    assert await fetch(tls, Answers(answer(pillow.PNG, "content-type: application/x-unknown"))) == PNG


async def test_a_page_is_refused_although_its_server_calls_it_a_picture(tls: TLS) -> None:
    page = Answers(answer(b"<html>no picture</html>", "content-type: image/png"))
    assert (await refusal(tls, page)).startswith("The file must be one of: GIF, JPG, PNG, WEBP.")


async def test_a_name_is_looked_up_once_and_what_it_says_later_changes_nothing(tls: TLS) -> None:
    names = Names(files_example=[["127.0.0.1"], ["169.254.169.254"]])
    assert await fetch(tls, Answers(answer(pillow.PNG)), names) == PNG
    assert names.asked == ["files.example"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        ["93.184.216.34", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.1"],
        ["fe80::1%eth0"],
        [],
    ],
    ids=str,
)
async def test_a_name_with_an_address_that_is_not_public_is_refused_before_anything_is_sent(
    tls: TLS, addresses: list[str]
) -> None:
    server = Answers()
    message = await refusal(tls, server, Names(files_example=[addresses]))
    assert (message, server.asked) == ("The URL must lead to a public host.", [])


async def test_loopback_is_refused_for_a_name_that_is_not_the_operators_own(trusting: ssl.SSLContext) -> None:
    made = fetcher(trusting, here(), PUBLIC_ONLY)
    with pytest.raises(InvalidRequest, match=r"^The URL must lead to a public host\.$"):
        await made.fetch("https://files.example/a.png", "image_url", size_bytes_max=BYTES_MAX, accepted=IMAGES)


async def test_a_name_that_is_not_known_is_refused(tls: TLS) -> None:
    assert await refusal(tls, Answers(), Names()) == "The URL's host cannot be resolved."


async def test_a_url_is_judged_before_its_name_is_looked_up(trusting: ssl.SSLContext) -> None:
    names = here()
    with pytest.raises(InvalidRequest):
        await fetcher(trusting, names).fetch(
            "https://user@files.example/", "image_url", size_bytes_max=1, accepted=IMAGES
        )
    assert names.asked == []


async def test_an_address_that_takes_no_connection_gives_way_to_the_next(tls: TLS) -> None:
    names = Names(files_example=[["127.0.0.9", "127.0.0.1"]])
    assert await fetch(tls, Answers(answer(pillow.PNG)), names) == PNG


async def test_an_unreachable_host_is_refused_without_its_address(tls: TLS) -> None:
    assert await refusal(tls, Answers(), Names(files_example=[["127.0.0.9"]])) == "The URL cannot be reached."


async def test_a_server_must_prove_its_name(tls: TLS) -> None:
    served, trusting = tls
    names = Names(third_example=[["127.0.0.1"]])
    async with serving(Answers(answer(pillow.PNG)), tls=served) as server:
        made = fetcher(trusting, names, Policy(frozenset({"third.example"})))
        url = f"https://third.example:{server.origin.port}/"
        with pytest.raises(InvalidRequest, match=r"^The URL cannot be reached\.$"):
            await made.fetch(url, "image_url", size_bytes_max=BYTES_MAX, accepted=IMAGES)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_followed(tls: TLS, status: str) -> None:
    server = Answers(redirect("/b.png?c", status), answer(pillow.PNG))
    assert await fetch(tls, server) == PNG
    assert server.asked[1].startswith(b"GET /b.png?c HTTP/1.1\r\n")


async def test_three_redirects_are_followed_and_each_name_is_looked_up_anew(tls: TLS) -> None:
    names = here()
    assert await fetch(tls, Answers(*[redirect("/b")] * 3, answer(pillow.PNG)), names) == PNG
    assert names.asked == ["files.example"] * 4


async def test_a_fourth_redirect_is_refused(tls: TLS) -> None:
    assert await refusal(tls, Answers(*[redirect("/b")] * 4)) == "The URL redirects more than 3 times."


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("https://169.254.169.254/latest/meta-data/", "The URL must lead to a public host."),
        ("http://files.example.com/", "The URL must start with https://."),
        ("//localhost/", "The URL must lead to a public host."),
        ("file:///etc/passwd", "The URL must start with https://."),
        ("https://private.example/", "The URL must lead to a public host."),
        ("https://unknown.example/", "The URL's host cannot be resolved."),
        ("https://\xff.example/", "The URL's host must be a DNS name or a public IP address in its usual form."),
    ],
    ids=ascii,
)
async def test_a_redirect_to_where_no_url_may_lead_is_refused(tls: TLS, location: str, message: str) -> None:
    names = Names(files_example=[["127.0.0.1"]], private_example=[["10.0.0.1"]])
    raw = redirect("{}").replace(b"{}", location.encode("latin-1"))
    assert await refusal(tls, Answers(raw), names) == message


async def test_a_name_that_turns_private_between_redirects_is_refused(tls: TLS) -> None:
    names = Names(files_example=[["127.0.0.1"], ["10.0.0.1"]])
    assert await refusal(tls, Answers(redirect("/b")), names) == "The URL must lead to a public host."


async def test_a_redirect_without_a_location_is_no_file(tls: TLS) -> None:
    assert await refusal(tls, Answers(answer(b"", status="302 Found"))) == "The URL answers with status 302."


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "206 Partial Content", "204 No Content"])
async def test_an_answer_that_is_not_the_file_is_refused(tls: TLS, status: str) -> None:
    body = b"" if status.startswith("204") else pillow.PNG
    assert await refusal(tls, Answers(answer(body, status=status))) == f"The URL answers with status {status[:3]}."


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    "frame", [answer, chunked, lambda body: b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body]
)
async def test_a_file_is_counted_while_it_arrives(tls: TLS, frame: object) -> None:
    assert callable(frame)
    message = await refusal(tls, Answers(frame(bytes(BYTES_MAX + 1))))
    assert message == f"The file at the URL is larger than {BYTES_MAX} bytes."


async def test_a_file_of_just_the_size_is_taken(tls: TLS) -> None:
    content = pillow.JPEG + bytes(BYTES_MAX - len(pillow.JPEG))
    assert await fetch(tls, Answers(answer(content))) == Fetched(content, FileType.JPEG)


async def test_a_file_that_is_cut_off_is_refused(tls: TLS) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer(pillow.PNG)[:-1])

    assert await refusal(tls, script) == "The URL gives no readable answer."


async def test_a_compressed_file_is_refused(tls: TLS) -> None:
    server = Answers(answer(pillow.PNG, "content-encoding: gzip"))
    assert await refusal(tls, server) == "The file is sent compressed, although that was not asked for."


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"], ids=["head", "body"])
async def test_a_server_that_keeps_us_waiting_is_given_up_in_time(tls: TLS, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(said)
        await peer.gone()

    assert await refusal(tls, script, limit_s=0.2) == "The URL does not answer in time."


async def test_a_server_that_goes_on_and_on_is_given_up_in_time(tls: TLS) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not peer.reader.at_eof():
            await peer.send(b"x")
            await asyncio.sleep(0.01)

    assert await refusal(tls, script, limit_s=0.3, bytes_max=10**9) == "The URL does not answer in time."


async def test_the_environments_proxies_are_not_asked(tls: TLS, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await fetch(tls, Answers(answer(pillow.PNG))) == PNG


async def test_an_operators_own_host_may_speak_plain_http() -> None:
    async with serving(Answers(answer(pillow.PNG))) as server:
        made = Fetcher(Policy(frozenset({server.origin.authority})))
        url = f"http://{server.origin.authority}/a.png"
        assert await made.fetch(url, "image_url", size_bytes_max=BYTES_MAX, accepted=IMAGES) == PNG


async def test_this_machines_resolver_gives_addresses() -> None:
    assert "127.0.0.1" in await looked_up("127.0.0.1", 443)


async def test_this_machines_resolver_says_where_there_is_none() -> None:
    with pytest.raises(socket.gaierror):
        await looked_up("no-such-name.invalid", 443)
