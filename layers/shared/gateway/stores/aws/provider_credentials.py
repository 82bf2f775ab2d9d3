"""Provider credentials: a secret that is a JSON object with a member per provider row, cached with a TTL.

    {"openai": {"api_key": "...", "base_url": "..."}, "bedrock": {"auth": "role"},
     "custom/ollama": {"base_url": "..."}, ...}

A row may hold further credentials, among which requests are shared in proportion to their weights. Each has an `id`,
and the row's own settings where it sets no others:

    {"openai": {"api_key": "...", "credentials": [{"id": "second", "api_key": "...", "weight": 3}]}}

A row may leave out `base_url`; its other members reach the provider's row unchanged. A row with neither a key nor
another way to authenticate counts as not set, except one that an operator added, which is set by its address, and in a
secret that holds no keys: that of callbacks.

    {"replicate": {"webhook_secret": "..."}, "fal": {"user_id": "..."}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.upstream import AUTH, CREDENTIALS, CUSTOM, Credential, row_of
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, repeated
from gateway.stores.cached import Cached

# The template has created the secret, but no operator has filled it yet.
NO_VALUE = "ResourceNotFoundException"
_MEMBERS = frozenset({"api_key", "base_url", "id", "weight"})


class SecretCredentials:
    """One of the two provider secrets of this deployment; `keyless` is the one for callbacks."""

    def __init__(self, aws: AwsApi, clock: Clock, secret: str, ttl_s: float, *, keyless: bool = False) -> None:
        self._aws = aws
        self._secret = secret
        self._keyless = keyless
        self._remembered: Cached[Mapping[str, Sequence[Credential]]] = Cached(clock, ttl_s=ttl_s, size_max=1)

    async def of(self, provider: str) -> Sequence[Credential]:
        """The provider's credentials; empty if the operator has set none."""
        return (await self._remembered.get(self._secret, self._read)).get(provider, ())

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """The credential as it is."""
        del provider
        return credential

    async def _read(self) -> Mapping[str, Sequence[Credential]]:
        question = {"SecretId": self._secret}
        try:
            answer = await repeated(
                lambda: self._aws.call("secretsmanager", "GetSecretValue", question), tries=3, ambiguous=True
            )
        except AwsError as error:
            if error.code == NO_VALUE:
                return {}
            raise ServiceUnavailable(STORE_DOWN) from error
        rows = orjson.loads(answer["SecretString"])
        found = {name: tuple(self._credentials(name, row)) for name, row in rows.items()}
        return {name: credentials for name, credentials in found.items() if credentials}

    def _credentials(self, name: str, row: Mapping[str, Any]) -> Iterator[Credential]:
        own = {member: value for member, value in row.items() if member != CREDENTIALS}
        if self._keyless or _is_set(name, own):
            yield _credential(own)
        shared = {member: value for member, value in own.items() if member not in {"api_key", AUTH, "weight"}}
        further = ({**shared, **more} for more in row.get(CREDENTIALS, ()))
        yield from (_credential(settings) for settings in further if _is_set(name, settings))


def _is_set(name: str, settings: Mapping[str, Any]) -> bool:
    if row_of(name) == CUSTOM:
        return bool(settings.get("base_url"))
    return bool(settings.get("api_key") or settings.get(AUTH))


def _credential(settings: Mapping[str, Any]) -> Credential:
    extra = {name: value for name, value in settings.items() if name not in _MEMBERS}
    return Credential(
        api_key=settings.get("api_key", ""),
        base_url=settings.get("base_url"),
        extra=extra,
        id=settings.get("id", ""),
        weight=int(settings.get("weight", 1)),
    )
