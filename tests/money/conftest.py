"""Fixtures of one account on each of the stores that must behave alike: memory, simulation with and without sums
of usage, DynamoDB Local, moto."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import boto3
import pytest
from moto import mock_aws

from gateway.ports.money import Money
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import UsageSums
from gateway.transport import Client
from tests.fakes.money import MemoryMoney
from tests.money.invariants import Checked
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.money.stores import BotoDynamoDb, create_tables, local_api
from tests.stores.servers import Endpoints

STORES = ("memory", "simulated", "summed", "dynamodb_local", "moto")


BOTO = boto3.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture(scope="session")
def dynamodb_local(endpoints: Endpoints) -> str:
    """Returns DynamoDB Local's endpoint, with the tables of money. Skips the test if there is no Java."""
    endpoint = endpoints.of("dynamodb_local")
    create_tables(BOTO.client("dynamodb", endpoint_url=endpoint))
    return endpoint


@pytest.fixture
def moto_tables() -> Iterator[BotoDynamoDb]:
    """Yields moto's DynamoDB, empty for each test: a sweep of the leftovers of other tests would take seconds."""
    with mock_aws():
        client = BOTO.client("dynamodb")
        create_tables(client)
        yield BotoDynamoDb(client)


@pytest.fixture(params=STORES)
async def money(request: pytest.FixtureRequest) -> AsyncIterator[Money]:
    match request.param:
        case "memory":
            yield Checked(MemoryMoney())
        case "simulated":
            yield Checked(DynamoMoney(SimulatedDynamoDb(page=3), "accounts", "ledger"))
        case "summed":
            api = SimulatedDynamoDb(page=3)
            tables = MoneyTables(api, "accounts", "ledger")
            yield Checked(DynamoMoney(api, "accounts", "ledger"), UsageSums(tables))
        case "dynamodb_local":
            client = Client()
            local = local_api(client, request.getfixturevalue("dynamodb_local"))
            yield DynamoMoney(local, "accounts", "ledger")
            await client.close()
        case "moto":
            yield DynamoMoney(request.getfixturevalue("moto_tables"), "accounts", "ledger")


@pytest.fixture
def account_id() -> str:
    """Returns an account that no other test has, because the stores outlive the tests."""
    return f"acct_{uuid.uuid4().hex[:10]}"
