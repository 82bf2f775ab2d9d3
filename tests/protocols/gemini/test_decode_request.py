"""Tests of callers' requests on this wire, in both spellings, and of the errors for wrong ones."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.parts import (
    Audio,
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
from gateway.canonical.request import (
    ChatRequest,
    OutputFormat,
    Reasoning,
    RoutingPreferences,
    Sampling,
    Tool,
    ToolChoice,
)
from gateway.errors import InvalidRequest
from gateway.protocols.gemini import CLIENT
from gateway.protocols.gemini.count_tokens import decode_count_request, encode_count

GOLDEN = Path(__file__).parents[2] / "golden" / "gemini"
AT = "/v1beta/models/gemini-2.5-flash:generateContent"
HELLO = [{"role": "user", "parts": [{"text": "hi"}]}]

# The canonical form of the golden request's conversation.
MESSAGES = (
    Message("system", (Text("Be brief."), Text("Be kind."))),
    Message(
        "user",
        (
            Text("Look"),
            Image(InlineMedia("+/+/", "image/png")),
            Audio(InlineMedia("QUJD", "audio/wav")),
            Document(InlineMedia("QUJD", "application/pdf"), name="a.pdf"),
            Image(RemoteMedia("https://example.com/a.webp?x=1", "image/webp")),
            Document(UploadedMedia("https://generativelanguage.googleapis.com/v1beta/files/abc")),
            Opaque("gemini", '{"fileData":{"fileUri":"https://youtu.be/x"}}'),
        ),
    ),
    Message(
        "assistant",
        (
            Thinking("hm", signature="T3du", signed_by="gemini"),
            Text("Calling", signature="VGV4dA=="),
            ToolCall("fc-1", "weather", '{"city":"Bern"}', signature="Q2FsbA=="),
            ToolCall("call_1_1", "time", "{}"),
            Opaque("gemini", '{"executableCode":{"language":"PYTHON","code":"1"}}'),
        ),
    ),
    Message(
        "tool",
        (
            ToolResult("call_1_1", (Text("no clock"),), is_error=True, name="time"),
            ToolResult("fc-1", (Text("sunny"),), name="weather"),
        ),
    ),
    Message("user", (Text("And?"),)),
    Message("assistant", (Text("", signature="RW5k"),)),
    Message("user", (Text("Go on."),)),
)


def decode(**members: Any) -> ChatRequest:
    return CLIENT.at(AT, {}).decode_request(orjson.dumps({"contents": HELLO} | members))


def configured(**members: Any) -> ChatRequest:
    return decode(generationConfig=members)


def contents(*turns: Any) -> tuple[Message, ...]:
    return decode(contents=list(turns)).messages


def refusal(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        decode(**members)
    return caught.value


def test_the_least_request_leaves_everything_unsaid() -> None:
    body = b'{"contents":[{"parts":[{"text":"hi"}]}]}'
    expected = ChatRequest("gemini", "gemini-2.5-flash", (Message("user", (Text("hi"),)),), body, include_usage=True)
    assert CLIENT.at(AT, {}).decode_request(body) == expected


def test_every_parameter_has_its_place() -> None:
    body = (GOLDEN / "request.json").read_bytes()
    request = CLIENT.at("/v1/models/nexevo/fast:cheap:streamGenerateContent", {"alt": "sse"}).decode_request(body)
    assert request == ChatRequest(
        protocol="gemini",
        model="nexevo/fast:cheap",
        messages=MESSAGES,
        source=body,
        stream=True,
        include_usage=True,
        provider_state="contents[0].parts[5].file_data.file_uri",
        choices=2,
        max_output_tokens=500,
        sampling=Sampling(
            temperature=0.5,
            top_p=0.9,
            top_k=40,
            seed=7,
            stop=("END",),
            presence_penalty=0.5,
            frequency_penalty=-0.5,
            logprobs=True,
            top_logprobs=3,
        ),
        tools=(
            Tool(
                "weather",
                "Says it",
                {"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "required": ["city"]},
            ),
            Tool("time", parameters={"type": "object", "additionalProperties": False}),
            Tool("googleSearch", builtin={"googleSearch": {}}, spare=True, provider_run="google_search"),
        ),
        tool_choice=ToolChoice("required", allowed=("weather", "time")),
        output_format=OutputFormat("schema", {"type": "object"}),
        reasoning=Reasoning(budget_tokens=2048, include_thoughts=True),
        metadata={"team": "a"},
        unread_bytes=78,
        routing=RoutingPreferences(order=("vertex",), allow_fallbacks=False),
        unmapped={"cachedContent": "cachedContents/x", "generationConfig.speechConfig": {"languageCode": "de-CH"}},
    )


def test_both_spellings_mean_the_same() -> None:
    config = {"max_output_tokens": 9, "thinking_config": {"thinking_level": "LOW", "include_thoughts": True}}
    snake = decode(generation_config=config, system_instruction={"parts": [{"text": "x"}]})
    other = {"maxOutputTokens": 9, "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}
    camel = decode(generationConfig=other, systemInstruction={"parts": [{"text": "x"}]})
    assert (snake.max_output_tokens, snake.reasoning, snake.messages, snake.unmapped) == (
        camel.max_output_tokens,
        camel.reasoning,
        camel.messages,
        {},
    )
    assert (camel.max_output_tokens, camel.reasoning) == (9, Reasoning(effort="low", include_thoughts=True))


def test_without_a_url_the_body_names_the_model() -> None:
    body = orjson.dumps({"model": "models/gemini-2.5-flash", "contents": HELLO})
    assert CLIENT.decode_request(body).model == "gemini-2.5-flash"


BAD: list[tuple[dict[str, Any], str, str | None]] = [
    ({"contents": None}, "contents", "missing_required_parameter"),
    ({"contents": []}, "contents", "empty_array"),
    ({"contents": "hi"}, "contents", "invalid_type"),
    ({"contents": [{"role": "wizard", "parts": []}]}, "contents[0].role", "invalid_value"),
    ({"contents": [{"parts": ["hi"]}]}, "contents[0].parts[0]", "invalid_type"),
    ({"contents": [{"parts": [{}]}]}, "contents[0].parts[0].text", "missing_required_parameter"),
    ({"contents": [{"parts": [{"text": 4}]}]}, "contents[0].parts[0].text", "invalid_type"),
    (
        {"contents": [{"parts": [{"inline_data": {"data": "QQ=="}}]}]},
        "contents[0].parts[0].inline_data.mimeType",
        "missing_required_parameter",
    ),
    (
        {"contents": [{"parts": [{"functionCall": {"args": {}}}]}]},
        "contents[0].parts[0].functionCall.name",
        "missing_required_parameter",
    ),
    (
        {"contents": [{"parts": [{"functionCall": {"name": "f", "args": 5}}]}]},
        "contents[0].parts[0].functionCall.args",
        "invalid_type",
    ),
    (
        {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
        "contents[0].parts[0].functionResponse.response",
        "invalid_type",
    ),
    (
        {"contents": [{"parts": [{"functionResponse": {"name": "f", "parts": [{"fileData": {"fileUri": "x"}}]}}]}]},
        "contents[0].parts[0].functionResponse.parts[0].fileData.mimeType",
        "missing_required_parameter",
    ),
    ({"systemInstruction": {"parts": [{"inlineData": {}}]}}, "systemInstruction.parts[0].text", None),
    ({"generationConfig": {"temperature": 2.1}}, "generationConfig.temperature", "decimal_above_max_value"),
    ({"generation_config": {"top_p": "x"}}, "generation_config.top_p", "invalid_type"),
    ({"generationConfig": {"topK": 1.5}}, "generationConfig.topK", "invalid_type"),
    ({"generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens", "integer_below_min_value"),
    ({"generationConfig": {"candidateCount": 9}}, "generationConfig.candidateCount", "integer_above_max_value"),
    ({"generationConfig": {"seed": 2**31}}, "generationConfig.seed", "integer_above_max_value"),
    ({"generationConfig": {"stopSequences": ["a"] * 6}}, "generationConfig.stopSequences", "array_above_max_length"),
    ({"generationConfig": {"logprobs": 2}}, "generationConfig.logprobs", "invalid_value"),
    ({"generationConfig": {"presencePenalty": 3}}, "generationConfig.presencePenalty", "decimal_above_max_value"),
    (
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "extreme"}}},
        "generationConfig.thinkingConfig.thinkingLevel",
        "invalid_value",
    ),
    (
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "thinkingBudget": 5}}},
        "generationConfig.thinkingConfig.thinkingBudget",
        "invalid_parameter_combination",
    ),
    (
        {"generationConfig": {"responseSchema": {}, "responseJsonSchema": {}}},
        "generationConfig.responseJsonSchema",
        "invalid_value",
    ),
    ({"tools": [{"functionDeclarations": [{}]}]}, "tools[0].functionDeclarations[0].name", None),
    (
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {}, "parametersJsonSchema": {}}]}]},
        "tools[0].functionDeclarations[0].parametersJsonSchema",
        "invalid_value",
    ),
    ({"toolConfig": {"functionCallingConfig": {"mode": "MUST"}}}, "toolConfig.functionCallingConfig.mode", None),
    ({"labels": {"a": 1}}, "labels.a", "invalid_type"),
    ({"base_url": "https://attacker.example"}, "base_url", "unknown_parameter"),
]


@pytest.mark.parametrize(("members", "param", "code"), BAD)
def test_a_mistake_is_refused_by_its_path(members: dict[str, Any], param: str, code: str | None) -> None:
    error = refusal(**members)
    assert (error.param, code or error.code) == (param, error.code)


def test_a_schema_too_deep_to_read_is_refused() -> None:
    schema: dict[str, Any] = {"type": "STRING"}
    for _ in range(70):
        schema = {"type": "ARRAY", "items": schema}
    error = refusal(generationConfig={"responseSchema": schema})
    assert (error.param, error.code) == ("generationConfig.responseSchema", "invalid_schema")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"thinkingBudget": 0}, Reasoning(disabled=True)),
        ({"thinkingBudget": -1}, Reasoning(adaptive=True)),
        ({"thinkingLevel": "high"}, Reasoning(effort="high")),
        ({"includeThoughts": False}, Reasoning(include_thoughts=False)),
    ],
)
def test_a_thinking_config_is_reasoning(config: Any, expected: Reasoning) -> None:
    assert configured(thinkingConfig=config).reasoning == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "none"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("tool", tool="f")),
        ({"mode": "VALIDATED", "allowed_function_names": ["f"]}, ToolChoice("auto", allowed=("f",))),
    ],
)
def test_a_calling_mode_is_a_tool_choice(config: Any, expected: ToolChoice) -> None:
    assert decode(toolConfig={"functionCallingConfig": config}).tool_choice == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"responseMimeType": "text/plain"}, OutputFormat("text")),
        ({"responseMimeType": "application/json"}, OutputFormat("json")),
        ({"responseSchema": {"type": "STRING"}}, OutputFormat("schema", {"type": "string"})),
    ],
)
def test_a_response_format_has_its_kind(config: Any, expected: OutputFormat) -> None:
    assert configured(**config).output_format == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"serviceTier": "flex", "store": True}, {}),
        ({"safety_settings": [{"category": "X", "threshold": "OFF"}]}, {}),
        ({"generationConfig": {"responseModalities": ["TEXT"]}}, {}),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, {"generationConfig.responseModalities": ["IMAGE"]}),
        (
            {"generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {}}},
            {"generationConfig.responseMimeType": "text/x.enum"},
        ),
        (
            {"toolConfig": {"includeServerSideToolInvocations": True}},
            {"toolConfig.includeServerSideToolInvocations": True},
        ),
        ({"someNewMember": {"x": 1}}, {"someNewMember": {"x": 1}}),
        (
            {"contents": [{"parts": [{"text": "x", "videoMetadata": {"fps": 1}, "partMetadata": {"a": 1}}]}]},
            {"contents[0].parts[0].videoMetadata": {"fps": 1}},
        ),
        (
            {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING", "response": {}}]}]},
            {"tools[0].functionDeclarations[0].behavior": "NON_BLOCKING"},
        ),
    ],
)
def test_what_only_this_wire_can_say_is_kept_apart(members: dict[str, Any], expected: dict[str, Any]) -> None:
    assert decode(**members).unmapped == expected


def test_a_strict_filter_is_kept_apart() -> None:
    settings = [{"category": "X", "threshold": "BLOCK_LOW_AND_ABOVE"}]
    assert decode(safetySettings=settings).unmapped == {"safetySettings": settings}


def call(name: str, identity: str | None = None) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": {}} | ({"id": identity} if identity else {})}


def response(name: str, value: Any, identity: str | None = None) -> dict[str, Any]:
    return {"functionResponse": {"name": name, "response": value} | ({"id": identity} if identity else {})}


@pytest.mark.parametrize(
    ("calls", "responses", "expected"),
    [
        ([call("f"), call("f")], [response("f", {}), response("f", {})], ["call_0_0", "call_0_1"]),
        ([call("f", "a"), call("g", "b")], [response("g", {}), response("f", {})], ["b", "a"]),
        ([call("f", "a"), call("f", "b")], [response("f", {}, "b"), response("f", {}, "a")], ["b", "a"]),
        ([call("f", "a")], [response("f", {}, "made-up")], ["a"]),
        ([call("f", "a")], [response("other", {}, "made-up")], ["made-up"]),
        ([call("f", "a")], [response("other", {})], ["call_1_other"]),
    ],
)
def test_a_response_finds_its_call(calls: Any, responses: Any, expected: list[str]) -> None:
    _, results = contents({"role": "model", "parts": calls}, {"role": "user", "parts": responses})
    assert [part.call_id for part in results.parts if isinstance(part, ToolResult)] == expected


@pytest.mark.parametrize(
    ("value", "text", "is_error"),
    [
        ({"output": "x"}, "x", False),
        ({"output": {"a": 1}}, '{"a":1}', False),
        ({"error": "bad"}, "bad", True),
        ({"result": "x"}, '{"result":"x"}', False),
        ({}, "{}", False),
    ],
)
def test_a_response_is_text(value: Any, text: str, is_error: bool) -> None:
    (message,) = contents({"role": "function", "parts": [response("f", value, "a")]})
    assert message == Message("tool", (ToolResult("a", (Text(text),), is_error=is_error, name="f"),))


@pytest.mark.parametrize("kind", ["functionCall", "functionResponse", "executableCode"])
def test_what_is_nested_too_deeply_is_refused(kind: str) -> None:
    value = b'{"a":' * 300 + b"1" + b"}" * 300
    member = {"functionCall": b"args", "functionResponse": b"response", "executableCode": b"code"}[kind]
    body = b'{"contents":[{"parts":[{"%b":{"name":"f","%b":%b}}]}]}' % (kind.encode(), member, value)
    with pytest.raises(InvalidRequest, match="deeper than 254 levels"):
        CLIENT.at(AT, {}).decode_request(body)


def test_responses_find_the_calls_of_turns_in_a_row() -> None:
    turns = [{"role": "model", "parts": [call("f")]}, {"role": "model", "parts": [call("g")]}]
    *_, results = contents(*turns, {"parts": [response("g", {}), response("f", {})]})
    assert [part.call_id for part in results.parts if isinstance(part, ToolResult)] == ["call_1_1", "call_0_0"]


def test_media_in_a_response_are_its_parts() -> None:
    part = response("f", {"output": "x"}, "a")
    part["functionResponse"]["parts"] = [{"inlineData": {"mimeType": "image/png", "data": "QUI"}}]
    (message,) = contents({"parts": [part]})
    assert message.parts == (ToolResult("a", (Text("x"), Image(InlineMedia("QUI=", "image/png"))), name="f"),)


def test_a_models_own_picture_stays_as_it_is() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "U2ln"}
    _, message = contents(*HELLO, {"role": "model", "parts": [part]})
    assert message.parts == (Opaque("gemini", orjson.dumps(part).decode()),)


@pytest.mark.parametrize("alphabet", [None, "-_"])
def test_another_wires_signature_comes_back_as_it_was(alphabet: str | None) -> None:
    kept = b64encode(
        b"nexgate/santhropic_messages:EqoB+/?>~?>~?>~??==", altchars=alphabet.encode() if alphabet else None
    )
    hidden = b64encode(b"nexgate/ranthropic_messages:zzz+/=", altchars=alphabet.encode() if alphabet else None)
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": kept.decode()},
        {"text": "", "thought": True, "thoughtSignature": hidden.decode()},
        {"text": "said", "thoughtSignature": kept.decode()},
    ]
    _, message = contents(*HELLO, {"role": "model", "parts": parts})
    assert message.parts == (
        Thinking("hm", signature="EqoB+/?>~?>~?>~??==", signed_by="anthropic_messages"),
        RedactedThinking("zzz+/=", signed_by="anthropic_messages"),
        Text("said"),
    )


def test_a_count_is_asked_of_contents_or_of_a_whole_request() -> None:
    whole = {"model": "models/m", "contents": HELLO, "systemInstruction": {"parts": [{"text": "x"}]}}
    plain = decode_count_request(orjson.dumps({"contents": HELLO}), "m")
    within = decode_count_request(orjson.dumps({"generateContentRequest": whole}), "m")
    assert plain.messages == (Message("user", (Text("hi"),)),)
    assert within.messages == (Message("system", (Text("x"),)), Message("user", (Text("hi"),)))
    assert encode_count(7) == b'{"totalTokens":7}'


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"generationConfig": {"maxOutputTokens": 5, "max_output_tokens": 5000}}, "generationConfig.max_output_tokens"),
        ({"generationConfig": {"candidate_count": None, "candidateCount": 1}}, "generationConfig.candidate_count"),
        ({"generationConfig": {"maxOutputTokens": 5}, "generation_config": {"candidateCount": 8}}, "generation_config"),
        ({"serviceTier": "STANDARD", "service_tier": "PRIORITY"}, "service_tier"),
        ({"tools": [{"functionDeclarations": [], "function_declarations": []}]}, "tools[0].function_declarations"),
    ],
)
def test_a_member_is_given_in_one_spelling(members: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRequest, match="only one of them can be set") as refused:
        CLIENT.at(AT, {}).decode_request(orjson.dumps({"contents": HELLO, **members}))
    assert refused.value.param == path
