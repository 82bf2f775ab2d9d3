"""Tests of bounds, words and formats within a target's range, and their refusal if every parameter is required."""

from typing import Any

import pytest

from gateway.canonical.parts import Image, InlineMedia, Message, Text, Thinking
from gateway.canonical.request import OutputFormat, Reasoning, Sampling, Tool
from gateway.errors import InvalidRequest
from gateway.providers.constraints import RULES
from gateway.providers.constraints.formats import JSON_ONLY
from tests.providers.constraints.asking import HI, STRICTLY, said, shaped

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOLD = (
    "Answer with JSON alone that fits this JSON Schema, and nothing else:\n"
    '{"type":"object","properties":{"a":{"type":"string"}}}'
)
DIALECTS = sorted({rule.dialect for rule in RULES})
BUDGETS = [("claude_budget", 512, 1024), ("claude_either", 1, 1024), ("gemini_2_5_pro", 40_000, 32_768)]
LEAST = [("openai_gpt5", "minimal"), ("openai_gpt5_2", "none"), ("openai_o", "low")]


@pytest.mark.parametrize(
    ("generation", "asked", "sent"),
    [
        ("openai_gpt5", "none", "minimal"),
        ("openai_gpt5", "xhigh", "high"),
        ("openai_gpt5_1", "xhigh", "high"),
        ("openai_gpt5_1", "minimal", "none"),
        ("openai_gpt5_2", "max", "xhigh"),
        ("openai_gpt5_2_chat", "high", "medium"),
        ("openai_gpt5_codex", "minimal", "low"),
        ("openai_gpt5_pro", "low", "high"),
        ("openai_o", "max", "high"),
        ("claude_either", "xhigh", "high"),
        ("gemini_3_pro", "medium", "low"),
    ],
)
def test_an_effort_is_the_nearest_word_that_the_generation_knows(generation: str, asked: str, sent: str) -> None:
    reasoning = shaped("openai_chat", generation=generation, reasoning=Reasoning(effort=asked)).reasoning
    assert reasoning is not None
    assert reasoning.effort == sent


@pytest.mark.parametrize(("generation", "word"), LEAST)
def test_no_thinking_is_the_least_word_where_there_are_only_words(generation: str, word: str) -> None:
    reasoning = shaped("openai_chat", generation=generation, reasoning=Reasoning(disabled=True)).reasoning
    assert reasoning is not None
    assert reasoning.effort == word


@pytest.mark.parametrize(("generation", "asked", "sent"), BUDGETS)
def test_a_budget_is_within_the_generations_range(generation: str, asked: int, sent: int) -> None:
    reasoning = shaped("bedrock_converse", generation=generation, reasoning=Reasoning(budget_tokens=asked)).reasoning
    assert reasoning is not None
    assert reasoning.budget_tokens == sent


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_is_bounded_by_what_the_model_can_say(dialect: str) -> None:
    assert shaped(dialect, max_output_tokens=32_000).max_output_tokens == 1_000


def test_a_schema_is_told_in_words_where_a_provider_has_json_mode_alone() -> None:
    sent = shaped("deepseek", said("system", "s"), HI, output_format=OutputFormat("schema", SCHEMA, strict=True))
    assert sent.messages == (said("system", "s"), said("system", TOLD), HI)
    assert sent.output_format == OutputFormat("json")


@pytest.mark.parametrize("dialect", ["anthropic_messages", "bedrock_converse"])
def test_json_mode_is_asked_for_in_words_where_there_is_none(dialect: str) -> None:
    sent = shaped(dialect, output_format=OutputFormat("json"))
    assert (sent.messages, sent.output_format) == ((said("system", JSON_ONLY), HI), None)


def test_json_mode_is_left_alone_where_the_prompt_says_the_word() -> None:
    sent = shaped("openai_chat", said("user", "As JSON."), output_format=OutputFormat("json"))
    assert sent.messages == (said("user", "As JSON."),)


def test_a_gemini_2_with_tools_is_asked_for_json_in_words() -> None:
    wanted = OutputFormat("schema", SCHEMA)
    sent = shaped("gemini", generation="gemini_2_5_flash", tools=(Tool("f"),), output_format=wanted)
    assert (sent.messages, sent.output_format) == ((said("system", TOLD), HI), None)


@pytest.mark.parametrize(
    ("data", "written", "sent"),
    [
        ("/9j/4AAQ", "image/jpg", "image/jpeg"),
        ("iVBORw0KGgo=", "image/JPEG; q=1", "image/png"),
        ("QUJD", "image/PNG", "image/png"),
    ],
)
def test_a_picture_is_sent_under_the_registered_type_that_it_is_of(data: str, written: str, sent: str) -> None:
    message = Message("user", (Image(InlineMedia(data, written)), Text("x")))
    part = shaped("anthropic_messages", message).messages[0].parts[0]
    assert part == Image(InlineMedia(data, sent))


THINKING = "generationConfig.thinkingConfig"
STRICT: list[tuple[str, str, dict[str, Any], str]] = [
    ("openai_chat", "gemini", {"max_output_tokens": 5_000}, "generationConfig.maxOutputTokens"),
    ("openai_responses", "openai_chat", {"max_output_tokens": 5}, "max_tokens"),
    ("openai_chat", "anthropic_messages", {"reasoning": Reasoning(effort="max")}, "output_config.effort"),
    ("openai_chat", "anthropic_messages", {"reasoning": Reasoning(disabled=True)}, "thinking"),
    ("openai_chat", "anthropic_messages", {"user": "u" * 65}, "metadata.user_id"),
    ("openai_chat", "gemini", {"sampling": Sampling(stop=("x",) * 5)}, "generationConfig.stopSequences"),
    ("deepseek", "openai_chat", {"output_format": OutputFormat("schema", SCHEMA)}, "response_format"),
    ("deepseek", "openai_responses", {"output_format": OutputFormat("schema", SCHEMA)}, "text.format"),
    ("gemini", "openai_chat", {"sampling": Sampling(seed=2**40)}, "seed"),
    ("anthropic_messages", "gemini", {"sampling": Sampling(temperature=1.5)}, "generationConfig.temperature"),
    ("bedrock_converse", "gemini", {"reasoning": Reasoning(budget_tokens=5)}, f"{THINKING}.thinkingBudget"),
]


@pytest.mark.parametrize(("dialect", "asker", "fields", "param"), STRICT)
def test_what_does_not_fit_is_refused_by_the_callers_own_name_where_all_is_required(
    dialect: str, asker: str, fields: dict[str, Any], param: str
) -> None:
    generation = {"openai_chat": "openai_gpt5", "bedrock_converse": "claude_budget"}.get(dialect, "")
    with pytest.raises(InvalidRequest) as caught:
        shaped(dialect, generation=generation, protocol=asker, routing=STRICTLY, **fields)
    assert caught.value.param == param


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize("kind", [{"type": ["object", "null"]}, {}])
def test_an_answers_schema_that_means_an_object_says_so(dialect: str, kind: dict[str, Any]) -> None:
    members = {"properties": {"a": {"type": "string"}}}
    sent = shaped(dialect, output_format=OutputFormat("schema", {**kind, **members})).output_format
    assert sent == OutputFormat("schema", {"type": "object", **members})


CLAUDE_ON = pytest.mark.parametrize("dialect", ["anthropic_messages", "bedrock_converse"])


@CLAUDE_ON
@pytest.mark.parametrize("reasoning", [Reasoning(effort="low"), Reasoning(budget_tokens=2_000)])
def test_an_answer_to_go_on_with_is_gone_on_with_without_thinking(dialect: str, reasoning: Reasoning) -> None:
    asked: dict[str, Any] = {"generation": "claude_budget", "reasoning": reasoning}
    assert shaped(dialect, HI, said("assistant", "So"), **asked).reasoning is None
    assert shaped(dialect, HI, said("assistant", "So"), HI, **asked).reasoning == reasoning
    with pytest.raises(InvalidRequest) as caught:
        shaped(dialect, HI, said("assistant", "So"), routing=STRICTLY, **asked)
    assert caught.value.param == ("thinking" if reasoning.effort is None else "effort")


def test_an_answer_that_opens_with_the_targets_own_thought_is_thought_on() -> None:
    asked: dict[str, Any] = {"generation": "claude_budget", "reasoning": Reasoning(effort="low")}
    own, other = (Thinking("t", "sig", by) for by in ("anthropic_messages", "bedrock_converse"))
    assert shaped("anthropic_messages", HI, said("assistant", own, "So"), **asked).reasoning is not None
    assert shaped("anthropic_messages", HI, said("assistant", other, "So"), **asked).reasoning is None
