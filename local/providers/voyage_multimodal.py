"""Simulates Voyage's embeddings of texts and pictures: https://docs.voyageai.com/reference/multimodal-embeddings-api."""

from __future__ import annotations

from dataclasses import replace

from local.providers import embedded_pictures, embeddings, openai_shapes, tokens, vectors
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

MODELS = {"voyage-multimodal-3": 1024}
_MEMBERS = frozenset({"inputs", "model", "input_type", "truncation", "output_encoding"})
# https://docs.voyageai.com/docs/multimodal-embeddings: smaller pictures count as so many.
PIXELS_MIN, PIXELS_PER_TOKEN = 50_000, 560


def wire() -> Wire:
    """Builds the endpoint beside that of texts of the same row."""
    texts = embeddings.wire(embeddings.VOYAGE)
    asked = route("POST", "/multimodalembeddings", _create)
    return replace(texts, routes=(asked,), question=lambda body: str(body.get("inputs"))[-200:])


def _create(call: Call) -> Reply:
    body = call.body
    unknown = next((name for name in body if name not in _MEMBERS), None)
    if unknown is not None:
        raise _refused(f"Argument '{unknown}' is not supported.", unknown)
    model, given = str(body.get("model")), body.get("inputs")
    if model not in MODELS:
        raise _refused(f"Model {model} is not supported.", "model")
    inputs = [_voyages(one) for one in given] if isinstance(given, list) else []
    is_packed = body.get("output_encoding") == "base64"
    rows: list[Json] = []
    for index, parts in enumerate(inputs):
        vector = vectors.numbers(model, embedded_pictures.named(parts), MODELS[model])
        shown: JsonValue = vectors.packed(vector) if is_packed else list[JsonValue](vector)
        rows.append({"object": "embedding", "index": index, "embedding": shown})
    parts_of_all = [part for parts in inputs for part in parts]
    text = sum(tokens.count(part) for part in parts_of_all if isinstance(part, str))
    pixels = PIXELS_MIN * sum(isinstance(part, bytes) for part in parts_of_all)
    usage: Json = {"text_tokens": text, "image_pixels": pixels, "total_tokens": text + pixels // PIXELS_PER_TOKEN}
    return json_reply({"object": "list", "data": list[JsonValue](rows), "model": model, "usage": usage})


def _voyages(given: JsonValue) -> list[str | bytes]:
    content = given.get("content") if isinstance(given, dict) else None
    if not isinstance(content, list) or not content:
        raise _refused("An input needs 'content'.", "inputs")
    found: list[str | bytes] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        value = str(part.get(str(kind))) if isinstance(part, dict) else ""
        picture = embedded_pictures.picture_in(value) if kind == "image_base64" else None
        if kind != "text" and picture is None:
            raise _refused("A part is a text or a picture in base64.", "inputs")
        found.append(value if picture is None else picture)
    return found


def _refused(message: str, param: str) -> Refusal:
    return openai_shapes.refusal(400, message, None, param)
