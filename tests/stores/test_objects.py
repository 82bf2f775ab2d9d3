"""Tests that run on every store of objects: memory, and S3 as moto plays it; and tests of S3's failures."""

import pytest

from gateway.errors import ServiceUnavailable
from gateway.ports.objects import Objects
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.s3.objects import S3Objects
from gateway.transport import Client, ConnectFailed
from tests.fakes.objects import MemoryObjects
from tests.stores.conftest import CREDENTIALS, REGION, StoppedClock, boto, fresh
from tests.stores.servers import Endpoints
from tests.transport.scripted_server import Peer, serving

pytestmark = pytest.mark.anyio

NAMES = ["answers/abc", "plain", "with space/and~tilde/你好+plus=equals&more?no#yes"]


def s3(client: Client, clock: StoppedClock, bucket: str, endpoint: str) -> S3Objects:
    return S3Objects(client, clock, StaticCredentials(CREDENTIALS), region=REGION, bucket=bucket, endpoint=endpoint)


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> Objects:
    if request.param == "memory":
        return MemoryObjects()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    bucket = fresh("bucket")
    boto("s3", endpoints.moto).create_bucket(Bucket=bucket)
    return s3(client, clock, bucket, endpoints.moto)


@pytest.mark.parametrize("name", NAMES)
async def test_what_was_put_is_got(objects: Objects, name: str) -> None:
    await objects.put(name, b"\x00body\xff")
    assert await objects.get(name) == b"\x00body\xff"


async def test_an_empty_body_is_not_nothing(objects: Objects) -> None:
    await objects.put("empty", b"")
    assert await objects.get("empty") == b""


async def test_a_body_of_megabytes_comes_back_whole(objects: Objects) -> None:
    body = bytes(range(256)) * 20_000
    await objects.put("large", body)
    assert await objects.get("large") == body


async def test_an_unknown_name_is_nothing(objects: Objects) -> None:
    assert await objects.get("unknown") is None


async def test_a_name_is_created_once(objects: Objects) -> None:
    assert [await objects.create("once", body) for body in (b"first", b"second")] == [True, False]
    assert await objects.get("once") == b"first"
    await objects.delete("once")
    assert await objects.create("once", b"third")
    assert await objects.get("once") == b"third"


async def test_a_deleted_name_is_nothing(objects: Objects) -> None:
    await objects.put("gone", b"body")
    await objects.delete("gone")
    assert await objects.get("gone") is None


async def test_deleting_an_unknown_name_is_no_fault(objects: Objects) -> None:
    await objects.delete("unknown")
    assert await objects.get("unknown") is None


async def test_a_bucket_that_is_not_there_is_an_outage(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    with pytest.raises(ServiceUnavailable):
        await s3(client, clock, fresh("no-bucket"), endpoints.moto).get("name")


def answer(status: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def error(status: str, code: str) -> bytes:
    return answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>".encode())


async def outcome(client: Client, clock: StoppedClock, *answers: bytes) -> tuple[bytes | None, int]:
    """Returns the result of a GET if S3 gives these answers in turn (empty: closed), and the number given."""
    left = list(answers)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            if not (said := left.pop(0)):
                return
            await peer.send(said)

    async with serving(script) as server:
        endpoint = f"http://{server.origin.authority}"
        got = await s3(client, clock, "bucket", endpoint).get("name")
        return got, len(answers) - len(left)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        error("503 Slow Down", "SlowDown"),
        error("500 Internal Server Error", "InternalError"),
        error("400 Bad Request", "RequestTimeout"),
        answer("502 Bad Gateway"),
    ],
    ids=["closed", "slow down", "internal error", "request timeout", "no code"],
)
async def test_a_passing_failure_is_tried_again(client: Client, clock: StoppedClock, first: bytes) -> None:
    assert await outcome(client, clock, first, answer("200 OK", b"body")) == (b"body", 2)


async def test_a_lasting_failure_is_an_outage_after_three_tries(client: Client, clock: StoppedClock) -> None:
    slow_down = error("503 Slow Down", "SlowDown")
    with pytest.raises(ServiceUnavailable):
        await outcome(client, clock, slow_down, slow_down, slow_down)


async def test_a_refusal_is_not_tried_again(client: Client, clock: StoppedClock) -> None:
    with pytest.raises(ServiceUnavailable):
        await outcome(client, clock, error("403 Forbidden", "AccessDenied"))


async def test_credentials_that_cannot_be_had_are_an_outage(client: Client, clock: StoppedClock) -> None:
    async def unreachable() -> AwsCredentials:
        raise ConnectFailed

    objects = S3Objects(client, clock, unreachable, region=REGION, bucket="b", endpoint="http://127.0.0.1:1")
    with pytest.raises(ServiceUnavailable):
        await objects.get("name")


async def test_a_bucket_at_aws_has_a_host_of_its_own(clock: StoppedClock, client: Client) -> None:
    objects = S3Objects(client, clock, StaticCredentials(CREDENTIALS), region="eu-west-1", bucket="b")
    assert objects._bucket.origin.authority == "b.s3.eu-west-1.amazonaws.com"
    assert objects._bucket.path("name") == "/name"
