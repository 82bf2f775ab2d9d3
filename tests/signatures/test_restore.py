"""Tests that a conversation gets back exactly the signatures of its provider that its caller lost, in their places."""

import pytest
from msgspec.structs import replace

from gateway.canonical.parts import Message, Part, RedactedThinking, Refusal, Text, Thinking, ToolCall, ToolResult
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Profile
from gateway.ports.signatures import SignedCall, SignedThought
from gateway.signatures import lacking, restored
from gateway.signatures.restore import RECALLED_CALLS_MAX

WIRE = "anthropic_messages"
THOUGHT = Thinking("I need the weather.", "sig1", WIRE)
LATER = Thinking("And the time.", "sig2", WIRE)
HIDDEN = RedactedThinking("EmwK", WIRE)
CALL = ToolCall("call_1", "weather", "{}")
SECOND = ToolCall("call_2", "time", "{}")
KEPT = SignedCall("call_1", WIRE, thoughts=(SignedThought(THOUGHT),))
THINKING = Profile("thinking", thinking="budget")
PLAIN = Profile("plain")


def request(*turn: Part, protocol: str = "openai_chat") -> ChatRequest:
    messages = (
        Message("user", (Text("Weather?"),)),
        Message("assistant", turn),
        Message("tool", (ToolResult("call_1", (Text("Sunny"),)),)),
    )
    return ChatRequest(protocol, "model", messages, b"{}")


def turn_after(asked: ChatRequest, *kept: SignedCall, protocol: str = WIRE) -> tuple[Part, ...]:
    after = restored(asked, {call.call_id: call for call in kept}, protocol)
    assert (after.messages[0], after.messages[2]) == (asked.messages[0], asked.messages[2])
    return after.messages[1].parts


def test_a_thought_comes_back_before_the_text_and_the_call() -> None:
    assert turn_after(request(Text("Let me look."), CALL), KEPT) == (THOUGHT, Text("Let me look."), CALL)


def test_a_call_gets_its_own_signature_back() -> None:
    kept = SignedCall("call_1", WIRE, signature="CpQB")
    assert turn_after(request(CALL, SECOND), kept) == (replace(CALL, signature="CpQB"), SECOND)


def test_thoughts_come_back_where_they_were_amid_a_joined_text() -> None:
    thoughts = (SignedThought(HIDDEN), SignedThought(THOUGHT, 5), SignedThought(LATER, 9))
    kept = SignedCall("call_1", WIRE, thoughts=thoughts)
    assert turn_after(request(Text("One. Two."), CALL), kept) == (
        HIDDEN, Text("One. "), THOUGHT, Text("Two."), LATER, CALL
    )  # fmt: skip


def test_no_text_of_blanks_is_made() -> None:
    kept = SignedCall("call_1", WIRE, thoughts=(SignedThought(THOUGHT), SignedThought(LATER, 2)))
    assert turn_after(request(Text("\n\nTwo."), CALL), kept) == (THOUGHT, LATER, Text("\n\nTwo."), CALL)


def test_a_thought_between_two_calls_stays_between_them() -> None:
    second = SignedCall("call_2", WIRE, thoughts=(SignedThought(LATER, 3),))
    assert turn_after(request(Text("One"), CALL, SECOND), KEPT, second) == (THOUGHT, Text("One"), CALL, LATER, SECOND)


def test_a_text_that_the_caller_shortened_still_has_its_thoughts() -> None:
    kept = SignedCall("call_1", WIRE, thoughts=(SignedThought(THOUGHT), SignedThought(LATER, 900)))
    assert turn_after(request(Text("One"), CALL), kept) == (THOUGHT, Text("One"), LATER, CALL)


def test_the_readable_copy_of_a_thought_gives_way_to_the_signed_one() -> None:
    assert turn_after(request(Thinking("I need the weather."), CALL), KEPT) == (THOUGHT, CALL)


@pytest.mark.parametrize("own", [LATER, HIDDEN], ids=["readable", "encrypted"])
def test_a_turn_that_kept_a_thought_of_the_providers_gets_none(own: Part) -> None:
    assert turn_after(request(own, CALL), KEPT) == (own, CALL)


def test_a_thought_that_another_wire_signed_keeps_nothing_away() -> None:
    assert turn_after(request(Thinking("Hm.", "sig", "gemini"), CALL), KEPT) == (THOUGHT, CALL)


def test_a_call_that_kept_its_own_signature_keeps_it() -> None:
    own = replace(CALL, signature="own")
    assert turn_after(request(own), SignedCall("call_1", WIRE, signature="kept")) == (own,)


def test_what_is_no_text_stays_where_it_was() -> None:
    assert turn_after(request(Refusal("No."), CALL, Text("So.")), KEPT) == (Refusal("No."), THOUGHT, CALL, Text("So."))


def test_no_other_wire_gets_a_signature() -> None:
    asked = request(CALL)
    assert restored(asked, {"call_1": KEPT}, "bedrock_converse") is asked


def test_a_request_on_the_providers_own_wire_is_left_alone() -> None:
    asked = request(CALL, protocol=WIRE)
    assert restored(asked, {"call_1": KEPT}, WIRE) is asked


def test_a_request_with_nothing_kept_is_the_same_object() -> None:
    asked = request(CALL)
    assert restored(asked, {}, WIRE) is asked


def test_the_calls_of_the_conversation_are_lacking() -> None:
    assert lacking(request(CALL, SECOND), [(WIRE, THINKING)]) == ("call_1", "call_2")


def test_a_signed_call_lacks_nothing() -> None:
    assert lacking(request(replace(CALL, signature="own"), SECOND), [(WIRE, THINKING)]) == ("call_2",)


@pytest.mark.parametrize(
    ("protocol", "profile"),
    [(WIRE, PLAIN), ("openai_chat", THINKING), ("openai_chat", Profile("o", efforts=("low",)))],
    ids=["a model that does not think", "a wire that signs nothing", "efforts on a wire that signs nothing"],
)
def test_nothing_is_lacking_for(protocol: str, profile: Profile) -> None:
    assert lacking(request(CALL, protocol="gemini"), [(protocol, profile)]) == ()


def test_nothing_is_lacking_on_the_providers_own_wire() -> None:
    assert lacking(request(CALL, protocol=WIRE), [(WIRE, THINKING)]) == ()


@pytest.mark.parametrize(
    "profile", [Profile("a", thinks_always=True), Profile("s", signed_calls=True), Profile("e", efforts=("low",))]
)
def test_one_target_that_may_sign_is_enough(profile: Profile) -> None:
    assert lacking(request(CALL), [("openai_chat", PLAIN), ("gemini", profile)]) == ("call_1",)


def test_of_a_long_conversation_the_newest_calls_are_asked_for() -> None:
    calls = [replace(CALL, id=f"call_{number}") for number in range(RECALLED_CALLS_MAX + 2)]
    asked = lacking(request(*calls), [(WIRE, THINKING)])
    assert (len(asked), asked[0]) == (RECALLED_CALLS_MAX, "call_2")
