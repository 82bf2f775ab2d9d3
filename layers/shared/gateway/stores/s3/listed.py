"""A bucket whose objects are listed by the beginning of their names, to be deleted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_plus

from gateway.errors import ServiceUnavailable
from gateway.framing.percent import encoded
from gateway.stores.aws.client import STORE_DOWN
from gateway.stores.s3.objects import S3Objects

_NAME = re.compile(rb"<Key>([^<]+)</Key>")


class S3Listed(S3Objects):
    """`Objects` whose names can be listed."""

    async def names(self, prefix: str, most: int, after: str) -> Sequence[str]:
        """The first names with a prefix, of those that sort after a name.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        query = f"encoding-type=url&list-type=2&max-keys={most}&prefix={encoded(prefix)}&start-after={encoded(after)}"
        answer = await self._bucket.must("GET", "", query=query)
        if answer is None:
            raise ServiceUnavailable(STORE_DOWN)
        return [unquote_plus(name.decode()) for name in _NAME.findall(answer["Body"])]
