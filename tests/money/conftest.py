"""One account on each of the stores that must behave alike: memory, the simulation, DynamoDB Local, moto."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from gateway.ports import Money
from gateway.stores.money_dynamodb import DynamoMoney
from gateway.stores.money_memory import MemoryMoney
from gateway.transport import Client
from local import dynamodb
from local.children import Children
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.money.stores import BotoDynamoDb, create_tables, local_api

STORES = ("memory", "simulated", "dynamodb_local", "moto")


NOBODY = boto3.Session(region_name="us-east-1", aws_access_key_id="nobody", aws_secret_access_key="nothing")


@pytest.fixture(scope="session")
def dynamodb_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """DynamoDB Local's endpoint, with the tables; one for the session, and in a thread, for a loop runs in this one."""
    folder: Path = tmp_path_factory.mktemp("dynamodb")

    async def start() -> tuple[Children, str]:
        children = Children(folder / "children.json")
        await children.start()
        (folder / "data").mkdir()
        return children, await dynamodb.start(children, folder / "data", os.environ, folder / "log")

    with ThreadPoolExecutor(1) as thread:
        runner = thread.submit(asyncio.Runner).result()
        try:
            children, endpoint = thread.submit(runner.run, start()).result()
        except dynamodb.Unavailable as why:
            pytest.skip(str(why))
        try:
            create_tables(NOBODY.client("dynamodb", endpoint_url=endpoint))
            yield endpoint
        finally:
            thread.submit(runner.run, children.end_all()).result()
            thread.submit(runner.close).result()


@pytest.fixture
def moto_tables() -> Iterator[BotoDynamoDb]:
    """moto's DynamoDB, empty for each test: a sweep of what others left behind would take it seconds."""
    with mock_aws():
        client = NOBODY.client("dynamodb")
        create_tables(client)
        yield BotoDynamoDb(client)


@pytest.fixture(params=STORES)
async def money(request: pytest.FixtureRequest) -> AsyncIterator[Money]:
    match request.param:
        case "memory":
            yield MemoryMoney()
        case "simulated":
            yield DynamoMoney(SimulatedDynamoDb(page=3), "accounts", "ledger")
        case "dynamodb_local":
            client = Client()
            api = local_api(client, request.getfixturevalue("dynamodb_local"))
            yield DynamoMoney(api, "accounts", "ledger")
            await client.close()
        case "moto":
            yield DynamoMoney(request.getfixturevalue("moto_tables"), "accounts", "ledger")


@pytest.fixture
def account_id() -> str:
    """An account that no other test has: the stores outlive them."""
    return f"acct_{uuid.uuid4().hex[:10]}"
