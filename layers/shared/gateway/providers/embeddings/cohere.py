"""Cohere's embeddings, at Cohere and on Bedrock.

https://docs.cohere.com/reference/embed,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html. Models since v3 need the use of the
vectors; a request without a hint is taken for documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from gateway.canonical.embeddings import FLOAT, Compound, EmbeddingsRequest, Shown, Task
from gateway.errors import UnreadableAnswer
from gateway.providers.chat.registry import PROVIDERS, under
from gateway.providers.embeddings.parts import data_url, typed
from gateway.providers.embeddings.vendor import VECTORS, Embedder, Part
from gateway.providers.vendor_endpoint import shaped

# Base64 is not asked for: what its bytes mean is not documented.
ENCODINGS = (FLOAT, "int8", "uint8", "binary", "ubinary")
# A request takes so many texts, at both vendors.
TEXTS_MAX = 96
BYTES_MAX = 4_000_000
_TASKS: Mapping[Task | None, str] = {
    None: "search_document",
    Task.QUERY: "search_query",
    Task.DOCUMENT: "search_document",
    Task.CODE_QUERY: "search_query",
    Task.QUESTION_ANSWERING: "search_query",
    Task.FACT_VERIFICATION: "search_query",
    Task.CLASSIFICATION: "classification",
    Task.CLUSTERING: "clustering",
    Task.SIMILARITY: "clustering",
}


class _Billed(Struct):
    input_tokens: int | None = None
    image_tokens: int | None = None


class _Meta(Struct):
    billed_units: _Billed | None = None


class _Answer(Struct):
    embeddings: dict[str, list[Raw] | None]
    meta: _Meta | None = None


def members(asked: EmbeddingsRequest) -> dict[str, Any]:
    """The members that both vendors take."""
    truncate = "END" if asked.truncate else "NONE"
    mixed = any(isinstance(one, Compound) for one in asked.inputs)
    return {
        "texts": None if mixed else asked.inputs,
        "inputs": [{"content": typed(one, _shown)} for one in asked.inputs] if mixed else None,
        "input_type": _TASKS[asked.task],
        "embedding_types": asked.encodings,
        "output_dimension": asked.dimensions,
        "truncate": None if asked.truncate is None else truncate,
    }


def _shown(picture: Shown) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(picture)}}


def write(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    """The body of a request to Cohere."""
    return {"model": model, **members(asked)}


def read(asked: EmbeddingsRequest, body: bytes) -> Part:
    """The vectors by form, and the tokens that are billed."""
    answer: _Answer = shaped(body, _Answer, VECTORS)
    vectors = {form: answer.embeddings.get(form) or [] for form in asked.encodings}
    if any(len(found) != len(asked.inputs) for found in vectors.values()):
        raise UnreadableAnswer("it does not hold one vector for each input")
    billed = answer.meta.billed_units if answer.meta else None
    if billed is None:
        return Part(vectors)
    # A request of pictures alone has no tokens of text.
    tokens = 0 if billed.input_tokens is None and billed.image_tokens else billed.input_tokens
    return Part(vectors, tokens, billed.image_tokens or 0)


COHERE = Embedder(
    name="cohere",
    base_url=PROVIDERS["cohere"].base_url,
    path=under("/v2/embed"),
    write=write,
    read=read,
    inputs_max=TEXTS_MAX,
    bytes_max=BYTES_MAX,
    encodings=ENCODINGS,
    errors="cohere_chat.errors",
    pictures_each=1_000,
)
