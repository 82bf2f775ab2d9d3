"""AWS credentials of a process that outlives them, from the endpoint of its container; every signature reads them.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

from __future__ import annotations

import logging
from datetime import datetime

import orjson

from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import Unsigned
from gateway.stores.cached import SingleFlight
from gateway.transport import Client, Timeouts, TransportError, parse_url

REFRESH_BEFORE_S = 300.0
# A pair that is still valid is used for so long after a refresh that failed.
REFRESH_AGAIN_S = 5.0
TIMEOUTS = Timeouts(connect_s=1.0, first_byte_s=2.0, idle_s=2.0)
ANSWER_BYTES_MAX = 64 * 1024

log = logging.getLogger(__name__)


class ContainerCredentials:
    """Credentials from the container's endpoint, fetched again before they expire, by one request for all callers."""

    def __init__(self, client: Client, clock: Clock, url: str, token: str | None) -> None:
        self._client = client
        self._clock = clock
        self._url = url
        self._token = token
        self._current: AwsCredentials | None = None
        self._fresh_until_s = 0.0
        self._flights: SingleFlight[AwsCredentials] = SingleFlight()

    async def __call__(self) -> AwsCredentials:
        """The key pair; raises `Unsigned` if there is none that is valid."""
        current = self._current
        if current is not None and self._clock.now_s() < self._fresh_until_s:
            return current
        return await self._flights.share("", self._refreshed)

    async def _refreshed(self) -> AwsCredentials:
        """The endpoint's pair, or the one before it while that is valid."""
        try:
            fetched, expires_at_s = await self._fetch()
        except Unsigned as failure:
            now_s, current = self._clock.now_s(), self._current
            if current is None or current.expires_at_s is None or now_s >= current.expires_at_s:
                raise
            log.warning("credentials could not be refreshed; those at hand are used", exc_info=failure)
            self._fresh_until_s = min(now_s + REFRESH_AGAIN_S, current.expires_at_s)
            return current
        self._current, self._fresh_until_s = fetched, expires_at_s - REFRESH_BEFORE_S
        return fetched

    async def _fetch(self) -> tuple[AwsCredentials, float]:
        """The pair that the endpoint gives now, and when it expires."""
        origin, path = parse_url(self._url)
        headers = [(b"authorization", self._token.encode())] if self._token else []
        try:
            response = await self._client.request("GET", origin, path or "/", headers, timeouts=TIMEOUTS)
            answer = await response.read(ANSWER_BYTES_MAX)
        except TransportError as error:
            raise Unsigned(type(error).__name__, "the endpoint of credentials gave no answer") from error
        if response.status != 200:
            raise Unsigned(f"Status{response.status}", "the endpoint of credentials refused")
        try:
            document = orjson.loads(answer)
            expires_at_s = datetime.fromisoformat(document["Expiration"]).timestamp()
            pair = document["AccessKeyId"], document["SecretAccessKey"], document["Token"]
        except (ValueError, KeyError, TypeError) as error:
            # An answer may hold a secret, so that it is never told.
            raise Unsigned("UnreadableCredentials", "the endpoint of credentials gave no key pair") from error
        return AwsCredentials(*pair, expires_at_s=expires_at_s), expires_at_s
