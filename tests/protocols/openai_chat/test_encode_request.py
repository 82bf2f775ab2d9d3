"""Tests of bodies for providers: the caller's bytes with few edits, or built from another wire."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.parts import (
    Audio,
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
from gateway.protocols.openai_chat import CLIENT, UPSTREAM

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_chat"
PLAIN = Target("gpt-up", Profile("plain"), 4096)
THINKER = Target(
    "o-up",
    Profile(
        "thinker",
        fixed_sampling=True,
        system_role="developer",
        output_limit="max_completion_tokens",
        efforts=("none", "low", "medium", "high"),
    ),
    4096,
)
HELLO = (Message("user", (Text("hi"),)),)


def forwarded(body: bytes, target: Target = PLAIN) -> bytes:
    return UPSTREAM.encode_request(CLIENT.decode_request(body), target)


def bridged(target: Target = PLAIN, **fields: Any) -> dict[str, Any]:
    request = ChatRequest("anthropic_messages", "asked", HELLO, b"")
    body: dict[str, Any] = orjson.loads(UPSTREAM.encode_request(replace(request, **fields), target))
    return body


def bridged_messages(*messages: Message) -> Any:
    return bridged(messages=messages)["messages"]


def refused(**fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        bridged(**fields)
    return caught.value.param


def test_only_the_model_changes_where_nothing_else_must() -> None:
    body = b' { "model" : "asked", "messages":[{"role":"user","content":"\\u00fc"}],"x_new":[1.0, 2] }\n'
    assert forwarded(body) == body.replace(b'"asked"', b'"gpt-up"')


def test_the_gateways_own_members_stay_here() -> None:
    body = (GOLDEN / "request.json").read_bytes()
    expected = orjson.loads(body) | {"model": "o-up"}
    for name in ("models", "provider", "max_price", "store", "temperature", "top_p"):
        del expected[name]
    assert orjson.loads(forwarded(body, THINKER)) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (b"", {"include_usage": True}),
        (b',"stream_options":null', {"include_usage": True}),
        (b',"stream_options":{"include_obfuscation":false}', {"include_obfuscation": False, "include_usage": True}),
        (b',"stream_options":{"include_usage":false}', {"include_usage": True}),
    ],
)
def test_usage_is_always_asked_of_a_stream(options: bytes, expected: dict[str, Any]) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true' + options + b"}"
    assert orjson.loads(forwarded(body))["stream_options"] == expected


def test_a_stream_that_asks_for_usage_itself_is_not_touched() -> None:
    options = b'"stream_options":{"include_usage": true}'
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true,' + options + b"}"
    assert forwarded(body) == body.replace(b'"m"', b'"gpt-up"')


@pytest.mark.parametrize(
    ("sent", "target", "expected"),
    [
        (b'"max_tokens":9', THINKER, {"max_completion_tokens": 9}),
        (b'"max_completion_tokens":9', PLAIN, {"max_tokens": 9}),
        (b'"max_tokens":9', PLAIN, {"max_tokens": 9}),
        (b'"temperature":1,"top_p":0.5', THINKER, {}),
        (b'"temperature":1,"top_p":0.5', PLAIN, {"temperature": 1, "top_p": 0.5}),
    ],
)
def test_a_model_gets_what_its_profile_takes(sent: bytes, target: Target, expected: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "hi"}]
    body = b'{"model":"m","messages":' + orjson.dumps(messages) + b"," + sent + b"}"
    assert orjson.loads(forwarded(body, target)) == {"model": target.model, "messages": messages} | expected


@pytest.mark.parametrize(("target", "role"), [(PLAIN, "system"), (THINKER, "developer")])
@pytest.mark.parametrize("sent", ["system", "developer"])
def test_instructions_go_under_the_role_that_the_model_knows(target: Target, role: str, sent: str) -> None:
    body = {"model": "m", "messages": [{"role": sent, "content": "x"}, {"role": "user", "content": "hi"}]}
    messages = orjson.loads(forwarded(orjson.dumps(body), target))["messages"]
    assert [message["role"] for message in messages] == [role, "user"]


def test_an_effort_that_the_model_has_not_is_for_its_provider_to_refuse() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"reasoning_effort":"xhigh"}'
    assert orjson.loads(forwarded(body, THINKER))["reasoning_effort"] == "xhigh"


def test_a_request_of_another_wire_is_built_anew() -> None:
    schema = {"type": "object"}
    assert bridged(
        stream=True,
        choices=2,
        max_output_tokens=50,
        sampling=Sampling(temperature=0.5, top_p=0.9, top_k=40, seed=1, stop=("END",), logprobs=True, top_logprobs=2),
        tools=(Tool("f", "d", schema, strict=True), Tool("g")),
        tool_choice=ToolChoice("tool", tool="f"),
        parallel_tool_calls=False,
        output_format=OutputFormat("schema", schema, None, None, strict=True),
        user="u",
        metadata={"user_id": "u"},
    ) == {
        "model": "gpt-up",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "n": 2,
        "max_tokens": 50,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 1,
        "stop": ["END"],
        "logprobs": True,
        "top_logprobs": 2,
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": True}},
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}},
        "user": "u",
    }


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("required"), "required"),
        (
            ToolChoice("auto", allowed=("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
    ],
)
def test_a_tool_choice_is_written_in_its_form(choice: ToolChoice, expected: Any) -> None:
    assert bridged(tools=(Tool("f"),), tool_choice=choice)["tool_choice"] == expected


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning(effort="low"), "low"),
        (Reasoning(budget_tokens=1024), "low"),
        (Reasoning(budget_tokens=8000), "medium"),
        (Reasoning(budget_tokens=32000), "high"),
        (Reasoning(effort="none", disabled=True), "none"),
        (Reasoning(adaptive=True), None),
    ],
)
def test_reasoning_becomes_an_effort(reasoning: Reasoning, effort: str | None) -> None:
    assert bridged(THINKER, reasoning=reasoning).get("reasoning_effort") == effort


@pytest.mark.parametrize("budget_tokens", [1, 8_000, 65_536])
def test_a_budget_becomes_a_word_that_the_model_knows(budget_tokens: int) -> None:
    target = replace(THINKER, profile=replace(THINKER.profile, efforts=("medium",)))
    assert bridged(target, reasoning=Reasoning(budget_tokens=budget_tokens))["reasoning_effort"] == "medium"


def test_a_conversation_with_tools_and_thinking_is_kept() -> None:
    assert bridged_messages(
        Message("system", (Text("Be"), Text("brief."))),
        Message("user", (Text("Look"), Image(InlineMedia("QUJD", "image/png"), detail="low"))),
        Message(
            "assistant",
            (
                Thinking("hm", signature="sig"),
                RedactedThinking("zzz"),
                Text("Calling"),
                ToolCall("c1", "f", '{"a": 1}'),
                ToolCall("c2", "g", ""),
            ),
        ),
        Message(
            "tool",
            (
                ToolResult("c1", (Text("one"), Text("two"))),
                ToolResult("c2", (Text("bad"), Image(RemoteMedia("https://example.com/a.png"))), is_error=True),
            ),
        ),
        Message("assistant", (Refusal("no"),)),
    ) == [
        {"role": "system", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Calling",
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": ""}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one\ntwo"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: bad"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Media returned by the tool call c2:"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        },
        {"role": "assistant", "content": None, "refusal": "no"},
    ]


def test_a_turn_of_nothing_but_encrypted_reasoning_is_left_out() -> None:
    assert bridged_messages(*HELLO, Message("assistant", (RedactedThinking("zzz"),))) == [
        {"role": "user", "content": "hi"}
    ]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            Document(InlineMedia("QUJD", "application/pdf"), name="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
        ),
        (Document(InlineMedia("QUJD", "text/plain")), {"type": "text", "text": "ABC"}),
        (Document(UploadedMedia("file-1")), {"type": "file", "file": {"file_id": "file-1"}}),
        (
            Audio(InlineMedia("QUJD", "audio/mpeg")),
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        ),
    ],
)
def test_media_take_this_wires_form(part: Part, expected: Any) -> None:
    assert bridged_messages(Message("user", (Text("x"), part)))[0]["content"][1] == expected


@pytest.mark.parametrize(
    "part",
    [
        Document(RemoteMedia("https://example.com/a.pdf")),
        Document(InlineMedia("QUJ", "text/plain")),
        Image(UploadedMedia("file-1")),
        Audio(InlineMedia("QUJD", "audio/ogg")),
        Audio(RemoteMedia("https://example.com/a.wav")),
        Opaque("anthropic_messages", "{}"),
    ],
)
def test_a_part_that_the_wire_cannot_carry_is_refused_by_its_path(part: Part) -> None:
    assert refused(messages=(*HELLO, Message("user", (Text("x"), part)))) == "messages[1].content[1]"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"unmapped": {"context_management": {}}}, "context_management"),
        ({"tools": (Tool("f"), Tool("web_search", builtin={"type": "web_search"}))}, "tools[1]"),
    ],
)
def test_what_the_wire_cannot_express_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


def test_a_chat_request_built_anew_says_what_it_said() -> None:
    body = {
        "model": "gpt-up",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi", "name": "ann"},
            {"role": "assistant", "content": "yes"},
        ],
        "max_tokens": 5,
        "temperature": 0.5,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
    }
    request = CLIENT.decode_request(orjson.dumps(body))
    assert orjson.loads(UPSTREAM.encode_request(replace(request, protocol="another"), PLAIN)) == body


def test_an_answer_is_asked_for_whole_although_the_callers_bytes_ask_for_a_stream() -> None:
    source = b'{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}'
    request = replace(CLIENT.decode_request(source.replace(b"[]", b'[{"role":"user","content":"hi"}]')), stream=False)
    body = orjson.loads(UPSTREAM.encode_request(request, PLAIN))
    assert (body["stream"], "stream_options" in body) == (False, False)
