"""Tests that the judge finds each kind of loss, made on purpose."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from gateway.canonical.codec import StreamEncoder
from gateway.canonical.events import Event, Finished, TextDelta, ToolCallStarted, UsageReported
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import FinishReason, Stamp
from tests.cuttings import cut, cuttings
from tests.fidelity.judge import QUICK, Judge, differences, nameless
from tests.fidelity.mappings import expected
from tests.fidelity.matrix import Cell, Report, exceptions
from tests.fidelity.recordings import Recording, goldens
from tests.fidelity.replay import replaying
from tests.fidelity.same_wire import edited_elsewhere
from tests.fidelity.seen import CallSeen, ChoiceSeen, Seen, UsageSeen
from tests.fidelity.wires import CLIENTS, EXTENSION

SPOKEN = Seen(
    (ChoiceSeen("text", "", "thought", (CallSeen("tool", {"a": 1}, "call_1"),), "tool_calls"),),
    UsageSeen(prompt=10, cache_read=4, cache_write=2, cache_write_1h=1, output=5, reasoning=3),
)


def golden(wire: str, name: str) -> Recording:
    return next(each for each in goldens() if (each.wire, each.id) == (wire, name))


def losing(monkeypatch: pytest.MonkeyPatch, client: str, lost: Callable[[Event], Event | None]) -> None:
    """Replaces the client's encoder by one that is given other events than arrived."""
    new_encoder = CLIENTS[client].stream_encoder

    def careless(request: ChatRequest, stamp: Stamp) -> StreamEncoder:
        encoder = new_encoder(request, stamp)
        encode = encoder.encode

        def encode_rest(event: Event) -> bytes:
            rest = lost(event)
            return b"" if rest is None else encode(rest)

        monkeypatch.setattr(encoder, "encode", encode_rest)
        return encoder

    monkeypatch.setattr(CLIENTS[client], "stream_encoder", careless)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with replaying() as replay, closing(Judge(replay, QUICK)) as judge:
        yield judge


def without_text(event: Event) -> Event | None:
    return replace(event, text=event.text[1:]) if isinstance(event, TextDelta) else event


def without_usage(event: Event) -> Event | None:
    return None if isinstance(event, UsageReported) else event


def misnamed(event: Event) -> Event | None:
    return replace(event, id="another") if isinstance(event, ToolCallStarted) else event


def ended_early(event: Event) -> Event | None:
    return replace(event, reason=FinishReason.LENGTH) if isinstance(event, Finished) else event


@pytest.mark.parametrize("client", ["anthropic_messages", "gemini", "openai_responses"])
@pytest.mark.parametrize(
    ("lost", "named"),
    [
        (without_text, "read choice.text"),
        (without_usage, "read usage.prompt"),
        (misnamed, "read call.id"),
        (ended_early, "read choice.finish"),
    ],
)
def test_what_an_encoder_loses_is_told(
    monkeypatch: pytest.MonkeyPatch, judge: Judge, client: str, lost: Callable[[Event], Event | None], named: str
) -> None:
    recording = golden("openai_chat", "tools" if lost is misnamed else "text")
    losing(monkeypatch, client, lost)
    assert named in "; ".join(judge.verdicts(recording)[client])


@pytest.mark.parametrize(
    "wire", ["openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock_converse"]
)
def test_a_cut_stream_is_an_error_on_every_wire(judge: Judge, wire: str) -> None:
    whole = next(each for each in goldens() if each.wire == wire and each.stream)
    cut_off = dataclasses.replace(whole, body=whole.body[: len(whole.body) // 2])
    assert [found for found in judge.verdicts(cut_off).values() if found] == []


def test_a_clean_end_after_a_cut_is_told(monkeypatch: pytest.MonkeyPatch, judge: Judge) -> None:
    whole = golden("openai_chat", "text")
    cut_off = dataclasses.replace(whole, body=whole.body[: len(whole.body) // 2])
    monkeypatch.setattr("tests.fidelity.bridge.failure", lambda _: None)
    assert "ours is clean" in "; ".join(judge.verdicts(cut_off)["anthropic_messages"])


def test_a_byte_that_was_edited_on_the_same_wire_is_told() -> None:
    recording = golden("openai_chat", "answer")
    edited = recording.body.replace(b'"logprobs"', b'"logprobs" ')
    assert len(list(edited_elsewhere(recording, edited))) == 1


def test_the_names_of_the_gateway_are_no_edit() -> None:
    recording = golden("openai_chat", "answer")
    named = CLIENTS["openai_chat"].forward_response(recording.body, Stamp("x", "y", 1), EXTENSION)
    assert named != recording.body
    assert list(edited_elsewhere(recording, named)) == []


def test_a_chat_message_without_calls_may_say_so_and_nothing_else() -> None:
    answer = b'{"choices": [{"message": {"content": "x" }, "index": 0}]}'
    recording = dataclasses.replace(golden("openai_chat", "answer"), body=answer)
    assert list(edited_elsewhere(recording, answer.replace(b' }, "', b' ,"tool_calls":null}, "'))) == []
    for other in (answer, answer.replace(b' }, "', b' ,"tool_calls":[]}, "'), answer.replace(b'"x" }', b'"x"}')):
        assert len(list(edited_elsewhere(recording, other))) == 1


def test_an_event_that_is_missing_on_the_same_wire_is_told() -> None:
    recording = golden("anthropic_messages", "text")
    first, _, rest = recording.body.partition(b"\n\n")
    assert list(edited_elsewhere(recording, rest)) != []
    assert list(edited_elsewhere(recording, first + b"\n\n" + rest)) == []


@pytest.mark.parametrize(
    ("seen", "problems"),
    [
        (SPOKEN, []),
        (Seen(error="APIError"), ["error: APIError"]),
        (dataclasses.replace(SPOKEN, choices=()), ["choices: 1 became 0"]),
        (
            dataclasses.replace(SPOKEN, usage=dataclasses.replace(SPOKEN.usage or UsageSeen(), cache_read=0)),
            ["usage.cache_read: 4 became 0"],
        ),
        (
            dataclasses.replace(SPOKEN, choices=(dataclasses.replace(SPOKEN.choices[0], calls=()),)),
            ["calls: ['tool'] became []"],
        ),
    ],
)
def test_each_departure_of_a_reading_is_a_line(seen: Seen, problems: list[str]) -> None:
    assert list(differences(SPOKEN, seen)) == problems


def test_a_failure_that_is_not_told_is_a_departure() -> None:
    assert list(differences(Seen(error="APIError"), Seen())) == [
        "error: the original ends with APIError, ours is clean"
    ]


def test_two_calls_of_one_id_cannot_be_answered() -> None:
    call = CallSeen("tool", {}, "call_1")
    assert list(nameless(Seen((ChoiceSeen(calls=(call, call)),)))) == ["call ids: ['call_1', 'call_1']"]


def test_an_id_that_the_provider_did_not_give_may_be_any() -> None:
    unnamed = dataclasses.replace(
        SPOKEN, choices=(dataclasses.replace(SPOKEN.choices[0], calls=(CallSeen("tool", {"a": 1}, None),)),)
    )
    assert list(differences(unnamed, SPOKEN)) == []


def test_token_classes_that_a_wire_does_not_count_are_not_expected_of_it() -> None:
    usage = expected(SPOKEN, "openai_chat", "gemini").usage
    assert usage == UsageSeen(prompt=10, cache_read=4, output=5, reasoning=3)


def test_an_unknown_word_for_the_end_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        expected(Seen((ChoiceSeen(finish="tired"),)), "openai_chat", "gemini")


def test_cuttings_are_the_same_each_time_and_lose_nothing() -> None:
    data = bytes(range(200))
    twice = [list(cuttings(data, 5, every_byte=True)) for _ in range(2)]
    assert twice[0] == twice[1]
    assert [b"".join(cut(data, places)) for places in twice[0]] == [data] * 6


FINE, DEPARTS = Cell("openai/chat", "1", "gemini"), Cell("openai/chat", "2", "gemini")


def test_a_departure_without_an_exception_is_a_failure() -> None:
    assert Report({FINE: (), DEPARTS: ("text",)}, {}).failures == ["openai/chat/2 on gemini: text"]


def test_an_exception_that_comes_through_is_a_failure() -> None:
    assert len(Report({FINE: ()}, {FINE: "reason"}).needless) == 1


def test_more_exceptions_than_their_share_are_a_failure() -> None:
    few = {FINE._replace(recording=str(number)): () for number in range(100, 299)}
    assert Report({**few, DEPARTS: ("text",)}, {DEPARTS: "reason"}).failures == []
    assert len(Report({FINE: (), DEPARTS: ("text",)}, {DEPARTS: "reason"}).failures) == 1


def test_the_table_counts_what_passes_of_all() -> None:
    (_, row) = Report({FINE: (), DEPARTS: ("text",)}, {}).table()
    assert row.split() == ["openai/chat", "0/0", "0/0", "0/0", "0/0", "0/0", "1/2"]


def test_every_exception_has_a_reason() -> None:
    assert all(reason.strip() for reason in exceptions().values())
