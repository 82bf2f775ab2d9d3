"""Counting a prompt without answering it: https://docs.claude.com/en/api/messages-count-tokens.

The request is a message's without what bounds or draws an answer; the answer is one number. Where a provider does not
count, `estimate` does.
"""

from __future__ import annotations

import orjson

from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.errors import UnreadableAnswer
from gateway.framing.json_edit import edit
from gateway.protocols.anthropic_messages.decode import decode_prompt
from gateway.protocols.anthropic_messages.encode import encode_request
from gateway.protocols.shared.provider_json import load

# What the endpoint refuses, since it says nothing about the prompt.
_OF_THE_ANSWER = frozenset(
    {
        "container",
        "diagnostics",
        "inference_geo",
        "max_tokens",
        "metadata",
        "service_tier",
        "stop_sequences",
        "stream",
        "temperature",
        "top_k",
        "top_p",
    }
)


def decode_count_request(body: bytes) -> ChatRequest:
    """The canonical request of a count; raises `InvalidRequest` with the JSON path of what is wrong."""
    return decode_prompt(body)


def encode_count_request(request: ChatRequest, target: Target) -> bytes:
    """The body that asks a provider of this wire for the count of any wire's prompt."""
    return edit(encode_request(request, target), remove=_OF_THE_ANSWER)


def decode_count(body: bytes) -> int:
    """The provider's count; raises `UpstreamError` where there is none."""
    count = load(body).get("input_tokens")
    if type(count) is not int:
        raise UnreadableAnswer("it has no count of tokens")
    return count


def encode_count(input_tokens: int) -> bytes:
    """The answer to a count."""
    return orjson.dumps({"input_tokens": input_tokens})
