"""Edits a secret of providers for an operator: reads all rows, and writes them back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import AwsApi, AwsError
from gateway.stores.aws.provider_credentials import NO_VALUE

Rows = dict[str, dict[str, Any]]


class SecretProviderRows:
    """The rows of one of a deployment's two secrets of providers."""

    def __init__(self, aws: AwsApi, secret: str) -> None:
        self._aws = aws
        self._secret = secret

    async def read(self) -> Rows:
        """All rows; empty if the secret was never filled."""
        try:
            answer = await self._aws.call("secretsmanager", "GetSecretValue", {"SecretId": self._secret})
        except AwsError as error:
            if error.code == NO_VALUE:
                return {}
            raise ServiceUnavailable(f"The providers' secret cannot be read: {error}") from error
        rows: Rows = orjson.loads(answer["SecretString"])
        return rows

    async def write(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Replaces all rows by these. Functions read them within minutes."""
        value = orjson.dumps(dict(rows), option=orjson.OPT_SORT_KEYS).decode()
        token = uuid4().hex
        question = {"SecretId": self._secret, "SecretString": value, "ClientRequestToken": token}
        try:
            await self._aws.call("secretsmanager", "PutSecretValue", question)
        except AwsError as error:
            raise ServiceUnavailable(f"The providers' secret cannot be written: {error}") from error
