"""Tests of each row against its simulated provider, which checks address, key, signature and body as the real one."""

import time
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.arguments import written_object
from gateway.canonical.events import (
    Ended,
    Event,
    Failed,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from gateway.canonical.media import ProviderAnswer
from gateway.canonical.parts import Message, RedactedThinking, Text, Thinking, ToolCall, ToolResult
from gateway.canonical.request import ChatRequest, Reasoning, Sampling, Tool, ToolChoice
from gateway.canonical.response import ChatResponse, FinishReason
from gateway.canonical.target import Target
from gateway.errors import GatewayError, UpstreamError
from gateway.ports.upstream import CUSTOM, Credential
from gateway.protocols import openai_chat
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import PROVIDERS
from local.providers.oddities import ODDITIES
from tests.exchanged import exchanged

Credentials = dict[str, Credential]


TARGETS = {
    "openai": Target("gpt-4o", PROFILES["openai_gpt"], 16_384),
    "anthropic": Target("claude-haiku-4-5-20251001", PROFILES["claude_budget"], 64_000),
    "gemini": Target("gemini-2.5-flash", PROFILES["gemini_2_5_flash"], 65_536),
    "vertex": Target("gemini-2.5-flash", PROFILES["gemini_2_5_flash"], 65_536),
    "bedrock": Target("us.anthropic.claude-haiku-4-5-20251001-v1:0", PROFILES["claude_budget"], 64_000),
    "deepseek": Target("deepseek-chat", PROFILES["deepseek"], 8192),
    "azure": Target("gpt-4o", PROFILES["openai_gpt"], 16_384),
    "xai": Target("grok-3-mini", PROFILES["grok_effort"], 8192),
    "groq": Target("openai/gpt-oss-120b", PROFILES["gpt_oss"], 8192),
    "mistral": Target("magistral-medium-latest", PROFILES["mistral_reasoning"], 8192),
    "openrouter": Target("deepseek/deepseek-r1", PROFILES["compatible_effort"], 8192),
    "together": Target("deepseek-ai/DeepSeek-R1", PROFILES["deepseek"], 8192),
    "fireworks": Target("accounts/fireworks/models/glm-4p6", PROFILES["glm_hybrid"], 8192),
    "cerebras": Target("gpt-oss-120b", PROFILES["gpt_oss"], 8192),
    "perplexity": Target("sonar", PROFILES["sonar"], 8192),
    "qwen": Target("qwen3-235b-a22b-thinking-2507", PROFILES["qwen_reasoning"], 8192),
    "moonshot": Target("kimi-k2-thinking", PROFILES["kimi_reasoning"], 8192),
    "zhipu": Target("glm-4.6", PROFILES["glm_hybrid"], 8192),
    "cohere": Target("command-a-reasoning-08-2025", PROFILES["command_reasoning"], 8192),
    "minimax": Target("MiniMax-M2", PROFILES["minimax"], 8192),
}
QUESTION = "The weather in Paris and the time there in 3 hours?"
TOOLS = (
    Tool("get_weather", None, {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    Tool("get_time", None, {"type": "object", "properties": {"hours": {"type": "integer"}}, "required": ["hours"]}),
)
THINKING = Reasoning(budget_tokens=2000)


def send(row: str, credential: Credential, request: ChatRequest) -> ProviderAnswer:
    return exchanged(PROVIDERS[row].request(request, TARGETS[row], credential, time.time()))


def asked(*messages: Message, **fields: Any) -> ChatRequest:
    return replace(ChatRequest("another_wire", "asked", messages, b""), **fields)


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def answered(row: str, credential: Credential, request: ChatRequest) -> ChatResponse:
    answer = send(row, credential, request)
    assert answer.status == 200, answer.body
    return PROVIDERS[row].codec.decode_response(answer.body)


def streamed(row: str, credential: Credential, request: ChatRequest) -> list[Event]:
    answer = send(row, credential, replace(request, stream=True))
    assert answer.status == 200, answer.body
    decoder = PROVIDERS[row].codec.stream_decoder()
    return [event for frame in decoder.feed(answer.body) + decoder.flush() for event in frame.events]


def refusal(row: str, credential: Credential, request: ChatRequest) -> GatewayError:
    """Returns the error of a refusal, which MiniMax sends with status 200."""
    answer = send(row, credential, request)
    if answer.status != 200:
        return PROVIDERS[row].codec.decode_error(answer.status, answer.headers, answer.body)
    with pytest.raises(GatewayError) as caught:
        PROVIDERS[row].codec.decode_response(answer.body)
    return caught.value


def test_every_row_is_answered_here() -> None:
    assert {*PROVIDERS} - {CUSTOM} == {*TARGETS}


def text(response: ChatResponse) -> str:
    return "".join(part.text for part in response.choices[0].parts if isinstance(part, Text))


@pytest.mark.parametrize("row", TARGETS)
def test_a_row_answers_with_its_usage(row: str, credentials: Credentials) -> None:
    response = answered(row, credentials[row], asked(user("Who wrote Emma?")))
    assert "Who wrote Emma?" in text(response)
    assert response.choices[0].finish_reason is FinishReason.STOP
    assert response.usage is not None
    assert min(response.usage.input, response.usage.output) > 0


@pytest.mark.parametrize("row", TARGETS)
def test_a_row_streams_what_it_answers(row: str, credentials: Credentials) -> None:
    request = asked(user("Who wrote Emma?"))
    whole, events = answered(row, credentials[row], request), streamed(row, credentials[row], request)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text(whole)
    assert [event.usage for event in events if isinstance(event, UsageReported)][-1] == whole.usage
    assert isinstance(events[-1], Ended)


@pytest.mark.parametrize("row", TARGETS)
def test_a_row_finishes_a_loop_of_parallel_tools(row: str, credentials: Credentials) -> None:
    first = answered(row, credentials[row], asked(user(QUESTION), tools=TOOLS))
    calls = [part for part in first.choices[0].parts if isinstance(part, ToolCall)]
    assert [(call.name, orjson.loads(call.arguments)) for call in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_time", {"hours": 3}),
    ]
    results = [Message("tool", (ToolResult(call.id, (Text("18 degrees"),), name=call.name),)) for call in calls]
    history = (user(QUESTION), Message("assistant", first.choices[0].parts), *results)
    second = answered(row, credentials[row], asked(*history, tools=TOOLS))
    assert "18 degrees" in text(second)


@pytest.mark.parametrize("row", TARGETS)
def test_a_key_that_is_not_taken_is_the_gateways_own_trouble(row: str, credentials: Credentials) -> None:
    wrong = replace(credentials[row], api_key="wrong", extra={"region": "us-east-1"})
    error = refusal(row, wrong, asked(user("Hi")))
    assert isinstance(error, UpstreamError)
    assert (error.message, error.retryable) == ("The provider did not accept the gateway's account.", False)


# Bedrock


@pytest.fixture
def bedrock(credentials: Credentials) -> Credential:
    return credentials["bedrock"]


def test_bedrock_takes_a_bearer_key_too(bedrock: Credential) -> None:
    by_key = replace(bedrock, extra={"region": bedrock.extra["region"]})
    assert "Emma" in text(answered("bedrock", by_key, asked(user("Who wrote Emma?"))))


def test_bedrock_refuses_another_secret(bedrock: Credential) -> None:
    wrong = replace(bedrock, extra={**bedrock.extra, "secret_access_key": "wrong"})
    error = refusal("bedrock", wrong, asked(user("Hi")))
    assert error.message == "The provider did not accept the gateway's account."


def test_a_thinking_loop_on_bedrock_goes_on_with_its_signatures(bedrock: Credential) -> None:
    request = asked(user(QUESTION), tools=TOOLS, reasoning=THINKING)
    events = streamed("bedrock", bedrock, request)
    thought = [event for event in events if isinstance(event, ThinkingDelta)]
    assert [event.signed_by for event in thought if event.signature] == ["bedrock_converse"]
    first = answered("bedrock", bedrock, request).choices[0].parts
    assert isinstance(first[0], Thinking)
    assert first[0].text == "".join(event.text for event in thought)
    calls = [part for part in first if isinstance(part, ToolCall)]
    results = tuple(ToolResult(call.id, (Text("18 degrees"),)) for call in calls)
    history = (*request.messages, Message("assistant", first), Message("tool", results))
    assert "18 degrees" in text(answered("bedrock", bedrock, replace(request, messages=history)))


def test_a_loop_whose_thoughts_were_lost_goes_on_without_thinking(bedrock: Credential) -> None:
    request = asked(user(QUESTION), tools=TOOLS, reasoning=THINKING)
    parts = answered("bedrock", bedrock, request).choices[0].parts
    kept = tuple(part for part in parts if not isinstance(part, Thinking))
    results = tuple(ToolResult(part.id, (Text("18 degrees"),)) for part in kept if isinstance(part, ToolCall))
    history = (*request.messages, Message("assistant", kept), Message("tool", results))
    assert "18 degrees" in text(answered("bedrock", bedrock, replace(request, messages=history)))


def test_redacted_thoughts_come_back_as_they_went_out(bedrock: Credential) -> None:
    request = asked(user("[[sim: redacted]] The weather in Paris?"), tools=TOOLS, reasoning=THINKING)
    first = answered("bedrock", bedrock, request).choices[0].parts
    assert isinstance(first[0], RedactedThinking)
    calls = [part for part in first if isinstance(part, ToolCall)]
    results = tuple(ToolResult(call.id, (Text("18 degrees"),)) for call in calls)
    history = (*request.messages, Message("assistant", first), Message("tool", results))
    assert "18 degrees" in text(answered("bedrock", bedrock, replace(request, messages=history)))


def test_history_with_calls_is_taken_without_tools(bedrock: Credential) -> None:
    history = (
        user("Hi"),
        Message("assistant", (ToolCall("t1", "get_weather", '{"city":"Bern"}'),)),
        Message("tool", (ToolResult("t1", (Text("rain"),)),)),
        user("Thanks!"),
    )
    assert answered("bedrock", bedrock, asked(*history)).usage is not None


def test_the_sequence_that_stopped_the_answer_is_told(bedrock: Credential) -> None:
    request = asked(user("Hello"), sampling=Sampling(stop=(", and",)))
    (choice,) = answered("bedrock", bedrock, request).choices
    assert (choice.finish_reason, choice.stop_sequence) == (FinishReason.STOP_SEQUENCE, ", and")
    (finished,) = (event for event in streamed("bedrock", bedrock, request) if isinstance(event, Finished))
    assert (finished.reason, finished.stop_sequence) == (FinishReason.STOP_SEQUENCE, ", and")


def test_a_streamed_call_has_its_arguments(bedrock: Credential) -> None:
    events = streamed("bedrock", bedrock, asked(user(QUESTION), tools=TOOLS, tool_choice=ToolChoice("required")))
    started = [event for event in events if isinstance(event, ToolCallStarted)]
    written = {event.index: "" for event in started}
    for event in events:
        if isinstance(event, ToolCallDelta):
            written[event.index] += event.arguments
    assert [(event.name, written[event.index]) for event in started] == [
        ("get_weather", '{"city":"Paris"}'),
        ("get_time", '{"hours":3}'),
    ]


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("error_after=1", "The provider failed while serving the request."),
        ("garbage_after=1", "The provider's stream was damaged on its way."),
        ("no_done", "The provider's stream was cut."),
    ],
)
def test_a_stream_that_breaks_fails_behind_what_it_said(bedrock: Credential, directive: str, message: str) -> None:
    *before, last = streamed("bedrock", bedrock, asked(user(f"[[sim: {directive}]] Hello")))
    assert isinstance(last, Failed)
    assert last.error.message == message
    assert any(isinstance(event, TextDelta) for event in before)


def test_a_chat_callers_own_bytes_reach_bedrock(bedrock: Credential) -> None:
    body = {
        "model": "aws/claude-haiku-4-5",
        "max_completion_tokens": 3000,
        "reasoning_effort": "low",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
            ]},
        ],
    }  # fmt: skip
    response = answered("bedrock", bedrock, openai_chat.CLIENT.decode_request(orjson.dumps(body)))
    assert "1 image and 1 document" in text(response)
    assert isinstance(response.choices[0].parts[0], Thinking)


ODD = pytest.mark.parametrize("odd", ODDITIES)


def oddly(odd: str, question: str) -> Message:
    return user(f"[[sim: odd={odd} calls=1]] {question}")


def called(parts: Any) -> list[tuple[str, str | None]]:
    return [(part.name, written_object(part.arguments)) for part in parts if isinstance(part, ToolCall)]


@pytest.mark.drawn
@ODD
@pytest.mark.parametrize("row", TARGETS)
def test_an_answer_in_odd_spelling_says_the_same(row: str, odd: str, credentials: Credentials) -> None:
    plainly, oddity = (
        answered(row, credentials[row], asked(message, tools=TOOLS, tool_choice=ToolChoice("required")))
        for message in (oddly("text_fields", QUESTION), oddly(odd, QUESTION))
    )
    assert called(oddity.choices[0].parts) == called(plainly.choices[0].parts) != []
    assert oddity.choices[0].finish_reason is FinishReason.TOOL_CALLS
    assert oddity.usage is not None
    assert oddity.usage.total > 0
    assert QUESTION in text(answered(row, credentials[row], asked(oddly(odd, QUESTION))))


@pytest.mark.drawn
@ODD
@pytest.mark.parametrize("row", TARGETS)
def test_a_stream_in_odd_spelling_says_the_same(row: str, odd: str, credentials: Credentials) -> None:
    events = streamed(row, credentials[row], asked(oddly(odd, QUESTION)))
    assert QUESTION in "".join(event.text for event in events if isinstance(event, TextDelta))
    calling = asked(oddly(odd, QUESTION), tools=TOOLS, tool_choice=ToolChoice("required"))
    events = streamed(row, credentials[row], calling)
    assert any(isinstance(event, Ended) for event in events)
    assert [event.name for event in events if isinstance(event, ToolCallStarted)] == ["get_weather"]
    assert any(isinstance(event, UsageReported) for event in events)
