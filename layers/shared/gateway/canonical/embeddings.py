"""Embeddings as values: a request, the vectors of an answer, and the models for sale.

A vector stays in the JSON in which its provider wrote it. An answer of six million numbers is a hundred megabytes of
text, and would be several times that as Python's numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

from gateway.canonical.chat_models import ListPrice
from gateway.canonical.models import Model
from gateway.canonical.request import NOTHING, Json, RoutingPreferences
from gateway.canonical.usage import Usage

FLOAT, BASE64 = "float", "base64"
# What is asked for in one request: the longest answer has as many numbers, and is held twice while it is sent.
INPUTS_MAX = 16_384
NUMBERS_MAX = 12_000_000


class Shown(Struct, frozen=True):
    """A picture to embed, at `place` in its request: its file's id or address, and its content once that was read."""

    place: str
    reference: str
    content: bytes = b""
    mime_type: str = ""


class Compound(Struct, frozen=True):
    """One input of several texts and pictures, or of one picture."""

    parts: tuple[str | Shown, ...]

    @property
    def pictures(self) -> list[Shown]:
        """Its pictures."""
        return [part for part in self.parts if isinstance(part, Shown)]

    @property
    def texts(self) -> list[str]:
        """Its texts."""
        return [part for part in self.parts if isinstance(part, str)]


# A text, the numbers of its tokens in the model's own vocabulary, or an input with pictures.
Input: TypeAlias = str | Sequence[int] | Compound
# One vector as JSON text: an array of numbers, or a string of base64. Of msgspec it is a view of the answer's bytes.
Vector: TypeAlias = bytes


class Task(StrEnum):
    """The use of the vectors. A hint: a provider is told the nearest of its own words, or none where it has none."""

    QUERY = "query"
    DOCUMENT = "document"
    CLASSIFICATION = "classification"
    CLUSTERING = "clustering"
    SIMILARITY = "similarity"
    CODE_QUERY = "code_query"
    QUESTION_ANSWERING = "question_answering"
    FACT_VERIFICATION = "fact_verification"


class EmbeddingsRequest(Struct, frozen=True):
    """One request for vectors, the same for every wire.

    `encodings` are the forms in which each vector is wanted. `places` names the members of the caller's wire that
    refusals speak of. `truncate` is false where a text that is too long is to be refused, `None` where the provider
    decides. `untyped` asks for the vectors alone, and not by their form (Cohere's first version).
    """

    protocol: str
    model: str
    inputs: tuple[Input, ...]
    source_bytes: int
    encodings: tuple[str, ...] = (FLOAT,)
    dimensions: int | None = None
    task: Task | None = None
    title: str | None = None
    truncate: bool | None = None
    user: str | None = None
    untyped: bool = False
    places: Mapping[str, str] = field(default_factory=lambda: OPENAI_PLACES)
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    stream: bool = False
    echo: Json = field(default_factory=lambda: NOTHING)


OPENAI_PLACES: Mapping[str, str] = {"inputs": "input", "dimensions": "dimensions", "encodings": "encoding_format"}


class Embedded(Struct, frozen=True):
    """The vectors of an answer, in the inputs' order, by their form; `usage` is `None` if it was not reported."""

    vectors: Mapping[str, Sequence[Vector]]
    usage: Usage | None


class EmbeddingPrice(ListPrice, frozen=True):
    """USD per million tokens, and per million units of pictures where the model counts them apart."""

    image: str | None = None

    @property
    def classes(self) -> dict[str, str]:
        """The prices of tokens."""
        return {"input": self.input, "output": self.output}


class EmbeddingModel(Model[EmbeddingPrice], frozen=True, kw_only=True):
    """One embedding model for sale.

    `dimensions` is the length of a vector unless the request names another: one of `sizes`, or any from `sizes_from` to
    the largest. `max_input_tokens` is the model's bound on one input; `token_inputs` models take token numbers too.
    A model that takes pictures counts `image_units_max` units of one at most: of `image_unit`, or tokens of its input.
    """

    dimensions: int
    max_input_tokens: int
    sizes: tuple[int, ...] = ()
    sizes_from: int | None = None
    token_inputs: bool = False
    image_units_max: int = 0
    image_unit: str | None = None

    @property
    def resizable(self) -> bool:
        """True if a request may choose the length of its vectors."""
        return bool(self.sizes) or self.sizes_from is not None

    def has_size(self, dimensions: int) -> bool:
        """True if the model makes vectors of that length."""
        if self.sizes_from is not None and self.sizes_from <= dimensions <= self.dimensions:
            return True
        return dimensions in self.sizes or dimensions == self.dimensions
