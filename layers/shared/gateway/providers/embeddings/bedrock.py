"""Embeddings on Bedrock: each vendor's model is asked in its vendor's words.

Titan: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html. The tokens of
Cohere's models are in a header alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from gateway.canonical.embeddings import FLOAT, Compound, EmbeddingsRequest, Shown
from gateway.providers.chat import bedrock
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.embeddings import cohere
from gateway.providers.embeddings.parts import base64_of, parts_of
from gateway.providers.embeddings.vendor import VECTORS, Embedder, Part
from gateway.providers.vendor_endpoint import shaped

_COHERE = "cohere."


class _Titan(Struct, rename="camel"):
    embedding: Raw
    input_text_token_count: int | None = None


def _write_titan(asked: EmbeddingsRequest, _: str) -> Mapping[str, Any]:
    (text,) = asked.inputs
    return {"inputText": text, "dimensions": asked.dimensions}


def _read_titan(_: EmbeddingsRequest, body: bytes) -> Part:
    answer: _Titan = shaped(body, _Titan, VECTORS)
    return Part({FLOAT: [answer.embedding]}, answer.input_text_token_count)


def _write_cohere(asked: EmbeddingsRequest, _: str) -> Mapping[str, Any]:
    return cohere.members(asked)


TITAN = Embedder(
    name="bedrock",
    base_url=bedrock.base_url,
    path=bedrock.invoke_path,
    sign=bedrock.headers,
    write=_write_titan,
    read=_read_titan,
    inputs_max=1,
    bytes_max=1_000_000,
    errors="bedrock_converse.errors",
    tokens_header="x-amzn-bedrock-input-token-count",
    located=PROVIDERS["bedrock"].located,
)
COHERE = replace(
    TITAN,
    write=_write_cohere,
    read=cohere.read,
    inputs_max=cohere.TEXTS_MAX,
    bytes_max=cohere.BYTES_MAX,
    encodings=cohere.ENCODINGS,
)


# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html
def _write_titan_image(asked: EmbeddingsRequest, _: str) -> Mapping[str, Any]:
    (one,) = asked.inputs
    parts = parts_of(one)
    length = None if asked.dimensions is None else {"outputEmbeddingLength": asked.dimensions}
    texts = " ".join(part for part in parts if isinstance(part, str))
    image = next((base64_of(part) for part in parts if isinstance(part, Shown)), None)
    return {"inputText": texts or None, "inputImage": image, "embeddingConfig": length}


def _read_titan_image(asked: EmbeddingsRequest, body: bytes) -> Part:
    """A picture is paid as one; its count is not reported."""
    answer: _Titan = shaped(body, _Titan, VECTORS)
    (one,) = asked.inputs
    pictures = len(one.pictures) if isinstance(one, Compound) else 0
    return Part({FLOAT: [answer.embedding]}, answer.input_text_token_count or 0, pictures)


TITAN_IMAGE = replace(TITAN, write=_write_titan_image, read=_read_titan_image, pictures_each=1)
_IMAGE = "titan-embed-image"


def of(model: str) -> Embedder:
    """The row of a model, whose id, or that of its inference profile, names its vendor."""
    if _IMAGE in model:
        return TITAN_IMAGE
    return COHERE if _COHERE in model else TITAN
