"""Simulates Cohere's embed: https://docs.cohere.com/reference/embed."""

from __future__ import annotations

import hmac

from local.providers import embedded_pictures, tokens, vectors
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

PREFIX, API_KEY = "/cohere", "sim-cohere-key-0001"
EMBED_MODELS = {
    "embed-v4.0": 1536,
    "embed-multilingual-v3.0": 1024,
    "embed-english-v3.0": 1024,
    "embed-multilingual-light-v3.0": 384,
    "embed-english-light-v3.0": 384,
}
TEXTS_MAX = 96
# What a picture comes to here.
IMAGE_TOKENS = 800
# What the models read of a text: those of the third version little.
_READS, _READS_V4 = 512, 128_000
_USES = ("search_document", "search_query", "classification", "clustering", "image")
_MEMBERS = frozenset(
    {
        "model",
        "texts",
        "input_type",
        "embedding_types",
        "output_dimension",
        "truncate",
        "max_tokens",
        "images",
        "inputs",
    }
)
# The smallest and the largest whole number of a form, and its middle.
_WHOLE = {"int8": (-128, 127, 0), "uint8": (0, 255, 128)}


def wire() -> Wire:
    """Builds Cohere's endpoints."""
    return Wire(
        row="cohere",
        prefix=PREFIX,
        routes=(route("POST", "/v2/embed", _embed),),
        authorize=_authorize,
        question=lambda body: str(body.get("query") or body.get("texts") or body.get("inputs") or "")[-200:],
        model=lambda call: str(call.body.get("model", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, _code: str | None = None) -> Refusal:
    """Builds an error, which is a text."""
    return Refusal(status, {"id": "sim-cohere-error", "message": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(key, API_KEY):
        raise refusal(401, "invalid api token")


def _embed(call: Call) -> Reply:
    body = call.body
    unknown = next((name for name in body if name not in _MEMBERS), None)
    if unknown is not None:
        raise refusal(422, f"unknown field: parameter '{unknown}' is not a valid field")
    model = str(body.get("model"))
    if model not in EMBED_MODELS:
        raise refusal(404, f"model '{model}' not found, make sure the correct model ID was used")
    embedded = embedded_texts(body, EMBED_MODELS[model], model)
    billed: Json = {"input_tokens": text_tokens(body, model)}
    if "inputs" in body:
        billed["image_tokens"] = IMAGE_TOKENS * sum(isinstance(part, bytes) for one in _inputs(body) for part in one)
    meta: Json = {"api_version": {"version": "2"}, "billed_units": billed}
    return json_reply({"id": call.unique_id("", 36), **embedded, "texts": body.get("texts"), "meta": meta})


def text_tokens(body: Json, model: str) -> int:
    """Returns the tokens of all texts, as far as the model reads them."""
    texts = (part for one in _inputs(body) for part in one if isinstance(part, str))
    return sum(min(tokens.count(text), _reads(model)) for text in texts)


def _reads(model: str) -> int:
    return _READS_V4 if "v4" in model else _READS


def embedded_texts(body: Json, dimensions: int, model: str) -> Json:
    """Returns the vectors by form; raises the refusal of what Cohere's models do not take."""
    inputs = _inputs(body)
    texts = [embedded_pictures.named(parts) for parts in inputs]
    if not 1 <= len(texts) <= TEXTS_MAX:
        raise refusal(400, f"invalid request: total number of texts must be at most {TEXTS_MAX}, got {len(texts)}")
    if body.get("input_type") not in _USES:
        raise refusal(400, "invalid request: valid input_type must be provided with the provided model")
    longest = max(map(tokens.count, texts))
    if body.get("truncate") == "NONE" and longest > _reads(model):
        raise refusal(400, f"too many tokens: total number of tokens in the prompt cannot exceed {_reads(model)}")
    asked = body.get("output_dimension")
    length = asked if isinstance(asked, int) else dimensions
    forms = body.get("embedding_types") or ["float"]
    found: dict[str, JsonValue] = {}
    for form in forms if isinstance(forms, list) else []:
        found[str(form)] = [_in_form(vectors.numbers(model, text, length), str(form)) for text in texts]
    return {"embeddings": found, "response_type": "embeddings_by_type"}


def _inputs(body: Json) -> list[list[str | bytes]]:
    """Returns the texts and pictures of each input."""
    texts, inputs = body.get("texts"), body.get("inputs")
    if isinstance(texts, list):
        return [[str(text)] for text in texts]
    found = [one.get("content") for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else []
    return [[_part(part) for part in parts if isinstance(part, dict)] for parts in found if isinstance(parts, list)]


def _part(part: Json) -> str | bytes:
    if part.get("type") == "text":
        return str(part["text"])
    image = part.get("image_url")
    content = embedded_pictures.picture_in(str(image.get("url"))) if isinstance(image, dict) else None
    if content is None:
        raise refusal(400, "invalid request: invalid image")
    return content


def _in_form(vector: list[float], form: str) -> JsonValue:
    if form == "float":
        return list[JsonValue](vector)
    if form in _WHOLE:
        low, high, middle = _WHOLE[form]
        return [max(low, min(high, middle + round(number * 1000))) for number in vector]
    bits = [number > 0 for number in vector]
    whole = [sum(bit << 7 - place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8)]
    return list[JsonValue](whole) if form == "ubinary" else [number - 128 for number in whole]
