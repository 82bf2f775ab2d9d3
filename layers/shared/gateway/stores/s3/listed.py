"""A bucket whose objects are listed by the beginning of their names, to be deleted."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote_plus

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import STORE_DOWN
from gateway.stores.s3.client import S3Bucket
from gateway.transport import Client

_NAME = re.compile(rb"<Key>([^<]+)</Key>")


class S3Listed:
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
    ) -> None:
        self._bucket = S3Bucket(client, clock, credentials, region=region, bucket=bucket, endpoint=endpoint)

    async def names(self, prefix: str, most: int, after: str) -> Sequence[str]:
        """The first names with a prefix, of those that sort after a name.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        query = f"encoding-type=url&list-type=2&max-keys={most}&prefix={encoded(prefix)}&start-after={encoded(after)}"
        answer = await self._bucket.must("GET", "", query=query)
        if answer is None:
            raise ServiceUnavailable(STORE_DOWN)
        return [unquote_plus(name.decode()) for name in _NAME.findall(answer["Body"])]

    async def delete(self, name: str) -> None:
        """Deletes an object, if it exists."""
        await self._bucket.must("DELETE", name)
