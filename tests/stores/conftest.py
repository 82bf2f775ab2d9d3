"""Stores on real servers, each test with a table, a bucket and a queue of its own."""

import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.framing.sigv4 import AwsCredentials
from gateway.stores.aws import AwsApi
from gateway.stores.aws_credentials import StaticCredentials
from gateway.transport import Client, Timeouts
from local.aws_services import ServiceName, Services
from tests.stores.servers import serving

REGION = "us-east-1"
CREDENTIALS = AwsCredentials("local", "local")
TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=20.0, idle_s=20.0)


@dataclass
class StoppedClock:
    """Both clocks at once, turned by hand."""

    at_s: float = 1_795_244_400.0

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass(frozen=True)
class Endpoints:
    dynamodb: str | None
    moto: str

    def of(self, backend: str) -> str:
        """The DynamoDB of a backend; skips the test where there is no Java."""
        endpoint = self.moto if backend == "moto" else self.dynamodb
        if endpoint is None:
            pytest.skip("there is no Java for DynamoDB Local")
        return endpoint


@pytest.fixture(scope="session")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with serving(tmp_path_factory.mktemp("aws")) as (dynamodb, moto):
        yield Endpoints(dynamodb, moto)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    made = Client()
    yield made
    await made.close()


def boto(service: ServiceName, endpoint: str) -> Any:
    """AWS's own client, to make what a test needs and to look at what a store did."""
    return Services(dynamodb=endpoint, moto=endpoint).client(service)


def fresh(name: str) -> str:
    return f"{name}-{secrets.token_hex(4)}"


def new_table(endpoint: str, *keys: str) -> str:
    """A table with these string attributes as its hash and range key."""
    name = fresh("table")
    boto("dynamodb", endpoint).create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
    )
    return name


def api(client: Client, clock: StoppedClock, service: str, endpoint: str) -> AwsApi:
    return AwsApi(client, clock, StaticCredentials(CREDENTIALS), REGION, {service: endpoint}, TIMEOUTS)
