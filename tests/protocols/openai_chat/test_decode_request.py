"""Tests of callers' requests on the chat wire, and of the errors for wrong ones."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    Message,
    Opaque,
    Part,
    Refusal,
    RemoteMedia,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UploadedMedia,
)
from gateway.canonical.request import (
    ChatRequest,
    OutputFormat,
    PriceLimit,
    Reasoning,
    RoutingPreferences,
    Sampling,
    Tool,
    ToolChoice,
)
from gateway.errors import InvalidRequest
from gateway.protocols.openai_chat import CLIENT
from gateway.protocols.shared.preferences import UPSTREAM_MEMBERS

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_chat"
HELLO = [{"role": "user", "content": "hi"}]

# The canonical form of the golden request's conversation.
MESSAGES = (
    Message("system", (Text("Be brief."),), name="ops"),
    Message(
        "user",
        (
            Text("Look"),
            Image(InlineMedia("QUJD", "image/png"), detail="high"),
            Image(RemoteMedia("https://example.com/a.png")),
            Audio(InlineMedia("QUJD", "audio/wav")),
            Document(InlineMedia("QUJD", "application/pdf"), name="a.pdf"),
            Document(UploadedMedia("file-1")),
        ),
        name="ann",
    ),
    Message(
        "assistant",
        (
            Thinking("hm"),
            Text("Calling"),
            Refusal("no"),
            ToolCall("call_1", "weather", '{"city": "Bern"}'),
            ToolCall("call_2", "sql", "SELECT 1", custom=True),
        ),
    ),
    Message("tool", (ToolResult("call_1", (Text("sunny"),)),)),
    Message("tool", (ToolResult("call_2", (Text("1"),)),)),
    Message("assistant", (ToolCall("call_0_joke", "joke", "{}"),)),
    Message("tool", (ToolResult("call_0_joke", (Text("ha"),), name="joke"),)),
    Message("assistant", ()),
)


def decode(**members: Any) -> ChatRequest:
    return CLIENT.decode_request(orjson.dumps({"model": "m", "messages": HELLO} | members))


def refusal(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decode(**members)
    return caught.value


def test_the_least_request_leaves_everything_unsaid() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    expected = ChatRequest("openai_chat", "m", (Message("user", (Text("hi"),)),), body)
    assert CLIENT.decode_request(body) == expected


def test_every_parameter_has_its_place() -> None:
    body = (GOLDEN / "request.json").read_bytes()
    source = orjson.loads(body)
    assert CLIENT.decode_request(body) == ChatRequest(
        protocol="openai_chat",
        model="gpt-5",
        messages=MESSAGES,
        source=body,
        stream=True,
        include_usage=True,
        provider_state="messages[1].content[5].file.file_id",
        choices=2,
        max_output_tokens=500,
        sampling=Sampling(
            temperature=0.7,
            top_p=0.9,
            seed=7,
            stop=("END", "STOP"),
            presence_penalty=0.5,
            frequency_penalty=-0.5,
            logit_bias={"50256": -100.0},
            logprobs=True,
            top_logprobs=3,
        ),
        tools=(
            Tool("weather", "Says it", source["tools"][0]["function"]["parameters"], strict=True),
            Tool("sql", free_text={"type": "text"}),
        ),
        tool_choice=ToolChoice("required", allowed=("weather",)),
        parallel_tool_calls=False,
        output_format=OutputFormat("schema", {"type": "object"}, "out", "d", strict=True),
        reasoning=Reasoning(effort="low"),
        user="u1",
        metadata={"team": "a"},
        unread_bytes=293,
        routing=RoutingPreferences(
            fallback_models=("gpt-4o",),
            order=("openai",),
            only=("openai",),
            ignore=("x",),
            allow_fallbacks=False,
            sort="price",
            require_parameters=True,
            max_price=PriceLimit(Decimal("1.25"), Decimal(10), Decimal("0.05")),
        ),
        hints={"verbosity": "high"},
        unmapped={
            "messages[7].audio": {"id": "audio_1"},
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "mp3"},
            "prediction": {"type": "content", "content": "x"},
            "web_search_options": {"search_context_size": "low"},
            "some_new_parameter": {"x": 1},
        },
    )


BAD_PARAMETERS: list[tuple[dict[str, Any], str, str]] = [
    ({"model": None}, "model", "missing_required_parameter"),
    ({"model": 4}, "model", "invalid_type"),
    ({"model": ""}, "model", "empty_string"),
    ({"messages": None}, "messages", "missing_required_parameter"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"n": 18446744073686646784}, "n", "integer_above_max_value"),
    ({"n": True}, "n", "invalid_type"),
    ({"n": 1.5}, "n", "invalid_type"),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
    ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_completion_tokens": "9"}, "max_completion_tokens", "invalid_type"),
    ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_parameter_combination"),
    ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
    ({"stop": [1]}, "stop[0]", "invalid_type"),
    ({"stop": 1}, "stop", "invalid_type"),
    ({"stream": "yes"}, "stream", "invalid_type"),
    ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1", "decimal_above_max_value"),
    ({"logit_bias": {"a": 1}}, "logit_bias", "invalid_logit_bias"),
    ({"logprobs": 1}, "logprobs", "invalid_type"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"top_logprobs": 1}, "top_logprobs", "invalid_value"),
    ({"seed": 2**63}, "seed", "integer_above_max_value"),
    ({"reasoning_effort": "extreme"}, "reasoning_effort", "invalid_value"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": []}}},
        "response_format.json_schema.schema",
        "invalid_type",
    ),
    ({"tools": {}}, "tools", "invalid_type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name", "empty_string"),
    ({"tool_choice": "any"}, "tool_choice", "invalid_value"),
    ({"tool_choice": 1}, "tool_choice", "invalid_type"),
    ({"tool_choice": {"type": "function"}}, "tool_choice.function", "missing_required_parameter"),
    ({"parallel_tool_calls": "no"}, "parallel_tool_calls", "invalid_type"),
    ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
    ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "invalid_value"),
    ({"user": 1}, "user", "invalid_type"),
    ({"modalities": "text"}, "modalities", "invalid_type"),
    ({"audio": "x"}, "audio", "invalid_type"),
    ({"store": "x"}, "store", "invalid_type"),
    ({"functions": []}, "functions", "empty_array"),
    ({"models": "gpt-4o"}, "models", "invalid_type"),
    ({"provider": {"order": "openai"}}, "provider.order", "invalid_type"),
    ({"provider": {"sort": "vibes"}}, "provider.sort", "invalid_value"),
    ({"max_price": {"prompt": -1}}, "max_price.prompt", "decimal_below_min_value"),
    ({"max_price": {"image": 1}}, "max_price.image", "unknown_parameter"),
    ({"max_price": 3}, "max_price", "invalid_type"),
]


@pytest.mark.parametrize(("members", "param", "code"), BAD_PARAMETERS)
def test_a_bad_parameter_is_refused_by_its_path(members: dict[str, Any], param: str, code: str) -> None:
    error = refusal(**members)
    assert (error.param, error.code) == (param, code)


BAD_MESSAGES: list[tuple[dict[str, Any], str, str]] = [
    ({"content": "x"}, "role", "missing_required_parameter"),
    ({"role": "wizard", "content": "x"}, "role", "invalid_value"),
    ({"role": "user"}, "content", "missing_required_parameter"),
    ({"role": "user", "content": 5}, "content", "invalid_type"),
    ({"role": "user", "content": [5]}, "content[0]", "invalid_type"),
    ({"role": "user", "content": [{"type": "smell"}]}, "content[0].type", "invalid_value"),
    ({"role": "user", "content": [{"type": "text"}]}, "content[0].text", "missing_required_parameter"),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": 1}}]},
        "content[0].image_url.url",
        "invalid_type",
    ),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]},
        "content[0].image_url.url",
        "invalid_image_url",
    ),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png,x"}}]},
        "content[0].image_url.url",
        "invalid_value",
    ),
    (
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": "ogg"}}]},
        "content[0].input_audio.format",
        "invalid_value",
    ),
    (
        {"role": "user", "content": [{"type": "file", "file": {}}]},
        "content[0].file.file_data",
        "missing_required_parameter",
    ),
    ({"role": "system", "content": [{"type": "image_url"}]}, "content[0].type", "invalid_value"),
    ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "tool_calls[0].function", "missing_required_parameter"),
    (
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": 5}}]},
        "tool_calls[0].function.arguments",
        "invalid_type",
    ),
    ({"role": "tool", "content": "x"}, "tool_call_id", "missing_required_parameter"),
    ({"role": "function", "content": "x"}, "name", "missing_required_parameter"),
]


@pytest.mark.parametrize(("message", "param", "code"), BAD_MESSAGES)
def test_a_bad_message_is_refused_by_its_path(message: dict[str, Any], param: str, code: str) -> None:
    error = refusal(messages=[*HELLO, message])
    assert (error.param, error.code) == (f"messages[1].{param}", code)


def test_the_messages_are_openais_own() -> None:
    assert [refusal(n=0).message, refusal(temperature="hot").message, refusal(messages=[]).message] == [
        "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0.",
        "Invalid type for 'temperature': expected a decimal, but got a string instead.",
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ]


def test_stream_options_without_a_stream_are_refused() -> None:
    assert refusal(stream_options={"include_usage": True}).param == "stream_options"


@pytest.mark.parametrize("name", sorted(UPSTREAM_MEMBERS))
def test_a_caller_cannot_name_an_upstream_or_a_credential(name: str) -> None:
    error = refusal(**{name: "https://attacker.example"})
    assert (error.param, error.code) == (name, "unknown_parameter")


def test_null_is_as_good_as_absent() -> None:
    names = [*orjson.loads((GOLDEN / "request.json").read_bytes()).keys() - {"model", "messages"}]
    assert decode(**dict.fromkeys(names)).unmapped == {}
    assert decode(**dict.fromkeys(names)).sampling == Sampling()


def test_older_functions_are_tools() -> None:
    request = decode(functions=[{"name": "joke", "parameters": {}}], function_call={"name": "joke"})
    assert request.tools == (Tool("joke", parameters={}),)
    assert request.tool_choice == ToolChoice("tool", tool="joke")
    assert request.unmapped == {"functions": [{"name": "joke", "parameters": {}}]}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("tool", tool="f")),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("tool", tool="f")),
    ],
)
def test_a_tool_choice_has_several_forms(choice: Any, expected: ToolChoice) -> None:
    assert decode(tool_choice=choice).tool_choice == expected


def test_a_tool_without_type_is_a_function() -> None:
    assert decode(tools=[{"function": {"name": "f"}}]).tools == (Tool("f"),)


def test_a_dialects_own_part_is_kept_for_the_same_wire() -> None:
    part = {"type": "document_url", "document_url": "https://example.com/a.pdf"}
    (message,) = decode(messages=[{"role": "user", "content": [part]}]).messages
    assert message.parts == (Opaque("openai_chat", orjson.dumps(part).decode()),)


@pytest.mark.parametrize(
    ("marker", "lifetime"),
    [
        ({"cache_control": {"type": "ephemeral"}}, CacheLifetime.FIVE_MINUTES),
        ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, CacheLifetime.ONE_HOUR),
        ({"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}, CacheLifetime.ONE_HOUR),
    ],
)
def test_a_cache_marker_is_kept(marker: dict[str, Any], lifetime: CacheLifetime) -> None:
    (message,) = decode(messages=[{"role": "user", "content": [{"type": "text", "text": "x"} | marker]}]).messages
    assert message.parts == (Text("x", cache=lifetime),)


@pytest.mark.parametrize(
    ("message", "last"),
    [
        ({"role": "system", "content": "x"}, Text("x", cache=CacheLifetime.FIVE_MINUTES)),
        (
            {"role": "user", "content": [{"type": "text", "text": "w"}, {"type": "text", "text": "x"}]},
            Text("x", cache=CacheLifetime.FIVE_MINUTES),
        ),
        (
            {"role": "tool", "tool_call_id": "c", "content": "x"},
            ToolResult("c", (Text("x"),), cache=CacheLifetime.FIVE_MINUTES),
        ),
    ],
)
def test_a_cache_marker_on_a_message_is_on_its_end(message: dict[str, Any], last: Part) -> None:
    (decoded,) = decode(messages=[message | {"cache_control": {"type": "ephemeral"}}]).messages
    assert [getattr(part, "cache", None) for part in decoded.parts[:-1]] == [None] * (len(decoded.parts) - 1)
    assert decoded.parts[-1] == last


def test_a_cache_marker_for_the_whole_conversation_is_on_its_end() -> None:
    def kept(*turns: Any) -> list[CacheLifetime | None]:
        asked = decode(messages=list(turns), cache_control={"type": "ephemeral", "ttl": "1h"})
        assert dict(asked.unmapped) == {}
        return [getattr(part, "cache", None) for message in asked.messages for part in message.parts]

    plain: Any = {"role": "user", "content": "x"}
    own: Any = plain | {"cache_control": {"type": "ephemeral"}}
    assert kept(plain, plain) == [None, CacheLifetime.ONE_HOUR]
    assert kept(plain, own) == [None, CacheLifetime.FIVE_MINUTES]
    assert kept(own, own, own, own, plain)[-1] is None


def test_an_answer_sent_back_as_history_leaves_nothing_behind() -> None:
    answer: dict[str, Any] = {
        "role": "assistant",
        "content": "x",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "tool_calls": None,
    }
    assert decode(messages=[*HELLO, answer]).unmapped == {}


def test_an_effort_of_none_is_no_reasoning() -> None:
    assert decode(reasoning_effort="none").reasoning == Reasoning(effort="none", disabled=True)


@pytest.mark.parametrize("said", [{}, {"content": None}, {"content": None, "tool_calls": None}])
def test_an_answer_that_said_nothing_is_an_empty_turn(said: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", **said}]
    request = CLIENT.decode_request(orjson.dumps({"model": "m", "messages": messages}))
    assert request.messages[1] == Message("assistant", ())
