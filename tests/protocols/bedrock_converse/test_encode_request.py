"""Tests of bodies for Converse, each of which AWS's own service model must accept."""

from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.parts import Message, Text, Thinking, ToolCall, ToolResult
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
from gateway.protocols.bedrock_converse import UPSTREAM
from tests.protocols.bedrock_converse.service_model import assert_fits
from tests.protocols.shaped import encoded

EFFORTS = ("low", "medium", "high", "max")
PLAIN = Target("meta.llama", Profile("plain"), 4096)
CLAUDE = Target("anthropic.claude", Profile("c", thinking="budget", hosted_as="claude"), 64_000)
ADAPTIVE = Target("a", Profile("a", thinking="adaptive", hosted_as="claude", efforts=EFFORTS), 64_000)
EITHER = replace(ADAPTIVE, profile=replace(ADAPTIVE.profile, thinking="either"))
NOVA = Target("n", Profile("n", thinking="effort", hosted_as="nova", efforts=("low", "medium", "high")), 10_000)
GPT_OSS = Target("g", Profile("g", thinking="effort", hosted_as="gpt_oss", efforts=("low", "medium", "high")), 10_000)
HELLO = (Message("user", (Text("hi"),)),)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CLOSED = SCHEMA | {"additionalProperties": False}
TOOL = Tool("weather", "d", SCHEMA)
LOOP = (
    *HELLO,
    Message("assistant", (Thinking("t", "sig", "bedrock_converse"), ToolCall("c1", "weather", '{"city":"Bern"}'))),
    Message("tool", (ToolResult("c1", (Text("rain"),)),)),
)
UNSIGNED_LOOP = (HELLO[0], Message("assistant", LOOP[1].parts[1:]), LOOP[2])


def built(target: Target = PLAIN, **fields: Any) -> dict[str, Any]:
    request = ChatRequest("openai_chat", "asked", HELLO, b"")
    body: dict[str, Any] = orjson.loads(encoded(UPSTREAM, replace(request, **fields), target))
    assert_fits(body)
    return body


def member(name: str, target: Target = PLAIN, **fields: Any) -> Any:
    return built(target, **fields).get(name)


def refused(target: Target = PLAIN, **fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as caught:
        built(target, **fields)
    return caught.value.param


def test_the_least_request_is_its_messages() -> None:
    assert built() == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_a_whole_request() -> None:
    assert built(
        CLAUDE,
        stream=True,
        max_output_tokens=50,
        sampling=Sampling(temperature=0.5, top_k=40, stop=("END",)),
        tools=(TOOL, Tool("g", strict=True)),
        tool_choice=ToolChoice("tool", tool="weather"),
        output_format=OutputFormat("schema", SCHEMA, "city", "where"),
        user="u",
        metadata={"a": "b"},
    ) == {
        "messages": [{"role": "user", "content": [{"text": "hi"}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.5, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "weather", "description": "d", "inputSchema": {"json": SCHEMA}}},
                {
                    "toolSpec": {
                        "name": "g",
                        "strict": True,
                        "inputSchema": {"json": {"type": "object", "additionalProperties": False}},
                    }
                },
            ],
            "toolChoice": {"tool": {"name": "weather"}},
        },
        "additionalModelRequestFields": {"top_k": 40},
        "additionalModelResponseFieldPaths": ["/stop_sequence"],
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {
                    "jsonSchema": {"schema": orjson.dumps(CLOSED).decode(), "name": "city", "description": "where"}
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"choices": 2}, "n"),
        ({"sampling": Sampling(logprobs=True)}, "logprobs"),
        ({"sampling": Sampling(logit_bias={"7": 1.0})}, "logit_bias"),
        ({"unmapped": {"audio.voice": "x"}}, "audio.voice"),
        ({"tools": (TOOL, Tool("web_search", builtin={"type": "web_search"}))}, "tools[1]"),
        ({"tools": (TOOL,), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"messages": (Message("user", (Text(" \n"),)),)}, "messages"),
        ({"messages": ()}, "messages"),
    ],
)
def test_what_the_wire_cannot_express_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    assert refused(**fields) == param


HINTS = [
    (Sampling(seed=1), "seed"),
    (Sampling(presence_penalty=0.5), "presence_penalty"),
    (Sampling(frequency_penalty=0.5), "frequency_penalty"),
    (Sampling(top_k=40), "top_k"),
]


@pytest.mark.parametrize(("sampling", "param"), HINTS)
def test_hints_without_a_place_are_left_out(sampling: Sampling, param: str) -> None:
    del param
    assert built(sampling=sampling) == built()


@pytest.mark.parametrize(("sampling", "param"), HINTS)
def test_hints_are_refused_where_every_parameter_is_required(sampling: Sampling, param: str) -> None:
    assert refused(sampling=sampling, routing=RoutingPreferences(require_parameters=True)) == param


def test_a_temperature_above_the_wires_highest_becomes_that() -> None:
    assert member("inferenceConfig", sampling=Sampling(temperature=1.7, top_p=0.9)) == {"temperature": 1.0, "topP": 0.9}


def test_a_family_that_draws_by_one_of_them_is_given_the_temperature() -> None:
    both = Sampling(temperature=0.5, top_p=0.9)
    assert member("inferenceConfig", CLAUDE, sampling=both) == {"temperature": 0.5}
    assert member("inferenceConfig", CLAUDE, sampling=Sampling(top_p=0.9)) == {"topP": 0.9}


def test_a_family_that_draws_by_one_of_them_is_not_given_both_where_every_parameter_is_required() -> None:
    both = Sampling(temperature=0.5, top_p=0.9)
    assert refused(CLAUDE, sampling=both, routing=RoutingPreferences(require_parameters=True)) == "top_p"


def test_a_model_with_fixed_sampling_gets_none() -> None:
    fixed = replace(PLAIN, profile=Profile("f", fixed_sampling=True))
    assert "inferenceConfig" not in built(fixed, sampling=Sampling(temperature=0.5, top_p=0.5))


@pytest.mark.parametrize(
    ("target", "fields"),
    [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}}), (PLAIN, None), (GPT_OSS, None)],
)
def test_top_k_goes_where_the_family_has_it(target: Target, fields: Any) -> None:
    assert member("additionalModelRequestFields", target, sampling=Sampling(top_k=5)) == fields


def test_only_a_family_that_tells_is_asked_which_sequence_stopped_it() -> None:
    assert member("additionalModelResponseFieldPaths", PLAIN, sampling=Sampling(stop=("x",))) is None


# Tools


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (ToolChoice("auto"), None),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("tool", tool="weather"), {"tool": {"name": "weather"}}),
    ],
)
def test_a_tool_choice_has_its_word(choice: ToolChoice | None, expected: Any) -> None:
    assert built(tools=(TOOL,), tool_choice=choice)["toolConfig"].get("toolChoice") == expected


def test_only_the_tools_that_the_caller_allows_are_offered() -> None:
    config = built(tools=(TOOL, Tool("g"), Tool("h")), tool_choice=ToolChoice("required", allowed=("g",)))["toolConfig"]
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["g"]
    assert config["toolChoice"] == {"any": {}}


def test_no_tool_is_offered_where_none_may_be_called() -> None:
    assert "toolConfig" not in built(tools=(TOOL,), tool_choice=ToolChoice("none"))


@pytest.mark.parametrize("fields", [{}, {"tools": (Tool("other"),), "tool_choice": ToolChoice("none")}])
def test_tools_that_were_called_and_are_gone_are_offered_as_gone(fields: dict[str, Any]) -> None:
    (tool,) = built(messages=UNSIGNED_LOOP, **fields)["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "weather"
    assert "no longer available" in tool["toolSpec"]["description"]


def test_a_schema_that_does_not_say_so_is_an_objects() -> None:
    (tool,) = built(tools=(Tool("f", parameters={"properties": {}}),))["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), {"disable_parallel_tool_use": True}),
    ],
)
def test_one_call_at_a_time_is_the_models_own_field(choice: ToolChoice | None, expected: Any) -> None:
    fields = member(
        "additionalModelRequestFields", CLAUDE, tools=(TOOL,), tool_choice=choice, parallel_tool_calls=False
    )
    assert fields == {"tool_choice": expected}


@pytest.mark.parametrize("parallel", [True, None])
def test_calls_in_parallel_are_what_happens_anyway(parallel: bool | None) -> None:
    assert "additionalModelRequestFields" not in built(CLAUDE, tools=(TOOL,), parallel_tool_calls=parallel)


def test_one_call_at_a_time_means_nothing_without_tools() -> None:
    assert built(parallel_tool_calls=False) == built()


# Thinking


def thinking(target: Target, reasoning: Reasoning, **fields: Any) -> Any:
    asked = member("additionalModelRequestFields", target, reasoning=reasoning, **fields) or {}
    return asked.get("thinking")


def enabled(budget: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (Reasoning(budget_tokens=2000), enabled(2000)),
        (Reasoning(effort="low"), enabled(2048)),
        (Reasoning(effort="max"), enabled(32_768)),
        (Reasoning(adaptive=True), enabled(16_384)),
        (Reasoning(include_thoughts=True), enabled(16_384)),
        (Reasoning(effort="none"), None),
        (Reasoning(disabled=True, budget_tokens=2000), None),
        (Reasoning(summary="auto"), None),
    ],
)
def test_a_model_with_a_budget_gets_one(reasoning: Reasoning, expected: Any) -> None:
    assert thinking(CLAUDE, reasoning) == expected


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("bound", [1, 1024, 1025, 2000, 9000, 64_000, 100_000, None])
def test_a_budget_is_always_within_its_bounds(effort: str, bound: int | None) -> None:
    body = built(CLAUDE, reasoning=Reasoning(effort=effort), max_output_tokens=bound)
    asked = body.get("additionalModelRequestFields", {}).get("thinking")
    if bound is not None and bound <= 1024:
        assert asked is None
    else:
        assert 1024 <= asked["budget_tokens"] < body["inferenceConfig"]["maxTokens"] <= 64_000


@pytest.mark.parametrize(
    ("reasoning", "expected", "effort"),
    [
        (Reasoning(adaptive=True), {"type": "adaptive", "display": "summarized"}, None),
        (Reasoning(effort="xhigh"), {"type": "adaptive", "display": "summarized"}, "high"),
        (Reasoning(budget_tokens=2000), {"type": "adaptive", "display": "summarized"}, "low"),
        (Reasoning(adaptive=True, include_thoughts=False), {"type": "adaptive", "display": "omitted"}, None),
        (Reasoning(disabled=True), {"type": "disabled"}, None),
        (Reasoning(disabled=True, effort="low"), {"type": "disabled"}, "low"),
        (Reasoning(effort="none"), {"type": "disabled"}, None),
    ],
)
def test_an_adaptive_model_chooses_within_an_effort(reasoning: Reasoning, expected: Any, effort: str | None) -> None:
    body = built(ADAPTIVE, reasoning=reasoning)
    assert body["additionalModelRequestFields"]["thinking"] == expected
    assert body.get("outputConfig", {}).get("effort") == effort


@pytest.mark.parametrize(
    ("reasoning", "kind"),
    [
        (Reasoning(budget_tokens=2000), "enabled"),
        (Reasoning(effort="low"), "adaptive"),
        (Reasoning(disabled=True, budget_tokens=2000), "disabled"),
    ],
)
def test_a_model_that_takes_either_is_asked_as_the_caller_asks(reasoning: Reasoning, kind: str) -> None:
    assert thinking(EITHER, reasoning)["type"] == kind


@pytest.mark.parametrize(
    ("target", "reasoning", "fields"),
    [
        (NOVA, Reasoning(effort="max"), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}),
        (GPT_OSS, Reasoning(budget_tokens=3000), {"reasoning_effort": "medium"}),
        (GPT_OSS, Reasoning(disabled=True), {"reasoning_effort": "low"}),
        (GPT_OSS, Reasoning(adaptive=True), None),
        (PLAIN, Reasoning(effort="high"), None),
    ],
)
def test_other_families_take_a_word_or_nothing(target: Target, reasoning: Reasoning, fields: Any) -> None:
    assert member("additionalModelRequestFields", target, reasoning=reasoning) == fields


@pytest.mark.parametrize("target", [CLAUDE, ADAPTIVE])
def test_sampling_gives_way_to_thinking(target: Target) -> None:
    sampling = Sampling(temperature=0.5, top_p=0.5, top_k=5)
    body = built(target, reasoning=Reasoning(effort="low"), sampling=sampling)
    assert "temperature" not in body.get("inferenceConfig", {})
    assert "topP" not in body.get("inferenceConfig", {})
    assert "top_k" not in body["additionalModelRequestFields"]


def test_a_top_p_that_suits_thinking_is_kept() -> None:
    body = built(CLAUDE, reasoning=Reasoning(effort="low"), sampling=Sampling(top_p=0.95))
    assert body["inferenceConfig"]["topP"] == 0.95


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("tool", tool="weather")])
@pytest.mark.parametrize("target", [CLAUDE, ADAPTIVE])
def test_thinking_gives_way_to_a_forced_tool(target: Target, choice: ToolChoice) -> None:
    fields: dict[str, Any] = {"tools": (TOOL,), "tool_choice": choice, "sampling": Sampling(temperature=0.5)}
    body = built(target, reasoning=Reasoning(effort="low"), **fields)
    assert "additionalModelRequestFields" not in body
    assert body["inferenceConfig"] == {"temperature": 0.5}


def test_a_tool_loop_goes_on_thinking_where_its_turn_opens_with_its_own_thought() -> None:
    assert thinking(CLAUDE, Reasoning(budget_tokens=2000), messages=LOOP, tools=(TOOL,)) == enabled(2000)


def test_a_tool_loop_without_its_thought_goes_on_without_thinking() -> None:
    assert thinking(CLAUDE, Reasoning(budget_tokens=2000), messages=UNSIGNED_LOOP, tools=(TOOL,)) is None


def test_an_adaptive_tool_loop_needs_no_thought() -> None:
    assert thinking(ADAPTIVE, Reasoning(adaptive=True), messages=UNSIGNED_LOOP, tools=(TOOL,)) is not None
