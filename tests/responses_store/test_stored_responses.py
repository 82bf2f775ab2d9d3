"""Tests that an account can continue, read and delete its stored responses, in memory and on DynamoDB and S3."""

import asyncio
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import Text, Thinking, ToolCall, ToolResult
from gateway.canonical.response import ChatResponse, Choice, Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.errors import InvalidRequest, NotFound, ServiceUnavailable
from gateway.ports.objects import Objects
from gateway.ports.responses import ResponseRecord, ResponseRecords
from gateway.protocols import openai_responses
from gateway.protocols.openai_responses import items
from gateway.responses import store as stored_responses
from gateway.responses.store import CONVERSATION_BYTES_MAX, KEEP_S, REFERENCES_MAX, StoredResponses
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.responses import DynamoResponseRecords
from gateway.stores.s3.objects import S3Objects
from gateway.transport import Client
from tests.fakes.objects import MemoryObjects
from tests.fakes.responses import MemoryResponseRecords
from tests.stores.conftest import CREDENTIALS, REGION, StoppedClock, api, boto, fresh, new_table

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

FIRST, SECOND, THIRD = "resp_nxn-1", "resp_nxn-2", "resp_nxn-3"


def request(text: str | list[Json], **members: Any) -> bytes:
    return orjson.dumps({"model": "some-model", "input": text, **members})


def response(response_id: str, text: str) -> bytes:
    said = {"type": "output_text", "text": text, "annotations": []}
    message = {"type": "message", "id": f"msg_{response_id}", "role": "assistant", "status": "completed"}
    return orjson.dumps({"id": response_id, "object": "response", "output": [message | {"content": [said]}]})


def texts(body: bytes) -> list[str]:
    """Lists the texts of a conversation, of all roles."""
    told = (item["content"] for item in orjson.loads(body)["input"])
    return [content if isinstance(content, str) else content[0]["text"] for content in told]


@pytest.fixture(params=["memory", "aws"])
def stores(request: pytest.FixtureRequest, client: Client, clock: StoppedClock) -> tuple[ResponseRecords, Objects]:
    if request.param == "memory":
        return MemoryResponseRecords(), MemoryObjects()
    moto = request.getfixturevalue("endpoints").moto
    bucket = fresh("responses")
    boto("s3", moto).create_bucket(Bucket=bucket)
    table = new_table(moto, "account_id", "response_id")
    objects = S3Objects(client, clock, StaticCredentials(CREDENTIALS), region=REGION, bucket=bucket, endpoint=moto)
    return DynamoResponseRecords(api(client, clock, "dynamodb", moto), table), objects


@pytest.fixture
def stored(stores: tuple[ResponseRecords, Objects], clock: StoppedClock) -> StoredResponses:
    return StoredResponses(*stores, clock)


async def three_turns(stored: StoredResponses) -> bytes:
    """Returns the third request of a conversation of three turns, as a provider gets it."""
    await stored.keep("acct_1", FIRST, await stored.continued("acct_1", request("one")), response(FIRST, "first"))
    second = await stored.continued("acct_1", request("two", previous_response_id=FIRST))
    await stored.keep("acct_1", SECOND, second, response(SECOND, "second"))
    third = await stored.continued("acct_1", request("three", previous_response_id=SECOND))
    await stored.keep("acct_1", THIRD, third, response(THIRD, "third"))
    return third


async def test_a_request_without_a_previous_response_stays_as_it_came(stored: StoredResponses) -> None:
    body = b'{ "model": "m", "input" : "one" }'
    assert await stored.continued("acct_1", body) == body


async def test_each_turn_goes_on_from_all_before_it(stored: StoredResponses) -> None:
    assert texts(await three_turns(stored)) == ["one", "first", "two", "second", "three"]


async def test_no_provider_hears_of_the_previous_response(stored: StoredResponses) -> None:
    assert "previous_response_id" not in orjson.loads(await three_turns(stored))


async def test_the_next_turn_is_found_by_another_process(
    stores: tuple[ResponseRecords, Objects], clock: StoppedClock
) -> None:
    await StoredResponses(*stores, clock).keep("acct_1", FIRST, request("one"), response(FIRST, "first"))
    body = await StoredResponses(*stores, clock).continued("acct_1", request("two", previous_response_id=FIRST))
    assert texts(body) == ["one", "first", "two"]


async def test_two_turns_may_go_on_from_one(stored: StoredResponses) -> None:
    await three_turns(stored)
    bodies = await asyncio.gather(
        *(stored.continued("acct_1", request(word, previous_response_id=FIRST)) for word in ("left", "right"))
    )
    assert [texts(body) for body in bodies] == [["one", "first", "left"], ["one", "first", "right"]]


async def test_a_stored_response_is_read_as_its_caller_got_it(stored: StoredResponses) -> None:
    await three_turns(stored)
    assert items.retrieved(await stored.read("acct_1", SECOND)) == response(SECOND, "second")


async def test_the_input_items_of_a_response_are_listed(stored: StoredResponses) -> None:
    await three_turns(stored)
    page = orjson.loads(items.listed(await stored.read("acct_1", SECOND), order="asc"))
    assert [item["content"][0]["text"] for item in page["data"]] == ["one", "first", "two"]


async def test_another_accounts_response_is_as_unknown_as_none(stored: StoredResponses) -> None:
    await three_turns(stored)
    with pytest.raises(NotFound) as read:
        await stored.read("acct_2", FIRST)
    with pytest.raises(NotFound):
        await stored.delete("acct_2", FIRST)
    with pytest.raises(InvalidRequest) as gone_on:
        await stored.continued("acct_2", request("x", previous_response_id=FIRST))
    assert (read.value.status, read.value.code, read.value.message) == (
        404, "response_not_found", f"Response with id '{FIRST}' not found."
    )  # fmt: skip
    assert (gone_on.value.status, gone_on.value.param, gone_on.value.code) == (
        400, "previous_response_id", "previous_response_not_found"
    )  # fmt: skip
    assert items.retrieved(await stored.read("acct_1", FIRST))


@pytest.mark.parametrize("response_id", ["resp_unknown", "chatcmpl-1", "", "resp_/../x", "resp_" + "x" * 2_000])
async def test_what_is_no_stored_response_is_unknown(stored: StoredResponses, response_id: str) -> None:
    with pytest.raises(NotFound):
        await stored.read("acct_1", response_id)


async def test_a_deleted_response_is_gone_with_its_content(
    stores: tuple[ResponseRecords, Objects], stored: StoredResponses, clock: StoppedClock
) -> None:
    records, objects = stores
    await three_turns(stored)
    record = await records.get("acct_1", FIRST, clock.now_s())
    assert record is not None
    await stored.delete("acct_1", FIRST)
    with pytest.raises(NotFound):
        await stored.read("acct_1", FIRST)
    with pytest.raises(NotFound):
        await stored.delete("acct_1", FIRST)
    assert await objects.get(record.object_name) is None


async def test_a_turn_outlives_the_deletion_of_one_before_it(stored: StoredResponses) -> None:
    await three_turns(stored)
    await stored.delete("acct_1", FIRST)
    await stored.delete("acct_1", SECOND)
    body = await stored.continued("acct_1", request("four", previous_response_id=THIRD))
    assert texts(body) == ["one", "first", "two", "second", "three", "third", "four"]


async def test_a_response_is_kept_for_thirty_days(stored: StoredResponses, clock: StoppedClock) -> None:
    await three_turns(stored)
    clock.at_s += KEEP_S - 1
    assert items.retrieved(await stored.read("acct_1", FIRST))
    clock.at_s += 1
    with pytest.raises(NotFound):
        await stored.read("acct_1", FIRST)


async def test_a_turn_outlives_the_expiry_of_one_before_it(stored: StoredResponses, clock: StoppedClock) -> None:
    await stored.keep("acct_1", FIRST, request("one"), response(FIRST, "first"))
    clock.at_s += KEEP_S - 1
    second = await stored.continued("acct_1", request("two", previous_response_id=FIRST))
    await stored.keep("acct_1", SECOND, second, response(SECOND, "second"))
    clock.at_s += KEEP_S - 1
    body = await stored.continued("acct_1", request("three", previous_response_id=SECOND))
    assert texts(body) == ["one", "first", "two", "second", "three"]


async def test_a_conversation_too_large_to_go_on_can_still_be_read(stored: StoredResponses) -> None:
    await stored.keep("acct_1", FIRST, request("x" * CONVERSATION_BYTES_MAX), response(FIRST, "first"))
    with pytest.raises(InvalidRequest) as refused:
        await stored.continued("acct_1", request("two", previous_response_id=FIRST))
    assert (refused.value.param, refused.value.code) == ("previous_response_id", "conversation_too_large")
    assert orjson.loads(items.retrieved(await stored.read("acct_1", FIRST)))["id"] == FIRST


async def test_thoughts_and_calls_of_a_bridged_answer_come_before_the_next_turn(stored: StoredResponses) -> None:
    codec = openai_responses.CLIENT
    answer = ChatResponse(
        "id",
        "model",
        None,
        (Choice(0, (Thinking("Hm.", "sig", "gemini"), ToolCall("call_1", "f", "{}")), FinishReason.TOOL_CALLS),),
        None,
    )
    body = codec.encode_response(
        answer, Stamp(FIRST, "m", 1), Extension("gen-1", "m", (Tried("m", "p", "served"),), "miss", "0")
    )
    await stored.keep("acct_1", FIRST, request("one"), body)
    result = {"type": "function_call_output", "call_id": "call_1", "output": "2"}
    next_turn = codec.decode_request(await stored.continued("acct_1", request([result], previous_response_id=FIRST)))
    assert [message.parts for message in next_turn.messages] == [
        (Text("one"),),
        (Thinking("Hm.", "sig", "gemini"), ToolCall("call_1", "f", "{}")),
        (ToolResult("call_1", (Text("2"),)),),
    ]


class Absent(MemoryObjects):
    """A bucket that cannot be reached or, if `silent`, never answers."""

    def __init__(self, *, silent: bool) -> None:
        super().__init__()
        self._silent = silent

    async def put(self, name: str, body: bytes) -> None:
        if self._silent:
            await asyncio.Event().wait()
        raise ServiceUnavailable(f"{name}: {len(body)} bytes")


@pytest.mark.parametrize("silent", [False, True], ids=["away", "silent"])
async def test_an_answer_that_cannot_be_kept_is_not_found_and_nothing_else(
    clock: StoppedClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr(stored_responses, "KEEP_WITHIN_S", 0.01)
    stored = StoredResponses(MemoryResponseRecords(), Absent(silent=silent), clock)
    await stored.keep("acct_1", FIRST, request("one"), response(FIRST, "first"))
    with pytest.raises(NotFound):
        await stored.read("acct_1", FIRST)
    assert [record.getMessage() for record in caplog.records] == [f"response {FIRST} could not be kept"]


async def test_a_record_never_stands_without_its_content(clock: StoppedClock) -> None:
    """Checks a process that dies between the two writes: it leaves unreachable bytes, which their lifecycle removes."""
    objects = MemoryObjects()

    class Dying(MemoryResponseRecords):
        async def put(self, record: ResponseRecord) -> None:
            assert await objects.get(record.object_name) is not None
            await super().put(record)

    stored = StoredResponses(Dying(), objects, clock)
    await stored.keep("acct_1", FIRST, request("one"), response(FIRST, "first"))
    assert orjson.loads(items.retrieved(await stored.read("acct_1", FIRST)))["id"] == FIRST


def reference(name: str) -> Json:
    return {"type": "item_reference", "id": name}


async def test_an_item_of_an_earlier_answer_stands_in_the_place_of_a_reference_to_it(stored: StoredResponses) -> None:
    await three_turns(stored)
    asked: list[Json] = [{"role": "user", "content": "one"}, reference(f"msg_{FIRST}"), reference(f"msg_{SECOND}")]
    body = await stored.continued("acct_1", request([*asked, {"role": "user", "content": "four"}], seed=1))
    assert texts(body) == ["one", "first", "second", "four"]
    assert orjson.loads(body)["input"][1] == orjson.loads(response(FIRST, "first"))["output"][0]
    assert orjson.loads(body)["seed"] == 1


async def test_references_are_resolved_beside_a_previous_response(stored: StoredResponses) -> None:
    await three_turns(stored)
    body = await stored.continued("acct_1", request([reference(f"msg_{FIRST}")], previous_response_id=FIRST))
    assert texts(body) == ["one", "first", "first"]


async def test_a_referenced_item_comes_without_nulls(stored: StoredResponses) -> None:
    reasoning: Json = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA", "status": None}
    answer = orjson.dumps({"id": FIRST, "object": "response", "output": [reasoning]})
    await stored.keep("acct_1", FIRST, request("one"), answer)
    (item,) = orjson.loads(await stored.continued("acct_1", request([reference("rs_1")])))["input"]
    assert item == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"}


@pytest.mark.parametrize("name", ["msg_unknown", FIRST, "../x", f"msg_{SECOND}"])
async def test_a_reference_that_leads_nowhere_is_refused_by_its_name(stored: StoredResponses, name: str) -> None:
    await three_turns(stored)
    await stored.delete("acct_1", SECOND)
    with pytest.raises(InvalidRequest, match=f"Item with id '{name}' not found") as caught:
        await stored.continued("acct_1", request([reference(f"msg_{FIRST}"), reference(name)]))
    assert caught.value.param == "input"


async def test_another_accounts_items_are_unknown(stored: StoredResponses) -> None:
    await three_turns(stored)
    with pytest.raises(InvalidRequest, match="not found"):
        await stored.continued("acct_2", request([reference(f"msg_{FIRST}")]))


async def test_an_items_id_is_no_responses(stored: StoredResponses) -> None:
    await three_turns(stored)
    with pytest.raises(NotFound):
        await stored.read("acct_1", f"msg_{FIRST}")


async def test_more_references_than_a_conversation_has_are_refused(stored: StoredResponses) -> None:
    many = [reference(f"msg_{number}") for number in range(REFERENCES_MAX + 1)]
    with pytest.raises(InvalidRequest, match="more than 500 items"):
        await stored.continued("acct_1", request(many))


async def test_referenced_items_are_bounded_as_a_conversation_is(stored: StoredResponses) -> None:
    await stored.keep("acct_1", FIRST, request("one"), response(FIRST, "x" * (CONVERSATION_BYTES_MAX + 1)))
    with pytest.raises(InvalidRequest) as caught:
        await stored.continued("acct_1", request([reference(f"msg_{FIRST}")]))
    assert (caught.value.param, caught.value.code) == ("input", "conversation_too_large")


async def test_a_reference_without_an_id_is_refused(stored: StoredResponses) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await stored.continued("acct_1", request([{"type": "item_reference"}]))
    assert caught.value.param == "input[0].id"
