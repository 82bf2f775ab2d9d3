"""Log probabilities in this wire's shape: parallel arrays of tokens, their weights, and where each stands in the text.

https://platform.openai.com/docs/api-reference/completions/object#choices-logprobs
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from gateway.errors import UnreadableAnswer
from gateway.protocols.shared.provider_json import as_array, as_object, as_objects, as_text


class TokenLog:
    """The tokens of one choice, independent of how its text is cut.

    An offset counts characters. A token may hold a part of a character only: then it stands where that character does.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def encode(self, logprobs: object) -> dict[str, Any] | None:
        """The next tokens, from the OpenAI chat shape; `None` where the provider told none."""
        entries = as_objects(as_object(logprobs).get("content"))
        if not entries:
            return None
        ranked = any(entry.get("top_logprobs") for entry in entries)
        return {
            "tokens": [as_text(entry.get("token")) for entry in entries],
            "token_logprobs": [entry.get("logprob") for entry in entries],
            "top_logprobs": [_alternatives(entry) for entry in entries] if ranked else None,
            "text_offset": [self._placed(entry) for entry in entries],
        }

    def _placed(self, entry: Mapping[str, Any]) -> int:
        offset = self._offset
        self._offset += len(self._decoder.decode(_spelt(entry)))
        return offset


def _spelt(entry: Mapping[str, Any]) -> bytes:
    """The token's own bytes; where the provider does not tell them, its text is whole."""
    if entry.get("bytes") is None:
        return as_text(entry.get("token")).encode()
    try:
        return bytes(as_array(entry["bytes"]))
    except (TypeError, ValueError):
        raise UnreadableAnswer("the bytes of a token are no bytes") from None


def _alternatives(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The likeliest tokens, and the one that was drawn, which is always among them."""
    likeliest = {as_text(other.get("token")): other.get("logprob") for other in as_objects(entry.get("top_logprobs"))}
    return likeliest | {as_text(entry.get("token")): entry.get("logprob")}
