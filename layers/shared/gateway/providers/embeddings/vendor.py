"""Defines a vendor of embeddings: a row of pure functions that write its requests and read its answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway.canonical.embeddings import FLOAT, EmbeddingsRequest, Vector
from gateway.canonical.usage import Usage, counted, uses_of
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.vendor_endpoint import VendorEndpoint

VECTORS = "vectors"


class Part(Struct, frozen=True):
    """The answer to one request: its vectors by form, in the inputs' order, and the tokens that were reported.

    `image_units` are those of its pictures, where they are counted apart.
    """

    vectors: Mapping[str, Sequence[Vector]]
    tokens: int | None = None
    image_units: int = 0


class Embedder(VendorEndpoint, frozen=True, kw_only=True):
    """One row. `write` makes the body for a model's name at the vendor, `read` an answer's part of it.

    One request takes `inputs_max` inputs, and texts of `bytes_max` bytes: a token is at least a byte. `encodings` are
    the forms that the vendor answers in. `tokens_header` (lower-case) reports the tokens where the body does not.
    An input has `pictures_each` pictures at most, and texts beside them where the vendor `mixes`.
    """

    write: Callable[[EmbeddingsRequest, str], Mapping[str, Any]]
    read: Callable[[EmbeddingsRequest, bytes], Part]
    inputs_max: int
    bytes_max: int
    encodings: tuple[str, ...] = (FLOAT,)
    tokens_header: str = ""
    pictures_each: int = 0
    mixes: bool = True

    def request(self, asked: EmbeddingsRequest, model: str, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave."""
        return self.posted(self.write(asked, model), model, credential, now_s)


def usage_of(parts: Sequence[Part], image_unit: str | None) -> Usage | None:
    """The tokens of all parts, and the units of their pictures; `None` if one of them does not tell."""
    tokens = [each.tokens for each in parts if each.tokens is not None]
    if len(tokens) != len(parts):
        return None
    units = {} if image_unit is None else {image_unit: sum(each.image_units for each in parts)}
    return counted(uses_of(units), input=sum(tokens))
