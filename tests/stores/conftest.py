"""Stores on real servers; each test has its own table, bucket and queue."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.client import AwsApi, Unanswered
from gateway.stores.aws.credentials import StaticCredentials
from gateway.transport import Client, Timeouts
from local.aws_services import ServiceName, Services
from tests.hangs import HANGS_AFTER_S

REGION = "us-east-1"
CREDENTIALS = AwsCredentials("local", "local")
TIMEOUTS = Timeouts(HANGS_AFTER_S, HANGS_AFTER_S, HANGS_AFTER_S)


@dataclass
class StoppedClock:
    """Both clocks at once, turned by hand."""

    at_s: float = 1_795_244_400.0

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


def boto(service: ServiceName, endpoint: str) -> Any:
    """Returns AWS's own client, to prepare a test and to inspect a store's result."""
    return Services(dynamodb=endpoint, moto=endpoint).client(service)


def fresh(name: str) -> str:
    return f"{name}-{secrets.token_hex(4)}"


def new_table(endpoint: str, *keys: str) -> str:
    """Creates a table with these string attributes as its hash and range key."""
    name = fresh("table")
    boto("dynamodb", endpoint).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
    )
    return name


class DeafOnce(AwsApi):
    """An API whose answer to the first write is lost, although it was made."""

    lost = False

    async def call(self, service: str, operation: str, payload: Any) -> dict[str, Any]:
        answer = await super().call(service, operation, payload)
        if operation in {"PutItem", "TransactWriteItems"} and not self.lost:
            self.lost = True
            raise Unanswered("Timeout", "no answer")
        return answer


def deaf_once(client: Client, clock: StoppedClock, endpoint: str) -> DeafOnce:
    """The API of DynamoDB that loses one answer."""
    return DeafOnce(client, clock, StaticCredentials(CREDENTIALS), REGION, {"dynamodb": endpoint}, TIMEOUTS)


def api(client: Client, clock: StoppedClock, service: str, endpoint: str) -> AwsApi:
    return AwsApi(client, clock, StaticCredentials(CREDENTIALS), REGION, {service: endpoint}, TIMEOUTS)
