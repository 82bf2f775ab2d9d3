"""Tests that run on every store of signatures (memory, DynamoDB Local, moto), and tests of a table's content."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.parts import RedactedThinking, Text, Thinking
from gateway.errors import ServiceUnavailable
from gateway.ports.signatures import Signatures, SignedCall, SignedThought
from gateway.stores.aws.client import AwsApi, AwsError, Item
from gateway.stores.signatures import READ_ITEMS_MAX, SEALED_BYTES_MAX, DynamoSignatures
from gateway.transport import Client
from tests.fakes.signatures import MemorySignatures
from tests.stores.conftest import StoppedClock, api, boto, new_table
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

NOW_S = 1_795_244_400
LATER_S = NOW_S + 86_400
ACCOUNT = "acct_1"
WHOLE = SignedCall(
    "toolu_01A",
    "anthropic_messages",
    signature="call+signature/==",
    thoughts=(
        SignedThought(Thinking("Let me think: 你好\n\x00", "EqQB+/==", "anthropic_messages")),
        SignedThought(RedactedThinking("EmwKAhgB", "anthropic_messages"), 7),
        SignedThought(Text("", signature="c2ln"), 9),
    ),
)
PLAIN = SignedCall("call_1_0", "gemini", signature="CpQB")


@pytest.fixture(params=["memory", "dynamodb", "moto"])
def signatures(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> Signatures:
    if request.param == "memory":
        return MemorySignatures()
    endpoints: Endpoints = request.getfixturevalue("endpoints")
    endpoint = endpoints.of(request.param)
    return DynamoSignatures(api(client, clock, "dynamodb", endpoint), new_table(endpoint, "account_id", "call"))


async def test_what_was_kept_is_recalled_to_the_byte(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [WHOLE, PLAIN], LATER_S)
    recalled = await signatures.recall(ACCOUNT, [WHOLE.call_id, PLAIN.call_id], NOW_S)
    assert recalled == {WHOLE.call_id: WHOLE, PLAIN.call_id: PLAIN}


async def test_an_unknown_call_is_left_out(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    assert await signatures.recall(ACCOUNT, ["unknown", PLAIN.call_id], NOW_S) == {PLAIN.call_id: PLAIN}


async def test_accounts_are_strangers(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    assert await signatures.recall("acct_2", [PLAIN.call_id], NOW_S) == {}


async def test_what_has_expired_is_unknown(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id], LATER_S - 1) == {PLAIN.call_id: PLAIN}
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id], LATER_S) == {}


async def test_keeping_again_replaces(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    newer = replace(PLAIN, signature="newer")
    await signatures.keep(ACCOUNT, [newer], LATER_S)
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id], NOW_S) == {PLAIN.call_id: newer}


async def test_of_one_id_twice_in_an_answer_the_last_stands(signatures: Signatures) -> None:
    newer = replace(PLAIN, signature="newer")
    await signatures.keep(ACCOUNT, [PLAIN, newer], LATER_S)
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id], NOW_S) == {PLAIN.call_id: newer}


async def test_an_id_may_be_asked_for_twice(signatures: Signatures) -> None:
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id, PLAIN.call_id], NOW_S) == {PLAIN.call_id: PLAIN}


async def test_more_calls_than_one_batch_takes_come_back_whole(signatures: Signatures) -> None:
    calls = {f"call_{number}": replace(PLAIN, call_id=f"call_{number}") for number in range(READ_ITEMS_MAX + 5)}
    await signatures.keep(ACCOUNT, list(calls.values()), LATER_S)
    assert await signatures.recall(ACCOUNT, list(calls), NOW_S) == calls


async def test_long_thoughts_come_back_whole(signatures: Signatures) -> None:
    words = " ".join(str(number) for number in range(40_000))
    long = replace(WHOLE, thoughts=(SignedThought(Thinking(words, "s" * 3_000, "anthropic_messages")),))
    await signatures.keep(ACCOUNT, [long], LATER_S)
    assert await signatures.recall(ACCOUNT, [long.call_id], NOW_S) == {long.call_id: long}


async def test_many_at_once_do_not_disturb_one_another(signatures: Signatures) -> None:
    calls = [replace(PLAIN, call_id=f"call_{number}") for number in range(20)]
    await asyncio.gather(*(signatures.keep(ACCOUNT, [call], LATER_S) for call in calls))
    recalled = await signatures.recall(ACCOUNT, [call.call_id for call in calls], NOW_S)
    assert recalled == {call.call_id: call for call in calls}


@pytest.fixture
def table(endpoints: Endpoints, client: Client, clock: StoppedClock) -> tuple[DynamoSignatures, str, Any]:
    name = new_table(endpoints.moto, "account_id", "call")
    aws = api(client, clock, "dynamodb", endpoints.moto)
    return DynamoSignatures(aws, name), name, boto("dynamodb", endpoints.moto)


async def test_a_table_shows_neither_thoughts_nor_signatures_nor_ids(table: tuple[DynamoSignatures, str, Any]) -> None:
    signatures, name, dynamodb = table
    await signatures.keep(ACCOUNT, [WHOLE], LATER_S)
    (item,) = dynamodb.scan(TableName=name)["Items"]
    shown = repr(item)
    assert item.keys() == {"account_id", "call", "schema_version", "expires_at_s", "sealed"}
    assert [word for word in ("think", "EqQB", "EmwK", "signature", "toolu", "anthropic") if word in shown] == []


async def test_the_same_kept_twice_looks_different(table: tuple[DynamoSignatures, str, Any]) -> None:
    signatures, name, dynamodb = table
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    await signatures.keep("acct_2", [PLAIN], LATER_S)
    assert len({bytes(item["sealed"]["B"]) for item in dynamodb.scan(TableName=name)["Items"]}) == 2


@pytest.mark.parametrize("version", [1, 3])
async def test_an_item_of_another_version_is_not_read(table: tuple[DynamoSignatures, str, Any], version: int) -> None:
    signatures, name, dynamodb = table
    await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    (item,) = dynamodb.scan(TableName=name)["Items"]
    dynamodb.put_item(TableName=name, Item=item | {"schema_version": {"N": str(version)}})
    assert await signatures.recall(ACCOUNT, [PLAIN.call_id], NOW_S) == {}


async def test_an_item_changed_or_moved_in_the_table_costs_only_its_thoughts(
    table: tuple[DynamoSignatures, str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    signatures, name, dynamodb = table
    await signatures.keep(ACCOUNT, [WHOLE, PLAIN], LATER_S)
    items = dynamodb.scan(TableName=name)["Items"]
    for item in items:
        dynamodb.put_item(TableName=name, Item=item | {"account_id": {"S": "acct_2"}})
    changed = items[0] | {"sealed": {"B": bytes(items[0]["sealed"]["B"])[:-1] + b"!"}}
    dynamodb.put_item(TableName=name, Item=changed)
    recalled = await signatures.recall(ACCOUNT, [WHOLE.call_id, PLAIN.call_id], NOW_S)
    assert len(recalled) == 1
    assert await signatures.recall("acct_2", [WHOLE.call_id, PLAIN.call_id], NOW_S) == {}
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 3


async def test_what_no_item_holds_is_not_kept_and_the_rest_is(table: tuple[DynamoSignatures, str, Any]) -> None:
    signatures, _, _ = table
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(SEALED_BYTES_MAX))
    endless = replace(WHOLE, thoughts=(SignedThought(Thinking(noise, "s", "anthropic_messages")),))
    await signatures.keep(ACCOUNT, [endless, PLAIN], LATER_S)
    recalled = await signatures.recall(ACCOUNT, [endless.call_id, PLAIN.call_id], NOW_S)
    assert recalled == {PLAIN.call_id: PLAIN}


class PartialAws(AwsApi):
    """A DynamoDB that processes one element of a batch at a time, and never all of them if `stuck`."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.items: dict[str, Item] = {}
        self.exchanges = 0
        self._stuck = stuck

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        assert service == "dynamodb"
        self.exchanges += 1
        ((table, wanted),) = payload["RequestItems"].items()
        if self._stuck:
            return {"UnprocessedItems": payload["RequestItems"], "UnprocessedKeys": payload["RequestItems"]}
        if operation == "BatchWriteItem":
            put, *rest = wanted
            item = put["PutRequest"]["Item"]
            self.items[item["call"]["S"]] = item
            return {"UnprocessedItems": {table: rest} if rest else {}}
        key, *left = wanted["Keys"]
        rest_of_keys = {table: wanted | {"Keys": left}} if left else {}
        return {"Responses": {table: [self.items[key["call"]["S"]]]}, "UnprocessedKeys": rest_of_keys}


async def test_what_dynamodb_leaves_undone_is_asked_for_again() -> None:
    aws = PartialAws()
    signatures = DynamoSignatures(aws, "table")
    await signatures.keep(ACCOUNT, [WHOLE, PLAIN], LATER_S)
    recalled = await signatures.recall(ACCOUNT, [WHOLE.call_id, PLAIN.call_id], NOW_S)
    assert (recalled, aws.exchanges) == ({WHOLE.call_id: WHOLE, PLAIN.call_id: PLAIN}, 4)


async def test_what_is_never_done_is_an_outage() -> None:
    signatures = DynamoSignatures(PartialAws(stuck=True), "table")
    with pytest.raises(ServiceUnavailable):
        await signatures.keep(ACCOUNT, [PLAIN], LATER_S)
    with pytest.raises(ServiceUnavailable):
        await signatures.recall(ACCOUNT, [PLAIN.call_id], NOW_S)


async def test_a_refusal_is_an_outage() -> None:
    class RefusingAws(PartialAws):
        async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
            raise AwsError("AccessDeniedException", f"{service} {operation} {payload}")

    with pytest.raises(ServiceUnavailable):
        await DynamoSignatures(RefusingAws(), "table").recall(ACCOUNT, [PLAIN.call_id], NOW_S)
