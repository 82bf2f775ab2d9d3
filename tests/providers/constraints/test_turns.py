"""Tests of conversations that one wire allows and another refuses: blanks, unanswered calls, first and last speaker."""

import pytest

from gateway.canonical.parts import Document, InlineMedia, Message, Text, ToolCall, ToolResult
from gateway.providers.constraints import RULES
from gateway.providers.constraints.calls import UNANSWERED
from gateway.providers.constraints.turns import BESIDE_A_DOCUMENT, CLOSING, OPENING
from tests.providers.constraints.asking import HI, said, shaped

DIALECTS = sorted({rule.dialect for rule in RULES})
HOISTING = ("anthropic_messages", "bedrock_converse", "gemini")
CALL, OTHER = ToolCall("call00001", "f", "{}"), ToolCall("call00002", "g", "{}")
RESULT, LATE = ToolResult("call00001", (Text("one"),)), ToolResult("call00002", (Text("two"),))
LOST = ToolResult("call00002", (Text(UNANSWERED),), is_error=True, name="g")


def result(call_id: str, text: str) -> ToolResult:
    return ToolResult(call_id, (Text(text),))


PDF = Document(InlineMedia("QUJD", "application/pdf"))


def turns(dialect: str, *messages: Message, generation: str = "") -> list[Message]:
    return list(shaped(dialect, *messages, generation=generation).messages)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_conversation_that_fits_stays_as_it_is(dialect: str) -> None:
    whole = [said("system", "s"), HI, said("assistant", "a", CALL), said("tool", RESULT), said("user", "and")]
    assert turns(dialect, *whole) == whole


@pytest.mark.parametrize("dialect", DIALECTS)
def test_results_come_right_behind_their_calls_in_the_order_of_these(dialect: str) -> None:
    called, spoken = said("assistant", CALL, OTHER), said("user", "hm")
    sent = turns(dialect, HI, called, said("tool", LATE), spoken, said("tool", RESULT))
    assert sent == [HI, called, said("tool", RESULT, LATE), spoken]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("behind", [(), (said("user", "go"),)])
def test_a_call_without_a_result_is_told_that_it_has_none(dialect: str, behind: tuple[Message, ...]) -> None:
    sent = turns(dialect, HI, said("assistant", CALL, OTHER), said("tool", RESULT), *behind)
    assert sent == [HI, said("assistant", CALL, OTHER), said("tool", RESULT, LOST), *behind]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_result_without_a_call_is_something_that_the_user_says(dialect: str) -> None:
    sent = turns(dialect, HI, said("assistant", "a"), said("tool", RESULT), said("user", "go"))
    assert sent[2] == said("user", "Result of the tool call call00001: one")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_calls_in_answers_that_follow_each_other_are_of_one_answer(dialect: str) -> None:
    answers, results = [said("assistant", part) for part in ("a", CALL, OTHER)], said("tool", RESULT, LATE)
    assert turns(dialect, HI, *answers, results)[1:] == [said("assistant", "a", CALL, OTHER), results]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_calls_of_one_id_in_one_answer_have_a_result_each(dialect: str) -> None:
    twice = said("assistant", ToolCall("c", "f", "{}"), ToolCall("c", "g", "{}"))
    sent = turns(dialect, HI, twice, said("tool", result("c", "one")), said("tool", result("c", "two")))
    # Mistral takes ids of nine letters and digits alone: these are the digests of the others.
    first, second = ("2e7d2c03a", "06a932faf") if dialect == "mistral" else ("c", "c_2")
    assert sent[1:] == [
        said("assistant", ToolCall(first, "f", "{}"), ToolCall(second, "g", "{}")),
        said("tool", result(first, "one"), result(second, "two")),
    ]


@pytest.mark.parametrize("given", [["c", "c", "c"], ["c", "c_2", "c"], ["c_2", "c", "c"]])
@pytest.mark.parametrize(
    ("dialect", "generation"), [("anthropic_messages", ""), ("bedrock_converse", "claude_adaptive")]
)
def test_calls_of_two_turns_have_ids_of_their_own(dialect: str, generation: str, given: list[str]) -> None:
    history = [
        message
        for number, each in enumerate(given)
        for message in (said("assistant", ToolCall(each, "f", "{}")), said("tool", result(each, f"{number}")), HI)
    ]
    sent = turns(dialect, HI, *history, generation=generation)
    called = [part.id for message in sent for part in message.parts if isinstance(part, ToolCall)]
    answered = [part.call_id for message in sent for part in message.parts if isinstance(part, ToolResult)]
    assert sorted(called) == ["c", "c_2", "c_3"]
    assert called == answered


@pytest.mark.parametrize("dialect", HOISTING)
def test_instructions_behind_the_last_answer_are_what_the_user_says(dialect: str) -> None:
    sent = turns(dialect, HI, said("assistant", "a"), said("system", "Sum this up."))
    assert sent == [HI, said("assistant", "a"), said("user", "Sum this up.")]


@pytest.mark.parametrize("dialect", HOISTING)
def test_instructions_before_the_users_last_word_stay_instructions(dialect: str) -> None:
    whole = [HI, said("assistant", "a"), said("system", "s"), said("user", "go")]
    assert turns(dialect, *whole) == whole
    assert turns(dialect, *whole, said("system", "late"))[-1] == said("system", "late")


@pytest.mark.parametrize("dialect", HOISTING)
def test_instructions_alone_are_what_the_user_says(dialect: str) -> None:
    assert turns(dialect, said("system", "a"), said("system", "b")) == [said("user", "a"), said("user", "b")]


@pytest.mark.parametrize("dialect", ["bedrock_converse", "gemini"])
def test_a_conversation_that_the_assistant_opens_is_opened_by_the_user(dialect: str) -> None:
    sent = turns(dialect, said("system", "s"), said("assistant", "Hello."), HI)
    assert sent == [said("system", "s"), said("user", OPENING), said("assistant", "Hello."), HI]


@pytest.mark.parametrize(
    ("dialect", "generation"),
    [("gemini", ""), ("anthropic_messages", "claude_adaptive"), ("bedrock_converse", "claude_either")],
)
def test_a_conversation_that_the_assistant_closes_is_closed_by_the_user(dialect: str, generation: str) -> None:
    sent = turns(dialect, HI, said("assistant", "So "), generation=generation)
    assert sent == [HI, said("assistant", "So "), said("user", CLOSING)]


def test_a_model_that_goes_on_with_an_answer_is_given_it_without_blanks_at_its_end() -> None:
    sent = turns("anthropic_messages", HI, said("assistant", "So \n"), generation="claude_budget")
    assert sent == [HI, said("assistant", "So")]


@pytest.mark.parametrize(
    ("dialect", "blank"), [("anthropic_messages", "\n\n"), ("bedrock_converse", " "), ("gemini", "")]
)
def test_blanks_are_left_out_in_results_too(dialect: str, blank: str) -> None:
    call, result = said("assistant", CALL), said("tool", ToolResult("call00001", (Text(blank), Text("x"))))
    sent = turns(dialect, said("system", blank), said("user", blank, "hi"), said("assistant", blank), call, result)
    assert sent == [HI, call, said("tool", ToolResult("call00001", (Text("x"),)))]


def test_a_document_has_a_text_beside_it_in_its_turn() -> None:
    alone = turns("bedrock_converse", said("user", PDF))
    assert alone == [said("user", PDF, BESIDE_A_DOCUMENT)]
    beside = [said("user", PDF), said("user", "Read it.")]
    assert turns("bedrock_converse", *beside) == beside


@pytest.mark.parametrize(
    ("dialect", "blank"), [("anthropic_messages", " "), ("bedrock_converse", ""), ("gemini", ""), ("openai_chat", None)]
)
def test_an_answer_in_front_of_a_blank_turn_is_none_to_go_on_with(dialect: str, blank: str | None) -> None:
    last = said("user") if blank is None else said("user", blank)
    sent = turns(dialect, HI, said("assistant", "So"), last, generation="claude_budget")
    assert sent == [HI, said("assistant", "So"), said("user", CLOSING)]
