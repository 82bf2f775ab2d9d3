"""OpenAI's embeddings wire, as callers speak it: https://platform.openai.com/docs/api-reference/embeddings/create.

An input may be an object with pictures, as Jina's and Voyage's are (`protocols/shared/embedding_inputs.py`).
`input_type`, or Jina's `task`, may hint at the use of the vectors, in any vendor's words; Jina's clients call the form
`embedding_type` or `encoding_type`. An unknown member is refused: no other vendor could be told of it.
"""

from __future__ import annotations

import orjson

from gateway.canonical.embeddings import BASE64, FLOAT, INPUTS_MAX, Embedded, EmbeddingsRequest, Input
from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError
from gateway.protocols.shared.document import Node, boolean_in, integer_in, string_in
from gateway.protocols.shared.embedding_tasks import task_of
from gateway.protocols.shared.openai_errors import encode_error
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known

PROTOCOL = "openai_embeddings"
DIMENSIONS_MAX = 2**16
_UNKNOWN = "Unrecognized request argument supplied: {name}"
_INPUT_TYPES = "one of a string, array of strings, array of integers, or array of integer arrays"
_TOKEN_MAX = 2**31 - 1
_FORMS = ("encoding_format", "embedding_type", "encoding_type")
_KNOWN = OWN_MEMBERS | frozenset(
    {"dimensions", "input", "input_type", "model", "task", "truncate", "truncation", "user", *_FORMS}
)


class OpenAIEmbeddings:
    """The codec of callers."""

    protocol = PROTOCOL
    id_prefix = "embd-"
    stream_type = ""
    keep_alive = b""

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse_known(body, _KNOWN, _UNKNOWN)
        encoding = next((found for name in _FORMS if (found := root.member(name)) is not None), None)
        hint = root.member("input_type") or root.member("task")
        return EmbeddingsRequest(
            protocol=PROTOCOL,
            model=root.required("model").as_string(minimum=1),
            inputs=_inputs(root.required("input")),
            source_bytes=len(body),
            encodings=(FLOAT if encoding is None else encoding.as_one_of((FLOAT, BASE64)),),
            dimensions=integer_in(root, "dimensions", 1, DIMENSIONS_MAX),
            task=None if hint is None else task_of(hint),
            truncate=_truncate(root),
            user=string_in(root, "user"),
            routing=decode_preferences(root, body),
        )

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The list of vectors, which keep the provider's bytes."""
        (vectors,) = answer.vectors.values()
        pieces: list[bytes] = [b'{"object":"list","data":[']
        for index, vector in enumerate(vectors):
            comma = b"," if index else b""
            pieces += (comma + b'{"object":"embedding","index":%d,"embedding":' % index, vector, b"}")
        tokens = extension.prompt_tokens
        rest = {
            "model": stamp.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "nexevo": extension.as_json(),
        }
        pieces += (b"],", orjson.dumps(rest)[1:])
        del request
        return b"".join(pieces)

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


def _inputs(given: Node) -> tuple[Input, ...]:
    """The inputs: one text, several, the tokens of one, those of several, or objects with texts and pictures."""
    if isinstance(given.value, str):
        return (given.as_string(minimum=1),)
    if not isinstance(given.value, list):
        raise given.wrong_type(_INPUT_TYPES)
    first = given.elements(minimum=1)[0]
    if type(first.value) is int:
        return (_tokens(given),)
    elements = given.elements(maximum=INPUTS_MAX)
    if any(isinstance(element.value, dict) for element in elements):
        from gateway.protocols.shared.embedding_inputs import object_input  # noqa: PLC0415  # few requests have objects

        return tuple(
            object_input(element) if isinstance(element.value, dict) else element.as_string(minimum=1)
            for element in elements
        )
    if isinstance(first.value, list):
        return tuple(_tokens(element) for element in elements)
    return tuple(element.as_string(minimum=1) for element in elements)


def _tokens(given: Node) -> tuple[int, ...]:
    return tuple(token.as_integer(0, _TOKEN_MAX) for token in given.elements(minimum=1))


def _truncate(root: Node) -> bool | None:
    """Jina's `truncate` and Voyage's `truncation`: whether a text that is too long may be cut."""
    said = boolean_in(root, "truncate")
    return boolean_in(root, "truncation") if said is None else said


CLIENT = OpenAIEmbeddings()
