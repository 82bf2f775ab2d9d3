"""Tests that agents' own requests pass on every wire, to models of every other."""

from typing import Any

import orjson
import pytest

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.canonical.parts import CacheLifetime, Message, Text, ToolCall
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols.anthropic_messages import CLIENT as MESSAGES_CLIENT
from gateway.protocols.anthropic_messages import UPSTREAM as MESSAGES
from gateway.protocols.bedrock_converse import UPSTREAM as CONVERSE
from gateway.protocols.gemini import UPSTREAM as GEMINI
from gateway.protocols.gemini.address import Address
from gateway.protocols.gemini.codec import GeminiClient
from gateway.protocols.openai_chat import CLIENT as CHAT_CLIENT
from gateway.protocols.openai_chat import UPSTREAM as CHAT
from gateway.protocols.openai_responses import CLIENT as RESPONSES_CLIENT
from gateway.protocols.openai_responses import UPSTREAM as RESPONSES

Json = dict[str, Any]
CLAUDE = Target("m", Profile("c", thinking="budget", hosted_as="claude"), 64_000)
HELLO = {"role": "user", "content": "hi"}
FUNCTION: Json = {"type": "function", "function": {"name": "pick", "parameters": {"type": "object"}}}
EPHEMERAL = {"type": "ephemeral"}
UPSTREAMS = [CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE]


def sent(client: ClientCodec, upstream: UpstreamCodec, **members: Any) -> Any:
    request = client.decode_request(orjson.dumps({"model": "m", **members}))
    return orjson.loads(upstream.encode_request(request, CLAUDE))


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("word", ["auto", "disabled"])
def test_a_response_may_be_truncated_by_any_model(upstream: UpstreamCodec, word: str) -> None:
    assert sent(RESPONSES_CLIENT, upstream, input="hi", truncation=word)


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_an_answer_without_content_may_be_replayed(upstream: UpstreamCodec) -> None:
    turns = [HELLO, {"role": "assistant", "content": None, "refusal": None, "tool_calls": None}, HELLO]
    assert sent(CHAT_CLIENT, upstream, messages=turns)


@pytest.mark.parametrize("content", [{"content": None}, {}])
def test_an_answer_without_content_is_an_empty_turn(content: dict[str, None]) -> None:
    body = {"model": "m", "messages": [HELLO, {"role": "assistant", **content}]}
    assert CHAT_CLIENT.decode_request(orjson.dumps(body)).messages[1] == Message("assistant", ())


@pytest.mark.parametrize("role", ["user", "system", "tool"])
def test_any_other_turn_that_leaves_its_content_out_is_refused(role: str) -> None:
    with pytest.raises(InvalidRequest, match="content"):
        CHAT_CLIENT.decode_request(orjson.dumps({"model": "m", "messages": [HELLO, {"role": role}]}))


@pytest.mark.parametrize("upstream", [CHAT, MESSAGES, GEMINI, CONVERSE])
def test_a_spare_picture_tool_beside_functions_stays_behind(upstream: UpstreamCodec) -> None:
    tools = [{"type": "function", "name": "shell", "parameters": {"type": "object"}}, {"type": "image_generation"}]
    assert b"image_generation" not in orjson.dumps(sent(RESPONSES_CLIENT, upstream, input="hi", tools=tools))


def test_a_picture_tool_alone_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match=r"tools\[0\]"):
        sent(RESPONSES_CLIENT, MESSAGES, input="hi", tools=[{"type": "image_generation"}])


ACCOUNTING = "x-anthropic-billing-header: cc_version=2.1.117.48f; cc_entrypoint=cli; cch=71fea;"


@pytest.mark.parametrize("upstream", [CHAT, RESPONSES, GEMINI, CONVERSE])
@pytest.mark.parametrize(
    "system",
    [
        [{"type": "text", "text": ACCOUNTING}, {"type": "text", "text": "You are Claude Code"}],
        [{"type": "text", "text": f"{ACCOUNTING}\nYou are Claude Code"}],
        f"{ACCOUNTING}\nYou are Claude Code",
    ],
)
def test_the_line_that_changes_with_each_request_does_not_lead_a_bridged_prompt(
    upstream: UpstreamCodec, system: Any
) -> None:
    body = orjson.dumps(sent(MESSAGES_CLIENT, upstream, messages=[HELLO], system=system, max_tokens=50))
    assert b"billing" not in body
    assert b"You are Claude Code" in body


def test_the_line_reaches_its_own_vendor() -> None:
    system = [{"type": "text", "text": ACCOUNTING}]
    assert sent(MESSAGES_CLIENT, MESSAGES, messages=[HELLO], system=system, max_tokens=50)["system"] == system


def test_instructions_of_that_line_alone_are_none() -> None:
    body = {"model": "m", "max_tokens": 5, "system": ACCOUNTING, "messages": [HELLO]}
    assert MESSAGES_CLIENT.decode_request(orjson.dumps(body)).messages == (Message("user", (Text("hi"),)),)


@pytest.mark.parametrize(
    "tool",
    [
        FUNCTION | {"cache_control": EPHEMERAL},
        {"type": "function", "function": {**FUNCTION["function"], "cache_control": EPHEMERAL}},
    ],
)
def test_a_cache_marker_on_a_chat_tool_reaches_the_wires_that_have_one(tool: Json) -> None:
    assert sent(CHAT_CLIENT, MESSAGES, messages=[HELLO], tools=[tool])["tools"][0]["cache_control"] == EPHEMERAL
    tools = sent(CHAT_CLIENT, CONVERSE, messages=[HELLO], tools=[tool])["toolConfig"]["tools"]
    assert tools[1] == {"cachePoint": {"type": "default"}}


def test_a_marker_on_a_whole_message_request_ends_behind_its_last_block() -> None:
    turns = [HELLO, {"role": "assistant", "content": "yes"}, HELLO]
    body = sent(MESSAGES_CLIENT, CONVERSE, messages=turns, max_tokens=50, cache_control=EPHEMERAL | {"ttl": "1h"})
    assert body["messages"][-1]["content"] == [{"text": "hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]


def test_a_block_that_is_marked_keeps_its_own_lifetime() -> None:
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    body = {
        "model": "m",
        "max_tokens": 5,
        "cache_control": EPHEMERAL,
        "messages": [{"role": "user", "content": [marked]}],
    }
    (last,) = MESSAGES_CLIENT.decode_request(orjson.dumps(body)).messages[0].parts
    assert isinstance(last, Text)
    assert last.cache is CacheLifetime.ONE_HOUR


def test_a_budget_below_the_vendors_least_is_raised_to_it_on_bedrock() -> None:
    body = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"thinkingConfig": {"thinkingBudget": 128}}}
    client = GeminiClient(Address("m", "generateContent"))
    encoded = orjson.loads(CONVERSE.encode_request(client.decode_request(orjson.dumps(body)), CLAUDE))
    assert encoded["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 1024


LONG = 123456789012345678901234


@pytest.mark.parametrize("upstream", UPSTREAMS)
def test_a_long_integer_in_a_replayed_call_keeps_its_digits(upstream: UpstreamCodec) -> None:
    use = {"type": "tool_use", "id": "t", "name": "pick", "input": {"a": orjson.Fragment(str(LONG))}}
    turns = [
        HELLO,
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]},
    ]
    request = MESSAGES_CLIENT.decode_request(orjson.dumps({"model": "m", "max_tokens": 5, "messages": turns}))
    call = request.messages[1].parts[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == f'{{"a":{LONG}}}'
    assert str(LONG).encode() in upstream.encode_request(request, CLAUDE)
