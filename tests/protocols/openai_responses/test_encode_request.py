"""Tests of bodies for providers of this wire: the caller's bytes edited, built from another wire, or refused."""

import base64
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

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
from gateway.protocols.openai_responses import CLIENT, UPSTREAM
from gateway.protocols.openai_responses.item_ids import given, shown

GOLDEN = Path(__file__).parents[2] / "golden" / "openai_responses"
REASONS = Profile(name="reasons", fixed_sampling=True, system_role="developer", efforts=("low", "medium", "high"))
PLAIN = Profile(name="plain")
CUSTOM = Profile(name="custom", custom_tools=True)
PARAMS: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)


def forwarded(source: bytes, profile: Profile = PLAIN) -> bytes:
    return UPSTREAM.encode_request(CLIENT.decode_request(source), Target("up", profile, 1000))


def built(profile: Profile = PLAIN, **members: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"messages": (Message("user", (Text("hi"),)),)} | members
    request = ChatRequest(protocol="other", model="m", source=b"{}", **asked)
    body: dict[str, Any] = orjson.loads(UPSTREAM.encode_request(request, Target("up", profile, 1000)))
    return body


def items(*messages: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = built(CUSTOM, messages=messages)["input"]
    return found


def said(*parts: Part) -> list[dict[str, Any]]:
    return items(Message("assistant", parts))


def refusal(**members: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        built(**members)
    return caught.value.param


def test_the_same_wire_is_edited_in_its_model_and_its_keeping_only() -> None:
    source = b'{ "model": "m",  "input": [ {"role": "user", "content": "hi"} ], "store": true, "seed" : 1 }'
    assert forwarded(source) == (
        b'{ "model": "up",  "input": [ {"role": "user", "content": "hi"} ], "store": false, "seed" : 1 }'
    )


def test_what_asks_not_to_be_kept_is_edited_in_its_model_only() -> None:
    source = b'{"model": "m", "input": "hi", "store": false, "include": ["reasoning.encrypted_content"]}'
    assert forwarded(source, REASONS) == source.replace(b'"m"', b'"up"')


def test_a_reasoning_model_is_asked_for_its_reasoning_encrypted() -> None:
    body = orjson.loads(forwarded(b'{"model": "m", "input": "hi", "include": ["file_search_call.results"]}', REASONS))
    assert body["include"] == ["file_search_call.results", "reasoning.encrypted_content"]
    assert "include" not in orjson.loads(forwarded(b'{"model": "m", "input": "hi"}'))


def test_the_gateways_own_members_and_refused_sampling_stay_behind() -> None:
    source = (
        b'{"model": "m", "input": "hi", "models": ["x"], "provider": {}, "max_price": {}, "nexevo": {}, '
        b'"temperature": 1, "top_p": 1}'
    )
    assert orjson.loads(forwarded(source, REASONS)).keys() == {"model", "input", "store", "include"}


def test_reasoning_is_sent_to_its_own_wire_only_and_without_nulls() -> None:
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"}
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "nxn:anthropic_messages:s"}
    redacted = foreign | {"encrypted_content": "nxn-redacted:anthropic_messages:d"}
    unkept = {"type": "reasoning", "id": "rs_2", "summary": []}
    user = {"role": "user", "content": "hi"}
    given = [own | {"content": None, "status": None}, foreign, redacted, unkept, user]
    sent = orjson.loads(forwarded(orjson.dumps({"model": "m", "input": given})))
    assert sent["input"] == [own, user]


def test_an_item_that_comes_back_has_its_providers_id_again_and_its_other_bytes() -> None:
    items = (
        b'[ {"type": "message", "id": "%b", "role": "user", "content": "msg_nxn-1"},\n'
        b' {"type": "reasoning", "id": "%b", "summary": [], "encrypted_content": "gA", "n": 1.0} ]'
    )
    source = b'{"model": "m", "store": false, "input": %b}'
    shown = source % items % (b"msg_nxn-68_a", b"rs_nxn-68b")
    assert forwarded(shown) == source.replace(b'"m"', b'"up"') % items % (b"msg_68_a", b"rs_68b")


@pytest.mark.parametrize("place", ["0", "in12"])
def test_an_id_of_an_item_that_was_made_here_is_left_out(place: str) -> None:
    said = {"role": "assistant", "content": "hi"}
    mine = {"id": f"msg_nxn-0123456789abcdefgh-{place}"} | said
    sent = orjson.loads(forwarded(orjson.dumps({"model": "m", "input": [mine, {"id": None} | said]})))
    assert sent["input"] == [said, {"id": None} | said]


@pytest.mark.parametrize(
    "identity", ["msg_68ab", "6f1b-4", "item_3", "item_nxn-x", "msg_nxn-0123456789abcdefgh-0", "X_1"]
)
def test_an_id_that_was_shown_leads_back_to_the_providers(identity: str) -> None:
    assert given(shown(identity)) == identity
    assert re.fullmatch(r"[a-z]+_nxn-.+", shown(identity))


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
    ],
)
def test_state_that_was_not_resolved_here_is_not_asked_of_a_provider(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        forwarded(orjson.dumps({"model": "m", "input": "hi"} | members))
    assert caught.value.param == param


def test_an_effort_that_the_model_does_not_know_is_for_its_provider_to_refuse() -> None:
    sent = forwarded(b'{"model": "m", "input": "hi", "reasoning": {"effort": "minimal"}}', REASONS)
    assert orjson.loads(sent)["reasoning"] == {"effort": "minimal"}


def test_a_plain_question_is_made_anew_and_not_kept() -> None:
    assert built() == {"model": "up", "input": [{"role": "user", "content": "hi"}], "store": False}


def test_a_reasoning_model_is_asked_in_its_own_words() -> None:
    body = built(
        REASONS,
        messages=(Message("system", (Text("Be brief."),)), Message("user", (Text("hi"),))),
        stream=True,
        max_output_tokens=100,
        sampling=Sampling(temperature=0.1, top_p=0.2),
        reasoning=Reasoning(budget_tokens=1500),
        user="u",
    )
    assert body == {
        "model": "up",
        "input": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "store": False,
        "stream": True,
        "max_output_tokens": 100,
        "user": "u",
        "reasoning": {"effort": "low", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    }


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (Reasoning(effort="high"), {"effort": "high"}),
        (Reasoning(effort="high", summary="detailed"), {"effort": "high", "summary": "detailed"}),
        (Reasoning(budget_tokens=32000), {"effort": "high", "summary": "auto"}),
        (Reasoning(budget_tokens=32000, include_thoughts=False), {"effort": "high"}),
        (Reasoning(adaptive=True), {"summary": "auto"}),
        (Reasoning(include_thoughts=True), {"summary": "auto"}),
        (Reasoning(disabled=True), None),
    ],
)
def test_thinking_is_asked_for_by_effort_and_shown_to_who_asked_for_it(reasoning: Reasoning, expected: Any) -> None:
    assert built(REASONS, reasoning=reasoning).get("reasoning") == expected


def test_a_model_that_does_not_reason_is_not_asked_to() -> None:
    assert "reasoning" not in built(reasoning=Reasoning(budget_tokens=2000))


def test_free_sampling_and_scores_have_their_places() -> None:
    body = built(sampling=Sampling(temperature=0.5, top_p=0.9, logprobs=True, top_logprobs=3, top_k=5, seed=1))
    assert {name: body[name] for name in body.keys() - {"model", "input", "store"}} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_logprobs": 3,
        "include": ["message.output_text.logprobs"],
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"choices": 2}, "n"),
        ({"sampling": Sampling(logit_bias={"1": 1.0})}, "logit_bias"),
        ({"unmapped": {"prediction": {}}}, "prediction"),
        ({"hints": {"verbosity": "loud"}}, "verbosity"),
        ({"tools": (Tool("web_search_20250305", builtin={"type": "web_search_20250305"}),)}, "tools[0]"),
        ({"messages": (Message("user", (Audio(InlineMedia("aGk=", "audio/wav")),)),)}, None),
    ],
)
def test_what_the_wire_cannot_say_is_refused_by_name(members: dict[str, Any], param: str | None) -> None:
    assert refusal(**members) == (param or "messages[0].content[0]")


def test_a_function_says_whether_it_is_strict_since_this_wire_would_assume_it() -> None:
    tools = (Tool("f", "F.", {"type": "object"}), Tool("g", strict=True))
    body = built(tools=tools, tool_choice=ToolChoice("tool", tool="f"), parallel_tool_calls=False)
    assert body["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False, "description": "F."},
        {"type": "function", "name": "g", "parameters": None, "strict": True},
    ]
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ({"type": "function", "name": "f"}, False)


def test_a_custom_tool_keeps_its_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: x"}
    body = built(
        CUSTOM,
        tools=(Tool("sql", "Q.", free_text=grammar),),
        tool_choice=ToolChoice("required", allowed=("sql", "f")),
    )
    assert body["tools"] == [{"type": "custom", "name": "sql", "description": "Q.", "format": grammar}]
    assert body["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "custom", "name": "sql"}, {"type": "function", "name": "f"}],
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (OutputFormat("text"), {"type": "text"}),
        (OutputFormat("json"), {"type": "json_object"}),
        (
            OutputFormat("schema", {"type": "object"}, strict=True),
            {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True},
        ),
    ],
)
def test_an_output_format_stands_under_text(wanted: OutputFormat, expected: dict[str, Any]) -> None:
    assert built(output_format=wanted)["text"] == {"format": expected}


def test_verbosity_of_the_chat_wire_has_its_place() -> None:
    assert built(hints={"verbosity": "low"})["text"] == {"verbosity": "low"}


def test_media_are_input_parts() -> None:
    text_file = base64.b64encode(b"notes").decode()
    (message,) = items(
        Message(
            "user",
            (
                Text("see"),
                Image(InlineMedia("aGk=", "image/png"), detail="low"),
                Image(RemoteMedia("https://example.com/a.png")),
                Image(UploadedMedia("file-1")),
                Document(InlineMedia("aGk=", "application/pdf")),
                Document(InlineMedia(text_file, "text/plain")),
                Document(RemoteMedia("https://example.com/a.pdf")),
                Document(UploadedMedia("file-2")),
            ),
        )
    )
    assert message["content"] == [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,aGk="},
        {"type": "input_image", "detail": "auto", "image_url": "https://example.com/a.png"},
        {"type": "input_image", "detail": "auto", "file_id": "file-1"},
        {"type": "input_file", "filename": "document", "file_data": "data:application/pdf;base64,aGk="},
        {"type": "input_text", "text": "notes"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_id": "file-2"},
    ]


def test_a_text_file_that_is_no_text_is_refused_by_its_path() -> None:
    broken = Document(InlineMedia("/w==", "text/plain"))
    assert refusal(messages=(Message("user", (Text("a"), broken)),)) == "messages[0].content[1]"


def test_a_turn_becomes_items_in_its_own_order() -> None:
    found = said(
        Thinking("a"),
        Thinking("b", "gA", "openai_responses"),
        Text("One"),
        Text("two"),
        ToolCall("c1", "f", "{}"),
        ToolCall("c2", "sql", "SELECT", custom=True),
        RedactedThinking("gB", "openai_responses"),
        Refusal("No."),
    )
    assert found == [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
            "encrypted_content": "gA",
        },
        {"role": "assistant", "content": "Onetwo"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sql", "input": "SELECT"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gB"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ]


@pytest.mark.parametrize(
    "foreign",
    [
        Thinking("a", "s", "anthropic_messages"),
        Thinking("a", "s"),
        Thinking("a"),
        RedactedThinking("d", "anthropic_messages"),
        RedactedThinking("d"),
    ],
)
def test_thinking_of_another_issuer_is_left_out(foreign: Part) -> None:
    assert said(foreign, Text("x")) == said(Text("x"))


def test_a_foreign_thought_does_not_slip_into_the_summary_of_the_next() -> None:
    (item,) = said(Thinking("a", "s", "gemini"), Thinking("b", "gA", "openai_responses"))
    assert item["summary"] == [{"type": "summary_text", "text": "b"}]


def test_results_answer_in_the_kind_of_their_calls() -> None:
    *_, failed, shown, custom = items(
        Message(
            "assistant", (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"), ToolCall("c3", "s", "", custom=True))
        ),
        Message(
            "tool",
            (
                ToolResult("c1", (Text("broken"),), is_error=True),
                ToolResult("c2", (Text("a"), Image(RemoteMedia("https://example.com/a.png"))), is_error=True),
                ToolResult("c3", (Text("1"),)),
            ),
        ),
    )
    assert failed == {"type": "function_call_output", "call_id": "c1", "output": "Error: broken"}
    assert shown["output"] == [
        {"type": "input_text", "text": "Error:"},
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "detail": "auto", "image_url": "https://example.com/a.png"},
    ]
    assert custom == {"type": "custom_tool_call_output", "call_id": "c3", "output": "1"}


@pytest.mark.parametrize(
    "message",
    [
        Message("assistant", (Opaque("anthropic_messages", "{}"),)),
        Message("user", (Opaque("openai_chat", "{}"), Text("x"))),
        Message("tool", (Text("x"),)),
    ],
)
def test_content_of_another_wire_alone_is_refused_by_its_path(message: Message) -> None:
    assert refusal(messages=(message,)) in {"messages[0].content[0]", "messages[0]"}


def test_a_body_made_anew_is_what_the_sdk_would_send() -> None:
    """Compares the golden conversation, as if from another wire, with the SDK's own types.

    These require ids of reasoning and refusals, which the service does not need from a caller that stores nothing
    there.
    """
    request = CLIENT.decode_request((GOLDEN / "request.json").read_bytes())
    kept = tuple(
        Message(turn.role, tuple(part for part in turn.parts if not isinstance(part, Audio | Refusal | Thinking)))
        for turn in request.messages[:-2]
    )
    body = built(REASONS, messages=kept, tools=(request.tools[0],), output_format=request.output_format)
    assert PARAMS.validate_python(body)["model"] == "up"


def test_an_answer_is_asked_for_whole_although_the_callers_bytes_ask_for_a_stream() -> None:
    source = b'{"model":"m","input":"hi","stream":true,"stream_options":{"include_obfuscation":false}}'
    request = replace(CLIENT.decode_request(source), stream=False)
    body = orjson.loads(UPSTREAM.encode_request(request, Target("up", PLAIN, 1000)))
    assert body == {"model": "up", "input": "hi", "stream": False, "store": False}
