"""Tests of callers' requests on the Responses wire, and of the errors for wrong ones."""

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
    RedactedThinking,
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
from gateway.protocols.openai_responses import CLIENT

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
SQL: dict[str, Any] = {
    "type": "custom",
    "name": "sql",
    "description": "A query.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
}

# The canonical form of the golden request's conversation.
MESSAGES = (
    Message("system", (Text("Be brief."),)),
    Message("system", (Text("Speak Norwegian."),)),
    Message(
        "user",
        (
            Text("Where?", cache=CacheLifetime.ONE_HOUR),
            Image(InlineMedia("aGk=", "image/png"), detail="low"),
            Image(UploadedMedia("file-1"), detail="auto"),
            Document(InlineMedia("aGk=", "application/pdf"), name="a.pdf"),
            Document(RemoteMedia("https://example.com/b.pdf")),
            Audio(InlineMedia("aGk=", "audio/wav")),
        ),
    ),
    Message(
        "assistant",
        (
            Thinking("Think.", signature="gAAAAenc", signed_by="openai_responses"),
            Text("One moment."),
            ToolCall("call_a", "weather", '{"city":"Oslo"}'),
            ToolCall("call_b", "crm__find", "{}"),
            ToolCall("call_c", "sql", "SELECT 1", custom=True),
        ),
    ),
    Message(
        "tool",
        (
            ToolResult("call_a", (Text("Rain"),)),
            ToolResult("call_b", (Text("Ada"), Image(RemoteMedia("https://example.com/ada.png"), detail="auto"))),
            ToolResult("call_c", (Text("1"),)),
        ),
    ),
    Message("assistant", (Refusal("No."),)),
    Message("user", (Text("And now?"),)),
)


def decode(**members: Any) -> ChatRequest:
    return CLIENT.decode_request(orjson.dumps({"model": "m", "input": "hi"} | members))


def refusal(**members: Any) -> tuple[str | None, str | None]:
    with pytest.raises(InvalidRequest) as caught:
        decode(**members)
    return caught.value.param, caught.value.code


def golden() -> ChatRequest:
    return CLIENT.decode_request((GOLDEN / "request.json").read_bytes())


def test_the_golden_conversation_is_one_message_a_turn() -> None:
    assert golden().messages == MESSAGES


def test_the_golden_parameters_find_their_places() -> None:
    request = golden()
    city = OutputFormat("schema", {"type": "object"}, "city", "A city.", strict=True)
    assert (request.protocol, request.model, request.stream, request.include_usage) == (
        "openai_responses",
        "gpt-5",
        True,
        True,
    )
    assert request.max_output_tokens == 500
    assert request.sampling == Sampling(temperature=0.5, top_p=0.9, logprobs=True, top_logprobs=2)
    assert request.reasoning == Reasoning(effort="low", summary="auto", include_thoughts=True)
    assert request.output_format == city
    assert request.tool_choice == ToolChoice("auto", allowed=("weather",))
    assert (request.parallel_tool_calls, request.user, request.metadata) == (False, "u1", {"a": "b"})
    assert request.unmapped == {}


def test_the_golden_tools_are_functions_of_one_name_and_the_providers_own() -> None:
    weather = {"type": "object", "properties": {"city": {"type": "string"}}}
    assert golden().tools == (
        Tool("weather", "Weather.", weather, strict=True),
        Tool("sql", "A query.", free_text=SQL["format"]),
        Tool("crm__find", "Find.", {"type": "object"}),
        Tool("web_search", builtin={"type": "web_search"}, spare=True, provider_run="web_search"),
    )


@pytest.mark.parametrize(("verbosity", "hints"), [("low", {"text.verbosity": "low"}), ("medium", {}), (None, {})])
def test_verbosity_is_a_hint(verbosity: str | None, hints: dict[str, Any]) -> None:
    assert decode(text={"verbosity": verbosity}).hints == hints


def test_what_the_answer_repeats_is_kept_with_what_holds_for_the_rest() -> None:
    echo = decode(reasoning={"effort": "low"}, text={"verbosity": "low"}, store=False, nexevo={}, seed=1).echo
    assert echo == {
        "reasoning": {"effort": "low", "summary": None},
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "store": False,
    }


def test_the_previous_response_is_repeated_from_where_its_history_was_put() -> None:
    assert decode(nexevo={"previous_response_id": "resp_1"}).echo == {"previous_response_id": "resp_1"}


def test_a_string_is_a_users_message() -> None:
    assert decode().messages == (Message("user", (Text("hi"),)),)


@pytest.mark.parametrize(
    ("item", "thoughts"),
    [
        ({"summary": []}, ()),
        ({"summary": [{"type": "summary_text", "text": "a"}]}, (Thinking("a"),)),
        ({"summary": [], "content": [{"type": "reasoning_text", "text": "a"}]}, (Thinking("a"),)),
        ({"summary": [], "encrypted_content": "gA"}, (RedactedThinking("gA", "openai_responses"),)),
        (
            {"summary": [{"text": "a"}, {"text": "b"}], "encrypted_content": "gA"},
            (Thinking("a"), Thinking("b", "gA", "openai_responses")),
        ),
        (
            {"summary": [{"text": "a"}], "encrypted_content": "nxn:anthropic_messages:s:1"},
            (Thinking("a", "s:1", "anthropic_messages"),),
        ),
        ({"summary": [], "encrypted_content": "nxn:gemini:s"}, (Thinking("", "s", "gemini"),)),
        ({"summary": [], "encrypted_content": "nxn::s"}, (Thinking("", "s", None),)),
        (
            {"summary": [], "encrypted_content": "nxn-redacted:anthropic_messages:d"},
            (RedactedThinking("d", "anthropic_messages"),),
        ),
    ],
)
def test_reasoning_comes_back_with_its_signature_and_its_issuer(
    item: dict[str, Any], thoughts: tuple[Any, ...]
) -> None:
    (message,) = decode(input=[{"type": "reasoning", **item}, {"role": "assistant", "content": "x"}]).messages
    assert message.parts == (*thoughts, Text("x"))


@pytest.mark.parametrize(
    ("members", "unmapped"),
    [
        ({"previous_response_id": "resp_1"}, {"previous_response_id": "resp_1"}),
        ({"conversation": {"id": "conv_1"}}, {"conversation": {"id": "conv_1"}}),
        ({"background": True}, {"background": True}),
        ({"background": False, "truncation": "disabled", "store": True, "service_tier": "auto"}, {}),
        ({"truncation": "auto"}, {}),
        ({"max_tool_calls": 3}, {"max_tool_calls": 3}),
        ({"prompt": {"id": "p"}}, {"prompt": {"id": "p"}}),
        ({"reasoning": {"context": "all_turns"}}, {"reasoning.context": "all_turns"}),
        ({"tool_choice": {"type": "web_search"}}, {"tool_choice": {"type": "web_search"}}),
        (
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "a"}]}},
            {"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp", "server_label": "a"}]}},
        ),
        ({"something_new": 1}, {"something_new": 1}),
        ({"something_null": None}, {}),
        (
            {"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "msg_1"}]},
            {"input[1]": {"type": "item_reference", "id": "msg_1"}},
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_hologram"}]}]},
            {"input[0].content[0]": {"type": "input_hologram"}},
        ),
        (
            {"tools": [{"type": "function", "name": "f", "allowed_callers": ["programmatic"]}]},
            {"tools[0].allowed_callers": ["programmatic"]},
        ),
    ],
)
def test_what_no_other_wire_can_express_is_kept_apart_under_its_path(
    members: dict[str, Any], unmapped: dict[str, Any]
) -> None:
    assert decode(**members).unmapped == unmapped


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "f"}, ToolChoice("tool", tool="f")),
        ({"type": "custom", "name": "f"}, ToolChoice("tool", tool="f")),
        ({"type": "function", "name": "f", "namespace": "n"}, ToolChoice("tool", tool="n__f")),
    ],
)
def test_a_tool_choice_has_one_meaning(choice: Any, expected: ToolChoice) -> None:
    assert decode(tool_choice=choice).tool_choice == expected


def test_the_gateways_own_members_say_where_a_request_may_go() -> None:
    request = decode(models=["b"], provider={"order": ["x"], "allow_fallbacks": False}, max_price={"prompt": "0.1"})
    assert request.routing == RoutingPreferences(
        fallback_models=("b",), order=("x",), allow_fallbacks=False, max_price=PriceLimit(prompt_usd=Decimal("0.1"))
    )
    assert request.unmapped == {}


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": ""}, "model", "empty_string"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 5}, "input", "invalid_type"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", "invalid_value"),
        ({"input": [{"role": "user"}]}, "input[0].content", "missing_required_parameter"),
        ({"input": [{"role": "user", "content": [{"text": "x"}]}]}, "input[0].content[0].type", None),
        (
            {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": 5}]},
            "input[0].arguments",
            None,
        ),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id", None),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "ftp://x"}]}]},
            "input[0].content[0].image_url",
            "invalid_value",
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0].file_data", None),
        (
            {
                "input": [
                    {"type": "function_call_output", "call_id": "c", "output": [{"type": "refusal", "refusal": ""}]}
                ]
            },
            "input[0].output",
            "invalid_value",
        ),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"top_p": -1}, "top_p", "decimal_below_min_value"),
        ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"max_output_tokens": 0}, "max_output_tokens", "integer_below_min_value"),
        ({"max_tool_calls": 0}, "max_tool_calls", "integer_below_min_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stream_options": {}}, "stream_options", None),
        ({"background": 1}, "background", "invalid_type"),
        ({"conversation": 1}, "conversation", "invalid_type"),
        ({"previous_response_id": 1}, "previous_response_id", "invalid_type"),
        ({"truncation": "some"}, "truncation", "invalid_value"),
        ({"include": "all"}, "include", "invalid_type"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort", "invalid_value"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary", "invalid_value"),
        ({"text": {"verbosity": "loud"}}, "text.verbosity", "invalid_value"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type", "invalid_value"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema", None),
        ({"tools": [{"name": "f"}]}, "tools[0].type", "missing_required_parameter"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{"type": "function", "name": ""}]}, "tools[0].name", "empty_string"),
        ({"tools": [{"type": "custom"}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{"type": "namespace", "name": "n"}]}, "tools[0].tools", "missing_required_parameter"),
        (
            {"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}]},
            "tools[0].tools[0]",
            "unsupported_tool",
        ),
        ({"tool_choice": "some"}, "tool_choice", "invalid_value"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.name", "missing_required_parameter"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"api_base": "https://x"}, "api_base", "unknown_parameter"),
        ({"max_price": {"video": 1}}, "max_price.video", "unknown_parameter"),
    ],
)
def test_a_mistake_is_named_by_its_path(members: dict[str, Any], param: str, code: str | None) -> None:
    found, found_code = refusal(**members)
    assert found == param
    assert code in (None, found_code)


def test_what_stands_in_a_store_or_at_the_provider_may_take_the_place_of_input() -> None:
    assert decode(input=None, prompt={"id": "p"}).messages == ()


def test_an_effort_of_none_asks_for_no_reasoning() -> None:
    assert decode(reasoning={"effort": "none"}).reasoning == Reasoning(effort="none", disabled=True)
