"""Gemini's embeddings by the Developer API: https://ai.google.dev/api/embeddings#method:-models.batchembedcontents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct, field

from gateway.canonical.embeddings import FLOAT, EmbeddingsRequest, Input, Shown, Task
from gateway.errors import UnreadableAnswer
from gateway.framing.percent import encoded
from gateway.providers.chat import google
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.embeddings.parts import base64_of, parts_of
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


class _Counted(Struct, rename="camel"):
    modality: str = ""
    token_count: int = 0


class _Usage(Struct, rename="camel"):
    prompt_token_count: int | None = None
    prompt_token_details: list[_Counted] = field(default_factory=list)


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
    return {"requests": [{**given, "content": {"parts": _parts(one)}} for one in asked.inputs]}


def _parts(one: Input) -> list[dict[str, Any]]:
    return [
        {"inlineData": {"mimeType": part.mime_type, "data": base64_of(part)}}
        if isinstance(part, Shown)
        else {"text": part}
        for part in parts_of(one)
    ]


def _read(asked: EmbeddingsRequest, body: bytes) -> Part:
    answer: _Answer = shaped(body, _Answer, VECTORS)
    if len(answer.embeddings) != len(asked.inputs):
        raise UnreadableAnswer("it does not hold one vector for each input")
    usage = answer.usage_metadata or _Usage()
    vectors = [vector.values for vector in answer.embeddings]
    if usage.prompt_token_count is None:
        return Part({FLOAT: vectors})
    images = sum(each.token_count for each in usage.prompt_token_details if each.modality == "IMAGE")
    return Part({FLOAT: vectors}, max(0, usage.prompt_token_count - images), images)


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
    # https://ai.google.dev/gemini-api/docs/embeddings: six pictures an input.
    pictures_each=6,
)
