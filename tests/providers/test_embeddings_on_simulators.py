"""Tests of each vendor of embeddings against its simulator, which takes the vendor's own members alone."""

import time

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.embeddings import BASE64, FLOAT, Compound, EmbeddingsRequest, Input, Shown, Task
from gateway.ports.upstream import Credential
from gateway.protocols.shared.vectors import in_form
from gateway.providers.embeddings.registry import embedder
from gateway.providers.embeddings.vendor import Part
from local.providers import embedded_pictures, tokens, vectors
from local.providers.json_value import JsonValue
from tests.exchanged import exchanged
from tests.untrusted.pillow_files import PNG

TEXTS = ("The food was delicious", "and the waiter…")
# A model of each vendor, the length of a vector that it can be asked for, and whether it counts tokens.
MODELS = [
    ("openai", "text-embedding-3-large", 256, True),
    ("azure", "text-embedding-3-small", 256, True),
    ("voyage", "voyage-3.5", 256, True),
    ("jina", "jina-embeddings-v3", 64, True),
    ("mistral", "codestral-embed", 256, True),
    ("qwen", "text-embedding-v4", 64, True),
    ("cohere", "embed-v4.0", 256, True),
    ("gemini", "gemini-embedding-001", 128, False),
    ("gemini", "gemini-embedding-2", 128, True),
    ("bedrock", "amazon.titan-embed-text-v2:0", 256, True),
    ("bedrock", "cohere.embed-v4:0", 256, False),
]


def asked(row: str, model: str, credential: Credential, request: EmbeddingsRequest) -> tuple[int, bytes]:
    """Sends the request to the simulator."""
    answer = exchanged(embedder(row, model).request(request, model, credential, time.time()))
    return answer.status, answer.body


def embedded(row: str, model: str, credential: Credential, request: EmbeddingsRequest) -> Part:
    status, body = asked(row, model, credential, request)
    assert status == 200, body
    return embedder(row, model).read(request, body)


@pytest.mark.drawn
@pytest.mark.parametrize(("row", "model", "dimensions", "counts"), MODELS)
@pytest.mark.parametrize("task", [None, *Task])
def test_each_vendor_gives_the_vectors_of_the_texts(
    credentials: dict[str, Credential], row: str, model: str, dimensions: int, counts: bool, task: Task | None
) -> None:
    texts = TEXTS[: embedder(row, model).inputs_max]
    request = EmbeddingsRequest("", model, texts, 0, dimensions=dimensions, task=task, truncate=True)
    part = embedded(row, model, credentials[row], request)
    wanted: list[JsonValue] = [list(vectors.numbers(model, text, dimensions)) for text in texts]
    assert [orjson.loads(memoryview(vector)) for vector in part.vectors[FLOAT]] == wanted
    assert part.tokens == (sum(map(tokens.count, texts)) if counts else None)


@pytest.mark.parametrize(("row", "model", "dimensions", "_"), MODELS)
def test_base64_is_that_of_the_same_numbers(
    credentials: dict[str, Credential], row: str, model: str, dimensions: int, _: bool
) -> None:
    form = BASE64 if BASE64 in embedder(row, model).encodings else FLOAT
    request = EmbeddingsRequest("", model, TEXTS[:1], 0, dimensions=dimensions, encodings=(form,))
    (vector,) = embedded(row, model, credentials[row], request).vectors[form]
    assert orjson.loads(memoryview(in_form(vector, BASE64))) == vectors.packed(
        vectors.numbers(model, TEXTS[0], dimensions)
    )
    assert orjson.loads(memoryview(in_form(vector, FLOAT))) == vectors.numbers(model, TEXTS[0], dimensions)


# A model of each vendor that takes pictures, its vectors' length, whether a text stands beside one, the units of a
# picture that are counted apart, and the tokens that are not.
PICTURES = [
    ("voyage", "voyage-multimodal-3", 1024, True, 50_000, 0),
    ("jina", "jina-clip-v2", 1024, False, 0, 4_000),
    ("jina", "jina-embeddings-v4", 2048, False, 0, 4_000),
    ("cohere", "embed-v4.0", 1536, True, 800, 0),
    ("gemini", "gemini-embedding-2", 3072, True, 258, 0),
    ("bedrock", "amazon.titan-embed-image-v1", 1024, True, 1, 0),
]


@pytest.mark.parametrize(("row", "model", "size", "mixes", "units", "tokens_each"), PICTURES)
def test_each_vendor_of_pictures_gives_their_vectors_and_what_they_count(
    credentials: dict[str, Credential], row: str, model: str, size: int, mixes: bool, units: int, tokens_each: int
) -> None:
    shown = Shown("", "", PNG, "image/png")
    inputs: list[Input] = [Compound(("A cat", shown) if mixes else (shown,)), "A dog"]
    inputs = inputs[: embedder(row, model).inputs_max]
    part = embedded(row, model, credentials[row], EmbeddingsRequest("", model, tuple(inputs), 0))
    texts = ["A cat"] * mixes + ["A dog"] * (len(inputs) - 1)
    wanted = [embedded_pictures.named(["A cat", PNG] if mixes else [PNG]), "A dog"][: len(inputs)]
    assert [orjson.loads(memoryview(vector)) for vector in part.vectors[FLOAT]] == [
        vectors.numbers(model, name, size) for name in wanted
    ]
    assert (part.tokens, part.image_units) == (sum(map(tokens.count, texts)) + tokens_each, units)


# What becomes of a text above a model's context where the caller says nothing of it: refused, or read so far.
LONG = [
    ("openai", "text-embedding-3-small", 9_001, None),
    ("azure", "text-embedding-3-small", 9_001, None),
    ("voyage", "voyage-3.5", 33_000, 32_000),
    ("jina", "jina-embeddings-v3", 9_001, None),
    ("mistral", "mistral-embed", 9_001, None),
    ("cohere", "embed-english-v3.0", 9_001, 512),
    ("gemini", "gemini-embedding-2", 9_001, 8_192),
    ("bedrock", "amazon.titan-embed-text-v2:0", 9_001, None),
]


@pytest.mark.parametrize(("row", "model", "words", "counted"), LONG)
def test_a_text_above_the_context_is_refused_or_counted_as_far_as_it_is_read(
    credentials: dict[str, Credential], row: str, model: str, words: int, counted: int | None
) -> None:
    request = EmbeddingsRequest("", model, ("word " * words,), 0)
    status, body = asked(row, model, credentials[row], request)
    if counted is None:
        assert (status, embedder(row, model).decode_error(status, {}, body).status) == (400, 400)
    else:
        assert (status, embedder(row, model).read(request, body).tokens) == (200, counted)


@pytest.mark.parametrize(("row", "model", "_", "__"), MODELS)
def test_a_wrong_key_is_the_gateways_own_fault(
    credentials: dict[str, Credential], row: str, model: str, _: int, __: bool
) -> None:
    request = EmbeddingsRequest("", model, TEXTS[:1], 0)
    stranger = replace(credentials[row], api_key="wrong", extra={"region": "us-east-1"})
    status, body = asked(row, model, stranger, request)
    assert status in (400, 401, 403)
    assert embedder(row, model).decode_error(status, {}, body).status == 502
