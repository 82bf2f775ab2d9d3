"""Provider credentials: a secret that is a JSON object with a member per provider row, cached with a TTL.

    {"openai": {"api_key": "...", "base_url": "..."}, "bedrock": {"auth": "role"}, ...}

A row may leave out `base_url`; its other members reach the provider's row unchanged. A row with neither a key nor
another way to authenticate counts as not set, except in a secret that holds no keys: that of callbacks.

    {"replicate": {"webhook_secret": "..."}, "fal": {"user_id": "..."}}
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.upstream import Credential
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated
from gateway.stores.keys.cached import Cached

# The template has created the secret, but no operator has filled it yet.
NO_VALUE = "ResourceNotFoundException"


class SecretCredentials:
    """One of the two provider secrets of this deployment; `keyless` is the one for callbacks."""

    def __init__(self, aws: AwsApi, clock: Clock, secret: str, ttl_s: float, *, keyless: bool = False) -> None:
        self._aws = aws
        self._secret = secret
        self._keyless = keyless
        self._remembered = Cached(self._read, clock, ttl_s=ttl_s, size_max=1)

    async def of(self, provider: str) -> Credential | None:
        """The provider's credential, or `None` if the operator has set none."""
        return (await self._remembered.get(self._secret)).get(provider)

    async def _read(self, secret: str) -> Mapping[str, Credential]:
        question = {"SecretId": secret}
        try:
            answer = await repeated(
                lambda: self._aws.call("secretsmanager", "GetSecretValue", question), tries=3, ambiguous=True
            )
        except AwsError as error:
            if error.code == NO_VALUE:
                return {}
            raise ServiceUnavailable(STORE_DOWN) from error
        rows = orjson.loads(answer["SecretString"])
        return {name: _credential(row) for name, row in rows.items() if self._keyless or _has_key(row)}


def _has_key(row: Mapping[str, str]) -> bool:
    return bool(row.get("api_key") or row.get("auth"))


def _credential(row: Mapping[str, str]) -> Credential:
    extra = {name: value for name, value in row.items() if name not in {"api_key", "base_url"}}
    return Credential(api_key=row.get("api_key", ""), base_url=row.get("base_url"), extra=extra)
