"""AWS credentials that live as long as the process."""

from __future__ import annotations

from gateway.providers.auth.sigv4 import AwsCredentials


class StaticCredentials:
    """A key pair that outlives the process."""

    def __init__(self, credentials: AwsCredentials) -> None:
        self._credentials = credentials

    async def __call__(self) -> AwsCredentials:
        return self._credentials
