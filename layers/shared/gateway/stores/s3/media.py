"""The media bucket as `MediaObjects`: the function signs its own requests, an IAM user signs the URLs.

Temporary credentials would end a URL with themselves, long before its 24 hours. So a user's permanent key, which may
only read, signs URLs. A form is used soon, so the function's own credentials sign it, which last for hours.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from html import escape, unescape

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.ports.clock import Clock
from gateway.ports.media import ObjectFacts, Part, UploadForm
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import STORE_DOWN, AwsError, Item
from gateway.stores.s3.client import S3Bucket
from gateway.stores.s3.presign import presigned_form, presigned_query
from gateway.transport import Client, Timeouts

URL_LIFETIME_S = 24 * 3600
FORM_LIFETIME_S = 900
# Long enough for a part of 16 MB, and for S3 to join hundreds of them.
TIMEOUTS = Timeouts(connect_s=2.0, first_byte_s=60.0, idle_s=20.0)

# S3's answers are flat; these elements hold no others of their name.
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_PART = re.compile(rb"<Part>(.*?)</Part>", re.DOTALL)
_MORE_PARTS = re.compile(rb"<IsTruncated>true</IsTruncated>")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_PAST_THE_END = "InvalidRange"


class S3MediaObjects:
    """`MediaObjects` in a bucket of this region, or of an endpoint that is not AWS's own; `signer` signs URLs."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        credentials: Callable[[], Awaitable[AwsCredentials]],
        signer: Callable[[], Awaitable[AwsCredentials]],
        *,
        region: str,
        bucket: str,
        endpoint: str | None = None,
    ) -> None:
        self._bucket = S3Bucket(
            client, clock, credentials, region=region, bucket=bucket, endpoint=endpoint, timeouts=TIMEOUTS
        )
        self._bucket_name = bucket
        self._credentials = credentials
        self._signer = signer

    async def put(self, name: str, body: bytes, mime_type: str) -> None:
        await self._bucket.must("PUT", name, body, headers={"content-type": mime_type})

    async def facts(self, name: str) -> ObjectFacts | None:
        found = await self._bucket.must("HEAD", name)
        if found is None:
            return None
        return ObjectFacts(int(found["Headers"]["content-length"]), found["Headers"].get("content-type", ""))

    async def read(self, name: str, first: int, last: int) -> bytes | None:
        try:
            found = await self._bucket.ask("GET", name, headers={"range": f"bytes={first}-{last}"})
        except AwsError as error:
            if error.code == _PAST_THE_END:
                return b""
            raise ServiceUnavailable(STORE_DOWN) from error
        return None if found is None else bytes(found["Body"])

    async def delete(self, name: str) -> None:
        await self._bucket.must("DELETE", name)

    async def begin(self, name: str, mime_type: str) -> str:
        answer = await self._bucket.must("POST", name, query="uploads", headers={"content-type": mime_type})
        return _found(_UPLOAD_ID, answer)

    async def parts(self, name: str, upload_id: str) -> Sequence[Part] | None:
        parts: list[Part] = []
        while True:
            after = f"&part-number-marker={parts[-1].number}" if parts else ""
            answer = await self._bucket.must("GET", name, query=f"{_upload(upload_id)}{after}")
            if answer is None:
                return None
            page = [_part(part) for part in _PART.findall(answer["Body"])]
            parts += page
            if not page or not _MORE_PARTS.search(answer["Body"]):
                return parts

    async def put_part(self, name: str, upload_id: str, number: int, body: bytes) -> Part:
        answer = await self._bucket.must("PUT", name, body, query=f"partNumber={number}&{_upload(upload_id)}")
        if answer is None:
            raise ServiceUnavailable(STORE_DOWN)
        return Part(number, str(answer["Headers"]["etag"]), len(body))

    async def complete(self, name: str, upload_id: str, parts: Sequence[Part]) -> None:
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag></Part>" for part in parts
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        answer = await self._bucket.must("POST", name, document, query=_upload(upload_id))
        # Once S3 has begun its answer, it can report a failure only in the body; an upload that is over leaves an
        # object.
        if (answer is None and await self.facts(name) is None) or (answer is not None and b"<Error>" in answer["Body"]):
            raise ServiceUnavailable(STORE_DOWN)

    async def abort(self, name: str, upload_id: str) -> None:
        await self._bucket.must("DELETE", name, query=_upload(upload_id))

    def address(self, name: str) -> str:
        return f"{self._bucket.origin.scheme}://{self._bucket.origin.authority}{self._bucket.path(name)}"

    async def url(self, name: str, now_s: float, *, file_name: str | None = None) -> str:
        bucket, path = self._bucket, self._bucket.path(name)
        parameters: Mapping[str, str] = (
            {} if file_name is None else {"response-content-disposition": _disposition(file_name)}
        )
        query = presigned_query(
            bucket.origin.authority,
            path,
            parameters,
            await self._signer(),
            bucket.scope,
            now_s,
            lifetime_s=URL_LIFETIME_S,
        )
        return f"{self.address(name)}?{query}"

    async def form(self, name: str, mime_type: str, size_bytes: int, now_s: float) -> UploadForm:
        try:
            credentials = await self._credentials()
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        fields = presigned_form(
            self._bucket_name,
            {"key": name, "Content-Type": mime_type},
            size_bytes,
            credentials,
            self._bucket.scope,
            now_s,
            lifetime_s=FORM_LIFETIME_S,
        )
        return UploadForm(f"{self._bucket.base_url}/", fields)


def _upload(upload_id: str) -> str:
    return f"uploadId={encoded(upload_id)}"


def _part(element: bytes) -> Part:
    fields = dict(re.findall(rb"<(PartNumber|ETag|Size)>([^<]*)<", element))
    return Part(int(fields[b"PartNumber"]), unescape(fields[b"ETag"].decode()), int(fields[b"Size"]))


def _found(pattern: re.Pattern[bytes], answer: Item | None) -> str:
    match = pattern.search(answer["Body"]) if answer is not None else None
    if match is None:
        raise ServiceUnavailable(STORE_DOWN)
    return unescape(match[1].decode())


def _disposition(file_name: str) -> str:
    """Content-Disposition by RFC 6266; a name with other than plain characters is encoded by RFC 8187."""
    if _PLAIN_NAME.fullmatch(file_name):
        return f'attachment; filename="{file_name}"'
    return f"attachment; filename*=UTF-8''{encoded(file_name)}"
