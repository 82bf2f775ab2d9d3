"""One S3 bucket as `Objects`: three signed requests, repeated while nobody knows what became of them.

A name belongs to one writer, so a repeated PUT or DELETE changes nothing, and S3 reads what it has written.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import quote

from gateway.errors import ServiceUnavailable
from gateway.framing.sigv4 import S3, AwsCredentials, Scope, signed_headers
from gateway.ports import Clock
from gateway.stores.aws import STORE_DOWN, AwsError, Item, Throttled, Unanswered, repeated
from gateway.transport import Client, Headers, Timeouts, TransportError, parse_url

TRIES = 3
TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=5.0, idle_s=5.0)
OBJECT_BYTES_MAX = 64 * 1024 * 1024
ERROR_CODE = re.compile(rb"<Code>(\w+)</Code>")
MISSING = "NoSuchKey"
NOTHING_DONE = frozenset({"RequestTimeout", "SlowDown"})


class S3Objects:
    """`Objects` in a bucket of this region, or of an endpoint that is not AWS's own."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        credentials: Callable[[], Awaitable[AwsCredentials]],
        *,
        region: str,
        bucket: str,
        endpoint: str | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._credentials = credentials
        self._scope = Scope(region, S3)
        # A bucket has a host of its own at AWS; elsewhere it is a path. Its name comes from the template, without dots.
        base_url = f"{endpoint}/{bucket}" if endpoint else f"https://{bucket}.s3.{region}.amazonaws.com"
        self._origin, self._path = parse_url(base_url)

    async def put(self, name: str, body: bytes) -> None:
        await self._request("PUT", name, body)

    async def get(self, name: str) -> bytes | None:
        answer = await self._request("GET", name)
        body: bytes | None = answer.get("Body")
        return body

    async def delete(self, name: str) -> None:
        await self._request("DELETE", name)

    async def _request(self, method: str, name: str, body: bytes = b"") -> Item:
        try:
            return await repeated(partial(self._attempt, method, name, body), tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error

    async def _attempt(self, method: str, name: str, body: bytes) -> Item:
        """One exchange: `Body` where S3 gave one, nothing for an object that is not there; raises the `AwsError`."""
        path = f"{self._path}/{quote(name, safe='/~')}"
        try:
            headers = await self._headers(method, path, body)
            response = await self._client.request(method, self._origin, path, headers, body, timeouts=TIMEOUTS)
            answer = await response.read(OBJECT_BYTES_MAX)
        except TransportError as error:
            raise Unanswered(type(error).__name__, f"s3 {method}") from error
        return {"Body": answer} if response.status in {200, 204} else _refused(response.status, answer)

    async def _headers(self, method: str, path: str, body: bytes) -> Headers:
        """What signs the request; the client writes `host` itself, from the origin that was signed."""
        host = {"host": self._origin.authority}
        credentials, now_s = await self._credentials(), self._clock.now_s()
        signed = signed_headers(method, path, host, body, credentials, self._scope, now_s)
        return [(field.encode(), value.encode()) for field, value in signed.items() if field != "host"]


def _refused(status: int, answer: bytes) -> Item:
    """What S3's code means: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    found = ERROR_CODE.search(answer)
    code = found[1].decode() if found else str(status)
    if code == MISSING:
        return {}
    if code in NOTHING_DONE:
        raise Throttled(code, "")
    raise Unanswered(code, "") if status >= 500 else AwsError(code, "")
