"""Counting a prompt without answering it: https://platform.openai.com/docs/api-reference/responses/input-tokens.

The request is a response's without what bounds, keeps or draws an answer. Where a provider does not count, `estimate`
does.
"""

from __future__ import annotations

import orjson

from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.errors import UnreadableAnswer
from gateway.framing.json_edit import edit
from gateway.protocols.openai_responses.decode import decode_request
from gateway.protocols.openai_responses.encode import encode_request
from gateway.protocols.shared.inexpressible import inexpressible_parameter
from gateway.protocols.shared.provider_json import load

# What the endpoint does not know, since it says nothing about the prompt.
_OF_THE_ANSWER = frozenset(
    {"include", "max_output_tokens", "store", "stream", "temperature", "top_logprobs", "top_p", "user"}
)
_CONVERSATION = "conversation"


def decode_count_request(body: bytes) -> ChatRequest:
    """The canonical request of a count; raises `InvalidRequest` with the JSON path of what is wrong."""
    request = decode_request(body)
    if _CONVERSATION in request.unmapped:
        # An estimate would leave its turns out.
        raise inexpressible_parameter(_CONVERSATION)
    return request


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
    return orjson.dumps({"object": "response.input_tokens", "input_tokens": input_tokens})
