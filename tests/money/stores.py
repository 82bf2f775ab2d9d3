"""Connects the money tests to DynamoDB: our own client to DynamoDB Local, and boto3 to moto."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import AwsApi, ConditionFailed, Item, TransactionCanceled
from gateway.transport import Client, Timeouts
from tests.hangs import HANGS_AFTER_S
from tests.money.simulation.dynamodb import money_tables


class WallClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        return time.time_ns() / 1e9

    def monotonic_s(self) -> float:
        return time.monotonic()


async def _credentials() -> AwsCredentials:
    return AwsCredentials("test", "test")


def local_api(client: Client, endpoint: str) -> AwsApi:
    """Builds our own AWS client for DynamoDB Local."""
    return AwsApi(
        client,
        WallClock(),
        _credentials,
        "us-east-1",
        {"dynamodb": endpoint},
        Timeouts(HANGS_AFTER_S, HANGS_AFTER_S, HANGS_AFTER_S),
    )


class BotoDynamoDb:
    """A boto3 client in the shape of `AwsApi`: one call at a time, its errors converted to ours."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        assert service == "dynamodb"
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        await asyncio.sleep(0)
        try:
            answer: Item = getattr(self._client, method)(**payload)
        except ClientError as error:
            raise _ours(error) from error
        return answer


def _ours(error: ClientError) -> Exception:
    document: dict[str, Any] = dict(error.response)
    match document["Error"]["Code"]:
        case "ConditionalCheckFailedException":
            return ConditionFailed("", document.get("Item"))
        case "TransactionCanceledException":
            reasons = document["CancellationReasons"]
            return TransactionCanceled("", [(reason.get("Code", "None"), reason.get("Item")) for reason in reasons])
    return error


def create_tables(client: Any, prefix: str = "") -> None:
    """Creates the template's tables that money uses, under their names there after the prefix."""
    for name, table in money_tables().items():
        keyed = dict(zip(table.key, ("HASH", "RANGE"), strict=False))
        indexed = {index.partition: "S" for index in table.indexes.values()}
        indexed |= {index.sort: "N" for index in table.indexes.values()}
        types = dict.fromkeys(table.key, "S") | indexed
        client.create_table(
            TableName=f"{prefix}{name}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keyed.items()],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": index_name,
                    "KeySchema": [
                        {"AttributeName": index.partition, "KeyType": "HASH"},
                        {"AttributeName": index.sort, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
                for index_name, index in table.indexes.items()
            ],
        )
