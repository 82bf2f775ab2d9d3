"""What the URL of this wire says: the model, what is asked of it, and how the answer is framed.

`/v1beta/models/{model}:{method}`, and Vertex's longer paths that end alike
(https://ai.google.dev/api/generate-content#http-request). A model's id may hold slashes and colons, raw or escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from gateway.errors import NotFound

GENERATE, STREAM, COUNT = "generateContent", "streamGenerateContent", "countTokens"

_METHODS = frozenset({GENERATE, STREAM, COUNT})
_MODELS = "/models/"


@dataclass(frozen=True, slots=True)
class Address:
    """One call's address. `is_sse` tells server-sent events from the JSON array, and matters to streams alone."""

    model: str
    method: str
    is_sse: bool = False

    @property
    def is_stream(self) -> bool:
        """Whether the answer is to come in pieces."""
        return self.method == STREAM


def parse_address(path: str, query: Mapping[str, str]) -> Address:
    """The address that a path and its query spell; raises `NotFound` where they name no method of ours."""
    _, _, called = path.partition(_MODELS)
    model, _, method = unquote(called).rpartition(":")
    if method not in _METHODS or not model:
        raise NotFound(f"Unknown path: {path}.", code="unknown_url")
    return Address(model, method, is_sse=query.get("alt") == "sse")


def upstream_path(model: str, method: str) -> str:
    """What follows a provider's base URL and version; streams are always asked for as server-sent events."""
    return f"{_MODELS}{quote(model, safe='')}:{method}" + ("?alt=sse" if method == STREAM else "")
