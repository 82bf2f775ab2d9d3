"""Tests of the signatures read from an answer: content, signer and place, equal for whole and streamed answers."""

from collections.abc import Sequence

import pytest

from gateway.canonical.events import (
    Ended,
    Event,
    Finished,
    RedactedThinkingDelta,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from gateway.canonical.parts import Part, RedactedThinking, Text, Thinking, ToolCall
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.ports.signatures import SignedCall, SignedThought
from gateway.signatures import Collector, collected

WIRE = "anthropic_messages"
THOUGHT = Thinking("I need the weather.", "sig1", WIRE)
LATER = Thinking("And the time.", "sig2", WIRE)
HIDDEN = RedactedThinking("EmwK", WIRE)
CALL = ToolCall("toolu_1", "weather", '{"city":"Rome"}')
SECOND = ToolCall("toolu_2", "time", "{}")


def whole(*parts: Part) -> tuple[SignedCall, ...]:
    choice = Choice(0, parts, FinishReason.TOOL_CALLS)
    return collected(ChatResponse("id", "model", None, (choice,), None), WIRE)


def streamed(*events: Event, signed_by: str = WIRE) -> tuple[SignedCall, ...]:
    collector = Collector(signed_by)
    for event in (Started("id", "model"), *events, Finished(FinishReason.TOOL_CALLS), Ended()):
        collector.note(event)
    return collector.calls


def events(parts: Sequence[Part]) -> list[Event]:
    """Builds a stream of the parts: texts and thoughts cut into characters, each signature alone at the end."""
    made: list[Event] = []
    for place, part in enumerate(parts):
        match part:
            case Text(text, signature=signature):
                made += [TextDelta(letter, place) for letter in text]
                made += [TextDelta("", place, signature=signature)]
            case Thinking(text, signature, author):
                made += [ThinkingDelta(letter, place) for letter in text]
                made += [ThinkingDelta("", place, signature=signature, signed_by=author)]
            case RedactedThinking(data, author):
                made.append(RedactedThinkingDelta(data, place, signed_by=author))
            case ToolCall(identity, name, arguments, signature):
                made += [ToolCallStarted(identity, name, 0, place, signature=signature)]
                made += [ToolCallDelta(arguments, 0, place)]
    return made


TURNS: dict[str, tuple[tuple[Part, ...], tuple[SignedCall, ...]]] = {
    "a thought before a call": (
        (THOUGHT, CALL),
        (SignedCall("toolu_1", WIRE, thoughts=(SignedThought(THOUGHT),)),),
    ),
    "a thought, a text and two calls": (
        (THOUGHT, Text("Let me look."), CALL, SECOND),
        (SignedCall("toolu_1", WIRE, thoughts=(SignedThought(THOUGHT),)),),
    ),
    "encrypted and readable thoughts amid texts": (
        (HIDDEN, Text("One. "), THOUGHT, Text("Two."), LATER, CALL),
        (
            SignedCall(
                "toolu_1", WIRE, thoughts=(SignedThought(HIDDEN), SignedThought(THOUGHT, 5), SignedThought(LATER, 9))
            ),
        ),
    ),
    "a thought between two calls": (
        (THOUGHT, CALL, LATER, SECOND),
        (
            SignedCall("toolu_1", WIRE, thoughts=(SignedThought(THOUGHT),)),
            SignedCall("toolu_2", WIRE, thoughts=(SignedThought(LATER),)),
        ),
    ),
    "a signature of the call's own": (
        (ToolCall("call_1", "weather", "{}", signature="CpQB"), SECOND),
        (SignedCall("call_1", WIRE, signature="CpQB"),),
    ),
    "a signature on the text before a call": (
        (Text("Let me look.", signature="c2ln"), CALL),
        (SignedCall("toolu_1", WIRE, thoughts=(SignedThought(Text("", signature="c2ln"), 12),)),),
    ),
    "reasoning in parts with one signature": (
        (Thinking("First."), Thinking("Second.", "sig", WIRE), CALL),
        (
            SignedCall(
                "toolu_1",
                WIRE,
                thoughts=(SignedThought(Thinking("First.")), SignedThought(Thinking("Second.", "sig", WIRE))),
            ),
        ),
    ),
    "a thought without a signature": ((Thinking("Hm."), CALL), ()),
    "a thought that another wire signed": (
        (Thinking("Hm.", "sig", "gemini"), RedactedThinking("x", "gemini"), CALL),
        (),
    ),
    "an unsigned summary behind a signed thought": (
        (THOUGHT, Thinking("In short."), CALL),
        (SignedCall("toolu_1", WIRE, thoughts=(SignedThought(THOUGHT),)),),
    ),
    "an answer without calls": ((THOUGHT, Text("Done.")), ()),
    "a thought behind the last call": (
        (THOUGHT, CALL, LATER),
        (SignedCall("toolu_1", WIRE, thoughts=(SignedThought(THOUGHT),)),),
    ),
}


@pytest.mark.parametrize("name", TURNS)
def test_a_whole_answer_is_read(name: str) -> None:
    parts, expected = TURNS[name]
    assert whole(*parts) == expected


@pytest.mark.parametrize("name", TURNS)
def test_a_streamed_answer_is_read_the_same(name: str) -> None:
    parts, expected = TURNS[name]
    assert streamed(*events(parts)) == expected


def test_choices_that_interleave_are_kept_apart() -> None:
    calls = streamed(
        ThinkingDelta("A", 0, choice=0, signature="a", signed_by=WIRE),
        ThinkingDelta("B", 0, choice=1, signature="b", signed_by=WIRE),
        ToolCallStarted("first", "f", 0, 1, choice=0),
        ToolCallStarted("second", "f", 0, 1, choice=1),
    )
    assert calls == (
        SignedCall("first", WIRE, thoughts=(SignedThought(Thinking("A", "a", WIRE)),)),
        SignedCall("second", WIRE, thoughts=(SignedThought(Thinking("B", "b", WIRE)),)),
    )
