"""Tests of bodies for a provider of this wire: edited from the same wire, built from another."""

import base64
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
    RoutingPreferences,
    Sampling,
    Tool,
    ToolChoice,
)
from gateway.canonical.target import Profile, Target
from gateway.errors import InvalidRequest
from gateway.protocols.anthropic_messages import CLIENT, UPSTREAM
from gateway.providers.constraints.formats import JSON_ONLY
from local.providers import anthropic_checks
from tests.protocols.shaped import encoded

GOLDEN = Path(__file__).parents[2] / "golden" / "anthropic_messages"
PROTOCOL = "anthropic_messages"
BUDGET = Profile("budget", thinking="budget")
ADAPTIVE = Profile("adaptive", thinking="adaptive", efforts=("low", "medium", "high", "max"), fixed_sampling=True)
EITHER = Profile("either", thinking="either", efforts=("low", "medium", "high"))
PLAIN = Profile("plain")
HI = Message("user", (Text("hi"),))
BASE: dict[str, Any] = {"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": "hi"}]}
FUNCTION = Tool("f", "d", {"properties": {"x": {"type": "integer"}}})


MODELS = {ADAPTIVE.name: "claude-opus-4-7", EITHER.name: "claude-sonnet-4-6"}


def target(profile: Profile = BUDGET, limit: int = 64_000) -> Target:
    return Target(MODELS.get(profile.name, "claude-sonnet-4-5"), profile, limit)


def built(*messages: Message, profile: Profile = BUDGET, limit: int = 64_000, **members: Any) -> Any:
    """Builds the body from another wire, which Anthropic's own checks must accept."""
    request = ChatRequest("openai_chat", "m", messages or (HI,), b"{}", **members)
    body = orjson.loads(encoded(UPSTREAM, request, target(profile, limit)))
    checked = body | {"messages": [turn | {"content": _unsigned(turn["content"])} for turn in body["messages"]]}
    anthropic_checks.check(checked, {}, counting=False)
    return body


def _unsigned(blocks: list[Any]) -> list[Any]:
    """Removes signatures, because the simulated provider knows only its own."""
    text = {"type": "text", "text": "thought"}
    return [text if "thinking" in block["type"] else block for block in blocks]


def blocks(*parts: Part, role: Any = "user") -> Any:
    turns = (Message("user", parts),) if role == "user" else (HI, Message(role, parts), HI)
    return built(*turns)["messages"][len(turns) // 2]["content"]


def refused(*messages: Message, **members: Any) -> str | None:
    with pytest.raises(InvalidRequest) as raised:
        built(*messages, **members)
    return raised.value.param


def forwarded(profile: Profile = BUDGET, limit: int = 64_000, **members: Any) -> Any:
    request = CLIENT.decode_request(orjson.dumps(BASE | members))
    return orjson.loads(UPSTREAM.encode_request(request, target(profile, limit)))


def test_the_same_wire_goes_through_byte_for_byte_but_for_the_model_and_our_own_members() -> None:
    source = (GOLDEN / "request.json").read_bytes()
    body = source.rstrip()[:-1] + b', "models": ["b"], "provider": {}, "max_price": {"total": 1}, "not_known": [1.0] }'
    sent = UPSTREAM.encode_request(CLIENT.decode_request(body), target())
    assert sent == source.rstrip()[:-1] + b', "not_known": [1.0] }'


def test_a_terminal_agents_request_is_left_alone_where_the_model_takes_it_all() -> None:
    source = (GOLDEN / "claude_code.json").read_bytes()
    sent = UPSTREAM.encode_request(CLIENT.decode_request(source), target(ADAPTIVE))
    assert sent == source.replace(b"nexevo/balanced", b"claude-opus-4-7")


def test_a_terminal_agents_request_thinks_by_budget_where_the_model_does() -> None:
    source = (GOLDEN / "claude_code.json").read_bytes()
    body = orjson.loads(UPSTREAM.encode_request(CLIENT.decode_request(source), target()))
    # Its last turn called a tool without a thought, which a budget would require.
    assert ("thinking" in body, "output_config" in body) == (False, False)


@pytest.mark.parametrize(
    ("profile", "sent", "thinking", "effort"),
    [
        (BUDGET, {"thinking": {"type": "adaptive"}}, {"type": "enabled", "budget_tokens": 2000}, None),
        (
            BUDGET,
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
            {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
            None,
        ),
        (PLAIN, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, None, None),
        (PLAIN, {"thinking": {"type": "disabled"}}, None, None),
        (
            ADAPTIVE,
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"type": "adaptive", "display": "summarized"},
            "low",
        ),
        (ADAPTIVE, {"thinking": {"type": "between_tools"}}, {"type": "between_tools"}, None),
        (ADAPTIVE, {"output_config": {"effort": "xhigh"}}, None, "high"),
        (
            EITHER,
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {"type": "enabled", "budget_tokens": 2000},
            None,
        ),
        (EITHER, {"thinking": {"type": "adaptive"}}, {"type": "adaptive"}, None),
    ],
)
def test_the_same_wire_asks_to_think_as_the_model_knows_it(
    profile: Profile, sent: dict[str, Any], thinking: Any, effort: str | None
) -> None:
    body = forwarded(profile, **sent)
    assert (body.get("thinking"), body.get("output_config", {}).get("effort")) == (thinking, effort)


@pytest.mark.parametrize(
    ("max_tokens", "budget", "limit", "expected"),
    [
        (8192, 8000, 64_000, (8192, 8000)),
        (8000, 8000, 64_000, (16_000, 8000)),
        (100, 2000, 64_000, (2100, 2000)),
        (8192, 16_000, 20_000, (20_000, 16_000)),
        (8192, 16_000, 10_000, (10_000, 5000)),
        (100_000, 2000, 64_000, (64_000, 2000)),
    ],
)
def test_bound_and_budget_become_what_the_wire_and_the_model_take(
    max_tokens: int, budget: int, limit: int, expected: tuple[int, int]
) -> None:
    body = forwarded(limit=limit, max_tokens=max_tokens, thinking={"type": "enabled", "budget_tokens": budget})
    assert (body["max_tokens"], body["thinking"]["budget_tokens"]) == expected


def test_a_budget_is_refused_where_the_model_does_not_think() -> None:
    with pytest.raises(InvalidRequest) as raised:
        forwarded(PLAIN, thinking={"type": "enabled", "budget_tokens": 2000})
    assert raised.value.param == "thinking"


def test_sampling_is_left_out_where_the_model_takes_none() -> None:
    assert forwarded(ADAPTIVE, temperature=0.5, top_p=0.9, top_k=3) == BASE | {"model": "claude-opus-4-7"}


def test_thoughts_and_ids_of_other_wires_do_not_reach_this_ones_providers() -> None:
    said: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": "a", "signature": "EqQB"},
        {"type": "thinking", "thinking": "b", "signature": "nxn:gemini:s"},
        {"type": "thinking", "thinking": "c", "signature": ""},
        {"type": "redacted_thinking", "data": "nxn:openai_responses:d"},
        {"type": "tool_use", "id": "functions.f:0", "name": "f", "input": {}},
    ]
    alone: list[dict[str, Any]] = [{"type": "thinking", "thinking": "c", "signature": ""}]
    result = [{"type": "tool_result", "tool_use_id": "functions.f:0"}]
    turns = [("user", "hi"), ("assistant", alone), ("assistant", said), ("user", result)]
    body = forwarded(messages=[{"role": role, "content": content} for role, content in turns])
    assert body["messages"] == [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [said[0], said[4] | {"id": "functions_f_0"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "functions_f_0"}]},
    ]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "b", "signature": "nxn:gemini:s"},
        {"type": "thinking", "thinking": "b", "signature": ""},
        {"type": "redacted_thinking", "data": "nxn:openai_responses:d"},
    ],
)
def test_a_foreign_thought_alone_is_left_out(block: dict[str, str]) -> None:
    said = [block, {"type": "text", "text": "x"}]
    turns = [{"role": "assistant", "content": said}, {"role": "user", "content": "hi"}]
    assert forwarded(messages=turns)["messages"] == [{"role": "assistant", "content": said[1:]}, turns[1]]


def test_another_wires_request_is_built_anew() -> None:
    system = Message("system", (Text("Be brief.", cache=CacheLifetime.ONE_HOUR),))
    body = built(
        system,
        HI,
        stream=True,
        user="u",
        max_output_tokens=500,
        sampling=Sampling(temperature=0.2, top_k=5, stop=("END",)),
        tools=(FUNCTION,),
        metadata={"label": "x"},
    )
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "stream": True,
        "temperature": 0.2,
        "top_k": 5,
        "stop_sequences": ["END"],
        "tools": [
            {
                "name": "f",
                "description": "d",
                "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
            }
        ],
        "metadata": {"user_id": "u"},
    }


@pytest.mark.parametrize(("asked", "sent"), [(None, 64_000), (500, 500), (100_000, 64_000)])
def test_the_bound_is_the_models_where_the_caller_gave_none_or_a_higher_one(asked: int | None, sent: int) -> None:
    assert built(max_output_tokens=asked)["max_tokens"] == sent


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Text("x", cache=CacheLifetime.FIVE_MINUTES), {"text": "x", "cache_control": {"type": "ephemeral"}}),
        (
            Image(InlineMedia("QUJD", "image/png"), detail="high"),
            {"source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        ),
        (Image(RemoteMedia("https://e.com/a")), {"source": {"type": "url", "url": "https://e.com/a"}}),
        (
            Document(InlineMedia("QUJD", "application/pdf"), name="a.pdf"),
            {"source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}, "title": "a.pdf"},
        ),
        (
            Document(InlineMedia(base64.b64encode("hé".encode()).decode(), "text/csv")),
            {"source": {"type": "text", "media_type": "text/plain", "data": "hé"}},
        ),
        (Document(RemoteMedia("https://e.com/a.pdf")), {"source": {"type": "url", "url": "https://e.com/a.pdf"}}),
    ],
)
def test_a_part_is_a_block(part: Part, block: dict[str, Any]) -> None:
    kind = "text" if isinstance(part, Text) else type(part).__name__.lower()
    assert blocks(part) == [{"type": kind} | block]


@pytest.mark.parametrize(
    "part",
    [
        Audio(InlineMedia("QUJD", "audio/wav")),
        Image(InlineMedia("QUJD", "image/tiff")),
        Image(UploadedMedia("file-1")),
        Document(UploadedMedia("file-1")),
        Document(InlineMedia("QUJD", "application/zip")),
        Document(InlineMedia("!", "text/plain")),
        Opaque("openai_chat", "{}"),
    ],
)
def test_a_part_that_the_wire_cannot_say_is_refused_by_its_path(part: Part) -> None:
    assert refused(Message("user", (Text("x"), part))) == "messages[0].content[1]"


@pytest.mark.parametrize(
    "part",
    [Thinking("hm"), Thinking("hm", "s", "gemini"), Thinking("hm", "s"), RedactedThinking("d", "openai_responses")],
)
def test_a_thought_that_this_wire_did_not_sign_is_left_out(part: Part) -> None:
    assert blocks(part, Text("x"), role="assistant") == [{"type": "text", "text": "x"}]


def test_a_thought_that_this_wire_signed_goes_back_byte_for_byte() -> None:
    parts = (Thinking("hm", "EqQB+/=", PROTOCOL), RedactedThinking("RW5j", PROTOCOL), Refusal("no"))
    assert blocks(*parts, role="assistant") == [
        {"type": "thinking", "thinking": "hm", "signature": "EqQB+/="},
        {"type": "redacted_thinking", "data": "RW5j"},
        {"type": "text", "text": "no"},
    ]


def test_results_of_parallel_calls_open_one_turn_after_the_one_that_called() -> None:
    body = built(
        HI,
        Message("assistant", (Text("let me"),)),
        Message("assistant", (ToolCall("call.1", "f", '{"x":1}'), ToolCall("call.2", "f", "{bad"))),
        Message("tool", (ToolResult("call.1", (Text("one"),)),)),
        Message("user", (Text("and"),)),
        Message("tool", (ToolResult("call.2", (), is_error=True, cache=CacheLifetime.FIVE_MINUTES),)),
        tools=(FUNCTION,),
    )
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][1]["content"] == [
        {"type": "text", "text": "let me"},
        {"type": "tool_use", "id": "call_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "call_2", "name": "f", "input": {"arguments": "{bad"}},
    ]
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "one"}]},
        {"type": "tool_result", "tool_use_id": "call_2", "is_error": True, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "and"},
    ]


def test_instructions_go_to_the_top_from_any_place() -> None:
    late = Message("system", (Text("Be late."),))
    body = built(Message("system", (Text("Be first."),)), HI, late, Message("user", (Text(""),)))
    assert [block["text"] for block in body["system"]] == ["Be first.", "Be late."]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]


def test_instructions_alone_are_what_the_user_says() -> None:
    assert built(Message("system", (Text("hi"),))) == built(HI)


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), True, {"type": "auto"}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("none"), False, {"type": "none"}),
        (ToolChoice("tool", tool="f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_a_choice_among_tools_has_its_word(choice: ToolChoice | None, parallel: bool | None, expected: object) -> None:
    body = built(tools=(FUNCTION,), tool_choice=choice, parallel_tool_calls=parallel)
    assert body.get("tool_choice") == expected


def test_of_tools_that_are_not_allowed_nothing_is_said() -> None:
    choice = ToolChoice("required", allowed=("g",))
    body = built(tools=(FUNCTION, Tool("g", cache=CacheLifetime.ONE_HOUR)), tool_choice=choice)
    assert body["tools"] == [
        {
            "name": "g",
            "input_schema": {"type": "object"},
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        }
    ]
    assert body["tool_choice"] == {"type": "any"}


def test_a_conversation_with_calls_but_without_tools_gets_them_named_and_forbidden() -> None:
    body = built(HI, Message("assistant", (ToolCall("c", "f", ""),)), Message("tool", (ToolResult("c", (Text("x"),)),)))
    assert (body["tools"], body["tool_choice"]) == (
        [{"name": "f", "input_schema": {"type": "object"}}],
        {"type": "none"},
    )


def test_a_strict_tool_has_a_schema_that_can_be_enforced() -> None:
    (tool,) = built(tools=(Tool("f", parameters={"type": "object", "properties": {}}, strict=True),))["tools"]
    assert (tool["strict"], tool["input_schema"]["additionalProperties"]) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "config", "is_told"),
    [
        (OutputFormat("text"), None, False),
        (OutputFormat("json"), None, True),
        (OutputFormat("schema", name="x"), None, True),
        (
            OutputFormat("schema", schema={"type": "object"}, name="x", strict=True),
            {"format": {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}},
            False,
        ),
    ],
)
def test_structured_output_is_a_schema_or_an_instruction(wanted: OutputFormat, config: object, is_told: bool) -> None:
    body = built(output_format=wanted)
    told = {"system": [{"type": "text", "text": JSON_ONLY}]} if is_told else {}
    assert (body.get("output_config"), {"system": body["system"]} if "system" in body else {}) == (config, told)


@pytest.mark.parametrize(
    ("profile", "reasoning", "thinking", "effort"),
    [
        (BUDGET, Reasoning(effort="low"), {"type": "enabled", "budget_tokens": 2048}, None),
        (BUDGET, Reasoning(effort="max"), {"type": "enabled", "budget_tokens": 32_768}, None),
        (BUDGET, Reasoning(effort="none", disabled=True), {"type": "disabled"}, None),
        (BUDGET, Reasoning(budget_tokens=512), {"type": "enabled", "budget_tokens": 1024}, None),
        (BUDGET, Reasoning(budget_tokens=5000, include_thoughts=True),
         {"type": "enabled", "budget_tokens": 5000, "display": "summarized"}, None),
        (ADAPTIVE, Reasoning(effort="xhigh"), {"type": "adaptive", "display": "summarized"}, "high"),
        (ADAPTIVE, Reasoning(effort="minimal"), {"type": "adaptive", "display": "summarized"}, "low"),
        (ADAPTIVE, Reasoning(budget_tokens=9000, include_thoughts=False),
         {"type": "adaptive", "display": "omitted"}, "high"),
        (EITHER, Reasoning(budget_tokens=9000), {"type": "enabled", "budget_tokens": 9000}, None),
        (EITHER, Reasoning(effort="medium"), {"type": "adaptive", "display": "summarized"}, "medium"),
        (PLAIN, Reasoning(effort="high"), None, None),
        (PLAIN, Reasoning(budget_tokens=9000), None, None),
    ],
)  # fmt: skip
def test_an_effort_or_a_budget_is_what_the_model_thinks_by(
    profile: Profile, reasoning: Reasoning, thinking: object, effort: str | None
) -> None:
    body = built(profile=profile, reasoning=reasoning)
    assert (body.get("thinking"), body.get("output_config", {}).get("effort")) == (thinking, effort)


@pytest.mark.parametrize(
    ("bound", "budget"), [(16_385, 16_384), (16_384, 8192), (4096, 2048), (1500, 1024), (1024, None), (100, None)]
)
def test_a_budget_is_always_at_least_1024_and_below_the_bound(bound: int, budget: int | None) -> None:
    body = built(reasoning=Reasoning(effort="high"), max_output_tokens=bound)
    assert body.get("thinking", {}).get("budget_tokens") == budget


def test_a_forced_call_excludes_thinking() -> None:
    assert "thinking" not in built(
        tools=(FUNCTION,), tool_choice=ToolChoice("required"), reasoning=Reasoning(effort="low")
    )


@pytest.mark.parametrize(("signature", "thinks"), [("EqQB", True), (None, False)])
def test_inside_a_tool_loop_a_budget_needs_the_last_thought_back(signature: str | None, thinks: bool) -> None:
    turn = Message("assistant", (Thinking("hm", signature, PROTOCOL), ToolCall("c", "f", "{}")))
    request = ChatRequest(
        "openai_chat",
        "m",
        (HI, turn, Message("tool", (ToolResult("c", (Text("x"),)),))),
        b"{}",
        tools=(FUNCTION,),
        reasoning=Reasoning(effort="low"),
    )
    assert ("thinking" in orjson.loads(UPSTREAM.encode_request(request, target()))) == thinks


def test_a_thinking_model_draws_its_tokens_by_itself() -> None:
    sampling = Sampling(temperature=0.2, top_p=0.5, top_k=3)
    body = built(reasoning=Reasoning(effort="low"), sampling=sampling)
    assert {"temperature", "top_p", "top_k"} & body.keys() == set()


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(temperature=1.7), {"temperature": 1.0}),
        (Sampling(temperature=0.3, top_p=0.5), {"temperature": 0.3}),
        (Sampling(top_p=0.5, top_k=-1), {"top_p": 0.5}),
        (Sampling(seed=1, presence_penalty=1, frequency_penalty=1), {}),
    ],
)
def test_sampling_is_said_as_far_as_the_wire_has_words(sampling: Sampling, expected: dict[str, Any]) -> None:
    body = built(sampling=sampling)
    names = {"temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty"}
    assert {name: body[name] for name in names & body.keys()} == expected


@pytest.mark.parametrize(
    ("sampling", "param"),
    [
        (Sampling(temperature=1.7), "temperature"),
        (Sampling(temperature=0.3, top_p=0.5), "top_p"),
        (Sampling(seed=0), "seed"),
        (Sampling(presence_penalty=1), "presence_penalty"),
        (Sampling(frequency_penalty=1), "frequency_penalty"),
    ],
)
def test_a_caller_who_requires_every_parameter_is_told_which_one_is_missing(sampling: Sampling, param: str) -> None:
    assert refused(sampling=sampling, routing=RoutingPreferences(require_parameters=True)) == param


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"unmapped": {"audio": {}}}, "audio"),
        ({"choices": 2}, "n"),
        ({"sampling": Sampling(logprobs=True)}, "logprobs"),
        ({"sampling": Sampling(logit_bias={"1": 1.0})}, "logit_bias"),
        ({"tools": (FUNCTION, Tool("web_search", builtin={"type": "web_search"}))}, "tools[1]"),
    ],
)
def test_what_the_wire_cannot_express_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    assert refused(**members) == param
