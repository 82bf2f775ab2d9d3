"""One S3 bucket as `Objects`. A name that is put belongs to one writer, so a repeated PUT or DELETE changes nothing.

Of several writers that create a name, S3 lets one:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import STORE_DOWN, AwsError
from gateway.stores.s3.client import S3Bucket
from gateway.transport import Client

UNLESS_THERE = {"if-none-match": "*"}
# The object exists, or another request is making it.
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


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
        self._bucket = S3Bucket(client, clock, credentials, region=region, bucket=bucket, endpoint=endpoint)

    async def put(self, name: str, body: bytes) -> None:
        await self._bucket.must("PUT", name, body)

    async def create(self, name: str, body: bytes) -> bool:
        try:
            await self._bucket.ask("PUT", name, body, headers=UNLESS_THERE)
        except AwsError as error:
            if error.code in TAKEN:
                return False
            raise ServiceUnavailable(STORE_DOWN) from error
        return True

    async def get(self, name: str) -> bytes | None:
        found = await self._bucket.must("GET", name)
        return None if found is None else bytes(found["Body"])

    async def delete(self, name: str) -> None:
        await self._bucket.must("DELETE", name)
