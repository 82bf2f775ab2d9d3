"""Tests of the idempotency ring on its real stores: claims in DynamoDB, bodies in S3."""

import asyncio

import pytest

from gateway.errors import Conflict
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.idempotency import DynamoIdempotencyRecords
from gateway.stores.s3.objects import S3Objects
from gateway.transport import Client
from tests.idempotency.gateway_of_one_account import COST, LEASE_S, Gateway, is_repeat
from tests.stores.conftest import CREDENTIALS, REGION, StoppedClock, api, boto, fresh, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["dynamodb", "moto"])
async def gateway(request: pytest.FixtureRequest, endpoints: Endpoints, client: Client, clock: StoppedClock) -> Gateway:
    endpoint, bucket = endpoints.of(request.param), fresh("answers")
    boto("s3", endpoints.moto).create_bucket(Bucket=bucket)
    made = Gateway(
        records=DynamoIdempotencyRecords(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "scope")),
        objects=S3Objects(
            client, clock, StaticCredentials(CREDENTIALS), region=REGION, bucket=bucket, endpoint=endpoints.moto
        ),
    )
    await made.open()
    return made


async def test_the_same_request_again_gets_the_same_answer_and_is_paid_once(gateway: Gateway) -> None:
    first, second = await gateway.ask(), await gateway.ask()
    assert (is_repeat(second), second.status, second.body) == (True, first.status, first.body)
    assert await gateway.paid() == COST


async def test_of_50_at_once_one_is_served_and_paid(gateway: Gateway) -> None:
    async def ask() -> str | None:
        try:
            return "replayed" if is_repeat(await gateway.ask()) else "served"
        except Conflict as refused:
            return refused.code

    outcomes = await asyncio.gather(*(ask() for _ in range(50)))
    assert outcomes.count("served") == 1
    assert set(outcomes) <= {"served", "replayed", "idempotency_in_progress"}
    assert (len(gateway.served), await gateway.paid()) == (1, COST)


async def test_a_request_whose_process_died_is_taken_over_and_paid_once(gateway: Gateway) -> None:
    async def outlive() -> int:
        gateway.clock.at_s += LEASE_S
        assert (await gateway.ask()).status == 200
        return 200

    await gateway.ask(provider=outlive)
    assert (len(gateway.served), await gateway.paid()) == (2, COST)
