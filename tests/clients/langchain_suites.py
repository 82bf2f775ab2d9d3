"""LangChain's standard suites, unmodified: each client of a wire over models of several providers.

`test_langchain.py` runs them in an environment of their own. Base URLs and keys come from the variables that the
clients read by themselves; what a case would fetch from the internet is a stand-in made here.
"""

import base64
import functools
import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langchain_tests import integration_tests, unit_tests

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n"
SEEN = frozenset({"image_inputs", "image_urls", "image_tool_message", "pdf_inputs", "pdf_tool_message"})
# From 1,024 tokens a prompt is worth caching.
LONG = "The quick brown fox jumps over the lazy dog. " * 150


@dataclass(frozen=True, slots=True)
class Client:
    """A chat model of LangChain, what the suites' cases know how to ask of it, and over whose models."""

    chat_model: type
    options: dict[str, Any] = field(default_factory=dict)
    features: frozenset[str] = SEEN
    usage_details: tuple[str, ...] = ("reasoning_output", "cache_read_input")
    long_prompt: Any = LONG
    providers: tuple[str, ...] = ("OpenAI", "Anthropic", "Gemini")


@dataclass(frozen=True, slots=True)
class Model:
    """A model of one provider, one to take its place, and what it can do; `thinker` is one that counts its thoughts."""

    name: str
    other: str
    features: frozenset[str] = frozenset()
    thinker: str | None = None


CLIENTS = {
    "Chat": Client(
        ChatOpenAI,
        {"stream_usage": True},
        SEEN | {"audio_inputs", "json_mode"},
        providers=("OpenAI", "Anthropic", "Bedrock", "Gemini", "DeepSeek"),
    ),
    "Responses": Client(ChatOpenAI, {"use_responses_api": True}, SEEN | {"json_mode"}),
    "Messages": Client(
        ChatAnthropic,
        features=SEEN | {"anthropic_inputs"},
        usage_details=("cache_read_input",),
        long_prompt=[{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}],
    ),
}
MODELS = {
    "OpenAI": Model("gpt-4o", "gpt-4o-mini", SEEN | {"json_mode", "anthropic_inputs"}, "o4-mini"),
    "Anthropic": Model("claude-haiku-4-5", "claude-sonnet-4-5-20250929", SEEN | {"anthropic_inputs"}),
    # What is behind a URL would be read with the gateway's rights at AWS, so Bedrock is not given any.
    "Bedrock": Model("aws/claude-haiku-4-5", "claude-haiku-4-5", SEEN - {"image_urls"}),
    "Gemini": Model(
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite",
        SEEN | {"audio_inputs", "json_mode", "anthropic_inputs"},
        "gemini-2.5-flash",
    ),
    "DeepSeek": Model("deepseek-chat", "gpt-4o-mini", frozenset({"json_mode"})),
}


def answer(client: Client, model: str, content: Any, *, stream: bool) -> Any:
    """What one question is answered with; a stream is put together."""
    asked = client.chat_model(model=model, **client.options)
    turns = [("user", content)]
    return functools.reduce(operator.add, asked.stream(turns)) if stream else asked.invoke(turns)


def integration(client: Client, model: Model) -> dict[str, Any]:
    """The attributes by which a suite is told what it is about."""

    def with_cache_read(_: Any, *, stream: bool = False) -> Any:
        answer(client, model.name, client.long_prompt, stream=stream)
        return answer(client, model.name, client.long_prompt, stream=stream)

    def with_reasoning(_: Any, *, stream: bool = False) -> Any:
        return answer(client, model.thinker or model.name, "Think hard.", stream=stream)

    counted = [each for each in client.usage_details if model.thinker or each != "reasoning_output"]
    features = client.features | model.features
    return {
        "chat_model_class": client.chat_model,
        "chat_model_params": {"model": model.name, **client.options},
        "model_override_value": model.other,
        "supported_usage_metadata_details": {"invoke": counted, "stream": counted},
        "invoke_with_cache_read_input": with_cache_read,
        "invoke_with_reasoning_output": with_reasoning,
        **{f"supports_{each}": each in client.features & model.features for each in features},
    }


def suites() -> Iterator[type]:
    for wire, client in CLIENTS.items():
        for provider in client.providers:
            told = integration(client, MODELS[provider])
            yield type(f"Test{wire}{provider}", (integration_tests.ChatModelIntegrationTests,), told)
        told = {"chat_model_class": client.chat_model, "chat_model_params": {"model": "gpt-4o", **client.options}}
        yield type(f"Test{wire}Unit", (unit_tests.ChatModelUnitTests,), told)


globals().update({suite.__name__: suite for suite in suites()})


def fetched(url: str, **_: Any) -> SimpleNamespace:
    return SimpleNamespace(content=PDF if url.endswith(".pdf") else PNG)


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integration_tests.chat_models, "httpx", SimpleNamespace(get=fetched))
