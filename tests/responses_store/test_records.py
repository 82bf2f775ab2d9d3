"""Tests that run on every store of response records: memory, DynamoDB Local, and moto."""

import pytest
from msgspec.structs import replace

from gateway.errors import ServiceUnavailable
from gateway.ports.responses import ResponseRecord, ResponseRecords
from gateway.stores.responses import DynamoResponseRecords
from gateway.transport import Client
from tests.fakes.responses import MemoryResponseRecords
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_795_244_400
RECORD = ResponseRecord("acct_1", "resp_nxn-1", "responses/abc", NOW_S, NOW_S + 2_592_000)


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def records(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> ResponseRecords:
    if request.param == "memory":
        return MemoryResponseRecords()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoResponseRecords(
        api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "response_id")
    )


async def test_what_was_put_is_got(records: ResponseRecords) -> None:
    await records.put(RECORD)
    assert await records.get("acct_1", "resp_nxn-1", NOW_S) == RECORD


async def test_an_unknown_response_is_nothing(records: ResponseRecords) -> None:
    assert await records.get("acct_1", "resp_nxn-1", NOW_S) is None


async def test_accounts_are_strangers(records: ResponseRecords) -> None:
    await records.put(RECORD)
    assert await records.get("acct_2", "resp_nxn-1", NOW_S) is None


async def test_an_expired_record_is_nothing(records: ResponseRecords) -> None:
    await records.put(RECORD)
    assert await records.get("acct_1", "resp_nxn-1", RECORD.expires_at_s - 1) == RECORD
    assert await records.get("acct_1", "resp_nxn-1", RECORD.expires_at_s) is None


async def test_a_deleted_record_is_nothing(records: ResponseRecords) -> None:
    await records.put(RECORD)
    await records.put(replace(RECORD, response_id="resp_nxn-2"))
    await records.delete(RECORD)
    assert await records.get("acct_1", "resp_nxn-1", NOW_S) is None
    assert await records.get("acct_1", "resp_nxn-2", NOW_S) == replace(RECORD, response_id="resp_nxn-2")


async def test_deleting_an_unknown_record_is_no_fault(records: ResponseRecords) -> None:
    await records.delete(RECORD)
    assert await records.get("acct_1", "resp_nxn-1", NOW_S) is None


async def test_a_table_that_is_not_there_is_an_outage(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    records = DynamoResponseRecords(api(client, clock, "dynamodb", endpoints.moto), "no-such-table")
    with pytest.raises(ServiceUnavailable):
        await records.get("acct_1", "resp_nxn-1", NOW_S)
