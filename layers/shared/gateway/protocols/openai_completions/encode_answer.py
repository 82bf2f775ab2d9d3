"""A canonical answer as a completion (https://platform.openai.com/docs/api-reference/completions/object)."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.parts import Refusal, Text
from gateway.canonical.response import ChatResponse, Choice, Extension, Stamp
from gateway.protocols.openai_completions.answer import (
    echoed,
    encode_choice,
    encode_finish_reason,
    encode_object,
    encode_usage,
)
from gateway.protocols.openai_completions.logprobs import TokenLog


def encode_response(response: ChatResponse, stamp: Stamp, extension: Extension) -> bytes:
    """The whole body; what this wire has no word for is left out, as docs/bridging.md has it."""
    body = encode_object(stamp, [_choice(choice, echoed(stamp, choice.index)) for choice in response.choices])
    if response.usage is not None:
        body["usage"] = encode_usage(response.usage)
    body["nexevo"] = extension.as_json()
    return orjson.dumps(body)


def _choice(choice: Choice, prompt: str) -> dict[str, Any]:
    """A model's refusal is text, since that is what a user is to read; its thinking is none."""
    texts = [part.text for part in choice.parts if isinstance(part, Text | Refusal)]
    reason = encode_finish_reason(choice.finish_reason)
    return encode_choice(choice.index, prompt + "".join(texts), TokenLog().encode(choice.logprobs), reason)
