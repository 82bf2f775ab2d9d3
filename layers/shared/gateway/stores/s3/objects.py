"""One S3 bucket as `Objects`. A name belongs to one writer, so a repeated PUT or DELETE changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.s3.client import S3Bucket
from gateway.transport import Client


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

    async def get(self, name: str) -> bytes | None:
        found = await self._bucket.must("GET", name)
        return None if found is None else bytes(found["Body"])

    async def delete(self, name: str) -> None:
        await self._bucket.must("DELETE", name)
