"""Vendors whose embeddings have OpenAI's path and answer, and members of their own in requests.

A hint at the use is told where the vendor takes one, in the nearest of its words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from gateway.canonical.embeddings import BASE64, FLOAT, Compound, EmbeddingsRequest, Input, Shown, Task
from gateway.errors import UnreadableAnswer
from gateway.providers.chat import azure
from gateway.providers.chat.registry import PROVIDERS, at, under
from gateway.providers.embeddings.parts import base64_of, data_url, typed
from gateway.providers.embeddings.vendor import VECTORS, Embedder, Part
from gateway.providers.vendor_endpoint import shaped

BOTH = (FLOAT, BASE64)

# https://docs.voyageai.com/reference/embeddings-api
_VOYAGE_TASKS: Mapping[Task, str] = {
    Task.QUERY: "query",
    Task.DOCUMENT: "document",
    Task.CODE_QUERY: "query",
    Task.QUESTION_ANSWERING: "query",
    Task.FACT_VERIFICATION: "query",
}
# https://jina.ai/models/jina-embeddings-v3
_JINA_TASKS: Mapping[Task, str] = {
    Task.QUERY: "retrieval.query",
    Task.DOCUMENT: "retrieval.passage",
    Task.CODE_QUERY: "retrieval.query",
    Task.QUESTION_ANSWERING: "retrieval.query",
    Task.FACT_VERIFICATION: "retrieval.query",
    Task.CLASSIFICATION: "classification",
    Task.CLUSTERING: "separation",
    Task.SIMILARITY: "text-matching",
}


class _Row(Struct):
    embedding: Raw
    index: int


class _Usage(Struct):
    total_tokens: int | None = None
    prompt_tokens: int | None = None
    text_tokens: int | None = None
    image_pixels: int = 0


class _Answer(Struct):
    data: list[_Row]
    usage: _Usage | None = None


def read(asked: EmbeddingsRequest, body: bytes) -> Part:
    """The vectors by their index, and the tokens."""
    answer: _Answer = shaped(body, _Answer, VECTORS)
    rows = {row.index: row.embedding for row in answer.data}
    if sorted(rows) != list(range(len(asked.inputs))) or len(answer.data) != len(rows):
        raise UnreadableAnswer("it does not hold one vector for each input")
    usage = answer.usage or _Usage()
    # Voyage counts texts apart where a request may have pictures, and these by the pixel.
    counts = (usage.text_tokens, usage.prompt_tokens, usage.total_tokens)
    tokens = next((count for count in counts if count is not None), None)
    return Part({asked.encodings[0]: [rows[place] for place in range(len(rows))]}, tokens, usage.image_pixels)


def _openai(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    return {
        "input": asked.inputs,
        "model": model,
        "encoding_format": asked.encodings[0],
        "dimensions": asked.dimensions,
    }


def _mistral(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    return {"input": asked.inputs, "model": model, "output_dimension": asked.dimensions}


def _voyage(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    return {
        "input": asked.inputs,
        "model": model,
        "input_type": _VOYAGE_TASKS.get(asked.task) if asked.task else None,
        "truncation": asked.truncate,
        "output_dimension": asked.dimensions,
        "encoding_format": BASE64 if asked.encodings[0] == BASE64 else None,
    }


def _voyage_multimodal(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    return {
        "inputs": [{"content": typed(one, _voyages)} for one in asked.inputs],
        "model": model,
        "input_type": _VOYAGE_TASKS.get(asked.task) if asked.task else None,
        "truncation": asked.truncate,
        "output_encoding": BASE64 if asked.encodings[0] == BASE64 else None,
    }


def _voyages(picture: Shown) -> dict[str, Any]:
    return {"type": "image_base64", "image_base64": data_url(picture)}


def _jinas(one: Input) -> Any:
    """An input as Jina takes it: a text, or an object with a picture."""
    if not isinstance(one, Compound):
        return one
    return {"image": base64_of(one.pictures[0])}


def _jina(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    return {
        "input": [_jinas(one) for one in asked.inputs],
        "model": model,
        "task": _JINA_TASKS[asked.task] if asked.task else None,
        "truncate": asked.truncate,
        "dimensions": asked.dimensions,
        "embedding_type": asked.encodings[0],
    }


_PATH = under("/embeddings")
# https://platform.openai.com/docs/api-reference/embeddings/create: 2,048 inputs and 300,000 tokens a request.
OPENAI = Embedder(
    name="openai",
    base_url=PROVIDERS["openai"].base_url,
    path=_PATH,
    write=_openai,
    read=read,
    inputs_max=2_048,
    bytes_max=300_000,
    encodings=BOTH,
)
AZURE = Embedder(
    name="azure",
    base_url=PROVIDERS["azure"].base_url,
    path=azure.embeddings_path,
    sign=PROVIDERS["azure"].sign,
    write=_openai,
    read=read,
    inputs_max=2_048,
    bytes_max=300_000,
    encodings=BOTH,
)
# https://docs.mistral.ai/capabilities/embeddings/: 16,384 tokens a request.
MISTRAL = Embedder(
    name="mistral",
    base_url=PROVIDERS["mistral"].base_url,
    path=_PATH,
    write=_mistral,
    read=read,
    inputs_max=128,
    bytes_max=16_384,
)
# https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api: ten texts a request.
QWEN = Embedder(
    name="qwen",
    base_url=PROVIDERS["qwen"].base_url,
    path=_PATH,
    write=_openai,
    read=read,
    inputs_max=10,
    bytes_max=81_920,
    located=PROVIDERS["qwen"].located,
)
# https://docs.voyageai.com/docs/embeddings: 1,000 inputs, and 120,000 tokens on the model that takes least.
VOYAGE = Embedder(
    name="voyage",
    base_url=at("https://api.voyageai.com/v1"),
    path=_PATH,
    write=_voyage,
    read=read,
    inputs_max=1_000,
    bytes_max=120_000,
    encodings=BOTH,
)
# https://docs.voyageai.com/reference/multimodal-embeddings-api
VOYAGE_MULTIMODAL = replace(
    VOYAGE, path=under("/multimodalembeddings"), write=_voyage_multimodal, inputs_max=128, pictures_each=1_000
)


def voyage(model: str) -> Embedder:
    """The row of a model: those of pictures have an endpoint of their own."""
    return VOYAGE_MULTIMODAL if "multimodal" in model else VOYAGE


# https://jina.ai/embeddings/
JINA = Embedder(
    name="jina",
    base_url=at("https://api.jina.ai/v1"),
    path=_PATH,
    write=_jina,
    read=read,
    inputs_max=512,
    bytes_max=500_000,
    encodings=BOTH,
    pictures_each=1,
    mixes=False,
)
