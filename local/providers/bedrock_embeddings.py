"""Simulates embeddings on Bedrock: InvokeModel of Titan and of Cohere's models.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
"""

from __future__ import annotations

from dataclasses import replace

from local.providers import bedrock, bedrock_checks, cohere, embedded_pictures, tokens, vectors
from local.providers.json_value import JsonValue
from local.providers.wire import Call, Headers, Reply, Wire, json_reply, route

TITAN = {"amazon.titan-embed-text-v2:0": 1024}
TITAN_IMAGE = {"amazon.titan-embed-image-v1": 1024}
COHERE = {"cohere.embed-v4:0": 1536, "cohere.embed-multilingual-v3": 1024, "cohere.embed-english-v3": 1024}
TITAN_READS = 8_192
COUNT = "x-amzn-bedrock-input-token-count"


def wire() -> Wire:
    """Builds InvokeModel beside Converse of the same row."""
    return replace(bedrock.wire(), routes=(route("POST", "/model/(?P<model>[^/]*embed[^/]*)/invoke", _invoke),))


def _invoke(call: Call) -> Reply:
    model = call.params["model"]
    if model in TITAN:
        return _titan(call, TITAN[model])
    if model in TITAN_IMAGE:
        return _titan_image(call, TITAN_IMAGE[model])
    if model not in COHERE:
        raise bedrock_checks.invalid("The provided model identifier is invalid.")
    if "model" in call.body:
        raise bedrock_checks.invalid("Malformed input request: extraneous key [model] is not permitted")
    found = cohere.embedded_texts(call.body, COHERE[model], model)
    return _counted(json_reply({"id": call.unique_id("", 36), **found}), cohere.text_tokens(call.body, model))


def _titan(call: Call, dimensions: int) -> Reply:
    unknown = next((name for name in call.body if name not in ("inputText", "dimensions", "normalize")), None)
    if unknown is not None:
        raise bedrock_checks.invalid(f"Malformed input request: extraneous key [{unknown}] is not permitted")
    text, asked = str(call.body.get("inputText", "")), call.body.get("dimensions")
    if not text:
        raise bedrock_checks.invalid("Malformed input request: expected minLength: 1, actual: 0")
    vector = vectors.numbers(call.params["model"], text, asked if isinstance(asked, int) else dimensions)
    count = tokens.count(text)
    if count > TITAN_READS:
        raise bedrock_checks.invalid(
            f"Too many input tokens. Max input tokens: {TITAN_READS}, request input token count: {count}"
        )
    return _counted(json_reply({"embedding": list[JsonValue](vector), "inputTextTokenCount": count}), count)


def _titan_image(call: Call, dimensions: int) -> Reply:
    unknown = next((name for name in call.body if name not in ("inputText", "inputImage", "embeddingConfig")), None)
    if unknown is not None:
        raise bedrock_checks.invalid(f"Malformed input request: extraneous key [{unknown}] is not permitted")
    text, image, config = (call.body.get(name) for name in ("inputText", "inputImage", "embeddingConfig"))
    picture = embedded_pictures.picture_in(str(image)) if image else None
    if image and picture is None:
        raise bedrock_checks.invalid("Unable to process provided image(s). Please ensure valid base64.")
    parts = [part for part in (str(text) if text else None, picture) if part is not None]
    if not parts:
        raise bedrock_checks.invalid("Malformed input request: inputText or inputImage is required")
    asked = config.get("outputEmbeddingLength") if isinstance(config, dict) else None
    size = asked if isinstance(asked, int) else dimensions
    vector = vectors.numbers(call.params["model"], embedded_pictures.named(parts), size)
    count = tokens.count(str(text)) if text else 0
    return json_reply({"embedding": list[JsonValue](vector), "inputTextTokenCount": count, "message": None})


def _counted(reply: Reply, count: int) -> Reply:
    headers: Headers = (*reply.headers, (COUNT, str(count)))
    return replace(reply, headers=headers)
