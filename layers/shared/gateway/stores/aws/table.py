"""Calls one DynamoDB table: repeats what failed in passing, and says so where the table cannot be reached."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.errors import ServiceUnavailable
from gateway.stores.aws.client import STORE_DOWN, AwsApi, AwsError, ConditionFailed, Item, repeated

TRIES = 5


class Table:
    """One table by its name. A write that is repeated may have been applied: its caller's condition has to know it."""

    def __init__(self, aws: AwsApi, name: str) -> None:
        self._aws = aws
        self._name = name

    async def call(self, operation: str, payload: Mapping[str, Any]) -> Item:
        """Raises `ConditionFailed` where the write's condition did not hold, `ServiceUnavailable` for an outage."""
        attempt = partial(self._aws.call, "dynamodb", operation, {"TableName": self._name, **payload})
        try:
            return await repeated(attempt, tries=TRIES, ambiguous=True)
        except ConditionFailed:
            raise
        except AwsError as error:
            raise ServiceUnavailable(STORE_DOWN) from error
