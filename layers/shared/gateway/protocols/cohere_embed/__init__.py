"""Cohere's embed wire in both versions, as callers speak it: https://docs.cohere.com/reference/embed.

In the first one, https://docs.cohere.com/v1/reference/embed, a request that names no form gets a plain list of vectors.

Pictures come in `images`, each an input of its own, or in the parts of `inputs`.
"""

from __future__ import annotations

import orjson

from gateway.canonical.embeddings import FLOAT, INPUTS_MAX, Embedded, EmbeddingsRequest, Input, Task
from gateway.canonical.response import Extension, Stamp
from gateway.errors import GatewayError
from gateway.protocols.shared.cohere_errors import encode_error
from gateway.protocols.shared.document import Node, integer_in
from gateway.protocols.shared.embedding_tasks import task_of
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known

PROTOCOL = "cohere_embed"
ENCODINGS = (FLOAT, "int8", "uint8", "binary", "ubinary", "base64")
TRUNCATIONS = ("NONE", "START", "END")
PLACES = {"inputs": "texts", "dimensions": "output_dimension", "encodings": "embedding_types"}
_DIMENSIONS_MAX = 2**16
_UNKNOWN = "unknown field: parameter '{name}' is not a valid field"
_KNOWN = OWN_MEMBERS | frozenset(
    {
        "embedding_types",
        "images",
        "input_type",
        "inputs",
        "max_tokens",
        "model",
        "output_dimension",
        "priority",
        "texts",
        "truncate",
    }
)


class CohereEmbed:
    """The codec of callers of one version."""

    protocol = PROTOCOL
    id_prefix = "embd-"
    stream_type = ""
    keep_alive = b""

    def __init__(self, version: str) -> None:
        self._version = version
        self._is_first = version == "1"

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        """The canonical request; raises `InvalidRequest` with the JSON path of what is wrong."""
        root = parse_known(body, _KNOWN, _UNKNOWN)
        forms, cut = root.member("embedding_types"), root.member("truncate")
        return EmbeddingsRequest(
            protocol=PROTOCOL,
            model=root.required("model").as_string(minimum=1),
            inputs=_inputs(root),
            source_bytes=len(body),
            encodings=(FLOAT,) if forms is None else _encodings(forms),
            dimensions=integer_in(root, "output_dimension", 1, _DIMENSIONS_MAX),
            task=self._task(root),
            untyped=self._is_first and forms is None,
            truncate=None if cut is None else cut.as_one_of(TRUNCATIONS) != "NONE",
            places=PLACES,
            routing=decode_preferences(root, body),
        )

    def _task(self, root: Node) -> Task | None:
        """The use of the vectors, which the first version may leave out."""
        hint = root.member("input_type") if self._is_first else root.required("input_type")
        return None if hint is None else task_of(hint)

    def encode_answer(self, request: EmbeddingsRequest, answer: Embedded, stamp: Stamp, extension: Extension) -> bytes:
        """The vectors by their form, which keep the provider's bytes."""
        opened, closed = (b"", b"") if request.untyped else (b"{", b"}")
        pieces: list[bytes] = [b'{"id":', orjson.dumps(stamp.response_id), b',"embeddings":', opened]
        for place, (form, vectors) in enumerate(answer.vectors.items()):
            if not request.untyped:
                pieces += (b"," if place else b"", orjson.dumps(form), b":")
            pieces.append(b"[")
            for index, vector in enumerate(vectors):
                pieces += (b"," if index else b"", vector)
            pieces.append(b"]")
        tokens = extension.prompt_tokens
        rest = {
            "texts": [one for one in request.inputs if isinstance(one, str)],
            "meta": {"api_version": {"version": self._version}, "billed_units": {"input_tokens": tokens}},
            "response_type": "embeddings_floats" if request.untyped else "embeddings_by_type",
            "nexevo": extension.as_json(),
        }
        pieces += (closed, b",", orjson.dumps(rest)[1:])
        return b"".join(pieces)

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """Cohere's error object."""
        return encode_error(error, request_id)


def _encodings(forms: Node) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form.as_one_of(ENCODINGS) for form in forms.elements(minimum=1)))


def _inputs(root: Node) -> tuple[Input, ...]:
    """The texts of `texts`, the pictures of `images`, or `inputs`, each of which is a list of parts."""
    inputs, images = root.member("inputs"), root.member("images")
    if inputs is None and images is None:
        return tuple(text.as_string(minimum=1) for text in root.required("texts").elements(1, INPUTS_MAX))
    from gateway.protocols.shared.embedding_inputs import joined, shown, typed_parts  # noqa: PLC0415  # likewise few

    if inputs is not None:
        return tuple(typed_parts(one.required("content")) for one in inputs.elements(1, INPUTS_MAX))
    return tuple(joined([shown(image)]) for image in root.required("images").elements(1, INPUTS_MAX))


FIRST, CLIENT = CohereEmbed("1"), CohereEmbed("2")
