"""Simulates OpenAI's pictures, and Azure's: generations, edits, variations, and streams of unfinished pictures.

https://platform.openai.com/docs/api-reference/images, tokens by
https://platform.openai.com/docs/guides/image-generation#cost-and-latency.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterator

from local.providers import drawing, openai_dialects, openai_shapes, tokens
from local.providers.faults import without_directives
from local.providers.json_value import Json, JsonValue
from local.providers.openai_shapes import Dialect
from local.providers.wire import Call, Frame, FrameKind, Reply, Wire, json_reply, route, sse

_GPT_IMAGE = re.compile(r"gpt-image-(1|1\.5|1-mini|2)")
_DALL_E = {"dall-e-2": ("256x256", "512x512", "1024x1024"), "dall-e-3": ("1024x1024", "1792x1024", "1024x1792")}
_SIZES = ("1024x1024", "1536x1024", "1024x1536")
_TOKENS = {
    "low": dict(zip(_SIZES, (272, 400, 408), strict=True)),
    "medium": dict(zip(_SIZES, (1056, 1568, 1584), strict=True)),
    "high": dict(zip(_SIZES, (4160, 6208, 6240), strict=True)),
}
_PARTIAL_TOKENS, _INPUT_TOKENS = 100, 323
_ANY = frozenset({"model", "prompt", "n", "size", "user"})
_MEMBERS = {
    "gpt": _ANY
    | {"quality", "background", "moderation", "output_format", "output_compression", "stream", "partial_images"},
    "dall-e-2": _ANY | {"response_format"},
    "dall-e-3": _ANY | {"response_format", "quality", "style"},
}
_EDIT = frozenset({"image", "mask", "input_fidelity"})
_FAILED = openai_shapes.error_body("The server had an error.", "server_error", None)
PATHS = (
    (openai_shapes.OPENAI, ""),
    (openai_dialects.AZURE, "/openai/(v1|deployments/[^/]+)"),
)


def wires() -> tuple[Wire, ...]:
    """Builds the endpoints of each row."""
    return tuple(_wire(dialect, path) for dialect, path in PATHS)


def _wire(dialect: Dialect, path: str) -> Wire:
    return Wire(
        row=dialect.row,
        prefix=dialect.prefix,
        routes=(
            route("POST", f"{path}/images/generations", functools.partial(_answer, "image_generation")),
            route("POST", f"{path}/images/edits", functools.partial(_answer, "image_edit")),
            route("POST", f"{path}/images/variations", _vary),
        ),
        authorize=functools.partial(openai_shapes.authorize, dialect),
        question=lambda body: str(body.get("prompt", "")),
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        error_frame=lambda _: sse(
            {"type": "error", "error": {"message": "The server had an error.", "type": "server_error"}}, "error"
        ),
        garbage_frame=lambda _: sse("{", "image_generation.partial_image"),
        headers=openai_shapes.headers,
    )


def _answer(kind: str, call: Call) -> Reply:
    body = call.body
    model = str(body.get("model", ""))
    family = "gpt" if _GPT_IMAGE.fullmatch(model) else model
    if family not in _MEMBERS:
        raise openai_shapes.refusal(400, f"Invalid value: '{model}'.", "invalid_value", "model")
    for name in body.keys() - _MEMBERS[family] - (_EDIT if kind == "image_edit" else set()):
        raise openai_shapes.refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    _check(kind, family, body)
    if call.shape.refuse:
        message = "Your request was rejected by the safety system. safety_violations=[violence]."
        raise openai_shapes.refusal(400, message, "moderation_blocked")
    if family == "gpt":
        return _gpt(kind, call, model)
    size = str(body.get("size", "1024x1024"))
    data = [
        {"b64_json": _picture(call, size, index), "revised_prompt": f"A picture: {_prompt(call)}"}
        for index in range(_count(body))
    ]
    return json_reply({"created": call.now_s, "data": data})


def _check(kind: str, family: str, body: Json) -> None:
    sizes = (*_SIZES, "auto") if family == "gpt" else _DALL_E[family]
    if body.get("size", sizes[0]) not in sizes:
        raise openai_shapes.refusal(
            400, f"Invalid value: '{body['size']}'. Supported values are: {sizes}.", "invalid_value", "size"
        )
    if not str(body.get("prompt", "")):
        raise openai_shapes.refusal(400, "You must provide a prompt.", None, "prompt")
    if _count(body) > (1 if family == "dall-e-3" else 10):
        raise openai_shapes.refusal(400, "Invalid 'n': integer above maximum value.", "integer_above_max_value", "n")
    if kind == "image_edit" and not _files(body.get("image")):
        raise openai_shapes.refusal(400, "Missing required parameter: 'image'.", "missing_required_parameter", "image")
    if kind == "image_edit":
        sides = [
            drawing.size_of(base64.b64decode(file["base64"]))
            for file in (*_files(body["image"]), *_files(body.get("mask")))
        ]
        if body.get("mask") and sides[0] != sides[-1]:
            raise openai_shapes.refusal(400, "Invalid mask: its size must be the picture's.", "invalid_mask", "mask")


def _files(value: JsonValue) -> list[Json]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) else []


def _count(body: Json) -> int:
    return int(body.get("n", 1))


def _prompt(call: Call) -> str:
    return without_directives(str(call.body.get("prompt", "")))


def _picture(call: Call, size: str, index: int, form: str = "png") -> str:
    width, _, height = size.partition("x")
    clear = call.body.get("background") == "transparent"
    content = drawing.drawn(f"{_prompt(call)}/{index}", int(width), int(height), form, transparent=clear)
    return base64.b64encode(content).decode()


def _gpt(kind: str, call: Call, model: str) -> Reply:
    body = call.body
    size = str(body.get("size", "auto")).replace("auto", "1024x1024")
    quality = str(body.get("quality", "auto")).replace("auto", "medium")
    form = str(body.get("output_format", "png"))
    told: Json = {
        "background": str(body.get("background", "auto")).replace("auto", "opaque"),
        "output_format": form,
        "quality": quality,
        "size": size,
    }
    count = _count(body)
    given = len(_files(body.get("image"))) + len(_files(body.get("mask")))
    partials = int(body.get("partial_images", 0)) if str(body.get("stream", "")).lower() == "true" else 0
    usage = _usage(_prompt(call), given, count * _TOKENS[quality][size] + count * partials * _PARTIAL_TOKENS)
    if str(body.get("stream", "")).lower() == "true":
        frames = _frames(kind, call, told, usage, partials)
        return Reply(200, (("content-type", "text/event-stream; charset=utf-8"),), frames)
    data = [{"b64_json": _picture(call, size, index, form)} for index in range(count)]
    del model
    return json_reply({"created": call.now_s, **told, "data": data, "usage": usage})


def _usage(prompt: str, given: int, output: int) -> Json:
    text, pictures = tokens.count(prompt), given * _INPUT_TOKENS
    return {
        "input_tokens": text + pictures,
        "input_tokens_details": {"image_tokens": pictures, "text_tokens": text},
        "output_tokens": output,
        "total_tokens": text + pictures + output,
    }


def _frames(kind: str, call: Call, told: Json, usage: Json, partials: int) -> Iterator[Frame]:
    size, form = str(told["size"]), str(told["output_format"])
    for index in range(partials):
        name = f"{kind}.partial_image"
        event = {"type": name, **told, "created_at": call.now_s, "partial_image_index": index}
        yield Frame(FrameKind.CONTENT, sse({**event, "b64_json": _picture(call, size, 100 + index, form)}, name))
    name = f"{kind}.completed"
    event = {"type": name, **told, "created_at": call.now_s, "usage": usage}
    yield Frame(FrameKind.CONTENT, sse({**event, "b64_json": _picture(call, size, 0, form)}, name))


def _vary(call: Call) -> Reply:
    body = call.body
    if body.get("model", "dall-e-2") != "dall-e-2" or not _files(body.get("image")):
        raise openai_shapes.refusal(400, "Only dall-e-2 makes variations of a picture.", "invalid_value", "model")
    size = str(body.get("size", "1024x1024"))
    data = [{"b64_json": _picture(call, size, index)} for index in range(_count(body))]
    return json_reply({"created": call.now_s, "data": data})
