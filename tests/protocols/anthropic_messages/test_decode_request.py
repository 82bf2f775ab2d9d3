"""Tests of the wire's requests: every documented member is read, and unsupported ones are refused by name."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import (
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    Message,
    Opaque,
    RedactedThinking,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.canonical.request import ChatRequest, OutputFormat, Reasoning, Sampling, Tool, ToolChoice
from gateway.errors import InvalidRequest
from gateway.protocols.anthropic_messages import CLIENT

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
PROTOCOL = "anthropic_messages"
BASE: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}


def decode(**members: Any) -> ChatRequest:
    return CLIENT.decode_request(orjson.dumps(BASE | members))


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


def refused(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as raised:
        decode(**members)
    return raised.value


def test_a_golden_request_means_its_parts() -> None:
    body = (GOLDEN / "request.json").read_bytes()
    picture = InlineMedia("QUJD", "image/png")
    assert CLIENT.decode_request(body) == ChatRequest(
        protocol=PROTOCOL,
        model="claude-sonnet-4-5",
        provider_state="messages[0].content[3].source.file_id",
        messages=(
            Message("system", (Text("Be brief.", cache=CacheLifetime.ONE_HOUR),)),
            Message(
                "user",
                (
                    Text("Look"),
                    Image(picture, cache=CacheLifetime.FIVE_MINUTES),
                    Image(RemoteMedia("https://example.com/a.png")),
                    Image(UploadedMedia("file_1")),
                    Document(InlineMedia("QUJD", "application/pdf"), name="a.pdf"),
                    Document(InlineMedia("aGVsbG8=", "text/plain")),
                    Document(InlineMedia("YQpi", "text/plain")),
                    Document(RemoteMedia("https://example.com/b.pdf")),
                    Text("T\nhttps://example.com\n\nfound"),
                ),
            ),
            Message(
                "assistant",
                (
                    Thinking("hm", "EqQB+/=", PROTOCOL),
                    RedactedThinking("RW5j", PROTOCOL),
                    Text("Calling"),
                    ToolCall("toolu_1", "weather", '{"city":"Paris"}'),
                    ToolCall("toolu_2", "now", "{}"),
                ),
            ),
            Message(
                "tool",
                (
                    ToolResult("toolu_1", (Text("sunny"),), cache=CacheLifetime.FIVE_MINUTES),
                    ToolResult("toolu_2", (Text("broken"), Image(picture)), is_error=True),
                ),
            ),
            Message("user", (Text("Go on"),)),
        ),
        source=body,
        stream=True,
        include_usage=True,
        max_output_tokens=4000,
        sampling=Sampling(temperature=0.5, top_p=0.9, top_k=40, stop=("END",)),
        tools=(
            Tool("weather", "d", {"type": "object", "properties": {"city": {"type": "string"}}}, strict=True),
            Tool("now", parameters={"type": "object"}, cache=CacheLifetime.FIVE_MINUTES),
            Tool(
                "web_search_20250305",
                builtin={"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
                provider_run="web_search",
                max_uses=2,
                spare=True,
            ),
        ),
        tool_choice=ToolChoice("required"),
        parallel_tool_calls=False,
        output_format=OutputFormat("schema", schema={"type": "object"}),
        reasoning=Reasoning(disabled=True),
        user="u-1",
        unread_bytes=29,
    )


def test_what_a_terminal_agent_sends_can_go_anywhere() -> None:
    request = CLIENT.decode_request((GOLDEN / "claude_code.json").read_bytes())
    assert request.unmapped == {}
    assert request.reasoning == Reasoning(effort="high", adaptive=True)
    assert [message.role for message in request.messages] == ["system", "user", "assistant", "tool", "system"]
    assert request.messages[3].parts == (ToolResult("toolu_1", (Text("Tool found: Grep"),)),)
    assert [tool.name for tool in request.tools] == ["ToolSearch", "Grep"]


def test_instructions_may_be_a_string() -> None:
    assert decode(system="Be brief.").messages[0] == Message("system", (Text("Be brief."),))


def test_the_gateways_own_members_are_read() -> None:
    own = {"models": ["b"], "provider": {"only": ["x"], "sort": "price", "allow_fallbacks": False}}
    routing = decode(**own, max_price={"prompt": "0.1", "total": 2}).routing
    assert (routing.fallback_models, routing.only, routing.sort, routing.allow_fallbacks) == (
        ("b",),
        ("x",),
        "price",
        False,
    )
    assert routing.max_price is not None
    assert (routing.max_price.prompt_usd, routing.max_price.total_usd) == (Decimal("0.1"), Decimal(2))


@pytest.mark.parametrize(
    ("thinking", "config", "expected"),
    [
        ({"type": "enabled", "budget_tokens": 2000}, {}, Reasoning(budget_tokens=2000)),
        (
            {"type": "enabled", "budget_tokens": 32768, "display": "omitted"},
            {},
            Reasoning(budget_tokens=32768, include_thoughts=False),
        ),
        ({"type": "adaptive"}, {"effort": "max"}, Reasoning(effort="max", adaptive=True)),
        ({"type": "adaptive", "display": "summarized"}, {}, Reasoning(adaptive=True, include_thoughts=True)),
        ({"type": "between_tools"}, {}, Reasoning(adaptive=True)),
        ({"type": "disabled"}, {}, Reasoning(disabled=True)),
        (None, {"effort": "low"}, Reasoning(effort="low")),
        (None, {}, None),
    ],
)
def test_thinking_is_asked_for_in_three_ways(thinking: object, config: object, expected: object) -> None:
    assert decode(thinking=thinking, output_config=config).reasoning == expected


@pytest.mark.parametrize(
    ("max_tokens", "budget", "bound"),
    [(8192, 8000, 8192), (8000, 8000, 16000), (100, 2000, 2100)],
)
def test_a_budget_that_the_bound_does_not_cover_is_added_to_it(max_tokens: int, budget: int, bound: int) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    assert decode(max_tokens=max_tokens, thinking=thinking).max_output_tokens == bound


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        ({"type": "auto"}, ToolChoice("auto"), None),
        ({"type": "any", "disable_parallel_tool_use": False}, ToolChoice("required"), True),
        ({"type": "none"}, ToolChoice("none"), None),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": True}, ToolChoice("tool", tool="f"), False),
    ],
)
def test_a_choice_among_tools_is_read(choice: object, expected: ToolChoice, parallel: bool | None) -> None:
    request = decode(tool_choice=choice)
    assert (request.tool_choice, request.parallel_tool_calls) == (expected, parallel)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"container": "c"}, "container"),
        ({"mcp_servers": [{"name": "x"}]}, "mcp_servers"),
        ({"not_known_yet": 1}, "not_known_yet"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"output_config": {"task_budget": {"total": 1}}}, "output_config.task_budget"),
        ({"tools": [{"name": "f", "input_schema": {}, "input_examples": [{}]}]}, "tools[0].input_examples"),
        ({"tools": [{"name": "f", "input_schema": {}, "allowed_callers": ["x"]}]}, "tools[0].allowed_callers"),
        ({"messages": [{"role": "user", "content": "x", "extra": 1}]}, "messages[0].extra"),
        (
            {
                "messages": user(
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "x"},
                        "citations": {"enabled": True},
                    }
                )
            },
            "messages[0].content[0].citations",
        ),
        (
            {
                "messages": user(
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "browser_state", "tabs": []}]}
                )
            },
            "messages[0].content[0].content[0]",
        ),
    ],
)
def test_what_no_other_wire_expresses_is_kept_under_its_path(members: dict[str, Any], path: str) -> None:
    assert list(decode(**members).unmapped) == [path]


@pytest.mark.parametrize(
    "members",
    [
        {"service_tier": "auto"},
        {"context_management": {"edits": []}},
        {"cache_control": {"type": "ephemeral"}},
        {"speed": "standard"},
        {"inference_geo": "global"},
        {"container": None},
        {"tools": [{"name": "f", "input_schema": {}, "allowed_callers": ["direct"], "defer_loading": True}]},
    ],
)
def test_what_changes_nothing_of_the_answer_can_go_anywhere(members: dict[str, Any]) -> None:
    assert decode(**members).unmapped == {}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "not_known_yet"},
        {
            "type": "document",
            "source": {"type": "content", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]},
        },
    ],
)
def test_a_block_of_this_wire_alone_stays_as_it_came(block: Any) -> None:
    assert decode(messages=user(block)).messages[0].parts == (Opaque(PROTOCOL, orjson.dumps(block).decode()),)


def test_a_thought_marked_with_its_issuer_is_the_issuers_again() -> None:
    blocks = [
        {"type": "thinking", "thinking": "a", "signature": "nxn:gemini:s:1"},
        {"type": "thinking", "thinking": "b", "signature": ""},
        {"type": "redacted_thinking", "data": "nxn:openai_responses:d"},
    ]
    assert decode(messages=[{"role": "assistant", "content": blocks}]).messages[0].parts == (
        Thinking("a", "s:1", "gemini"),
        Thinking("b"),
        RedactedThinking("d", "openai_responses"),
    )


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.0}, "max_tokens"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": user("x")}, "messages[0].content[0]"),
        ({"messages": user({"type": "text"})}, "messages[0].content[0].text"),
        (
            {
                "messages": user(
                    {"type": "image", "source": {"type": "base64", "media_type": "text/plain", "data": "x"}}
                )
            },
            "messages[0].content[0].source.media_type",
        ),
        (
            {"messages": user({"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}})},
            "messages[0].content[0].source.url",
        ),
        (
            {"messages": user({"type": "tool_use", "id": "t", "name": "f", "input": 5})},
            "messages[0].content[0].input",
        ),
        (
            {"messages": user({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}})},
            "messages[0].content[0].cache_control.ttl",
        ),
        ({"system": 3}, "system"),
        ({"system": [{"type": "text"}]}, "system[0].text"),
        ({"temperature": 1.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"top_k": 1.5}, "top_k"),
        ({"stop_sequences": [""]}, "stop_sequences[0]"),
        ({"stream": "yes"}, "stream"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1023}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32769}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "often"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": {"type": "required"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"service_tier": "gold"}, "service_tier"),
        ({"speed": "fast"}, "speed"),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"thread": {"type": "create"}}, "thread"),
        ({"api_base": "https://example.com"}, "api_base"),
        ({"max_price": {"prompt": -1}}, "max_price.prompt"),
        ({"max_price": {"image": 1}}, "max_price.image"),
        ({"provider": {"sort": "luck"}}, "provider.sort"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(members: dict[str, Any], param: str) -> None:
    assert refused(**members).param == param


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":', b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        CLIENT.decode_request(body)


@pytest.mark.parametrize("media_type", ["APPLICATION/PDF", "application/pdf; x=y", "application/x-pdf"])
def test_a_documents_media_type_is_read_in_any_spelling(media_type: str) -> None:
    source = {"type": "base64", "media_type": media_type, "data": "QUJD"}
    said = {"role": "user", "content": [{"type": "document", "source": source}]}
    request = CLIENT.decode_request(orjson.dumps({"model": "m", "max_tokens": 5, "messages": [said]}))
    assert request.messages == (Message("user", (Document(InlineMedia("QUJD", "application/pdf")),)),)


@pytest.mark.parametrize(
    ("edits", "samplings"),
    [([{"type": "compact_20260112"}], 2), ([{"type": "clear_tool_uses_20250919"}], 1), ([], 1), (None, 1)],
)
def test_a_conversation_that_may_be_compacted_first_is_generated_for_twice(edits: Any, samplings: int) -> None:
    assert decode(context_management={"edits": edits}).samplings == samplings
