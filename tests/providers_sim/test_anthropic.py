"""Tests of the simulated Messages wire, as Anthropic's own SDK reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import Message, ThinkingBlock, ToolUseBlock

from local.providers import tokens
from tests.hangs import HANGS_AFTER_S

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
MODEL = "claude-haiku-4-5-20251001"
NEWEST = "claude-opus-4-7"
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME: Any = {
    "name": "get_time",
    "input_schema": {"type": "object", "properties": {"hours": {"type": "integer"}}, "required": ["hours"]},
}
THINKING: Any = {"type": "enabled", "budget_tokens": 2000}


@pytest.fixture(scope="module")
def client(rows: Any) -> Iterator[Anthropic]:
    with Anthropic(**rows["anthropic"], max_retries=0, timeout=HANGS_AFTER_S) as client:
        yield client


def user(content: Any) -> Any:
    return {"role": "user", "content": content}


def create(client: Anthropic, *turns: Any, **more: Any) -> Message:
    arguments: dict[str, Any] = {"model": MODEL, "max_tokens": 4000, "messages": list(turns)}
    message = client.messages.create(**(arguments | more))
    assert isinstance(message, Message)
    return message


def text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def uses(message: Message) -> list[ToolUseBlock]:
    return [block for block in message.content if isinstance(block, ToolUseBlock)]


def said(message: Message) -> Any:
    return {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]}


def results(message: Message, answer: str) -> Any:
    return user([{"type": "tool_result", "tool_use_id": use.id, "content": answer} for use in uses(message)])


def test_an_answer_is_text(client: Anthropic) -> None:
    message = create(client, user("Who wrote Emma?"))
    assert "Who wrote Emma?" in text(message)
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", tokens.count(text(message)))


def test_a_stream_accumulates_to_the_whole_answer(client: Anthropic) -> None:
    whole = create(client, user("Who wrote Emma?"))
    with client.messages.stream(model=MODEL, max_tokens=4000, messages=[user("Who wrote Emma?")]) as stream:
        streamed = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert streamed == text(whole)
    assert final.usage == whole.usage
    assert final.stop_reason == "end_turn"


def test_a_stream_has_its_events_in_order_with_a_ping(client: Anthropic) -> None:
    events = client.messages.create(model=MODEL, max_tokens=99, messages=[user("[[sim: tokens=6]]")], stream=True)
    assert [event.type for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_pings_are_sent_on_the_wire(control: Any, rows: Any) -> None:
    body = {"model": MODEL, "max_tokens": 9, "messages": [user("Hi")], "stream": True}
    headers = {"x-api-key": rows["anthropic"]["api_key"], "anthropic-version": "2023-06-01"}
    _, _, raw = control.send("POST", "/anthropic/v1/messages", body, headers)
    assert b'event: ping\ndata: {"type":"ping"}\n\n' in raw


def test_parallel_tools_are_called_after_a_word_and_their_results_cited(client: Anthropic) -> None:
    question = user("The weather in Paris and the time there in 3 hours?")
    first = create(client, question, tools=[WEATHER, TIME])
    assert [(use.name, use.input) for use in uses(first)] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"hours": 3}),
    ]
    assert (text(first), first.stop_reason) == ("I'll call get_weather, get_time.", "tool_use")
    second = create(client, question, said(first), results(first, "18 degrees"), tools=[WEATHER, TIME])
    assert "18 degrees" in text(second)


def test_tool_input_streams_as_partial_json(client: Anthropic) -> None:
    with client.messages.stream(
        model=MODEL, max_tokens=4000, messages=[user("The weather in Paris?")], tools=[WEATHER]
    ) as stream:
        final = stream.get_final_message()
    assert [block.input for block in final.content if block.type == "tool_use"] == [{"city": "Paris"}]


def test_one_tool_is_called_where_parallel_use_is_disabled(client: Anthropic) -> None:
    choice = {"type": "any", "disable_parallel_tool_use": True}
    message = create(client, user("Weather and time?"), tools=[WEATHER, TIME], tool_choice=choice)
    assert [use.name for use in uses(message)] == ["get_weather"]


def test_thinking_is_signed_and_counted(client: Anthropic) -> None:
    message = create(client, user("Hello"), thinking=THINKING)
    thought = message.content[0]
    assert thought.type == "thinking"
    assert tokens.count(thought.thinking) == 128
    assert len(thought.signature) > 100
    assert message.usage.output_tokens == 128 + tokens.count(text(message))


def test_thinking_streams_before_its_signature(client: Anthropic) -> None:
    with client.messages.stream(model=MODEL, max_tokens=4000, messages=[user("Hello")], thinking=THINKING) as stream:
        kinds = [event.delta.type for event in stream if event.type == "content_block_delta"]
        final = stream.get_final_message()
    assert list(dict.fromkeys(kinds)) == ["thinking_delta", "signature_delta", "text_delta"]
    assert final.content[0] == create(client, user("Hello"), thinking=THINKING).content[0]


def loop(client: Anthropic, change: Any, **more: Any) -> Message:
    arguments: dict[str, Any] = {"tools": [WEATHER], "thinking": THINKING} | more
    question = user("The weather in Paris?")
    first = create(client, question, **arguments)
    turn = said(first)
    change(turn["content"])
    return create(client, question, turn, results(first, "18 degrees"), **arguments)


def test_a_tool_loop_with_thinking_goes_on_when_the_thinking_comes_back_unchanged(client: Anthropic) -> None:
    assert "18 degrees" in text(loop(client, lambda _: None))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda blocks: blocks[0].update(thinking="Other thoughts."), "Invalid `signature` in `thinking` block"),
        (lambda blocks: blocks[0].update(signature="Zm9v"), "Invalid `signature` in `thinking` block"),
        (lambda blocks: blocks[0].pop("signature"), "thinking.signature: Field required"),
        (lambda blocks: blocks.pop(0), "Expected `thinking` or `redacted_thinking`"),
    ],
)
def test_changed_or_missing_thinking_breaks_the_loop(client: Anthropic, change: Any, said: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=said):
        loop(client, change)


def test_redacted_thinking_comes_back_as_it_went_out(client: Anthropic) -> None:
    question = user("[[sim: redacted]] The weather in Paris?")
    arguments: dict[str, Any] = {"tools": [WEATHER], "thinking": THINKING}
    first = create(client, question, **arguments)
    assert first.content[0].type == "redacted_thinking"
    second = create(client, question, said(first), results(first, "18 degrees"), **arguments)
    assert "18 degrees" in text(second)
    broken = said(first)
    broken["content"][0]["data"] = "A" + broken["content"][0]["data"][1:]
    with pytest.raises(anthropic.BadRequestError, match="Invalid `data` in `redacted_thinking` block"):
        create(client, question, broken, results(first, "18 degrees"), **arguments)


def test_adaptive_thinking_is_hidden_on_the_newest_models_unless_asked_for(client: Anthropic) -> None:
    hidden = create(client, user("Hello"), model=NEWEST, thinking={"type": "adaptive"})
    shown = create(
        client,
        user("Hello"),
        model=NEWEST,
        thinking={"type": "adaptive", "display": "summarized"},
        output_config={"effort": "low"},
    )
    (hidden_thought, _), (shown_thought, _) = hidden.content, shown.content
    assert isinstance(hidden_thought, ThinkingBlock)
    assert isinstance(shown_thought, ThinkingBlock)
    assert (hidden_thought.thinking, tokens.count(shown_thought.thinking)) == ("", 64)


def cached(client: Anthropic, *, mark: Any, name: str) -> list[tuple[int, int, int, int]]:
    book = " ".join(f"{name}{i}" for i in range(800))
    found = []
    for question in ("Sum it up.", "Who speaks?"):
        system: Any = [{"type": "text", "text": book, "cache_control": mark}]
        usage = create(client, user(question), system=system).usage
        assert usage.cache_creation is not None
        found.append((
            usage.input_tokens,
            usage.cache_read_input_tokens or 0,
            usage.cache_creation.ephemeral_5m_input_tokens,
            usage.cache_creation.ephemeral_1h_input_tokens,
        ))  # fmt: skip
    return found


def test_a_marked_prefix_is_written_once_and_then_read(client: Anthropic) -> None:
    first, second = cached(client, mark={"type": "ephemeral"}, name="short")
    assert first[2] > 1024
    assert (first[1], first[3]) == (0, 0)
    assert second[1:] == (first[2], 0, 0)


def test_an_hour_is_a_class_of_its_own(client: Anthropic) -> None:
    first, second = cached(client, mark={"type": "ephemeral", "ttl": "1h"}, name="long")
    assert (first[2], first[3] > 1024) == (0, True)
    assert second[1:] == (first[3], 0, 0)


def test_images_and_documents_are_seen(client: Anthropic) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    document = {"type": "text", "media_type": "text/plain", "data": "Once upon a time"}
    content = [
        {"type": "image", "source": source},
        {"type": "document", "source": document},
        {"type": "text", "text": "What is this?"},
    ]
    message = create(client, user(content))
    assert "1 image and 1 document" in text(message)
    assert message.usage.input_tokens > 3500


def test_structured_output_fits_its_schema(client: Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    message = create(client, user("I met Ada."), output_config={"format": {"type": "json_schema", "schema": schema}})
    assert text(message) == '{"name":"Ada"}'


def test_stop_sequences_and_limits_are_named(client: Anthropic) -> None:
    stopped = create(client, user("Hello"), stop_sequences=[", and"])
    limited = create(client, user("Hello"), max_tokens=5)
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", ", and")
    assert (limited.stop_reason, limited.usage.output_tokens) == ("max_tokens", 5)


def test_counted_tokens_are_those_that_are_billed(client: Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=[user("Who wrote Emma?")], tools=[WEATHER])
    assert counted.input_tokens == create(client, user("Who wrote Emma?"), tools=[WEATHER]).usage.input_tokens


def test_models_are_listed(client: Anthropic) -> None:
    assert MODEL in {model.id for model in client.models.list()}


CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"}


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([user("Hi"), {"role": "assistant", "content": [CALL]}, user("And?")],
         "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1"),
        ([user("Hi"), {"role": "assistant", "content": [CALL]}, user([{"type": "text", "text": "Look"}, RESULT])],
         "messages.1: `tool_use` ids were found without `tool_result`"),
        ([user([RESULT])],
         "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1"),
        ([user("")], "messages.0: all messages must have non-empty content"),
        ([user([{"type": "text", "text": ""}])], "text content blocks must be non-empty"),
        ([user([{"type": "text", "text": " "}])], "text content blocks must contain non-whitespace text"),
        ([], "messages: at least one message is required"),
        ([user([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": ttl}}
                for ttl in ("5m", "1h")])], "a ttl='1h' cache_control block must not come after a ttl='5m'"),
        ([user([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5)],
         "A maximum of 4 blocks with cache_control may be provided. Found 5."),
    ],
)  # fmt: skip
def test_a_conversation_that_does_not_hold_is_refused(client: Anthropic, turns: Any, said: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        create(client, *turns, tools=[WEATHER])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"extra_body": {"temperature": 2}}, "temperature: range: 0..1"),
        ({"extra_body": {"nexevo": 1}}, "nexevo: Extra inputs are not permitted"),
        ({"extra_body": {"context_management": {}}}, "context_management: Extra inputs are not permitted"),
        ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "greater than or equal to 1024"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4000}}, "`max_tokens` must be greater than"),
        ({"thinking": {"type": "adaptive"}}, "adaptive thinking is not supported on this model"),
        ({"thinking": THINKING, "model": NEWEST}, '"thinking.type.enabled" is not supported for this model'),
        (
            {"thinking": THINKING, "extra_body": {"temperature": 0.5}},
            "`temperature` may only be set to 1 when thinking",
        ),
        ({"thinking": THINKING, "tools": [WEATHER], "tool_choice": {"type": "any"}}, "Thinking may not be enabled"),
        ({"tool_choice": {"type": "auto"}}, "tool_choice may only be specified while providing tools"),
        ({"tools": [{"name": "f"}]}, "tools.0.custom.input_schema: Field required"),
    ],
)
def test_a_bad_parameter_is_refused_as_anthropic_refuses_it(client: Anthropic, wrong: Any, said: str) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        create(client, user("Hi"), **wrong)
    assert said in str(caught.value)
    assert caught.value.request_id is not None
    assert caught.value.request_id.startswith("req_")


def test_a_beta_field_is_taken_with_its_header(client: Anthropic) -> None:
    message = create(
        client,
        user("Hi"),
        extra_body={"context_management": {"edits": []}},
        extra_headers={"anthropic-beta": "context-management-2025-06-27"},
    )
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("status=529", anthropic.InternalServerError),
        ("status=429 retry_after=1", anthropic.RateLimitError),
        ("status=403", anthropic.PermissionDeniedError),
        ("status=413", anthropic.APIStatusError),
    ],
)
def test_a_status_is_the_sdks_own_error(client: Anthropic, directive: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        create(client, user(f"[[sim: {directive}]]"))


def test_a_wrong_key_and_an_unknown_model_are_the_sdks_own_errors(client: Anthropic) -> None:
    with pytest.raises(anthropic.AuthenticationError, match="invalid x-api-key"):
        create(client.with_options(api_key="wrong"), user("Hi"))
    with pytest.raises(anthropic.NotFoundError, match="model: gpt-4o"):
        create(client, user("Hi"), model="gpt-4o")


def test_an_error_in_the_stream_is_the_sdks_error(client: Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIStatusError, match="Overloaded"),
        client.messages.stream(model=MODEL, max_tokens=99, messages=[user("[[sim: error_after=1]]")]) as stream,
    ):
        stream.until_done()


@pytest.mark.parametrize(
    ("system", "said"),
    [([{"type": "text"}], r"system\.0\.text"), ([{"type": "x"}], r"system\.0\.type"), (["a"], "system")],
)
def test_a_system_block_that_is_no_text_is_refused(client: Anthropic, system: Any, said: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=said):
        create(client, user("Hello"), system=system)
