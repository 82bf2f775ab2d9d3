"""Simulates the embeddings of vendors with OpenAI's path and answer, each with its own members, limits and models.

https://platform.openai.com/docs/api-reference/embeddings, https://docs.voyageai.com/reference/embeddings-api,
https://api.jina.ai/redoc, https://docs.mistral.ai/api/#tag/embeddings,
https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from local.providers import embedded_pictures, openai_dialects, openai_shapes, tokens, vectors
from local.providers.json_value import Json, JsonValue
from local.providers.openai_shapes import Dialect
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: its models with the length of their vectors, its members, and the most inputs of a request.

    `members` are all that it takes beside `input` and `model`; the three names after it are its own for the form, for
    the length, and for the use with its words. `path` is below the dialect's prefix. Its models read `reads` tokens of
    an input; a longer one is cut where the member `cuts` says so, or says nothing and `is_cutting`, and refused else.
    A picture of Jina's is `picture_tokens`.
    """

    dialect: Dialect
    models: Mapping[str, int]
    inputs_max: int
    members: frozenset[str]
    form: str = ""
    size: str = "dimensions"
    use: str = ""
    uses: tuple[str, ...] = ()
    fixed: frozenset[str] = frozenset()
    takes_tokens: bool = False
    total_alone: bool = False
    reads: int = 8_192
    cuts: str = ""
    is_cutting: bool = False
    picture_tokens: int = 0
    path: str = "/embeddings"


# The numbers of OpenAI's tokens end before this (cl100k_base).
_VOCABULARY = 100_277


def _dialect(row: str, prefix: str) -> Dialect:
    return Dialect(row, prefix, f"sim-{row}-key-0001", openai_shapes.OPENAI.models, ())


OPENAI = Vendor(
    openai_shapes.OPENAI,
    {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536},
    2_048,
    frozenset({"encoding_format", "dimensions", "user"}),
    form="encoding_format",
    fixed=frozenset({"text-embedding-ada-002"}),
    takes_tokens=True,
)
AZURE = replace(OPENAI, dialect=openai_dialects.AZURE, path="/openai/(v1|deployments/[^/]+)/embeddings")
VOYAGE = Vendor(
    _dialect("voyage", "/voyage/v1"),
    {
        "voyage-3": 1024, "voyage-3-lite": 512, "voyage-3-large": 1024, "voyage-3.5": 1024, "voyage-3.5-lite": 1024,
        "voyage-code-3": 1024,
    },
    1_000,
    frozenset({"input_type", "truncation", "output_dimension", "output_dtype", "encoding_format"}),
    form="encoding_format",
    size="output_dimension",
    use="input_type",
    uses=("query", "document"),
    fixed=frozenset({"voyage-3", "voyage-3-lite"}),
    total_alone=True,
    reads=32_000,
    cuts="truncation",
    is_cutting=True,
)  # fmt: skip
JINA = Vendor(
    _dialect("jina", "/jina/v1"),
    {"jina-embeddings-v3": 1024, "jina-embeddings-v4": 2048, "jina-clip-v2": 1024},
    512,
    frozenset({"task", "dimensions", "embedding_type", "truncate", "late_chunking", "normalized"}),
    form="embedding_type",
    use="task",
    uses=("retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"),
    cuts="truncate",
    picture_tokens=4_000,
)
MISTRAL = Vendor(
    _dialect("mistral", "/mistral/v1"),
    {"mistral-embed": 1024, "codestral-embed": 1536},
    512,
    frozenset({"output_dimension", "output_dtype"}),
    size="output_dimension",
    fixed=frozenset({"mistral-embed"}),
)
QWEN = Vendor(
    _dialect("qwen", "/qwen/compatible-mode/v1"),
    {"bge-m3": 1024, "text-embedding-v4": 1024},
    10,
    frozenset({"encoding_format", "dimensions"}),
    form="encoding_format",
    fixed=frozenset({"bge-m3"}),
)


def wire(vendor: Vendor) -> Wire:
    """Builds one vendor's embeddings."""
    return Wire(
        row=vendor.dialect.row,
        prefix=vendor.dialect.prefix,
        routes=(route("POST", vendor.path, functools.partial(_create, vendor)),),
        authorize=functools.partial(openai_shapes.authorize, vendor.dialect),
        question=lambda body: str(_inputs(body)[-1:]),
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        headers=openai_shapes.headers,
    )


def _create(vendor: Vendor, call: Call) -> Reply:
    body = call.body
    _check(vendor, body)
    model, inputs = str(body["model"]), _inputs(body)
    dimensions = int(str(body.get(vendor.size) or vendor.models[model]))
    is_packed = bool(vendor.form) and body.get(vendor.form) == "base64"
    rows: list[Json] = []
    for index, one in enumerate(inputs):
        vector = vectors.numbers(model, _named(one), dimensions)
        shown: JsonValue = vectors.packed(vector) if is_packed else list[JsonValue](vector)
        rows.append({"object": "embedding", "index": index, "embedding": shown})
    count = sum(vendor.picture_tokens if _picture(one) else min(_tokens(one), vendor.reads) for one in inputs)
    usage: Json = {"total_tokens": count} if vendor.total_alone else {"prompt_tokens": count, "total_tokens": count}
    return json_reply({"object": "list", "data": list[JsonValue](rows), "model": model, "usage": usage})


def _check(vendor: Vendor, body: Json) -> None:
    """Raises the refusal of what the vendor does not take."""
    unknown = next((name for name in body if name not in vendor.members | {"input", "model"}), None)
    if unknown is not None:
        raise _refused(f"Unrecognized request argument supplied: {unknown}", unknown)
    model, inputs = body.get("model"), _inputs(body)
    if model not in vendor.models:
        raise openai_shapes.refusal(404, f"The model `{model}` does not exist.", "model_not_found", "model")
    _check_inputs(vendor, str(model), inputs)
    if vendor.form and body.get(vendor.form) not in (None, "float", "base64"):
        raise _refused(f"Invalid '{vendor.form}'.", vendor.form)
    if model in vendor.fixed and body.get(vendor.size) is not None:
        raise _refused(f"The model {model} does not support specifying dimensions.", vendor.size)
    if vendor.use and body.get(vendor.use) not in (None, *vendor.uses):
        raise _refused(f"Invalid '{vendor.use}'.", vendor.use)
    _check_lengths(vendor, inputs, body.get(vendor.cuts) if vendor.cuts else None)


def _check_inputs(vendor: Vendor, model: str, inputs: list[JsonValue]) -> None:
    if not 1 <= len(inputs) <= vendor.inputs_max:
        raise _refused(f"'input' must have 1 to {vendor.inputs_max} elements, not {len(inputs)}.", "input")
    if vendor.picture_tokens and "v3" not in model and any(isinstance(one, dict) for one in inputs):
        if not all(isinstance(one, str) or _picture(one) for one in inputs):
            raise _refused("'input' must be texts or pictures.", "input")
    elif not all(isinstance(one, str) and one for one in inputs) and not vendor.takes_tokens:
        raise _refused("'input' must be texts.", "input")


def _check_lengths(vendor: Vendor, inputs: list[JsonValue], said: JsonValue) -> None:
    longest = max(map(_tokens, inputs))
    if longest > vendor.reads and not (vendor.is_cutting if said is None else said):
        raise _refused(
            f"This model's maximum context length is {vendor.reads} tokens, however you requested {longest} tokens. "
            "Please reduce your prompt.", "input",
        )  # fmt: skip
    if any(isinstance(token, int) and token >= _VOCABULARY for one in inputs if isinstance(one, list) for token in one):
        raise _refused("'$.input' is invalid. Please check the API reference.", "input")


def _picture(given: JsonValue) -> bytes | None:
    """Returns the picture of one of Jina's objects."""
    image = given.get("image") if isinstance(given, dict) else None
    return embedded_pictures.picture_in(str(image)) if image else None


def _named(given: JsonValue) -> str:
    picture = _picture(given)
    return str(given) if picture is None else embedded_pictures.named([picture])


def _tokens(given: JsonValue) -> int:
    if isinstance(given, dict):
        return 0
    return len(given) if isinstance(given, list) else tokens.count(str(given))


def _refused(message: str, param: str) -> Refusal:
    return openai_shapes.refusal(400, message, None, param)


def _inputs(body: Json) -> list[JsonValue]:
    given = body.get("input")
    if not isinstance(given, list):
        return [given] if given else []
    return [given] if given and isinstance(given[0], int) else given
