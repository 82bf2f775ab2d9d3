"""The terminal agents, each set up by its own base-URL settings alone, and what each is asked.

The question makes the simulated model call the agent's shell once, so that the loop is proven by a file. An agent sees
a home of its own, made for the session.

Settings: developers.openai.com/codex/config-reference, code.claude.com/docs/en/llm-gateway,
geminicli.com/docs/reference/configuration, opencode.ai/docs/providers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

FILE, SAID = "hello.txt", "hello\n"
_COMMAND = f"echo hello > {FILE}"
_QUESTION = "Write a greeting. [[sim: tool={tool} arguments='{arguments}']]"


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a stack is, and a key for it."""

    root_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Session:
    """One agent asks one model. `files` are written below the agent's home before `command` runs in an empty folder."""

    agent: str
    wire: str
    model: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)


def sessions(gateway: Gateway) -> Iterator[Session]:
    """Each agent at its own vendor's model and at others'."""
    for start, models in _AGENTS:
        for model in models:
            yield start(gateway, model)
    for wire in _OPENCODE_PACKAGES:
        for model in ("claude-haiku-4-5", "gpt-4o"):
            yield _opencode(gateway, model, wire)


def _asked(tool: str, arguments: Mapping[str, str]) -> str:
    return _QUESTION.format(tool=tool, arguments=json.dumps(arguments, separators=(",", ":")))


def _codex(gateway: Gateway, model: str) -> Session:
    config = f"""
model = "{model}"
model_provider = "nexgate"

[model_providers.nexgate]
name = "Nexgate"
base_url = "{gateway.root_url}/v1"
env_key = "NEXGATE_API_KEY"
wire_api = "responses"
"""
    return Session(
        "codex",
        "responses",
        model,
        (
            "codex",
            "exec",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            _asked("exec_command", {"cmd": _COMMAND}),
        ),
        {"NEXGATE_API_KEY": gateway.api_key},
        {".codex/config.toml": config},
    )


def _claude_code(gateway: Gateway, model: str) -> Session:
    question = _asked("Bash", {"command": _COMMAND, "description": "Write a greeting"})
    return Session(
        "claude-code",
        "messages",
        model,
        ("claude", "-p", question, "--model", model, "--allowedTools", "Bash"),
        {"ANTHROPIC_BASE_URL": gateway.root_url, "ANTHROPIC_AUTH_TOKEN": gateway.api_key},
    )


def _gemini_cli(gateway: Gateway, model: str) -> Session:
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "privacy": {"usageStatisticsEnabled": False},
    }
    question = _asked("run_shell_command", {"command": _COMMAND})
    return Session(
        "gemini-cli",
        "gemini",
        model,
        ("gemini", "-p", question, "--yolo", "--skip-trust", "-m", model),
        {"GOOGLE_GEMINI_BASE_URL": gateway.root_url, "GEMINI_API_KEY": gateway.api_key},
        {".gemini/settings.json": json.dumps(settings)},
    )


def _opencode(gateway: Gateway, model: str, wire: str) -> Session:
    provider = {
        "npm": _OPENCODE_PACKAGES[wire],
        "options": {"baseURL": f"{gateway.root_url}/v1", "apiKey": gateway.api_key},
        "models": {model: {"limit": {"context": 100_000, "output": 8_000}}},
    }
    config = {"autoupdate": False, "share": "disabled", "provider": {"nexgate": provider}}
    # It quotes an argument with blanks in it, and the quotes inside; word by word the question stays as it is.
    words = _asked("bash", {"command": _COMMAND, "description": "Write a greeting"}).split(" ")
    return Session(
        "opencode",
        wire,
        model,
        ("opencode", "run", "-m", f"nexgate/{model}", *words),
        {},
        {".config/opencode/opencode.json": json.dumps(config)},
    )


_OPENCODE_PACKAGES: Mapping[str, str] = {
    "chat": "@ai-sdk/openai-compatible",
    "messages": "@ai-sdk/anthropic",
    "responses": "@ai-sdk/openai",
}
_AGENTS: tuple[tuple[Callable[[Gateway, str], Session], tuple[str, ...]], ...] = (
    (_codex, ("gpt-5.2", "claude-haiku-4-5", "gemini-2.5-flash")),
    (_claude_code, ("claude-haiku-4-5", "gpt-4o", "gemini-2.5-flash")),
    (_gemini_cli, ("gemini-2.5-flash", "gpt-4o", "claude-haiku-4-5")),
)
