"""Gemini's embeddings by the Developer API: https://ai.google.dev/api/embeddings#method:-models.batchembedcontents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from gateway.canonical.embeddings import FLOAT, EmbeddingsRequest, Task
from gateway.errors import UnreadableAnswer
from gateway.framing.percent import encoded
from gateway.providers.chat import google
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.embeddings.vendor import VECTORS, Embedder, Part
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import shaped

_TASKS: Mapping[Task, str] = {
    Task.QUERY: "RETRIEVAL_QUERY",
    Task.DOCUMENT: "RETRIEVAL_DOCUMENT",
    Task.CODE_QUERY: "CODE_RETRIEVAL_QUERY",
    Task.QUESTION_ANSWERING: "QUESTION_ANSWERING",
    Task.FACT_VERIFICATION: "FACT_VERIFICATION",
    Task.CLASSIFICATION: "CLASSIFICATION",
    Task.CLUSTERING: "CLUSTERING",
    Task.SIMILARITY: "SEMANTIC_SIMILARITY",
}


class _Vector(Struct):
    values: Raw


class _Usage(Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Answer(Struct, rename="camel"):
    embeddings: list[_Vector]
    usage_metadata: _Usage | None = None


def _write(asked: EmbeddingsRequest, model: str) -> Mapping[str, Any]:
    settings = {
        "model": f"models/{model}",
        "taskType": _TASKS[asked.task] if asked.task else None,
        "title": asked.title,
        "outputDimensionality": asked.dimensions,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    return {"requests": [{**given, "content": {"parts": [{"text": text}]}} for text in asked.inputs]}


def _read(asked: EmbeddingsRequest, body: bytes) -> Part:
    answer: _Answer = shaped(body, _Answer, VECTORS)
    if len(answer.embeddings) != len(asked.inputs):
        raise UnreadableAnswer("it does not hold one vector for each input")
    usage = answer.usage_metadata or _Usage()
    return Part({FLOAT: [vector.values for vector in answer.embeddings]}, usage.prompt_token_count)


def _path(outgoing: Outgoing) -> str:
    return f"/v1beta/models/{encoded(outgoing.model)}:batchEmbedContents"


GEMINI = Embedder(
    name="gemini",
    base_url=PROVIDERS["gemini"].base_url,
    path=_path,
    sign=google.developer_headers,
    write=_write,
    read=_read,
    inputs_max=100,
    bytes_max=2_000_000,
    errors="gemini.errors",
)
