"""Simulates Google's pictures: Imagen's `predict` and the image models of `generateContent`, by key and on Vertex.

https://ai.google.dev/gemini-api/docs/imagen, https://ai.google.dev/gemini-api/docs/image-generation
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace

from local.providers import drawing, gemini, gemini_checks, tokens
from local.providers.faults import without_directives
from local.providers.gemini import Dialect
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Frame, FrameKind, Reply, Wire, json_reply, route, sse

_IMAGEN = re.compile(r"imagen-4\.0-(fast-|ultra-)?generate-001")
_RATIOS = {"1:1": (1024, 1024), "3:4": (864, 1184), "4:3": (1184, 864), "9:16": (768, 1344), "16:9": (1344, 768)}
_GEMINI_RATIOS = {**_RATIOS, "2:3": (832, 1248), "3:2": (1248, 832), "4:5": (896, 1152), "5:4": (1152, 896)}
_PARAMETERS = frozenset({"sampleCount", "aspectRatio", "outputOptions", "includeRaiReason", "personGeneration"})
_TOKENS, _INPUT_TOKENS = 1290, 258
_FILTERED = "The prompt could not be submitted. It violates our content policy. Support codes: 58061214"


def wires() -> tuple[Wire, ...]:
    """Builds the methods beside the wires of text of the same rows; they stand before those."""
    return tuple(_wire(dialect) for dialect in (gemini.DEVELOPER, gemini.VERTEX))


def _wire(dialect: Dialect) -> Wire:
    text, path = gemini.wire(dialect), dialect.models_path
    routes = (
        route("POST", f"{path}/(?P<model>imagen-[^/:]+):predict", _predict),
        route("POST", f"{path}/(?P<model>gemini-[^/:]+-image[^/:]*):generateContent", _generate),
        route("POST", f"{path}/(?P<model>gemini-[^/:]+-image[^/:]*):streamGenerateContent", _stream),
    )
    return replace(text, routes=routes, question=_question)


def _question(body: Json) -> str:
    instances = body.get("instances")
    if isinstance(instances, list):
        return str(instances[0].get("prompt", "")) if instances and isinstance(instances[0], dict) else ""
    return " ".join(str(part["text"]) for part in _parts(body) if "text" in part)


def _parts(body: Json) -> list[Json]:
    contents = body.get("contents")
    listed = contents if isinstance(contents, list) else []
    return [part for content in listed[-1:] for part in content.get("parts", []) if isinstance(part, dict)]


def _predict(call: Call) -> Reply:
    if not _IMAGEN.fullmatch(call.params["model"]):
        raise gemini_checks.refusal(404, f"models/{call.params['model']} is not found for API version v1beta.")
    given = call.body.get("parameters")
    asked: Json = given if isinstance(given, dict) else {}
    unknown = next((name for name in asked if name not in _PARAMETERS), None)
    if unknown is not None:
        raise gemini_checks.invalid(f"{unknown} parameter is not supported.")
    count, ratio = asked.get("sampleCount", 1), str(asked.get("aspectRatio", "1:1"))
    if not isinstance(count, int) or not 1 <= count <= 4:
        raise gemini_checks.invalid("sampleCount must be between 1 and 4.")
    if ratio not in _RATIOS:
        raise gemini_checks.invalid(f"{ratio} is not a supported aspect ratio.")
    prompt = without_directives(_question(call.body))
    if call.shape.refuse:
        return json_reply({"predictions": [{"raiFilteredReason": _FILTERED}] if asked.get("includeRaiReason") else []})
    options = asked.get("outputOptions")
    kind = str(options.get("mimeType", "image/png")) if isinstance(options, dict) else "image/png"
    form = kind.partition("/")[2]
    made: list[JsonValue] = [
        {"mimeType": kind, "bytesBase64Encoded": _picture(f"{prompt}/{index}", _RATIOS[ratio], form)}
        for index in range(count)
    ]
    # The words `calls=1` have one of the pictures filtered.
    if call.shape.calls:
        made[-1] = {"raiFilteredReason": _FILTERED}
    return json_reply({"predictions": made})


def _picture(words: str, size: tuple[int, int], form: str = "png") -> str:
    return base64.b64encode(drawing.drawn(words, *size, form)).decode()


def _answer(call: Call) -> Json:
    config = call.body.get("generationConfig")
    asked: Json = config if isinstance(config, dict) else {}
    image = asked.get("imageConfig")
    ratio = str(image.get("aspectRatio", "1:1")) if isinstance(image, dict) else "1:1"
    if ratio not in _GEMINI_RATIOS:
        raise gemini_checks.invalid(f"Invalid value at 'generation_config.image_config.aspect_ratio': {ratio}")
    prompt = without_directives(_question(call.body))
    given = [part["inlineData"] for part in _parts(call.body) if "inlineData" in part]
    for picture in given:
        drawing.size_of(base64.b64decode(picture["data"]))
    read = tokens.count(prompt)
    usage: Json = {
        "promptTokenCount": read + _INPUT_TOKENS * len(given),
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": read},
            *([{"modality": "IMAGE", "tokenCount": _INPUT_TOKENS * len(given)}] if given else []),
        ],
    }
    head: Json = {"modelVersion": call.params["model"], "responseId": call.unique_id("", 22)}
    if call.shape.refuse:
        stopped: Json = {"finishReason": "IMAGE_SAFETY", "finishMessage": "Unable to show the image.", "index": 0}
        return {"candidates": [stopped], "usageMetadata": {**usage, "totalTokenCount": read}, **head}
    modalities = asked.get("responseModalities", ["TEXT", "IMAGE"])
    seed = asked.get("seed")
    words = f"{prompt}#{call.serial if seed is None else seed}"
    inline: Json = {"inlineData": {"mimeType": "image/png", "data": _picture(words, _GEMINI_RATIOS[ratio])}}
    words_said = f"Here it is: {prompt}"
    said = [{"text": words_said}] if isinstance(modalities, list) and "TEXT" in modalities else []
    text = tokens.count(words_said) if said else 0
    usage |= {
        "candidatesTokenCount": _TOKENS + text,
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": _TOKENS}],
        "totalTokenCount": int(usage["promptTokenCount"]) + _TOKENS + text,
    }
    content: Json = {"role": "model", "parts": [*said, inline]}
    return {"candidates": [{"content": content, "finishReason": "STOP", "index": 0}], "usageMetadata": usage, **head}


def _generate(call: Call) -> Reply:
    return json_reply(_answer(call))


def _stream(call: Call) -> Reply:
    """One event for each part, the last with the counts."""
    whole = _answer(call)
    return Reply(200, (("content-type", "text/event-stream"),), _frames(whole))


def _frames(whole: Json) -> Iterator[Frame]:
    candidate = whole["candidates"][0]
    parts = candidate.get("content", {}).get("parts", [])
    for part in parts:
        event = {**whole, "candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]}
        del event["usageMetadata"]
        yield Frame(FrameKind.CONTENT, sse(event))
    ending = {name: value for name, value in candidate.items() if name != "content"}
    yield Frame(FrameKind.CLOSING, sse({**whole, "candidates": [ending]}))
