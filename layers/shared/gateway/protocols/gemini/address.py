"""Reads this wire's URL: the model, the method, and the framing of the answer.

`/v1beta/models/{model}:{method}`, and Vertex's longer paths that end alike
(https://ai.google.dev/api/generate-content#http-request). A model's id may hold slashes and colons, raw or escaped; one
that does is asked for without `models/` by clients that take it for a whole resource name, as Vercel's.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gateway.errors import NotFound
from gateway.framing.percent import decoded, encoded

GENERATE, STREAM, COUNT = "generateContent", "streamGenerateContent", "countTokens"
EMBED, BATCH_EMBED = "embedContent", "batchEmbedContents"

_METHODS = frozenset({GENERATE, STREAM, COUNT, EMBED, BATCH_EMBED})
_MODELS = "/models/"
_BETA = "/v1beta/"


class Address(Struct, frozen=True):
    """One call's address. `is_sse` tells server-sent events from the JSON array, and matters to streams alone."""

    model: str
    method: str
    is_sse: bool = False

    @property
    def is_stream(self) -> bool:
        """True if the answer must be streamed."""
        return self.method == STREAM


def parse_address(path: str, query: Mapping[str, str]) -> Address:
    """The address that a path and its query spell; raises `NotFound` where they name no method of ours."""
    _, found, called = path.partition(_MODELS)
    model, _, method = decoded(called if found else path.partition(_BETA)[2]).rpartition(":")
    if method not in _METHODS or not model:
        raise NotFound(f"Unknown path: {path}.", code="unknown_url")
    return Address(model, method, is_sse=query.get("alt") == "sse")


def upstream_path(model: str, method: str) -> str:
    """Returns the path after a provider's base URL and version. Streams are always requested as server-sent events."""
    return f"{_MODELS}{encoded(model)}:{method}" + ("?alt=sse" if method == STREAM else "")
