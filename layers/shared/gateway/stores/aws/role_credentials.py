"""Wraps the provider credentials: a row may be signed by the function's own role.

    {"bedrock": {"auth": "role", "region": "us-east-1"}}

The default of `region` is the function's own. The role needs the permission (docs/operations.md).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from gateway.errors import UpstreamError
from gateway.ports.upstream import AUTH, BY_ROLE, Credential, Credentials
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import AwsError

NO_PAIR = "The provider cannot be asked with the function's own role now."


class RoleCredentials:
    """`Credentials` with the function's temporary key pair for rows with `"auth": "role"`."""

    def __init__(self, credentials: Credentials, role: Callable[[], Awaitable[AwsCredentials]], region: str) -> None:
        self._credentials = credentials
        self._role = role
        self._region = region

    async def of(self, provider: str) -> Sequence[Credential]:
        """The provider's credentials, as they are set."""
        return await self._credentials.of(provider)

    async def ready(self, provider: str, credential: Credential) -> Credential:
        """The credential, with the function's key pair where the row is signed by its role; raises `UpstreamError`."""
        if credential.extra.get(AUTH) != BY_ROLE:
            return await self._credentials.ready(provider, credential)
        try:
            pair = await self._role()
        except AwsError as error:
            raise UpstreamError(NO_PAIR) from error
        token = {} if pair.session_token is None else {"session_token": pair.session_token}
        keys = {"access_key_id": pair.access_key_id, "secret_access_key": pair.secret_access_key, **token}
        return replace(credential, extra={"region": self._region, **credential.extra, **keys})
