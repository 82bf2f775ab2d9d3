"""Tests that an answer is kept as it was, and that one which failed, was cut or was filtered is not."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from msgspec import Struct
from msgspec.structs import replace

from gateway.cache.gathering import Gathering
from gateway.cache.kept import FORM, Kept, Origin, form_of, may_be_kept, read, written
from gateway.canonical.events import Ended, Event, Failed, Finished, OpaqueDelta, Started, TextDelta, ToolCallDelta
from gateway.canonical.parts import Opaque, Refusal, Text
from gateway.canonical.replay import replayed_events
from gateway.canonical.response import ChatResponse, Choice, FinishReason
from gateway.canonical.usage import Usage
from gateway.errors import UpstreamError
from tests.bridging.cells import UPSTREAMS
from tests.bridging.goldens import answers

ORIGIN = Origin("gpt-4o", "openai", None)
ANSWER = ChatResponse("up-1", "gpt-4o", 7, (Choice(0, (Text("Hi"),), FinishReason.STOP),), Usage(input=3, output=1))


def golden_answers() -> Iterator[tuple[str, ChatResponse]]:
    for wire, listed in answers().items():
        for feature, golden in listed.items():
            yield f"{wire} {feature}", UPSTREAMS[wire].decode_response(orjson.dumps(golden.body), "a1")


GOLDEN = dict(golden_answers())


def gathered(events: list[Event]) -> ChatResponse | None:
    gathering = Gathering()
    for event in events:
        gathering.note(event)
    return gathering.response


@pytest.mark.parametrize("name", GOLDEN)
def test_an_answer_is_read_as_it_was_written(name: str) -> None:
    response = GOLDEN[name]
    if all(choice.finish_reason is not None for choice in response.choices):
        kept = Kept(replace(response, uses=()), ORIGIN, b'{"id":1}', "openai_chat")
        assert read(written(kept)) == kept


@pytest.mark.parametrize("name", GOLDEN)
def test_a_stream_is_gathered_to_the_answer_that_it_was(name: str) -> None:
    """Pieces of texts and arguments are as small as they come."""
    response = GOLDEN[name]
    events: list[Event] = []
    for event in replayed_events(response):
        if isinstance(event, TextDelta) and event.logprobs is None and event.signature is None:
            events += [replace(event, text=character) for character in event.text]
        elif isinstance(event, ToolCallDelta):
            events += [replace(event, arguments=character) for character in event.arguments]
        else:
            events.append(event)
    if any(isinstance(part, Opaque) for choice in response.choices for part in choice.parts):
        assert gathered(events) is None
        return
    again = gathered(events)
    assert again is not None
    assert list(replayed_events(again)) == list(replayed_events(response))


def test_golden_answers_have_all_kinds_of_parts() -> None:
    kinds = {
        type(part).__name__ for response in GOLDEN.values() for choice in response.choices for part in choice.parts
    }
    assert kinds >= {"Text", "Thinking", "ToolCall", "Opaque", "RedactedThinking"}


@pytest.mark.parametrize(
    "events",
    [
        [Started("u", "m"), TextDelta("Hi", 0), Finished(FinishReason.STOP)],
        [Started("u", "m"), TextDelta("Hi", 0), Failed(UpstreamError("no")), Ended()],
        [Started("u", "m"), OpaqueDelta("p", "{}", 0), Finished(FinishReason.STOP), Ended()],
        [Started("u", "m"), TextDelta("Hi", 0), ToolCallDelta("{}", 0, 0), Ended()],
        [TextDelta("Hi", 0), Ended()],
    ],
)
def test_a_stream_that_was_cut_or_failed_has_no_answer(events: list[Event]) -> None:
    assert gathered(events) is None


def test_a_whole_answer_may_be_kept() -> None:
    assert may_be_kept(ANSWER, 2)


@pytest.mark.parametrize("reason", [None, *FinishReason])
def test_an_answer_that_did_not_end_by_itself_is_not_kept(reason: FinishReason | None) -> None:
    ends = {FinishReason.STOP, FinishReason.STOP_SEQUENCE, FinishReason.TOOL_CALLS}
    assert may_be_kept(replace(ANSWER, choices=(Choice(0, (Text("Hi"),), reason),)), 2) is (reason in ends)


@pytest.mark.parametrize(
    ("changed", "delivered_bytes"),
    [
        ({}, 0),
        ({"usage": None}, 2),
        ({"uses": (("web_search", 1),)}, 2),
        ({"usage": Usage(output=1, uses=(("web_search", 1),))}, 2),
        ({"choices": (Choice(0, (Refusal("I will not."),), FinishReason.STOP),)}, 9),
        ({"choices": (ANSWER.choices[0], replace(ANSWER.choices[0], index=1, finish_reason=FinishReason.LENGTH))}, 4),
    ],
)
def test_an_answer_without_content_count_or_all_its_choices_is_not_kept(changed: Any, delivered_bytes: int) -> None:
    assert not may_be_kept(replace(ANSWER, **changed), delivered_bytes)


def test_bytes_of_another_release_are_no_answer() -> None:
    content = written(Kept(ANSWER, ORIGIN))
    form = FORM.encode()
    assert content.count(form) == 1
    assert read(content.replace(form, form[::-1])) is None


def test_a_release_with_another_field_writes_another_form() -> None:
    class Counts(Struct):
        input: int = 0
        output: int = 0

    class More(Counts):
        ignored: int = 0

    assert form_of({"Usage": Counts}) == form_of({"Usage": Counts})
    assert form_of({"Usage": Counts}) != form_of({"Usage": More})
