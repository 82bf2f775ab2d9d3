"""Tests of the records of conversations, alike in memory, on DynamoDB Local and on moto."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.ports.conversations import Conversation, ConversationRecords
from gateway.ports.responses import ResponseRecord
from gateway.stores.conversations import DynamoConversationRecords
from gateway.stores.responses import DynamoResponseRecords
from gateway.transport import Client
from tests.fakes.conversations import MemoryConversationRecords
from tests.stores.conftest import StoppedClock, api, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio
FIRST = Conversation("acct_1", "conv_nxn-01", "conversations/abc", 100, 100, 200)
DESCRIBED = replace(FIRST, title="Mine", metadata='{"a":1.5}', version=3, items=7, size_bytes=90, revision=1)


@pytest.fixture(params=["memory", "dynamodb_local", "moto"])
def records(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> ConversationRecords:
    if request.param == "memory":
        return MemoryConversationRecords()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoConversationRecords(
        api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "response_id")
    )


async def ids(records: ConversationRecords, *, limit: int = 10, before: str | None = None) -> list[str]:
    found = await records.page("acct_1", 150, limit=limit, before=before)
    return [record.conversation_id for record in found]


async def test_a_record_is_read_as_it_was_put_until_it_expires(records: ConversationRecords) -> None:
    assert await records.put(FIRST, instead_of=None)
    assert await records.get("acct_1", "conv_nxn-01", 199.9) == FIRST
    assert await records.put(DESCRIBED, instead_of=FIRST)
    assert await records.get("acct_1", "conv_nxn-01", 199.9) == DESCRIBED
    assert await records.get("acct_1", "conv_nxn-01", 200) is None
    assert await records.get("acct_2", "conv_nxn-01", 150) is None


async def test_a_revision_is_replaced_once(records: ConversationRecords) -> None:
    assert await records.put(FIRST, instead_of=None)
    assert not await records.put(replace(FIRST, title="another"), instead_of=None)
    assert await records.put(DESCRIBED, instead_of=FIRST)
    assert not await records.put(replace(DESCRIBED, title="late"), instead_of=FIRST)
    # Another writer of the same.
    assert not await records.put(DESCRIBED, instead_of=FIRST)
    assert await records.get("acct_1", "conv_nxn-01", 150) == DESCRIBED


async def test_a_revision_is_deleted_and_no_later_one(records: ConversationRecords) -> None:
    await records.put(FIRST, instead_of=None)
    await records.put(DESCRIBED, instead_of=FIRST)
    assert not await records.delete(FIRST)
    assert await records.delete(DESCRIBED)
    assert await records.delete(DESCRIBED)
    assert await records.get("acct_1", "conv_nxn-01", 150) is None
    assert not await records.put(replace(DESCRIBED, revision=2), instead_of=DESCRIBED)


async def test_a_page_has_the_account_s_records_newest_first(records: ConversationRecords) -> None:
    for number in range(5):
        expires_at_s = 120 if number == 2 else 200
        await records.put(
            replace(FIRST, conversation_id=f"conv_nxn-0{number}", expires_at_s=expires_at_s), instead_of=None
        )
    await records.put(replace(FIRST, account_id="acct_2", conversation_id="conv_nxn-09"), instead_of=None)
    assert await ids(records) == ["conv_nxn-04", "conv_nxn-03", "conv_nxn-01", "conv_nxn-00"]
    assert await ids(records, limit=2) == ["conv_nxn-04", "conv_nxn-03"]
    assert await ids(records, limit=2, before="conv_nxn-03") == ["conv_nxn-01", "conv_nxn-00"]
    assert await ids(records, before="conv_nxn-02") == ["conv_nxn-01", "conv_nxn-00"]
    # One that was deleted since.
    assert await ids(records, before="conv_nxn-02x") == ["conv_nxn-01", "conv_nxn-00"]
    assert await ids(records, before="conv_nxn-00") == []


async def test_stored_responses_and_conversations_share_a_table_and_not_their_lists(
    endpoints: Endpoints, client: Client, clock: StoppedClock
) -> None:
    aws, table = (
        api(client, clock, "dynamodb", endpoints.of("dynamodb_local")),
        new_table(endpoints.of("dynamodb_local"), "account_id", "response_id"),
    )
    records = DynamoConversationRecords(aws, table)
    for name in ("resp_nxn-1", "msg_nxn-1", "cona_1"):
        await DynamoResponseRecords(aws, table).put(ResponseRecord("acct_1", name, "responses/abc", 100, 200))
    await records.put(FIRST, instead_of=None)
    assert await ids(records) == ["conv_nxn-01"]
