"""Tests that recorded answers of vendors are read: as many vectors as inputs, of one length, with the tokens billed."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.canonical.embeddings import BASE64, FLOAT, EmbeddingsRequest
from gateway.protocols.shared.vectors import in_form
from gateway.providers.embeddings.registry import embedder
from tests.recorded import body, files, read_recording

RECORDED = [path for path in files("*/embed*/*.json") if read_recording(path)["response"]["status"] == 200]
REFUSED = [path for path in files("*/embed*/*.json") if read_recording(path)["response"]["status"] != 200]
# Where each wire says how many tokens it bills.
TOKENS = (("usage", "prompt_tokens"), ("usage", "total_tokens"), ("usageMetadata", "promptTokenCount"))


def inputs_of(asked: Mapping[str, Any]) -> tuple[Any, ...]:
    given = asked.get("input", asked.get("texts", asked.get("requests", [asked])))
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        return (given,)
    return tuple(given)


def form_of(asked: Mapping[str, Any]) -> str:
    types = asked.get("embedding_types")
    return str(types[0] if types else asked.get("encoding_format") or FLOAT)


def tokens_of(answer: Mapping[str, Any]) -> int | None:
    if "meta" in answer:
        return int(answer["meta"]["billed_units"]["input_tokens"])
    return next((answer[outer][inner] for outer, inner in TOKENS if inner in answer.get(outer, {})), None)


def asked_of(recording: Any) -> Any:
    given = recording["request"]["body"]
    return orjson.loads(given) if isinstance(given, str) else given


def named(path: Path) -> str:
    return f"{path.parts[-3]}-{path.stem}"


@pytest.mark.parametrize("path", RECORDED, ids=named)
def test_a_recorded_answer_has_a_vector_for_each_input_and_its_tokens(path: Path) -> None:
    recording = read_recording(path)
    asked, answer = asked_of(recording), orjson.loads(body(recording))
    request = EmbeddingsRequest("", "", inputs_of(asked), 0, encodings=(form_of(asked),))
    part = embedder(path.parts[-3], "").read(request, body(recording))
    (vectors,) = part.vectors.values()
    assert len(vectors) == len(request.inputs)
    assert part.tokens == tokens_of(answer)
    if form_of(asked) in (FLOAT, BASE64):
        numbers = [orjson.loads(memoryview(in_form(vector, FLOAT))) for vector in vectors]
        packed = [base64.b64decode(orjson.loads(memoryview(in_form(vector, BASE64)))) for vector in vectors]
        assert len({len(vector) for vector in numbers}) == 1
        for vector, bits in zip(numbers, packed, strict=True):
            assert list(struct.unpack(f"<{len(vector)}f", bits)) == pytest.approx(vector, rel=1e-6)


@pytest.mark.parametrize("path", REFUSED, ids=named)
def test_a_recorded_refusal_is_the_callers_or_the_gateways_own(path: Path) -> None:
    recording = read_recording(path)
    status = recording["response"]["status"]
    error = embedder(path.parts[-3], "").decode_error(status, {}, body(recording))
    assert error.status == (400 if status in (400, 422) else 429 if status == 429 else 502)


# As the vendors' references show them; written here.
ROW = '{"object":"embedding","embedding":[0.5,-1],"index":0}'
SHOWN = [
    ("openai", f'{{"object":"list","data":[{ROW}],"model":"m","usage":{{"prompt_tokens":8,"total_tokens":8}}}}', 8),
    ("azure", f'{{"data":[{ROW}],"usage":{{"prompt_tokens":3}}}}', 3),
    ("voyage", f'{{"object":"list","data":[{ROW}],"usage":{{"total_tokens":10}}}}', 10),
    ("jina", f'{{"data":[{ROW}],"usage":{{"total_tokens":5,"prompt_tokens":5}}}}', 5),
    ("mistral", f'{{"id":"1","data":[{ROW}],"usage":{{"prompt_tokens":15,"prompt_audio_seconds":null}}}}', 15),
    ("qwen", f'{{"data":[{ROW}],"usage":{{"prompt_tokens":23,"total_tokens":23}}}}', 23),
    ("cohere", '{"embeddings":{"float":[[0.5,-1]]},"meta":{"billed_units":{"input_tokens":2,"image_tokens":0}}}', 2),
    ("gemini", '{"embeddings":[{"values":[0.5,-1]}],"usageMetadata":{"promptTokenCount":4}}', 4),
    ("bedrock", '{"embedding":[0.5,-1],"inputTextTokenCount":6,"embeddingsByType":{"float":[0.5,-1]}}', 6),
]


@pytest.mark.parametrize(("row", "text", "tokens"), SHOWN)
def test_an_answer_as_its_vendor_shows_it_is_read(row: str, text: str, tokens: int) -> None:
    part = embedder(row, "").read(EmbeddingsRequest("", "", ("a",), 0), text.encode())
    assert ([bytes(memoryview(one)) for one in part.vectors[FLOAT]], part.tokens) == ([b"[0.5,-1]"], tokens)
