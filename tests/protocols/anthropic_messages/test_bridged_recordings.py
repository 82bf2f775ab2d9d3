"""Tests with traffic of the OpenAI chat wire: Anthropic's SDK reads from it bridged what OpenAI's SDK reads raw."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
import orjson
import pytest

from gateway.canonical.events import Event, Failed
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.protocols import openai_chat
from gateway.protocols.anthropic_messages import CLIENT
from tests.hangs import HANGS_AFTER_S
from tests.recorded import files, read_recording

PROVIDERS = ("openai", "deepseek", "groq", "together", "cerebras", "openrouter", "azure")
STAMP = Stamp(response_id="msg_nxn-1", model="asked", created_s=1)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")
ASKED: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
STOPS = {
    "stop": "end_turn",
    "eos": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


@dataclass
class Said:
    """The content of an answer, independent of the SDK. `calls` are ids, names and parsed arguments."""

    text: str = ""
    thinking: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    stop: str | None = None
    prompt_tokens: int = 0
    output_tokens: int = 0


def events(body: bytes) -> list[Event]:
    decoder = openai_chat.UPSTREAM.stream_decoder()
    return [event for frame in decoder.feed(body) + decoder.flush() for event in frame.events]


def is_one_answer(body: bytes) -> bool:
    """True for one answer with content. Errors and several choices are tested elsewhere."""
    value = orjson.loads(body)
    choices: list[Any] = value.get("choices") or []
    return "error" not in value and len(choices) == 1 and choices[0].get("message") is not None


def is_one_stream(body: bytes) -> bool:
    """True for a whole stream of one choice."""
    return not any(isinstance(event, Failed) or getattr(event, "choice", 0) for event in events(body))


def recordings(stream: bool) -> list[Any]:
    found = []
    for provider in PROVIDERS:
        for path in files(f"{provider}/chat/*.json"):
            recording = read_recording(path)
            if recording["stream"] != stream or recording["response"]["status"] != 200:
                continue
            body = recording["response"]["body_text"].encode()
            if is_one_stream(body) if stream else is_one_answer(body):
                found.append(pytest.param(body, id=f"{provider}-{path.stem}"))
    return found


def parsed(arguments: str, custom: bool) -> Any:
    return {"input": arguments} if custom else orjson.loads(arguments or "{}")


@pytest.fixture(scope="module")
def original(provider: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=provider.url, api_key="k", max_retries=0, timeout=HANGS_AFTER_S) as client:
        yield client


def counted(said: Said, usage: Any) -> None:
    if usage is None:
        return
    said.prompt_tokens, said.output_tokens = usage.prompt_tokens, usage.completion_tokens
    thought = usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens
    # Some providers count thoughts beside the completion; their own total shows it.
    if thought and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens + thought:
        said.output_tokens += thought


def thought_of(holder: Any) -> str:
    return getattr(holder, "reasoning_content", None) or getattr(holder, "reasoning", None) or ""


# The pipeline makes of it the ids of calls that came without.
ANSWER_ID = "nxn-1"


def of_openai(client: openai.OpenAI) -> Said:
    said = Said()
    completion = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    choice = completion.choices[0]
    message = choice.message
    said.text, said.thinking = (message.content or "") + (message.refusal or ""), thought_of(message)
    for call in message.tool_calls or ():
        function: Any = getattr(call, "function", None)
        custom: Any = getattr(call, "custom", None)
        text = custom.input if custom else function.arguments
        said.calls.append((call.id, (custom or function).name, parsed(text, bool(custom))))
    if message.function_call is not None:
        said.calls.append(
            (f"call_{ANSWER_ID}_0", message.function_call.name, parsed(message.function_call.arguments, False))
        )
    said.stop = choice.finish_reason
    counted(said, completion.usage)
    return said


def of_openai_stream(client: openai.OpenAI) -> Said:
    said = Said()
    calls: dict[int, list[Any]] = {}
    for chunk in client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True):
        counted(said, chunk.usage)
        for choice in chunk.choices:
            delta = choice.delta
            said.text += (delta.content or "") + (delta.refusal or "")
            said.thinking += thought_of(delta)
            said.stop = choice.finish_reason or said.stop
            for call in delta.tool_calls or ():
                known = calls.setdefault(call.index, [call.id, "", "", False])
                function, custom = call.function, getattr(call, "custom", None)
                held = custom if isinstance(custom, dict) else None
                known[3] = known[3] or held is not None
                known[1] = known[1] or (held or {}).get("name") or (function and function.name) or ""
                known[2] += (held or {}).get("input") or (function and function.arguments) or ""
    said.calls = [(call_id, name, parsed(text, custom)) for call_id, name, text, custom in calls.values()]
    return said


def of_anthropic(message: anthropic.types.Message) -> Said:
    said = Said(stop=message.stop_reason, output_tokens=message.usage.output_tokens)
    usage = message.usage
    said.prompt_tokens = usage.input_tokens + (usage.cache_creation_input_tokens or 0)
    said.prompt_tokens += usage.cache_read_input_tokens or 0
    for block in message.content:
        if block.type == "text":
            said.text += block.text
        elif block.type == "thinking":
            said.thinking += block.thinking
        elif block.type == "tool_use":
            said.calls.append((block.id, block.name, block.input))
    return said


def expected(said: Said) -> Said:
    said.stop = "tool_use" if said.calls and said.stop in {None, "stop"} else STOPS[said.stop or "stop"]
    return said


@pytest.mark.parametrize("body", recordings(stream=False))
def test_a_whole_answer_says_the_same(body: bytes, provider: Any, original: openai.OpenAI, served: Any) -> None:
    provider.set(body, "application/json")
    wanted = expected(of_openai(original))
    bridged = CLIENT.encode_response(openai_chat.UPSTREAM.decode_response(body, ANSWER_ID), STAMP, EXTENSION)
    assert of_anthropic(served(bridged, "application/json").messages.create(**ASKED)) == wanted


@pytest.mark.parametrize("body", recordings(stream=True))
def test_a_stream_says_the_same(
    body: bytes, provider: Any, original: openai.OpenAI, served: Callable[[bytes, str], anthropic.Anthropic]
) -> None:
    provider.set(body, "text/event-stream")
    wanted = expected(of_openai_stream(original))
    encoder = CLIENT.stream_encoder(CLIENT.decode_request(orjson.dumps(ASKED | {"stream": True})), STAMP)
    bridged = b"".join([encoder.encode(event) for event in events(body)]) + encoder.finish(EXTENSION)
    with served(bridged, "text/event-stream").messages.stream(**ASKED) as stream:
        said = of_anthropic(stream.get_final_message())
    if not wanted.output_tokens:
        # The provider has not counted, and the wire requires a number: an estimate.
        said.prompt_tokens = said.output_tokens = 0
    assert said == wanted
