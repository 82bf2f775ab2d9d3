"""Provider credentials: one secret, a JSON object with a member per provider row, read at need and again after a TTL.

    {"openai": {"api_key": "...", "base_url": "..."}, ...}

A row may leave out `base_url`; whatever else it holds is handed to the row as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from gateway.errors import ServiceUnavailable
from gateway.ports import Clock, Credential
from gateway.stores.aws import STORE_DOWN, AwsApi, AwsError, repeated
from gateway.stores.cached import Cached

# A secret that the template made and no operator has filled yet.
NO_VALUE = "ResourceNotFoundException"


class SecretCredentials:
    """The providers secret of this deployment."""

    def __init__(self, aws: AwsApi, clock: Clock, secret: str, ttl_s: float) -> None:
        self._aws = aws
        self._secret = secret
        self._remembered = Cached(self._read, clock, ttl_s=ttl_s, size_max=1)

    async def of(self, provider: str) -> Credential | None:
        """The provider's credential, or nothing where the operator has set none."""
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
        return {name: _credential(row) for name, row in rows.items() if row.get("api_key")}


def _credential(row: Mapping[str, str]) -> Credential:
    extra = {name: value for name, value in row.items() if name not in {"api_key", "base_url"}}
    return Credential(api_key=row["api_key"], base_url=row.get("base_url"), extra=extra)
