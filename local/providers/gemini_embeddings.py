"""Simulates Gemini's embeddings: https://ai.google.dev/api/embeddings."""

from __future__ import annotations

from dataclasses import replace

from local.providers import embedded_pictures, gemini, gemini_checks, tokens, vectors
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Reply, Wire, json_reply, route

MODELS = {"gemini-embedding-001": 3072, "gemini-embedding-2": 3072}
# More than this of a text is not read, and nothing tells of it.
READS = {"gemini-embedding-001": 2_048, "gemini-embedding-2": 8_192}
REQUESTS_MAX = 100
# https://ai.google.dev/gemini-api/docs/tokens: a small picture.
IMAGE_TOKENS = 258
# The model that tells how many tokens it has read.
COUNTING = "gemini-embedding-2"
_TASKS = (
    "TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION",
    "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY",
)  # fmt: skip
_MEMBERS = frozenset({"model", "content", "taskType", "title", "outputDimensionality"})


def wire() -> Wire:
    """Builds the two methods beside the wire of text of the same row."""
    text, path = gemini.wire(gemini.DEVELOPER), f"{gemini.DEVELOPER.models_path}/(?P<model>[^/:]+)"
    routes = (route("POST", f"{path}:embedContent", _embed), route("POST", f"{path}:batchEmbedContents", _batch))
    return replace(text, routes=routes, question=lambda body: str(body)[-200:])


def _embed(call: Call) -> Reply:
    (vector,), usage = _embedded(call.params["model"], [call.body])
    return json_reply({"embedding": vector, **usage})


def _batch(call: Call) -> Reply:
    given = call.body.get("requests")
    requests = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    if not 1 <= len(requests) <= REQUESTS_MAX:
        raise gemini_checks.invalid(
            f"* BatchEmbedContentsRequest.requests: at most {REQUESTS_MAX} requests can be in one batch"
        )
    if any(request.get("model") != f"models/{call.params['model']}" for request in requests):
        raise gemini_checks.invalid("* BatchEmbedContentsRequest.requests[].model: must be the model of the request")
    found, usage = _embedded(call.params["model"], requests)
    return json_reply({"embeddings": found, **usage})


def _embedded(model: str, requests: list[Json]) -> tuple[list[JsonValue], Json]:
    if model not in MODELS:
        raise gemini_checks.refusal(404, f"models/{model} is not found for API version v1beta.")
    found: list[JsonValue] = []
    count = images = 0
    for request in requests:
        unknown = next((name for name in request if name not in _MEMBERS), None)
        if unknown is not None:
            raise gemini_checks.invalid(f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.')
        if request.get("taskType") not in (None, *_TASKS):
            raise gemini_checks.invalid("Invalid value at 'task_type'")
        parts, size = _parts(request), request.get("outputDimensionality")
        count += min(sum(tokens.count(part) for part in parts if isinstance(part, str)), READS[model])
        images += sum(isinstance(part, bytes) for part in parts)
        vector = vectors.numbers(
            model, embedded_pictures.named(parts), size if isinstance(size, int) else MODELS[model]
        )
        found.append({"values": list[JsonValue](vector)})
    if model != COUNTING:
        return found, {}
    seen = IMAGE_TOKENS * images
    details: list[JsonValue] = [{"modality": "TEXT", "tokenCount": count}]
    details += [{"modality": "IMAGE", "tokenCount": seen}] if seen else []
    return found, {"usageMetadata": {"promptTokenCount": count + seen, "promptTokenDetails": details}}


def _parts(request: Json) -> list[str | bytes]:
    content = request.get("content")
    given = content.get("parts") if isinstance(content, dict) else None
    parts = [_part(part) for part in given if isinstance(part, dict)] if isinstance(given, list) else []
    if not any(parts):
        raise gemini_checks.invalid("* EmbedContentRequest.content: contents is not specified")
    return parts


def _part(part: Json) -> str | bytes:
    inline = part.get("inlineData")
    if not isinstance(inline, dict):
        return str(part.get("text", ""))
    picture = embedded_pictures.picture_in(str(inline.get("data")))
    if picture is None or inline.get("mimeType") not in ("image/png", "image/jpeg"):
        raise gemini_checks.invalid(
            "Unable to process input image. Please retry or report in the troubleshooting page."
        )
    return picture
