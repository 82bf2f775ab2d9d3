"""Defines the terminal agents' sessions: their base-URL settings, and the question for each.

The question makes the simulated model call the agent's shell once, so that the loop is proven by a file. Aider has no
tools: there the model says the file's new content. An agent sees a home of its own, made for the session.

Settings: developers.openai.com/codex/config-reference, code.claude.com/docs/en/llm-gateway,
geminicli.com/docs/reference/configuration, opencode.ai/docs/providers,
qwenlm.github.io/qwen-code-docs/en/users/configuration/model-providers, aider.chat/docs/llms.html,
llm.datasette.io/en/stable/other-models.html, openai.github.io/openai-agents-js/guides/voice-agents. Left out: Cline,
which works but leaves a process of its own behind, and llm's plugin for Gemini, which has no setting for the address.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.agents.packages import realtime_agent

FILE, SAID = "hello.txt", "hello\n"
_COMMAND = f"echo hello > {FILE}"
_QUESTION = "Write a greeting. [[sim: tool={tool} arguments='{arguments}']]"


@dataclass(frozen=True, slots=True)
class Gateway:
    """The addresses of a stack, and a key for it."""

    root_url: str
    api_key: str
    realtime_url: str


@dataclass(frozen=True, slots=True)
class Session:
    """One agent's question to one model.

    `files` are written to the agent's home before `command` runs in an empty folder.
    """

    agent: str
    wire: str
    model: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)


def sessions(gateway: Gateway) -> Iterator[Session]:
    """Yields each agent with its own vendor's model and with models of others."""
    for start, models in _AGENTS:
        for model in models:
            yield start(gateway, model)
    for wire in _OPENCODE_PACKAGES:
        for model in ("claude-haiku-4-5", "gpt-4o"):
            yield _opencode(gateway, model, wire)
    for wire, model in _QWEN_CODE_MODELS.items():
        yield _qwen_code(gateway, model, wire)
    for wire, model in _AIDER_MODELS.items():
        yield _aider(gateway, model, wire)
    for wire, model in _LLM_MODELS.items():
        yield _llm(gateway, model, wire)
    for language in ("mjs", "py"):
        for model in _REALTIME_MODELS:
            yield _agents_sdk(gateway, model, language)


def _asked(tool: str, arguments: Mapping[str, str]) -> str:
    return _QUESTION.format(tool=tool, arguments=json.dumps(arguments, separators=(",", ":")))


def _codex(gateway: Gateway, model: str) -> Session:
    return _codex_at(f"{gateway.root_url}/v1", gateway, model, "responses")


def _codex_socket(gateway: Gateway, model: str) -> Session:
    """Over WebSockets alone: nothing else answers at this address, so that codex's way back to HTTP would fail.

    Without its agents' tools, 10 KB, the first message fits into API Gateway's frame of 32 KB (docs/realtime.md).
    """
    root_url = gateway.realtime_url.replace("ws", "http", 1)
    more = "supports_websockets = true\n\n[features]\nmulti_agent = false\n"
    return _codex_at(f"{root_url}/v1", gateway, model, "socket", more)


def _codex_at(base_url: str, gateway: Gateway, model: str, wire: str, more: str = "") -> Session:
    config = f"""
model = "{model}"
model_provider = "nexgate"

[model_providers.nexgate]
name = "Nexgate"
base_url = "{base_url}"
env_key = "NEXGATE_API_KEY"
wire_api = "responses"
{more}"""
    return Session(
        "codex",
        wire,
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
    # It quotes an argument that contains blanks, and the quotes inside. Given word by word, the question stays
    # unchanged.
    words = _asked("bash", {"command": _COMMAND, "description": "Write a greeting"}).split(" ")
    return Session(
        "opencode",
        wire,
        model,
        ("opencode", "run", "-m", f"nexgate/{model}", *words),
        {},
        {".config/opencode/opencode.json": json.dumps(config)},
    )


def _qwen_code(gateway: Gateway, model: str, wire: str) -> Session:
    question = _asked("run_shell_command", {"command": _COMMAND, "description": "write"})
    return Session(
        "qwen-code",
        wire,
        model,
        ("qwen", "-p", question, "--yolo", "--auth-type", _QWEN_CODE_TYPES[wire], "-m", model),
        {
            "OPENAI_BASE_URL": f"{gateway.root_url}/v1",
            "OPENAI_API_KEY": gateway.api_key,
            "ANTHROPIC_BASE_URL": gateway.root_url,
            "ANTHROPIC_API_KEY": gateway.api_key,
            "GOOGLE_GEMINI_BASE_URL": gateway.root_url,
            "GEMINI_API_KEY": gateway.api_key,
        },
        {".qwen/settings.json": json.dumps({"privacy": {"usageStatisticsEnabled": False}})},
    )


def _aider(gateway: Gateway, model: str, wire: str) -> Session:
    """A question that the model answers with the whole file, as the edit format wants it."""
    edit = f"{FILE}\n```\n{SAID}```\n"
    options = ("--yes-always", "--no-git", "--no-analytics", "--no-check-update", "--no-show-model-warnings")
    return Session(
        "aider",
        wire,
        model,
        (
            *("aider", "--model", f"{_AIDER_PROVIDERS[wire]}/{model}", "--edit-format", "whole", *options),
            *("--message", f"Write a greeting. [[sim: text='{edit}']]"),
        ),
        {
            "OPENAI_API_BASE": f"{gateway.root_url}/v1",
            "OPENAI_API_KEY": gateway.api_key,
            "ANTHROPIC_API_BASE": gateway.root_url,
            "ANTHROPIC_API_KEY": gateway.api_key,
            "GEMINI_API_BASE": f"{gateway.root_url}/v1beta",
            "GEMINI_API_KEY": gateway.api_key,
            # It would ask GitHub for prices.
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        },
    )


def _llm(gateway: Gateway, model: str, wire: str) -> Session:
    shell = """
import subprocess

def shell(command: str) -> str:
    "Runs a command"
    return subprocess.run(command, shell=True, check=True, capture_output=True, text=True).stdout
"""
    own = f"""
- model_id: nexgate
  model_name: {model}
  api_base: {gateway.root_url}/v1
  api_key_name: nexgate
  supports_tools: true
"""
    return Session(
        "llm",
        wire,
        model,
        ("llm", "-m", _LLM_NAMES.get(model, "nexgate"), "--functions", shell, _asked("shell", {"command": _COMMAND})),
        {
            "OPENAI_BASE_URL": f"{gateway.root_url}/v1",
            "OPENAI_API_KEY": gateway.api_key,
            "ANTHROPIC_BASE_URL": gateway.root_url,
            "ANTHROPIC_API_KEY": gateway.api_key,
        },
        {
            ".config/io.datasette.llm/extra-openai-models.yaml": own,
            ".config/io.datasette.llm/keys.json": json.dumps({"nexgate": gateway.api_key}),
        },
    )


def _agents_sdk(gateway: Gateway, model: str, language: str) -> Session:
    question = _asked("shell", {"command": _COMMAND})
    return Session(
        "agents-sdk",
        f"realtime {language}",
        model,
        (*realtime_agent(language), gateway.realtime_url, model, question),
        {"OPENAI_API_KEY": gateway.api_key, "OPENAI_AGENTS_DISABLE_TRACING": "1"},
    )


_OPENCODE_PACKAGES: Mapping[str, str] = {
    "chat": "@ai-sdk/openai-compatible",
    "messages": "@ai-sdk/anthropic",
    "responses": "@ai-sdk/openai",
}
_AGENTS: tuple[tuple[Callable[[Gateway, str], Session], tuple[str, ...]], ...] = (
    (_codex, ("gpt-5.2", "claude-haiku-4-5", "gemini-2.5-flash")),
    (_codex_socket, ("gpt-5.2", "claude-haiku-4-5", "gemini-2.5-flash")),
    (_claude_code, ("claude-haiku-4-5", "gpt-4o", "gemini-2.5-flash")),
    (_gemini_cli, ("gemini-2.5-flash", "gpt-4o", "claude-haiku-4-5")),
)
_QWEN_CODE_TYPES: Mapping[str, str] = {
    "chat": "openai",
    "responses": "openai-responses",
    "messages": "anthropic",
    "gemini": "gemini",
}
_QWEN_CODE_MODELS: Mapping[str, str] = {
    "chat": "claude-haiku-4-5",
    "responses": "deepseek-chat",
    "messages": "gpt-4o",
    "gemini": "claude-haiku-4-5",
}
_AIDER_PROVIDERS: Mapping[str, str] = {"chat": "openai", "messages": "anthropic", "gemini": "gemini"}
_AIDER_MODELS: Mapping[str, str] = {
    "chat": "gemini-2.5-flash",
    "messages": "claude-haiku-4-5",
    "gemini": "claude-haiku-4-5",
}
_REALTIME_MODELS = ("gpt-realtime", "azure/gpt-realtime", "gemini-3.1-flash-live-preview")
_LLM_MODELS: Mapping[str, str] = {"chat": "deepseek-chat", "responses": "gpt-5.2", "messages": "claude-haiku-4-5"}
# What llm's own plugins call a model; the others are described to it in a file.
_LLM_NAMES: Mapping[str, str] = {"gpt-5.2": "gpt-5.2", "claude-haiku-4-5": "claude-haiku-4.5"}
