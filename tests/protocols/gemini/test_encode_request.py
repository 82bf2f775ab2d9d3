"""Tests of bodies for providers: the caller's bytes with few edits, or built from another wire."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    InlineMedia,
    Message,
    Opaque,
    Part,
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
    Reasoning,
    Sampling,
    Tool,
    ToolChoice,
)
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols.gemini import CLIENT, UPSTREAM
from gateway.protocols.gemini.count_tokens import decode_count, encode_count_request

GOLDEN = Path(__file__).parents[2] / "golden" / "gemini"
AT = "/v1beta/models/asked:generateContent"
BUDGETED = Target("up", Profile("gemini_25", thinking="budget", thinking_budget_tokens=(512, 24_576)), 4096)
ALWAYS = Target("up", Profile("p", thinking="budget", thinking_budget_tokens=(128, 32_768), thinks_always=True), 4096)
LEVELLED = Target("up", Profile("gemini_3", thinking="effort", efforts=("low", "high"), signed_calls=True), 4096)
PLAIN = Target("up", Profile("plain"), 4096)
HELLO = (Message("user", (Text("hi"),)),)


def forwarded(body: bytes, target: Target = PLAIN) -> bytes:
    return UPSTREAM.encode_request(CLIENT.at(AT, {}).decode_request(body), target)


def bridged(target: Target = PLAIN, **fields: Any) -> dict[str, Any]:
    request = ChatRequest("openai_chat", "asked", HELLO, b"")
    body: dict[str, Any] = orjson.loads(UPSTREAM.encode_request(replace(request, **fields), target))
    return body


def contents(*messages: Message, target: Target = PLAIN) -> Any:
    return bridged(target, messages=messages)["contents"]


def refused(**fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        bridged(**fields)
    return caught.value.param


def test_nothing_changes_where_nothing_must() -> None:
    body = b' { "contents" : [{"parts":[{"text":"\\u00fc"}]}],"xNew":[1.0, 2] , "generation_config":{"top_k":4.0}}\n'
    assert forwarded(body) == body


def test_the_model_and_the_gateways_own_members_stay_here() -> None:
    body = (GOLDEN / "request.json").read_bytes()
    expected = {name: value for name, value in orjson.loads(body).items() if name != "provider"}
    named = orjson.dumps(orjson.loads(body) | {"model": "models/asked"})
    assert (orjson.loads(forwarded(body)), orjson.loads(forwarded(named))) == (expected, expected)


def test_thoughts_of_another_wire_are_not_forwarded() -> None:
    foreign = b64encode(b"nexgate/santhropic_messages:EqoB").decode()
    turns = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "hm", "thought": True, "thought_signature": foreign}, {"text": "yes"}]},
        {"role": "model", "parts": [{"text": "", "thought": True, "thoughtSignature": foreign}]},
        {"role": "model", "parts": [{"text": "own", "thought": True, "thoughtSignature": "T3du"}]},
    ]
    sent = orjson.loads(forwarded(orjson.dumps({"contents": turns})))["contents"]
    assert sent == [turns[0], {"role": "model", "parts": [{"text": "yes"}]}, turns[3]]


def test_a_level_becomes_a_budget_where_the_model_knows_no_level() -> None:
    config = {"topK": 3, "thinking_config": {"thinking_level": "MEDIUM"}}
    body = orjson.dumps({"contents": [{"parts": [{"text": "hi"}]}], "generation_config": config})
    sent = orjson.loads(forwarded(body, BUDGETED))["generation_config"]
    assert sent == {"topK": 3, "thinkingConfig": {"thinkingBudget": 8192, "includeThoughts": True}}


def test_a_first_call_without_a_signature_gets_the_stand_in() -> None:
    calls = [{"function_call": {"name": "f"}}, {"functionCall": {"name": "g"}}]
    signed = [{"functionCall": {"name": "f"}, "thought_signature": "U2ln"}, {"functionCall": {"name": "g"}}]
    turns = [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": calls},
        {"role": "model", "parts": signed},
        {"role": "model"},
    ]
    sent = orjson.loads(forwarded(orjson.dumps({"contents": turns}), LEVELLED))["contents"]
    stand_in = calls[0] | {"thoughtSignature": "skip_thought_signature_validator"}
    assert sent == [
        turns[0],
        {"role": "model", "parts": [stand_in, calls[1]]},
        turns[2],
        {"role": "model", "parts": []},
    ]


def test_signed_calls_are_forwarded_untouched() -> None:
    body = b'{"contents": [{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"U2ln"}]}]}'
    assert forwarded(body, LEVELLED) == body


def test_a_request_of_another_wire_is_built_anew() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "exclusiveMinimum": 0}}}
    cleaned = {"type": "object", "properties": {"a": {"type": "integer", "description": "(exclusiveMinimum: 0)"}}}
    assert bridged(
        stream=True,
        choices=2,
        max_output_tokens=50,
        sampling=Sampling(
            temperature=0.5,
            top_p=0.9,
            top_k=40,
            seed=1,
            stop=("END",),
            presence_penalty=1,
            frequency_penalty=-1,
            logprobs=True,
            top_logprobs=2,
        ),
        tools=(Tool("f", "d", schema, strict=True), Tool("g")),
        tool_choice=ToolChoice("tool", tool="f"),
        parallel_tool_calls=False,
        output_format=OutputFormat("schema", schema, "name", None, strict=True),
        user="u",
        metadata={"user_id": "u"},
    ) == {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "f", "description": "d", "parametersJsonSchema": cleaned},
                    {"name": "g", "description": ""},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
            "temperature": 0.5,
            "topP": 0.9,
            "topK": 40,
            "seed": 1,
            "stopSequences": ["END"],
            "presencePenalty": 1,
            "frequencyPenalty": -1,
            "responseLogprobs": True,
            "logprobs": 2,
            "candidateCount": 2,
            "maxOutputTokens": 50,
            "responseMimeType": "application/json",
            "responseJsonSchema": cleaned,
        },
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"output_format": OutputFormat("text")}, None),
        ({"output_format": OutputFormat("json")}, {"responseMimeType": "application/json"}),
        ({"sampling": Sampling(top_k=-1)}, None),
    ],
)
def test_a_config_says_no_more_than_was_asked(fields: dict[str, Any], expected: Any) -> None:
    assert bridged(**fields).get("generationConfig") == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", allowed=("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", allowed=("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_tool_choice_is_a_calling_mode(choice: ToolChoice, expected: Any) -> None:
    body = bridged(tools=(Tool("f"),), tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": expected}


def test_a_choice_without_tools_is_left_out() -> None:
    assert "toolConfig" not in bridged(tool_choice=ToolChoice("auto"))


@pytest.mark.parametrize(
    ("target", "reasoning", "expected"),
    [
        (BUDGETED, Reasoning(effort="medium"), {"thinkingBudget": 8192, "includeThoughts": True}),
        (BUDGETED, Reasoning(effort="max"), {"thinkingBudget": 24576, "includeThoughts": True}),
        (BUDGETED, Reasoning(budget_tokens=5000), {"thinkingBudget": 5000, "includeThoughts": True}),
        (BUDGETED, Reasoning(budget_tokens=5), {"thinkingBudget": 512, "includeThoughts": True}),
        (BUDGETED, Reasoning(adaptive=True), {"thinkingBudget": -1, "includeThoughts": True}),
        (BUDGETED, Reasoning(disabled=True), {"thinkingBudget": 0}),
        (BUDGETED, Reasoning(effort="none", disabled=True), {"thinkingBudget": 0}),
        (ALWAYS, Reasoning(disabled=True), {"thinkingBudget": 128}),
        (BUDGETED, Reasoning(effort="low", include_thoughts=False), {"thinkingBudget": 2048}),
        (BUDGETED, Reasoning(summary="auto"), None),
        (LEVELLED, Reasoning(effort="medium"), {"thinkingLevel": "LOW", "includeThoughts": True}),
        (LEVELLED, Reasoning(effort="xhigh"), {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (LEVELLED, Reasoning(budget_tokens=32000), {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (LEVELLED, Reasoning(adaptive=True), {"includeThoughts": True}),
        (LEVELLED, Reasoning(disabled=True), {"thinkingLevel": "LOW"}),
        (PLAIN, Reasoning(effort="high"), None),
    ],
)
def test_reasoning_is_said_as_the_model_takes_it(target: Target, reasoning: Reasoning, expected: Any) -> None:
    assert bridged(target, reasoning=reasoning).get("generationConfig", {}).get("thinkingConfig") == expected


def test_a_conversation_with_tools_and_thinking_is_kept() -> None:
    body = bridged(
        messages=(
            Message("system", (Text("Be"), Text("brief."))),
            Message("user", (Text("Look", cache=CacheLifetime.ONE_HOUR), Image(InlineMedia("QUJD", "image/png")))),
            Message(
                "assistant",
                (
                    Thinking("own", signature="T3du", signed_by="gemini"),
                    Thinking("other", signature="EqoB", signed_by="anthropic_messages"),
                    Thinking("unsigned"),
                    RedactedThinking("zzz"),
                    Text("Calling", signature="VGV4dA=="),
                    Text(""),
                    ToolCall("c1", "f", '{"a": 1}', signature="Q2FsbA=="),
                    ToolCall("c2", "g", ""),
                    ToolCall("c3", "sql", "SELECT 1", custom=True),
                ),
            ),
            Message("tool", (ToolResult("c1", (Text('{"b": 2}'), Image(RemoteMedia("https://x.test/a.png")))),)),
            Message("tool", (ToolResult("c2", (Text("bad"),), is_error=True),)),
            Message("tool", (ToolResult("c3", (Text("one"), Text("two"))),)),
            Message("user", (Text("And?"),), name="ann"),
            Message("system", (Text("Hurry."),)),
            Message("assistant", (Refusal("no"),)),
        )
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be"}, {"text": "brief."}, {"text": "Hurry."}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}]},
        {
            "role": "model",
            "parts": [
                {"text": "own", "thought": True, "thoughtSignature": "T3du"},
                {"text": "Calling", "thoughtSignature": "VGV4dA=="},
                {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "Q2FsbA=="},
                {"functionCall": {"id": "c2", "name": "g", "args": {}}},
                {"functionCall": {"id": "c3", "name": "sql", "args": {"input": "SELECT 1"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "f", "response": {"output": {"b": 2}}}},
                {"functionResponse": {"id": "c2", "name": "g", "response": {"error": "bad"}}},
                {"functionResponse": {"id": "c3", "name": "sql", "response": {"output": "one\ntwo"}}},
                {"text": "Media returned by the tool call c1:"},
                {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png"}},
                {"text": "And?"},
            ],
        },
        {"role": "model", "parts": [{"text": "no"}]},
    ]


CALLS = Message("assistant", (ToolCall("c1", "f", "{}"), ToolCall("c2", "g", "{}")))


def test_calls_of_turns_in_a_row_are_answered_together() -> None:
    one, two = ToolCall("c1", "f", "{}"), ToolCall("c2", "g", "{}")
    results = Message("tool", (ToolResult("c1", (Text("x"),)), ToolResult("c2", (Text("y"),))))
    turns = contents(*HELLO, Message("assistant", (one,)), Message("assistant", (two,)), results)
    assert [(turn["role"], len(turn["parts"])) for turn in turns] == [("user", 1), ("model", 2), ("user", 2)]


def test_only_the_first_call_of_a_turn_gets_the_stand_in() -> None:
    _, model = contents(*HELLO, CALLS, target=LEVELLED)
    assert [part.get("thoughtSignature") for part in model["parts"]] == ["skip_thought_signature_validator", None]


@pytest.mark.parametrize("arguments", ["{bad", "[1]", "3"])
def test_arguments_that_are_no_object_do_not_brick_a_conversation(arguments: str) -> None:
    (turn,) = contents(Message("assistant", (ToolCall("c", "f", arguments),)))
    assert turn["parts"] == [{"functionCall": {"id": "c", "name": "f", "args": {"input": arguments}}}]


def test_arguments_are_sent_as_they_were_written() -> None:
    call = ToolCall("c", "f", '{"big": 123456789012345678901234567890, "deep": ' + "[" * 400 + "]" * 400 + "}")
    request = ChatRequest("openai_chat", "asked", (Message("assistant", (call,)),), b"")
    assert call.arguments.encode() in UPSTREAM.encode_request(request, PLAIN)


def test_a_schema_nested_beyond_writing_is_refused() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert refused(tools=(Tool("f", parameters={"default": deep}),)) == "tools[0].parameters"


def test_a_conversation_nested_beyond_writing_is_refused() -> None:
    deep = b"[" * 250 + b"]" * 250
    part = b'{"functionCall":{"name":"f"}},{"text":"x","videoMetadata":%b}' % deep
    with pytest.raises(InvalidRequest, match="deeper than 254 levels"):
        forwarded(b'{"contents":[{"role":"model","parts":[%b]}]}' % part, LEVELLED)


def test_instructions_alone_are_no_conversation() -> None:
    assert refused(messages=(Message("system", (Text("Go."),)),)) == "messages"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Document(InlineMedia("QUJD", "text/plain")), {"inlineData": {"mimeType": "text/plain", "data": "QUJD"}}),
        (Audio(InlineMedia("QUJD", "audio/ogg")), {"inlineData": {"mimeType": "audio/ogg", "data": "QUJD"}}),
        (Image(RemoteMedia("https://x.test/a")), {"fileData": {"fileUri": "https://x.test/a"}}),
        (
            Document(RemoteMedia("https://x.test/a.PDF?b=1.png")),
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/a.PDF?b=1.png"}},
        ),
        (Image(UploadedMedia("gs://b/a.png")), {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}}),
        (Opaque("gemini", '{"executableCode":{}}'), {"executableCode": {}}),
    ],
)
def test_media_take_this_wires_form(part: Part, expected: Any) -> None:
    assert contents(Message("user", (part,)))[0]["parts"] == [expected]


@pytest.mark.parametrize("part", [Image(UploadedMedia("file-1")), Opaque("anthropic_messages", "{}")])
def test_a_part_that_the_wire_cannot_carry_is_refused_by_its_path(part: Part) -> None:
    assert refused(messages=(*HELLO, Message("user", (Text("x"), part)))) == "messages[1].content[1]"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"unmapped": {"context_management": {}}}, "context_management"),
        ({"choices": 9}, "n"),
        ({"sampling": Sampling(logit_bias={"1": 1.0})}, "logit_bias"),
        ({"tools": (Tool("f"), Tool("web_search", builtin={"type": "web_search"}))}, "tools[1]"),
        ({"tools": (Tool("f", parameters={"$ref": "https://x.test"}),)}, "tools[0].parameters"),
        ({"output_format": OutputFormat("schema", {"$ref": "https://x.test"})}, "response_format"),
        ({"messages": (Message("system", (Image(RemoteMedia("https://x.test")),)),)}, "messages[0].content[0]"),
    ],
)
def test_what_the_wire_cannot_express_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


def test_a_request_of_this_wire_built_anew_says_what_it_said() -> None:
    source = orjson.loads((GOLDEN / "request.json").read_bytes())
    for name in ("cachedContent", "provider", "safetySettings", "labels"):
        del source[name]
    del source["generationConfig"]["speechConfig"]
    source["tools"].pop()
    # An upload's id does not show its type.
    source["contents"][0]["parts"] = [part for part in source["contents"][0]["parts"] if "file_data" not in part]
    request = CLIENT.at(AT, {}).decode_request(orjson.dumps(source))
    anew = UPSTREAM.encode_request(replace(request, protocol="another"), BUDGETED)
    again = CLIENT.at(AT, {}).decode_request(anew)
    told: dict[str, Any] = {"source": b"", "protocol": "", "metadata": {}, "messages": (), "tools": ()}
    assert replace(again, **told) == replace(request, **told)
    assert [tool.parameters for tool in again.tools] == [tool.parameters for tool in request.tools]
    # The responses take the order of the calls, and a document has no name; the rest is unchanged.
    nameless = b'"displayName":"a.pdf"', b'"displayName":null'
    request = CLIENT.at(AT, {}).decode_request(orjson.dumps(source).replace(*nameless))
    assert {part for message in again.messages for part in message.parts} == {
        part for message in request.messages for part in message.parts
    }


def test_a_provider_counts_a_whole_request() -> None:
    request = CLIENT.at(AT, {}).decode_request(b'{"contents":[{"parts":[{"text":"hi"}]}]}')
    assert orjson.loads(encode_count_request(request, PLAIN)) == {
        "generateContentRequest": {"model": "models/up", "contents": [{"parts": [{"text": "hi"}]}]}
    }
    assert (decode_count(b'{"totalTokens":31}'), decode_count(b"{}")) == (31, 0)
