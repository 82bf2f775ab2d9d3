"""Runs LangChain's standard suites, unmodified: each client of a wire over models of several providers.

`test_langchain.py` runs them in their own environment. Base URLs and keys come from the variables that the clients
read by themselves; files that a case would fetch from the internet are replaced here.
"""

import base64
import functools
import operator
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from langchain_tests import integration_tests, unit_tests

# Each client makes a TLS context, 30 ms of a core for the list of authorities, and none of them is used.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]  # same calls
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n"
SEEN = frozenset({"image_inputs", "image_urls", "image_tool_message", "pdf_inputs", "pdf_tool_message"})
# Prompts are cached from 1,024 tokens on.
LONG = "The quick brown fox jumps over the lazy dog. " * 150


@dataclass(frozen=True, slots=True)
class Client:
    """A chat model class of LangChain, the features that its cases may use, and its models."""

    chat_model: type
    options: dict[str, Any] = field(default_factory=dict)
    features: frozenset[str] = SEEN
    usage_details: tuple[str, ...] = ("reasoning_output", "cache_read_input")
    long_prompt: Any = LONG
    providers: tuple[str, ...] = ("OpenAI", "Anthropic", "Gemini")


@dataclass(frozen=True, slots=True)
class Model:
    """A model of one provider, its replacement, and its features. `thinker` is a model that counts its thoughts."""

    name: str
    other: str
    features: frozenset[str] = frozenset()
    thinker: str | None = None
    has_json_schema: bool = True


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
    # The gateway would read a URL's content with its own AWS rights, so Bedrock is not given any.
    "Bedrock": Model("aws/claude-haiku-4-5", "claude-haiku-4-5", SEEN - {"image_urls"}),
    "Gemini": Model(
        "gemini-2.5-flash",
        "gemini-2.5-flash-lite",
        SEEN | {"audio_inputs", "json_mode", "anthropic_inputs"},
        "gemini-2.5-flash",
    ),
    "DeepSeek": Model("deepseek-chat", "gpt-4o-mini", frozenset({"json_mode"}), has_json_schema=False),
}


def answer(client: Client, model: str, content: Any, *, stream: bool) -> Any:
    """Returns the answer to one question. A stream is put together."""
    asked = client.chat_model(model=model, **client.options)
    turns = [("user", content)]
    return functools.reduce(operator.add, asked.stream(turns)) if stream else asked.invoke(turns)


def integration(client: Client, model: Model) -> dict[str, Any]:
    """Builds the attributes that describe the client to a suite."""

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
        # DeepSeek has no JSON Schema: https://api-docs.deepseek.com/guides/json_mode. Its users ask by a function.
        **({} if model.has_json_schema else {"structured_output_kwargs": {"method": "function_calling"}}),
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
