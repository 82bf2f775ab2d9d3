"""Gemini's embedContent and batchEmbedContents, as callers speak them: https://ai.google.dev/api/embeddings.

Each content has one part, a text, or several with pictures among them. The requests of a batch agree in all but their
content, since they become one request of the pipeline.
"""

from __future__ import annotations

import orjson

from gateway.canonical.embeddings import Compound, Embedded, EmbeddingsRequest, Input, Shown
from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError
from gateway.protocols.gemini.address import BATCH_EMBED, Address
from gateway.protocols.gemini.errors import encode_error
from gateway.protocols.gemini.names import integer, member, others, required, string
from gateway.protocols.shared.document import Node, parse
from gateway.protocols.shared.embedding_tasks import task_of
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, refuse_upstream_members

PROTOCOL = "gemini_embeddings"
PLACES = {"inputs": "content", "dimensions": "outputDimensionality", "encodings": "content"}
# As many as Google takes in one batch.
REQUESTS_MAX = 100
_DIMENSIONS_MAX = 2**16
_UNKNOWN = 'Unknown name "{name}": Cannot find field.'
_KNOWN = frozenset({"content", "model", "outputDimensionality", "taskType", "title"})


class GeminiEmbeddings:
    """The codec of one call, whose URL names the model."""

    protocol = PROTOCOL
    id_prefix = ""
    stream_type = ""
    keep_alive = b""

    def __init__(self, address: Address) -> None:
        self._model = address.model
        self._is_batch = address.method == BATCH_EMBED

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse(body)
        refuse_upstream_members(root, _UNKNOWN)
        requests = required(root, "requests").elements(1, REQUESTS_MAX) if self._is_batch else [root]
        first = _settings(requests[0])
        for request in requests:
            for unknown in others(request, _KNOWN if self._is_batch else _KNOWN | OWN_MEMBERS):
                raise unknown.error(_UNKNOWN.format(name=unknown.path), "unknown_parameter")
            if _settings(request) != first:
                message = f"'{request.path}' differs from the first request in more than its content."
                raise request.error(f"{message} Send it in a batch of its own.", "unsupported_value")
            if self._is_batch:
                self._judge_model(request)
        task = member(requests[0], "taskType")
        return EmbeddingsRequest(
            protocol=PROTOCOL,
            model=self._model,
            inputs=tuple(_input(required(request, "content")) for request in requests),
            source_bytes=len(body),
            dimensions=integer(requests[0], "outputDimensionality", 1, _DIMENSIONS_MAX),
            task=None if task is None else task_of(task),
            title=string(requests[0], "title"),
            places=PLACES,
            routing=decode_preferences(root, body),
        )

    def _judge_model(self, request: Node) -> None:
        """Raises where a request of a batch names another model than the URL does."""
        named = string(request, "model")
        if named is not None and named.removeprefix("models/") != self._model.removeprefix("models/"):
            message = f"The URL names the model '{self._model}', and '{request.path}' another: '{named}'."
            raise request.required("model").error(f"{message} Send it in a batch of its own.", "unsupported_value")

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The vector, or the vectors, which keep the provider's bytes."""
        del request, stamp
        (vectors,) = answer.vectors.values()
        pieces: list[bytes] = [b'{"embeddings":[' if self._is_batch else b'{"embedding":']
        for index, vector in enumerate(vectors):
            pieces += (b'%b{"values":' % (b"," if index else b""), vector, b"}")
        tokens = extension.prompt_tokens
        rest = {"usageMetadata": {"promptTokenCount": tokens}, "nexevo": extension.as_json()}
        pieces += (b"]," if self._is_batch else b",", orjson.dumps(rest)[1:])
        return b"".join(pieces)

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """Google's error object."""
        del request_id  # This wire carries it in a header.
        return encode_error(error)


def _settings(request: Node) -> list[object]:
    """The settings of a request beside its content; the model is the URL's."""
    found = (member(request, name) for name in ("outputDimensionality", "taskType", "title"))
    return [None if one is None else one.value for one in found]


def _input(content: Node) -> Input:
    """The text of a content of one part, or its texts and pictures; a plain string is taken for a text."""
    if isinstance(content.value, str):
        return content.as_string(minimum=1)
    parts = required(content, "parts").elements(1)
    if all(member(part, name) is None for part in parts for name in ("inlineData", "fileData")):
        (part,) = required(content, "parts").elements(1, 1)
        return part.required("text").as_string(minimum=1)
    return Compound(tuple(_part(part) for part in parts))


def _part(part: Node) -> str | Shown:
    inline, file = member(part, "inlineData"), member(part, "fileData")
    if inline is not None:
        data = required(inline, "data")
        return Shown(data.path, f"data:{string(inline, 'mimeType') or ''};base64,{data.as_string(minimum=1)}")
    if file is not None:
        uri = required(file, "fileUri")
        return Shown(uri.path, uri.as_string(minimum=1))
    return part.required("text").as_string(minimum=1)
