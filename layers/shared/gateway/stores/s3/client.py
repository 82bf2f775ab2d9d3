"""One S3 bucket over our own HTTP client: a signed request, repeated while its result is unknown.

Every request made here may be sent twice.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.ports.clock import Clock
from gateway.providers.auth.aws_hosts import aws_host
from gateway.providers.auth.sigv4 import S3, AwsCredentials, Scope, signed_headers
from gateway.stores.aws.client import STORE_DOWN, AwsError, Item, Throttled, Unanswered, Unsigned, repeated
from gateway.transport import Client, Headers, Timeouts, TransportError, parse_url

TRIES = 3
TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=5.0, idle_s=5.0)
OBJECT_BYTES_MAX = 64 * 1024 * 1024
ERROR_CODE = rb"<Code>(\w+)</Code>"
# Codes for a missing object, and for an upload that is over.
MISSING = frozenset({"NoSuchKey", "NoSuchUpload"})
NOTHING_DONE = frozenset({"RequestTimeout", "SlowDown"})
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class S3Bucket:
    """A bucket of this region, or of an endpoint that is not AWS's own."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        credentials: Callable[[], Awaitable[AwsCredentials]],
        *,
        region: str,
        bucket: str,
        endpoint: str | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._client = client
        self._clock = clock
        self._credentials = credentials
        self._timeouts = timeouts
        self.scope = Scope(region, S3)
        # At AWS a bucket has a host of its own; elsewhere it is a path. Its name comes from the template, without dots.
        self.base_url = f"{endpoint}/{bucket}" if endpoint else f"https://{bucket}.{aws_host(S3, region)}"
        self.origin, self._prefix = parse_url(self.base_url)

    def path(self, name: str) -> str:
        """The path of the object of that name, percent-encoded as S3 signs it."""
        return f"{self._prefix}/{encoded(name, '/')}"

    async def ask(
        self, method: str, name: str, body: bytes = b"", *, query: str = "", headers: Mapping[str, str] = NO_HEADERS
    ) -> Item | None:
        """Sends a request; returns `Body` and `Headers` of the answer, or `None` if the named object or upload is
        missing.

        `query` is percent-encoded. Raises the `AwsError` of a refusal, and `ServiceUnavailable` if no answer came.
        """
        attempt = partial(self._attempt, method, self.path(name), query, headers, body)
        try:
            found = await repeated(attempt, tries=TRIES, ambiguous=True)
        except (Throttled, Unanswered, Unsigned) as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        return found or None

    async def must(
        self, method: str, name: str, body: bytes = b"", *, query: str = "", headers: Mapping[str, str] = NO_HEADERS
    ) -> Item | None:
        """Sends a request; a refusal, too, raises `ServiceUnavailable`."""
        try:
            return await self.ask(method, name, body, query=query, headers=headers)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error

    async def _attempt(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Item:
        """Makes one exchange; empty for a missing object or upload."""
        target = f"{path}?{query}" if query else path
        try:
            signed = await self._signed(method, path, query, headers, body)
            response = await self._client.request(method, self.origin, target, signed, body, timeouts=self._timeouts)
            answer = await response.read(OBJECT_BYTES_MAX)
        except TransportError as error:
            raise Unanswered(type(error).__name__, f"s3 {method}") from error
        if response.status in {200, 204, 206}:
            return {"Body": answer, "Headers": {name.decode(): value.decode() for name, value in response.headers}}
        return _refused(response.status, answer)

    async def _signed(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Headers:
        """The signed headers; the client writes `host` itself, from the origin that was signed."""
        given = {**headers, "host": self.origin.authority}
        credentials, now_s = await self._credentials(), self._clock.now_s()
        signed = signed_headers(method, path, given, body, credentials, self.scope, now_s, query=query)
        return [(field.encode(), value.encode()) for field, value in signed.items() if field != "host"]


def _refused(status: int, answer: bytes) -> Item:
    """Raises the error for S3's code: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    found = re.search(ERROR_CODE, answer)
    # The answer to a HEAD has no body with the code.
    code = found[1].decode() if found else str(status)
    if code in MISSING or (status == 404 and not answer):
        return {}
    if code in NOTHING_DONE:
        raise Throttled(code, "")
    raise Unanswered(code, "") if status >= 500 else AwsError(code, "")
