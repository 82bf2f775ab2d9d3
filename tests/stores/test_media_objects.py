"""Tests that run on every store of media: memory, and S3 as moto plays it; and tests of S3's failures."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from gateway.errors import ServiceUnavailable
from gateway.ports.media import MediaObjects, ObjectFacts, Part
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.s3.media import S3MediaObjects
from gateway.transport import Client, parse_url
from tests.fakes.media import MemoryMediaObjects
from tests.stores.conftest import CREDENTIALS, REGION, StoppedClock, boto, fresh
from tests.stores.servers import Endpoints
from tests.transport.scripted_server import Peer, serving

pytestmark = pytest.mark.anyio

NAME = "media/acc_1/job_1/0.mp4"
MP4 = "video/mp4"
# S3 accepts no smaller part except the last.
PART = bytes(range(256)) * (5 * 4096)


def s3(client: Client, clock: StoppedClock, bucket: str, endpoint: str | None) -> S3MediaObjects:
    signer = StaticCredentials(AwsCredentials("signer", "secret"))
    return S3MediaObjects(
        client, clock, StaticCredentials(CREDENTIALS), signer, region=REGION, bucket=bucket, endpoint=endpoint
    )


@pytest.fixture
def in_s3(endpoints: Endpoints, client: Client, clock: StoppedClock) -> S3MediaObjects:
    bucket = fresh("media")
    boto("s3", endpoints.moto).create_bucket(Bucket=bucket)
    return s3(client, clock, bucket, endpoints.moto)


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> MediaObjects:
    return MemoryMediaObjects() if request.param == "memory" else request.getfixturevalue("in_s3")


async def uploaded(objects: MediaObjects, *bodies: bytes) -> tuple[str, Sequence[Part]]:
    upload_id = await objects.begin(NAME, MP4)
    return upload_id, [await objects.put_part(NAME, upload_id, n, body) for n, body in enumerate(bodies, 1)]


async def test_what_was_put_has_its_size_and_type(objects: MediaObjects) -> None:
    await objects.put("uploads/acc_1/a b+c", b"body", "image/png")
    assert await objects.facts("uploads/acc_1/a b+c") == ObjectFacts(4, "image/png")


async def test_an_unknown_name_has_no_facts(objects: MediaObjects) -> None:
    assert await objects.facts("unknown") is None


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0, 3, b"0123"), (2, 2, b"2"), (8, 100, b"89"), (10, 20, b""), (0, 9, b"0123456789")],
)
async def test_a_range_is_read_as_far_as_there_is_any(
    objects: MediaObjects, first: int, last: int, expected: bytes
) -> None:
    await objects.put("digits", b"0123456789", "text/plain")
    assert await objects.read("digits", first, last) == expected


async def test_an_empty_object_reads_as_empty(objects: MediaObjects) -> None:
    await objects.put("empty", b"", "text/plain")
    assert await objects.read("empty", 0, 10) == b""


async def test_an_unknown_name_reads_as_nothing(objects: MediaObjects) -> None:
    assert await objects.read("unknown", 0, 10) is None


async def test_a_deleted_object_is_gone(objects: MediaObjects) -> None:
    await objects.put("gone", b"body", "text/plain")
    await objects.delete("gone")
    await objects.delete("gone")
    assert await objects.facts("gone") is None


async def test_parts_make_an_object_of_the_uploads_type(objects: MediaObjects) -> None:
    upload_id, parts = await uploaded(objects, PART, b"end")
    assert await objects.facts(NAME) is None
    await objects.complete(NAME, upload_id, parts)
    assert await objects.facts(NAME) == ObjectFacts(len(PART) + 3, MP4)
    assert await objects.read(NAME, len(PART) - 1, len(PART) + 10) == b"\xffend"


async def test_parts_that_have_arrived_are_listed_as_they_were_put(objects: MediaObjects) -> None:
    upload_id, parts = await uploaded(objects, PART, b"end")
    assert await objects.parts(NAME, upload_id) == parts


async def test_a_part_put_again_takes_the_place_of_the_first(objects: MediaObjects) -> None:
    upload_id, _ = await uploaded(objects, b"first")
    again = await objects.put_part(NAME, upload_id, 1, b"second!")
    assert await objects.parts(NAME, upload_id) == [again]


async def test_an_upload_without_parts_is_known_and_empty(objects: MediaObjects) -> None:
    upload_id, _ = await uploaded(objects)
    assert await objects.parts(NAME, upload_id) == []


async def test_an_upload_that_is_complete_is_over_and_completing_it_again_changes_nothing(
    objects: MediaObjects,
) -> None:
    upload_id, parts = await uploaded(objects, b"all")
    await objects.complete(NAME, upload_id, parts)
    assert await objects.parts(NAME, upload_id) is None
    await objects.complete(NAME, upload_id, parts)
    assert await objects.facts(NAME) == ObjectFacts(3, MP4)


async def test_an_aborted_upload_is_over_and_leaves_nothing(objects: MediaObjects) -> None:
    upload_id, parts = await uploaded(objects, b"all")
    await objects.abort(NAME, upload_id)
    await objects.abort(NAME, upload_id)
    assert (await objects.parts(NAME, upload_id), await objects.facts(NAME)) == (None, None)
    with pytest.raises(ServiceUnavailable):
        await objects.complete(NAME, upload_id, parts)
    with pytest.raises(ServiceUnavailable):
        await objects.put_part(NAME, upload_id, 1, b"late")


async def test_an_unknown_upload_has_no_parts(objects: MediaObjects) -> None:
    assert await objects.parts(NAME, "unknown") is None


async def test_the_address_of_an_object_is_signed_for_a_day(objects: MediaObjects, clock: StoppedClock) -> None:
    later = await objects.url(NAME, clock.now_s() + 1)
    assert NAME in urlsplit(later).path
    assert later != await objects.url(NAME, clock.now_s())


async def test_a_form_names_the_object_and_its_type(objects: MediaObjects, clock: StoppedClock) -> None:
    form = await objects.form("uploads/acc_1/file-1", "image/png", 1000, clock.now_s())
    assert (form.fields["key"], form.fields["Content-Type"]) == ("uploads/acc_1/file-1", "image/png")


async def got(client: Client, url: str) -> tuple[int, dict[str, str], bytes]:
    base, _, query = url.partition("?")
    origin, path = parse_url(base)
    response = await client.request("GET", origin, f"{path}?{query}")
    body = await response.read(1024 * 1024)
    return response.status, {name.decode(): value.decode() for name, value in response.headers}, body


async def test_the_signed_address_alone_is_enough_to_read_the_object(
    in_s3: S3MediaObjects, client: Client, clock: StoppedClock
) -> None:
    name = "media/acc_1/with space/你好.mp4"
    await in_s3.put(name, b"film", MP4)
    status, headers, body = await got(client, await in_s3.url(name, clock.now_s()))
    assert (status, headers["content-type"], body) == (200, MP4, b"film")


@pytest.mark.parametrize(
    ("file_name", "disposition"),
    [
        ("film.mp4", 'attachment; filename="film.mp4"'),
        ('a "b";.mp4', "attachment; filename*=UTF-8''a%20%22b%22%3B.mp4"),
        ("你.mp4", "attachment; filename*=UTF-8''%E4%BD%A0.mp4"),
    ],
)
async def test_an_address_gives_the_file_a_name(
    in_s3: S3MediaObjects, client: Client, clock: StoppedClock, file_name: str, disposition: str
) -> None:
    await in_s3.put(NAME, b"film", MP4)
    _, headers, _ = await got(client, await in_s3.url(NAME, clock.now_s(), file_name=file_name))
    assert headers["content-disposition"] == disposition


async def test_addresses_are_signed_by_the_signer_and_forms_by_the_function(
    in_s3: S3MediaObjects, clock: StoppedClock
) -> None:
    form = await in_s3.form(NAME, MP4, 4, clock.now_s())
    assert "X-Amz-Credential=signer%2F" in await in_s3.url(NAME, clock.now_s())
    assert form.fields["x-amz-credential"].startswith(f"{CREDENTIALS.access_key_id}/")


async def test_a_form_uploads_the_object(in_s3: S3MediaObjects, client: Client, clock: StoppedClock) -> None:
    form = await in_s3.form(NAME, MP4, 4, clock.now_s())
    lines = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.fields.items()
    ]
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: video/mp4\r\n\r\n'
    body = ("".join(lines) + head).encode() + b"film\r\n--b--\r\n"
    origin, path = parse_url(form.url)
    content_type = [(b"content-type", b"multipart/form-data; boundary=b")]
    response = await client.request("POST", origin, f"{path}/", content_type, body)
    assert (response.status, await response.read(10_000)) == (204, b"")
    assert await in_s3.facts(NAME) == ObjectFacts(4, MP4)


async def test_a_bucket_at_aws_has_a_host_of_its_own_in_addresses(clock: StoppedClock, client: Client) -> None:
    objects = s3(client, clock, "media", None)
    url, form = await objects.url(NAME, clock.now_s()), await objects.form(NAME, MP4, 4, clock.now_s())
    host = f"https://media.s3.{REGION}.amazonaws.com/"
    assert (url.startswith(f"{host}{NAME}?"), form.url) == (True, host)


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    fields = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{fields}\r\n".encode() + body


@asynccontextmanager
async def answering(client: Client, clock: StoppedClock, *answers: bytes) -> AsyncIterator[S3MediaObjects]:
    """Yields a bucket whose S3 gives these answers in turn."""
    left = list(answers)

    async def script(peer: Peer) -> None:
        while left:
            await peer.request()
            await peer.send(left.pop(0))

    async with serving(script) as server:
        yield s3(client, clock, "b", f"http://{server.origin.authority}")
    assert left == []


def listing(first: int, last: int, *, more: bool) -> bytes:
    parts = "".join(
        f"<Part><PartNumber>{n}</PartNumber><ETag>&quot;e{n}&quot;</ETag><Size>7</Size></Part>"
        for n in range(first, last + 1)
    )
    return answer("200 OK", f"<L><IsTruncated>{str(more).lower()}</IsTruncated>{parts}</L>".encode())


async def test_a_list_of_parts_in_pages_is_read_to_its_end(client: Client, clock: StoppedClock) -> None:
    async with answering(client, clock, listing(1, 1000, more=True), listing(1001, 1200, more=False)) as objects:
        parts = await objects.parts(NAME, "u")
    assert parts == [Part(number, f'"e{number}"', 7) for number in range(1, 1201)]


async def test_a_completion_that_fails_after_its_status_is_an_outage(client: Client, clock: StoppedClock) -> None:
    failed = answer("200 OK", b"<?xml version='1.0'?>\n<Error><Code>InternalError</Code></Error>")
    async with answering(client, clock, failed) as objects:
        with pytest.raises(ServiceUnavailable):
            await objects.complete(NAME, "u", [Part(1, '"e"', 7)])


async def test_a_part_that_met_a_passing_failure_is_put_again(client: Client, clock: StoppedClock) -> None:
    slow_down = answer("503 Slow Down", b"<Error><Code>SlowDown</Code></Error>")
    async with answering(client, clock, slow_down, answer("200 OK", b"", 'etag: "e"')) as objects:
        assert await objects.put_part(NAME, "u", 1, b"body") == Part(1, '"e"', 4)


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "InvalidPart"])
async def test_a_refusal_is_an_outage(client: Client, clock: StoppedClock, code: str) -> None:
    refused = answer("403 Forbidden", f"<Error><Code>{code}</Code></Error>".encode())
    async with answering(client, clock, refused) as objects:
        with pytest.raises(ServiceUnavailable):
            await objects.read(NAME, 0, 10)
