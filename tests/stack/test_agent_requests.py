"""Tests with terminal agents' own requests over the whole stack: any model calls the shell, and ends afterwards."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

AGENTS = Path(__file__).parents[1] / "golden/agents"
COMMAND = "echo hello > hello.txt"
# The members with pieces of text and of arguments on each wire. Gemini has a shell's command in one piece.
PIECES = ("arguments", "command", "content", "delta", "partial_json", "text")
BETAS = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,effort-2025-11-24"


@dataclass(frozen=True)
class Agent:
    """An agent's address and key header. `turns` is its conversation's member, `asked` the first turn's."""

    path: str
    carrier: str
    turns: str
    asked: int
    is_end: Callable[[Any], bool]
    more: Mapping[str, str]


def of_type(kind: str) -> Callable[[Any], bool]:
    return lambda event: event["type"] == kind


def has_usage(event: Any) -> bool:
    return bool(event["usage"]["total_tokens"] > 0)


GEMINI = "/v1beta/models/{}:streamGenerateContent?alt=sse"
SAID = {
    "claude_code": Agent(
        "/v1/messages?beta=true", "x-api-key", "messages", 2, of_type("message_stop"), {"anthropic-beta": BETAS}
    ),
    "cline": Agent("/v1/messages", "x-api-key", "messages", 1, of_type("message_stop"), {}),
    "codex": Agent("/v1/responses", "authorization", "input", 4, of_type("response.completed"), {}),
    "codex_free_text": Agent("/v1/responses", "authorization", "input", 4, of_type("response.completed"), {}),
    "gemini_cli": Agent(
        GEMINI, "x-goog-api-key", "contents", 1, lambda event: event["candidates"][0]["finishReason"] == "STOP", {}
    ),
    "llm": Agent("/v1/responses", "authorization", "input", 1, of_type("response.completed"), {}),
    "opencode": Agent("/v1/chat/completions", "authorization", "messages", 2, has_usage, {}),
    "qwen_code": Agent("/v1/chat/completions", "authorization", "messages", 2, has_usage, {}),
}
# It has no tools: the model says the new content of a file.
AIDER = Agent("/v1/chat/completions", "authorization", "messages", 5, has_usage, {})
MODELS = ["gpt-5.2", "claude-haiku-4-5", "gemini-2.5-flash", "aws/claude-haiku-4-5", "deepseek-chat"]
each_agent = pytest.mark.parametrize("name", sorted(SAID))
each_model = pytest.mark.parametrize("model", MODELS)


def streamed(stack: Stack, name: str, model: str, turns: int | None) -> list[Any]:
    """Returns the events that answer the agent's first `turns`."""
    agent = AIDER if name == "aider" else SAID[name]
    body: Any = orjson.loads((AGENTS / f"{name}.json").read_bytes())
    body[agent.turns] = body[agent.turns][:turns]
    if "model" in body:
        body["model"] = model
    key = f"Bearer {stack.api_key}" if agent.carrier == "authorization" else stack.api_key
    answer = httpx.post(
        stack.root_url + agent.path.format(model),
        json=body,
        headers={agent.carrier: key, "anthropic-version": "2023-06-01", **agent.more},
        timeout=HANGS_AFTER_S,
        trust_env=False,
    )
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    frames = (frame.rpartition("data: ")[2] for frame in answer.text.replace("\r\n", "\n").split("\n\n"))
    return [orjson.loads(frame) for frame in frames if frame.startswith("{")]


def told(value: Any) -> str:
    """Returns the text that an event adds to a text or to a call's arguments."""
    match value:
        case list():
            return "".join(map(told, value))
        case dict():
            added = (
                piece if name in PIECES and isinstance(piece, str) else told(piece) for name, piece in value.items()
            )
            return "".join(added)
        case _:
            return ""


@each_model
@each_agent
def test_the_agents_shell_is_called_with_its_command(stack: Stack, name: str, model: str) -> None:
    assert COMMAND in "".join(map(told, streamed(stack, name, model, SAID[name].asked)))


@each_model
@each_agent
def test_the_turn_after_the_result_says_what_it_was_and_ends(stack: Stack, name: str, model: str) -> None:
    events = streamed(stack, name, model, None)
    assert "The tool answered" in "".join(map(told, events))
    assert SAID[name].is_end(events[-1])


@each_model
def test_the_file_that_the_model_writes_for_aider_arrives_to_the_letter(stack: Stack, model: str) -> None:
    said = "".join(map(told, streamed(stack, "aider", model, None)))
    assert said == "hello.txt\n```\nhello\n```\n"
