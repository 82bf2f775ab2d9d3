"""The key pair that signs media URLs: one secret, cached with a TTL.

    {"access_key_id": "...", "secret_access_key": "..."}

It belongs to an IAM user who may only read media.
"""

from __future__ import annotations

import orjson

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated
from gateway.stores.cached import Cached


class SecretSigner:
    """The signer of this deployment, called before every signature."""

    def __init__(self, aws: AwsApi, clock: Clock, secret: str, ttl_s: float) -> None:
        self._aws = aws
        self._secret = secret
        self._remembered: Cached[AwsCredentials] = Cached(clock, ttl_s=ttl_s, size_max=1)

    async def __call__(self) -> AwsCredentials:
        return await self._remembered.get(self._secret, self._read)

    async def _read(self) -> AwsCredentials:
        question = {"SecretId": self._secret}
        try:
            answer = await repeated(
                lambda: self._aws.call("secretsmanager", "GetSecretValue", question), tries=3, ambiguous=True
            )
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
        pair = orjson.loads(answer["SecretString"])
        return AwsCredentials(pair["access_key_id"], pair["secret_access_key"])
