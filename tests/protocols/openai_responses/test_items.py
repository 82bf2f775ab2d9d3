"""Tests of this wire's stored items, and of their place before the next turn."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.pagination import SyncCursorPage
from openai.types.responses import Response, ResponseItem

from gateway.canonical.events import Finished, TextDelta
from gateway.canonical.parts import Message, Text
from gateway.canonical.response import Extension, FinishReason, Stamp
from gateway.canonical.tries import Tried
from gateway.errors import InvalidRequest
from gateway.protocols.openai_responses import CLIENT, items

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
THOUGHT = {"type": "reasoning", "id": "rs", "summary": []}
ANSWER = orjson.dumps({"id": "resp_nxn-1", "store": False, "output": [THOUGHT | {"status": None}]})


def listed(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(body)
    return document


def turn(count: int = 3) -> bytes:
    given = [{"role": "user", "content": f"{number}"} for number in range(count)]
    return items.kept(orjson.dumps({"model": "m", "input": given}), ANSWER)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("hi", [ASKED]), (None, []), ([], []), ([{"role": "user", "content": "x"}], [{"role": "user", "content": "x"}])],
)
def test_input_is_items(given: Any, expected: list[Any]) -> None:
    assert items.input_items(orjson.dumps({"input": given})) == expected


BEFORE = {"previous_response_id": "resp_1"}


@pytest.mark.parametrize("body", [b"nonsense", b"[]", b'{"input": 5}', b'{"input": ["x"]}'])
def test_input_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        items.input_items(body)


def test_the_previous_response_is_named_by_the_request() -> None:
    assert items.previous_response_id(b'{"previous_response_id": "resp_1"}') == "resp_1"
    assert items.previous_response_id(b"{}") is None


def test_history_comes_before_the_requests_own_bytes() -> None:
    body = b'{"model": "m", "input": [ {"role":"user",  "content":"more"} ], "previous_response_id": "resp_1"}'
    assert items.with_history(body, [{"role": "user", "content": "hi"}], BEFORE) == (
        b'{"model": "m", "input": [{"role":"user","content":"hi"}, {"role":"user",  "content":"more"} ],'
        b'"nexevo":{"previous_response_id":"resp_1"}}'
    )


@pytest.mark.parametrize("given", ['"more"', '[{"role": "user", "content": "more"}]'])
def test_a_request_with_its_history_decodes_as_one_conversation(given: str) -> None:
    body = f'{{"model": "m", "input": {given}, "previous_response_id": "resp_1", "conversation": null}}'.encode()
    request = CLIENT.decode_request(items.with_history(body, [ASKED], BEFORE))
    assert request.messages == (Message("user", (Text("hi"),)), Message("user", (Text("more"),)))
    assert (request.unmapped, request.echo["previous_response_id"]) == ({}, "resp_1")


@pytest.mark.parametrize("given", ["[]", "null"])
def test_history_may_be_all_there_is(given: str) -> None:
    body = f'{{"model": "m", "input": {given}}}'.encode()
    assert listed(items.with_history(body, [ASKED], BEFORE))["input"] == [ASKED]


@pytest.mark.parametrize("named", ['"conv_1"', '{"id": "conv_1"}'])
def test_a_conversation_is_named_by_its_id_or_as_an_object(named: str) -> None:
    body = f'{{"input": "more", "conversation": {named}}}'.encode()
    assert items.NAMES_CONVERSATION in body
    assert items.conversation_id(body) == "conv_1"
    assert items.conversation_of(body) is None
    whole = items.with_history(body, [ASKED, ASKED], {"conversation": {"id": "conv_1", "items": 2}})
    assert items.NAMES_CONVERSATION in whole
    assert (items.conversation_id(whole), items.conversation_of(whole)) == (None, ("conv_1", 2))
    assert CLIENT.decode_request(b'{"model": "m",' + whole[1:]).echo["conversation"] == {"id": "conv_1"}


def test_a_kept_turn_is_all_that_the_next_one_needs() -> None:
    assert items.history(items.kept(b'{"model": "m", "input": "hi"}', ANSWER)) == [
        ASKED,
        THOUGHT,
    ]


def test_a_kept_golden_is_retrieved_as_the_sdks_type() -> None:
    body = items.retrieved(items.kept(b'{"input": "hi"}', (GOLDEN / "answer.json").read_bytes()))
    assert Response.model_validate(orjson.loads(body)).output_text == "Let me see. Oslo [1]"


def test_the_response_of_a_stream_is_in_its_ending() -> None:
    request = CLIENT.decode_request(b'{"model": "m", "input": "hi", "stream": true}')
    encoder = CLIENT.stream_encoder(request, Stamp("resp_nxn-1", "m", 5))
    encoder.encode(TextDelta("Hi", 0))
    encoder.encode(Finished(FinishReason.STOP))
    response = items.response_in(encoder.finish(Extension("g", "m", (Tried("m", "p", "served"),), "miss", "0")))
    assert response is not None
    assert Response.model_validate(orjson.loads(response)).output_text == "Hi"
    assert items.response_in(b"data: [DONE]\n\n") is None


def test_a_deletion_says_so() -> None:
    assert listed(items.deleted("resp_1")) == {"id": "resp_1", "object": "response", "deleted": True}


def test_items_are_listed_newest_first_a_page_at_a_time() -> None:
    first = listed(items.listed(turn(), limit=2))
    assert [item["content"][0]["text"] for item in first["data"]] == ["2", "1"]
    assert (first["first_id"], first["last_id"], first["has_more"]) == ("msg_nxn-1-in2", "msg_nxn-1-in1", True)
    last = listed(items.listed(turn(), after=first["last_id"], limit=2))
    assert ([item["content"][0]["text"] for item in last["data"]], last["has_more"]) == (["0"], False)


def test_items_are_listed_in_their_order_where_it_is_asked_for() -> None:
    assert [item["id"][-1] for item in listed(items.listed(turn(), order="asc"))["data"]] == ["0", "1", "2"]


def test_an_empty_list_has_neither_end() -> None:
    assert listed(items.listed(turn(0))) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("asked", "param"),
    [({"order": "up"}, "order"), ({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"after": "x"}, "after")],
)
def test_a_list_that_cannot_be_is_refused_by_name(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        items.listed(turn(), **asked)
    assert caught.value.param == param


def test_listed_items_are_of_the_sdks_types() -> None:
    given = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Hello"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "1"},
    ]
    body = items.listed(items.kept(orjson.dumps({"input": given}), ANSWER), order="asc")
    page = SyncCursorPage[ResponseItem].model_validate(orjson.loads(body))
    assert [item.type for item in page.data] == ["message", "message", "function_call", "function_call_output"]


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (None, []),
        ("x", []),
        ([None, 7, "x", {"id": 5}, {"x": None}, {"id": "msg_1", "y": None}], [{"id": "msg_1"}]),
        ([{"id": "msg_1", "count": 10**30}], [{"id": "msg_1", "count": 10**30}]),
    ],
)
def test_what_is_no_item_of_an_answer_is_not_kept_as_one(output: Any, named: list[Any]) -> None:
    response = json.dumps({"id": "resp_nxn-1", "output": output}).encode()
    found = items.output_items(response)
    assert json.loads(orjson.dumps(list(found.values()))) == named
    history = items.history(items.kept(b'{"input": []}', response))
    assert [item for item in json.loads(orjson.dumps(history)) if isinstance(item.get("id"), str)] == named
