"""Counting a prompt without answering it.

https://ai.google.dev/api/tokens#method:-models.counttokens: a caller sends the contents alone, or a whole request under
`generateContentRequest`; Vertex takes what belongs to the prompt beside the contents.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.errors import UnreadableAnswer
from gateway.framing.json_values import reread
from gateway.protocols.gemini.decode import decode_request
from gateway.protocols.gemini.encode import encode_request
from gateway.protocols.gemini.names import member
from gateway.protocols.shared.document import parse
from gateway.protocols.shared.provider_json import load


def decode_count_request(body: bytes, model: str) -> ChatRequest:
    """The canonical request of a count; raises `InvalidRequest` with the JSON path of what is wrong."""
    whole = member(parse(body), "generateContentRequest")
    return decode_request(body if whole is None else orjson.dumps(whole.as_object()), model)


def encode_count(tokens: int) -> bytes:
    """The answer to a count."""
    return orjson.dumps({"totalTokens": tokens})


def encode_count_request(request: ChatRequest, target: Target) -> bytes:
    """A count's body for the Developer API, which counts instructions and tools in a whole request only."""
    whole: dict[str, Any] = reread(encode_request(request, target))
    return orjson.dumps({"generateContentRequest": {"model": f"models/{target.model}"} | whole})


def decode_count(body: bytes) -> int:
    """Reads a provider's count. Raises `UpstreamError` if there is none."""
    tokens = load(body).get("totalTokens", 0)
    if type(tokens) is not int or tokens < 0:
        raise UnreadableAnswer("it has no count of tokens")
    return tokens
