"""Tests of the simulated Bedrock wire, as boto3 reads it, with checked signatures of boto3."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EventStreamError
from botocore.parsers import ResponseParserError

from local.providers import aws_signature, tokens
from tests.hangs import HANGS_AFTER_S

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
PNG = b"\x89PNG\r\n\x1a\nnot really"
TOOLS: Any = {
    "tools": [
        {"toolSpec": {"name": "get_weather", "inputSchema": {"json": {
            "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}},
        {"toolSpec": {"name": "get_time", "inputSchema": {"json": {
            "type": "object", "properties": {"hours": {"type": "integer"}}, "required": ["hours"]}}}},
    ]
}  # fmt: skip
THINKING: Any = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
PATH = "/bedrock/model/us.amazon.nova-lite-v1%3A0/converse"
QUESTION = "The weather in Paris and the time there in 3 hours?"


def bedrock(row: dict[str, str], **changed: str) -> Any:
    keys: Any = {
        "aws_access_key_id": row["access_key_id"],
        "aws_secret_access_key": row["secret_access_key"],
    }
    keys |= changed
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=row["base_url"],
        region_name=row["region"],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=HANGS_AFTER_S),
        **keys,
    )


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[Any]:
    client = bedrock(rows["bedrock"])
    yield client
    client.close()


def user(*content: Any) -> Any:
    return {"role": "user", "content": [{"text": c} if isinstance(c, str) else c for c in content]}


def converse(client: Any, *turns: Any, model: str = MODEL, **more: Any) -> Any:
    return client.converse(modelId=model, messages=list(turns), **more)


def text(answer: Any) -> str:
    return "".join(block.get("text", "") for block in answer["output"]["message"]["content"])


def uses(answer: Any) -> list[Any]:
    return [block["toolUse"] for block in answer["output"]["message"]["content"] if "toolUse" in block]


def results(answer: Any, said: str) -> Any:
    return user(*(
        {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": said}]}} for use in uses(answer)
    ))  # fmt: skip


def streamed(client: Any, *turns: Any, **more: Any) -> list[Any]:
    with closing(client.converse_stream(modelId=MODEL, messages=list(turns), **more)["stream"]) as stream:
        return list(stream)


def refused(client: Any, *turns: Any, **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        converse(client, *turns, **more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_answer_is_text_with_its_usage(client: Any) -> None:
    answer = converse(client, user("Who wrote Emma?"))
    usage = answer["usage"]
    assert "Who wrote Emma?" in text(answer)
    assert (answer["stopReason"], usage["outputTokens"]) == ("end_turn", tokens.count(text(answer)))
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]


def test_a_stream_says_what_the_whole_answer_says_and_ends_with_its_usage(client: Any) -> None:
    whole = converse(client, user("Who wrote Emma?"))
    events = streamed(client, user("Who wrote Emma?"))
    said = "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e)
    assert said == text(whole)
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert events[-2]["messageStop"] == {"stopReason": "end_turn"}


def test_parallel_tools_are_called_and_their_results_cited(client: Any) -> None:
    first = converse(client, user(QUESTION), toolConfig=TOOLS)
    assert [(use["name"], use["input"]) for use in uses(first)] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"hours": 3}),
    ]
    second = converse(
        client, user(QUESTION), first["output"]["message"], results(first, "18 degrees"), toolConfig=TOOLS
    )
    assert (first["stopReason"], second["stopReason"]) == ("tool_use", "end_turn")
    assert "18 degrees" in text(second)


def test_a_result_without_content_is_cited_too(client: Any) -> None:
    first = converse(client, user(QUESTION), toolConfig=TOOLS)
    empty = user(*({"toolResult": {"toolUseId": use["toolUseId"], "content": []}} for use in uses(first)))
    second = converse(client, user(QUESTION), first["output"]["message"], empty, toolConfig=TOOLS)
    assert 'The tool answered "";' in text(second)


def test_tool_input_streams_under_its_own_block(client: Any) -> None:
    inputs: dict[int, str] = {}
    for event in streamed(client, user(QUESTION), toolConfig=TOOLS):
        delta = event.get("contentBlockDelta", {"delta": {}})
        if "toolUse" in delta["delta"]:
            index = delta["contentBlockIndex"]
            inputs[index] = inputs.get(index, "") + delta["delta"]["toolUse"]["input"]
    assert inputs == {1: '{"city":"Paris"}', 2: '{"hours":3}'}


def loop(client: Any, change: Any) -> Any:
    more = {"toolConfig": TOOLS, "additionalModelRequestFields": THINKING}
    first = converse(client, user(QUESTION), **more)
    turn = first["output"]["message"]
    change(turn["content"])
    return converse(client, user(QUESTION), turn, results(first, "18 degrees"), **more)


def test_reasoning_that_comes_back_unchanged_goes_on(client: Any) -> None:
    assert "18 degrees" in text(loop(client, lambda _: None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content[0]["reasoningContent"]["reasoningText"].update(text="Other."), "Invalid `signature`"),
        (lambda content: content[0]["reasoningContent"]["reasoningText"].pop("signature"), "Invalid `signature`"),
        (lambda content: content.pop(0), "Expected `thinking` or `redacted_thinking`"),
    ],
)
def test_changed_or_missing_reasoning_breaks_the_loop(client: Any, change: Any, said: str) -> None:
    with pytest.raises(ClientError, match=said):
        loop(client, change)


def test_redacted_reasoning_comes_back_as_it_went_out(client: Any) -> None:
    question = user("[[sim: redacted]] The weather in Paris?")
    more = {"toolConfig": TOOLS, "additionalModelRequestFields": THINKING}
    first = converse(client, question, **more)
    assert isinstance(first["output"]["message"]["content"][0]["reasoningContent"]["redactedContent"], bytes)
    second = converse(client, question, first["output"]["message"], results(first, "18 degrees"), **more)
    assert "18 degrees" in text(second)


def test_reasoning_streams_before_its_signature(client: Any) -> None:
    events = streamed(client, user("Hello"), additionalModelRequestFields=THINKING)
    deltas = [e["contentBlockDelta"]["delta"] for e in events if "contentBlockDelta" in e]
    thought = [d["reasoningContent"] for d in deltas if "reasoningContent" in d]
    assert tokens.count("".join(d.get("text", "") for d in thought)) == 128
    assert list(thought[-1]) == ["signature"]


def test_a_cache_point_writes_once_and_then_reads(client: Any) -> None:
    book = " ".join(f"page{i}" for i in range(1200))
    system = [{"text": book}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    first, second = (converse(client, user(t), system=system)["usage"] for t in ("Sum it up.", "Who speaks?"))
    assert first["cacheWriteInputTokens"] > 1024
    assert first["cacheDetails"] == [{"ttl": "1h", "inputTokens": first["cacheWriteInputTokens"]}]
    assert (second["cacheReadInputTokens"], second["cacheWriteInputTokens"]) == (first["cacheWriteInputTokens"], 0)


def test_images_and_documents_are_seen(client: Any) -> None:
    image = {"image": {"format": "png", "source": {"bytes": PNG}}}
    document = {"document": {"format": "txt", "name": "note", "source": {"bytes": b"Once"}}}
    answer = converse(client, user(image, document, "What is this?"))
    assert "1 image and 1 document" in text(answer)


def test_limits_and_stop_sequences_are_named(client: Any) -> None:
    limited = converse(client, user("Hello"), inferenceConfig={"maxTokens": 5})
    stopped = converse(
        client,
        user("Hello"),
        inferenceConfig={"stopSequences": [", and"]},
        additionalModelResponseFieldPaths=["/stop_sequence"],
    )
    assert (limited["stopReason"], limited["usage"]["outputTokens"]) == ("max_tokens", 5)
    assert (stopped["stopReason"], text(stopped)) == ("stop_sequence", 'You asked "Hello"')
    assert stopped["additionalModelResponseFields"] == {"stop_sequence": ", and"}


def test_counted_tokens_are_those_that_are_billed(client: Any) -> None:
    conversation = {"messages": [user("Who wrote Emma?")]}
    counted = client.count_tokens(modelId=MODEL, input={"converse": conversation})
    assert counted["inputTokens"] == converse(client, user("Who wrote Emma?"))["usage"]["inputTokens"]


CALL = {"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "rain"}]}}
ASSISTANT = {"role": "assistant", "content": [CALL]}


@pytest.mark.parametrize(
    ("turns", "more", "said"),
    [
        ([user("Hi"), ASSISTANT, user(RESULT)], {}, "The toolConfig field must be defined"),
        ([user("Hi"), ASSISTANT, user("And?")], {"toolConfig": TOOLS}, "Expected toolResult blocks at messages.2"),
        ([user(RESULT)], {"toolConfig": TOOLS}, "exceeds the number of toolUse blocks"),
        ([user("Hi"), user("Hi")], {}, "must alternate between user and assistant roles"),
        ([ASSISTANT], {}, "must start with a user message"),
        ([user(" ")], {}, "The text field in the ContentBlock object at messages.0.content.0 is blank"),
        ([user("Hi")], {"inferenceConfig": {"temperature": 2.0}}, "Member must have value less than or equal to 1"),
        ([user("Hi", {"cachePoint": {"type": "default", "ttl": "5m"}}, "Ho",
               {"cachePoint": {"type": "default", "ttl": "1h"}})], {}, "must not come after a ttl='5m'"),
    ],
)  # fmt: skip
def test_a_conversation_that_does_not_hold_is_refused(client: Any, turns: Any, more: Any, said: str) -> None:
    code, message = refused(client, *turns, **more)
    assert code == "ValidationException"
    assert said in message


def test_cache_points_are_for_models_that_cache(client: Any) -> None:
    point = {"cachePoint": {"type": "default"}}
    code, _ = refused(client, user("Hi", point), model="meta.llama3-1-70b-instruct-v1:0")
    assert code == "AccessDeniedException"


@pytest.mark.parametrize("model", ["gpt-4o", "anthropic.claude-haiku-4-5-20251001-v1:0"])
def test_a_model_that_is_not_there_is_refused(client: Any, model: str) -> None:
    assert refused(client, user("Hi"), model=model)[0] == "ValidationException"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIAWRONG"}, "UnrecognizedClientException"),
    ],
)
def test_a_wrong_credential_is_refused(rows: Any, wrong: dict[str, str], code: str) -> None:
    client = bedrock(rows["bedrock"], **wrong)
    assert refused(client, user("Hi"))[0] == code
    client.close()


def signed(rows: Any, root: str, body: bytes) -> AWSRequest:
    row = rows["bedrock"]
    request = AWSRequest("POST", f"{root}{PATH}", data=body, headers={"content-type": "application/json"})
    keys = Credentials(row["access_key_id"], row["secret_access_key"])
    SigV4Auth(keys, "bedrock", row["region"]).add_auth(request)
    return request


HELLO = b'{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}'


def test_a_signature_covers_the_body(rows: Any, control: Any) -> None:
    headers = dict(signed(rows, control.root, HELLO).headers.items())
    assert control.send("POST", PATH, HELLO, headers)[0] == 200
    assert control.send("POST", PATH, HELLO.replace(b"Hello", b"HELLO"), headers)[0] == 403


@pytest.mark.parametrize("skew_s", [-400, 400])
def test_a_signature_is_good_for_five_minutes(rows: Any, skew_s: int) -> None:
    request = signed(rows, "http://127.0.0.1", HELLO)
    made = dt.datetime.strptime(request.headers["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")

    def verify(now_s: int) -> None:
        aws_signature.verify(
            method="POST",
            target=PATH,
            headers={name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1"},
            body=HELLO,
            access_key_id=rows["bedrock"]["access_key_id"],
            secret_access_key=rows["bedrock"]["secret_access_key"],
            service="bedrock",
            now_s=now_s,
        )

    verify(int(made.timestamp()))
    with pytest.raises(aws_signature.Unsigned, match="Signature expired"):
        verify(int(made.timestamp()) + skew_s)


def test_a_bearer_key_is_taken_too(rows: Any, control: Any) -> None:
    key = rows["bedrock"]["api_key"]
    assert control.send("POST", PATH, HELLO, {"authorization": f"Bearer {key}"})[0] == 200
    assert control.send("POST", PATH, HELLO, {"authorization": "Bearer wrong"})[0] == 403
    assert control.send("POST", PATH, HELLO)[0] == 403


@pytest.mark.parametrize(
    ("directive", "code"),
    [
        ("status=429", "ThrottlingException"),
        ("status=503", "ServiceUnavailableException"),
        ("status=424", "ModelErrorException"),
    ],
)
def test_a_status_is_the_sdks_own_error(client: Any, directive: str, code: str) -> None:
    assert refused(client, user(f"[[sim: {directive}]]"))[0] == code


def test_an_exception_in_the_stream_is_the_sdks_error(client: Any) -> None:
    with pytest.raises(EventStreamError, match="internalServerException"):
        streamed(client, user("[[sim: error_after=1]]"))


def test_a_damaged_frame_is_noticed(client: Any) -> None:
    with pytest.raises(Exception, match="Checksum mismatch") as caught:
        streamed(client, user("[[sim: garbage_after=1]]"))
    assert not isinstance(caught.value, ResponseParserError)


def test_a_stream_without_its_end_lacks_the_usage(client: Any) -> None:
    events = streamed(client, user("[[sim: no_done]]"))
    assert list(events[-1]) == ["messageStop"]
