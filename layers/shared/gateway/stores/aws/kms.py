"""Data keys of KMS: made with the gateway's key, and unwrapped by it in the same encryption context alone.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.ports.provider_keys import DataKey
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, Item, repeated

TRIES = 3


class KmsDataKeys:
    """`DataKeys` by one key of KMS; `key_arn` is empty in a function that may use none."""

    def __init__(self, aws: AwsApi, key_arn: str) -> None:
        self._aws = aws
        self._key_arn = key_arn

    async def new(self, context: Mapping[str, str]) -> DataKey:
        answer = await self._call("GenerateDataKey", {"EncryptionContext": dict(context), "KeySpec": "AES_256"})
        return DataKey(base64.b64decode(answer["Plaintext"]), answer["CiphertextBlob"])

    async def unwrapped(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        answer = await self._call("Decrypt", {"CiphertextBlob": wrapped, "EncryptionContext": dict(context)})
        return base64.b64decode(answer["Plaintext"])

    async def _call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        attempt = partial(self._aws.call, "kms", operation, {"KeyId": self._key_arn, **payload})
        try:
            return await repeated(attempt, tries=TRIES, ambiguous=True)
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
