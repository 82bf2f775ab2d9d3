"""Lists the codecs under test by wire, each with the plainest request that its callers can send."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from msgspec.structs import replace

from gateway.canonical.codec import ClientCodec, UpstreamCodec
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.tries import Tried
from gateway.protocols import (
    anthropic_messages,
    bedrock_converse,
    cohere_chat,
    gemini,
    openai_chat,
    openai_completions,
    openai_responses,
)
from tests.fidelity.readers.anthropic_messages import MessagesReader
from tests.fidelity.readers.bedrock_converse import ConverseReader
from tests.fidelity.readers.cohere_chat import CohereReader
from tests.fidelity.readers.gemini import GeminiReader
from tests.fidelity.readers.openai_chat import ChatReader
from tests.fidelity.readers.openai_completions import CompletionsReader
from tests.fidelity.readers.openai_responses import ResponsesReader
from tests.fidelity.seen import Reader

STAMP = Stamp(response_id="nxn-1", model="asked", created_s=1_700_000_000)
EXTENSION = Extension("gen-nxn-1", "used", (Tried("used", "p", "served"),), "miss", "0.01")

READERS: Mapping[str, Callable[[str], Reader]] = {
    "openai_chat": ChatReader,
    "openai_completions": CompletionsReader,
    "openai_responses": ResponsesReader,
    "anthropic_messages": MessagesReader,
    "gemini": GeminiReader,
    "bedrock_converse": ConverseReader,
    "cohere_chat": CohereReader,
}
_SAID = [{"role": "user", "content": "hi"}]
_QUESTIONS: Mapping[str, object] = {
    "openai_chat": {"model": "asked", "messages": _SAID, "stream": True, "stream_options": {"include_usage": True}},
    "openai_completions": {"model": "asked", "prompt": "hi"},
    "openai_responses": {"model": "asked", "input": "hi"},
    "anthropic_messages": {"model": "asked", "messages": _SAID, "max_tokens": 99},
    "gemini": {"model": "asked", "contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}


UPSTREAMS: Mapping[str, UpstreamCodec] = {
    "openai_chat": openai_chat.UPSTREAM,
    "openai_responses": openai_responses.UPSTREAM,
    "anthropic_messages": anthropic_messages.UPSTREAM,
    "gemini": gemini.UPSTREAM,
    "bedrock_converse": bedrock_converse.UPSTREAM,
    "cohere_chat": cohere_chat.UPSTREAM,
}
CLIENTS: Mapping[str, ClientCodec] = {
    "openai_chat": openai_chat.CLIENT,
    "openai_completions": openai_completions.CLIENT,
    "openai_responses": openai_responses.CLIENT,
    "anthropic_messages": anthropic_messages.CLIENT,
    "gemini": gemini.CLIENT,
}


def question(wire: str, choices: int) -> ChatRequest:
    """Builds the request of a caller of the wire, for a stream of that many alternatives."""
    asked = CLIENTS[wire].decode_request(orjson.dumps(_QUESTIONS[wire]))
    return replace(asked, stream=True, include_usage=True, choices=choices)
