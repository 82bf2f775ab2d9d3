"""AWS credentials of this process; they are cached, because every signature reads them.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

from datetime import datetime

import orjson

from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.transport import Client, Timeouts, parse_url

REFRESH_BEFORE_S = 300.0
TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=2.0, idle_s=2.0)
ANSWER_BYTES_MAX = 64 * 1024


class StaticCredentials:
    """A key pair that outlives the process."""

    def __init__(self, credentials: AwsCredentials) -> None:
        self._credentials = credentials

    async def __call__(self) -> AwsCredentials:
        return self._credentials


class ContainerCredentials:
    """Credentials from the container endpoint, fetched again before they expire."""

    def __init__(self, client: Client, clock: Clock, url: str, token: str | None) -> None:
        self._client = client
        self._clock = clock
        self._url = url
        self._token = token
        self._current: AwsCredentials | None = None

    async def __call__(self) -> AwsCredentials:
        current = self._current
        if current is None or self._expires_soon(current):
            current = self._current = await self._fetch()
        return current

    def _expires_soon(self, credentials: AwsCredentials) -> bool:
        expires_at_s = credentials.expires_at_s
        return expires_at_s is not None and self._clock.now_s() > expires_at_s - REFRESH_BEFORE_S

    async def _fetch(self) -> AwsCredentials:
        origin, path = parse_url(self._url)
        headers = [(b"authorization", self._token.encode())] if self._token else []
        response = await self._client.request("GET", origin, path or "/", headers, timeouts=TIMEOUTS)
        document = orjson.loads(await response.read(ANSWER_BYTES_MAX))
        return AwsCredentials(
            access_key_id=document["AccessKeyId"],
            secret_access_key=document["SecretAccessKey"],
            session_token=document["Token"],
            expires_at_s=datetime.fromisoformat(document["Expiration"]).timestamp(),
        )
