"""Simulates vendors whose pictures are tasks: Replicate, fal, Black Forest Labs, and DashScope's Wan and Qwen-Image.

https://replicate.com/docs/reference/http, https://fal.ai/docs/api-reference/inference-api,
https://docs.bfl.ai/api_integration/integration_guidelines,
https://www.alibabacloud.com/help/en/model-studio/qwen-image-api. Pictures are at addresses that draw them anew.
"""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from local.providers import drawing, media_dashscope, media_fal, media_replicate, media_wire
from local.providers.faults import without_directives
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import FILES_PREFIX, Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

_FORMS = {"jpg": "jpeg"}
_PIXELS = {
    "1:1": (1024, 1024), "16:9": (1344, 768), "9:16": (768, 1344), "4:3": (1152, 896), "3:4": (896, 1152),
    "3:2": (1216, 832), "2:3": (832, 1216),
}  # fmt: skip
BFL_PREFIX, BFL_KEY = "/bfl", "sim-bfl-key-0001"


@dataclass(frozen=True, slots=True)
class _Model:
    """The members of a model's input beside the prompt; `several` pictures come as a list, `image` starts one."""

    members: Collection[str]
    several: bool = False
    image: str = ""


_WORDS = ("aspect_ratio", "seed", "output_format")
_REPLICATE = {
    "black-forest-labs/flux-schnell": _Model((*_WORDS, "num_outputs"), several=True),
    "black-forest-labs/flux-1.1-pro": _Model((*_WORDS, "image_prompt"), image="image_prompt"),
    "black-forest-labs/flux-kontext-pro": _Model((*_WORDS, "input_image"), image="input_image"),
    "stability-ai/stable-diffusion-3.5-large": _Model((*_WORDS, "negative_prompt"), several=True),
    "qwen/qwen-image": _Model((*_WORDS, "negative_prompt"), several=True),
}
_FLUX = ("image_size", "num_images", "seed", "output_format")
_FAL = {
    "fal-ai/flux/schnell": _Model(_FLUX),
    "fal-ai/flux/dev": _Model(_FLUX),
    "fal-ai/flux/dev/image-to-image": _Model((*_FLUX, "image_url"), image="image_url"),
    "fal-ai/flux-pro/v1.1": _Model(_FLUX),
}
_BFL = {
    "flux-pro-1.1": _Model(("width", "height", "seed", "output_format", "image_prompt"), image="image_prompt"),
    "flux-dev": _Model(("width", "height", "seed", "output_format", "image_prompt"), image="image_prompt"),
    "flux-kontext-pro": _Model(("aspect_ratio", "seed", "output_format", "input_image"), image="input_image"),
}


def wires() -> tuple[Wire, ...]:
    """Builds the endpoints of pictures; they stand before the same vendors' others."""
    replicate, fal, dashscope = media_replicate.wire(), media_fal.wire(), media_dashscope.wire()
    models = "|".join(map("(?:{})".format, _REPLICATE))
    apps = "|".join(sorted(_FAL, reverse=True))
    return (
        replace(
            replicate,
            routes=(
                route("POST", f"/v1/models/(?P<model>{models})/predictions", _predict),
                route("GET", "/v1/predictions/(?P<id>img[^/]+)", _prediction),
                route("POST", "/v1/predictions/(?P<id>img[^/]+)/cancel", _canceled),
            ),
            model=lambda call: call.params.get("model", ""),
        ),
        replace(
            fal,
            routes=(
                route("GET", "/(?P<app>fal-ai/flux[^/]*)/requests/(?P<id>[^/]+)/status", _queue_status),
                route("GET", "/(?P<app>fal-ai/flux[^/]*)/requests/(?P<id>[^/]+)(?:/response)?", _queue_result),
                route("PUT", "/(?P<app>fal-ai/flux[^/]*)/requests/(?P<id>[^/]+)/cancel", _canceled),
                route("POST", f"/(?P<endpoint>{apps})", _queue),
            ),
        ),
        replace(
            dashscope,
            routes=(
                route("POST", "/services/aigc/multimodal-generation/generation", _qwen),
                route("POST", "/services/aigc/text2image/image-synthesis", _wan),
                route("GET", "/tasks/(?P<id>img-[^/]+)", _wan_task),
                route("POST", "/tasks/(?P<id>img-[^/]+)/cancel", _canceled),
            ),
            question=_dashscope_prompt,
        ),
        Wire(
            row="bfl",
            prefix=BFL_PREFIX,
            routes=(
                route("POST", "/v1/(?P<model>flux-[^/]+)", _flux),
                route("GET", "/v1/get_result", _flux_result),
            ),
            authorize=_bfl_key,
            question=lambda body: str(body.get("prompt") or ""),
            model=lambda call: call.params.get("model", ""),
            refusal=_bfl_refusal,
        ),
        Wire(
            row="files",
            prefix=FILES_PREFIX,
            routes=(
                route("GET", "/pictures/(?P<words>[0-9a-f]*)/(?P<size>[0-9]+x[0-9]+)[.](?P<form>png|jpeg|webp)", _file),
            ),
            authorize=lambda _: None,
            question=lambda _: "",
            model=lambda _: "",
            refusal=lambda status, message, _: Refusal(status, {"error": message}),
        ),
    )


def _file(call: Call) -> Reply:
    width, _, height = call.params["size"].partition("x")
    form = call.params["form"]
    content = drawing.drawn(binascii.unhexlify(call.params["words"]).decode(), int(width), int(height), form)
    return Reply(200, (("content-type", drawing.MIME_TYPES[form]),), content)


def _address(call: Call, words: str, size: tuple[int, int], form: JsonValue) -> str:
    ending = _FORMS.get(str(form), str(form or "png"))
    name = binascii.hexlify(words.encode()).decode()
    return f"{media_wire.root(call)}{FILES_PREFIX}/pictures/{name}/{size[0]}x{size[1]}.{ending}"


def _addresses(call: Call, given: Json, prompt: str, size: tuple[int, int], count: int) -> list[JsonValue]:
    # Without a seed no two requests give the same pictures.
    words = f"{prompt}#{given.get('seed', f'request {call.serial}')}"
    return [_address(call, f"{words}/{index}", size, given.get("output_format")) for index in range(count)]


def _open(
    call: Call, vendor: str, handle: str, prompt: JsonValue, refuse: media_wire.Refuse, **details: JsonValue
) -> Task:
    order = Order(vendor, handle, str(call.params.get("model", "")), str(prompt or ""), "png", details=details)
    return media_wire.open_task(call, order, refuse)


def _found(call: Call, vendor: str, refuse: media_wire.Refuse) -> Task:
    task = media_wire.poll_task(call, vendor, call.params.get("id") or call.query.get("id", ""), refuse)
    if task is None:
        raise refuse(404, "The requested resource could not be found.", None)
    return task


def _checked(given: Json, model: _Model, refuse: Callable[[str], Refusal]) -> None:
    if not given.get("prompt"):
        raise refuse("- input: prompt is required")
    for name in given:
        if name not in {"prompt", *model.members, "webhook"}:
            raise refuse(f"- input: {name} is not expected")
    if model.image and given.get(model.image) is not None:
        _read_picture(str(given[model.image]), refuse)


def _read_picture(text: str, refuse: Callable[[str], Refusal]) -> None:
    try:
        drawing.size_of(binascii.a2b_base64(text.partition("base64,")[2] or text))
    except (OSError, binascii.Error):
        raise refuse("The image could not be read.") from None


def _canceled(call: Call) -> Reply:
    for vendor in ("pictures-replicate", "pictures-fal", "pictures-dashscope"):
        task = call.memory.tasks.find(vendor, call.params["id"])
        if task is not None:
            task.canceled = True
            return json_reply({"status": "canceled"})
    raise Refusal(404, {"detail": "not found"})


def _predict(call: Call) -> Reply:
    name, given = call.params["model"], call.body.get("input")
    asked: Json = given if isinstance(given, dict) else {}
    _checked(asked, _REPLICATE[name], lambda message: media_replicate.refusal(422, message, None))
    if asked.get("aspect_ratio", "1:1") not in _PIXELS:
        raise media_replicate.refusal(422, "- input.aspect_ratio: must be one of the following", None)
    size = _PIXELS[str(asked.get("aspect_ratio", "1:1"))]
    prompt, count = without_directives(str(asked["prompt"])), int(asked.get("num_outputs", 1))
    urls = _addresses(call, {"output_format": "webp", **asked}, prompt, size, count)
    output: JsonValue = urls if _REPLICATE[name].several else urls[0]
    handle = call.unique_id("img", 23).lower()
    details: Json = {"output": output, "model": name}
    task = _open(call, "pictures-replicate", handle, asked["prompt"], media_replicate.refusal, **details)
    return json_reply(_predicted(call, task, State.QUEUED), 201)


def _prediction(call: Call) -> Reply:
    task = _found(call, "pictures-replicate", media_replicate.refusal)
    return json_reply(_predicted(call, task, media_wire.state(call, task)))


def _predicted(call: Call, task: Task, state: State) -> Json:
    at = f"{media_wire.root(call)}{media_replicate.PREFIX}/v1/predictions/{task.handle}"
    running = {State.QUEUED: "starting", State.RUNNING: "processing"}
    words = running | {State.SUCCEEDED: "succeeded", State.FAILED: "failed"}
    failed = "NSFW content detected. Try running it again, or try a different prompt."
    moderated = task.failure is Failure.MODERATION
    return {
        "id": task.handle,
        "model": task.details["model"],
        "version": "hidden",
        "input": {},
        "logs": "",
        "output": task.details["output"] if state is State.SUCCEEDED else None,
        "error": (failed if moderated else "Prediction interrupted (code: PA)") if state is State.FAILED else None,
        "status": words.get(state, "canceled"),
        "created_at": "2026-11-29T00:00:00Z",
        "urls": {"get": at, "cancel": f"{at}/cancel"},
    }


def _queue(call: Call) -> Reply:
    name, body = call.params["endpoint"], call.body

    def refuse(message: str) -> Refusal:
        error: Json = {"loc": ["body"], "msg": message, "type": "value_error"}
        return Refusal(422, {"detail": [error]})

    _checked(body, _FAL[name], refuse)
    asked = body.get("image_size")
    size = (int(asked["width"]), int(asked["height"])) if isinstance(asked, dict) else (1024, 768)
    count = int(body.get("num_images", 1))
    urls = _addresses(call, {"output_format": "jpeg", **body}, without_directives(str(body["prompt"])), size, count)
    # The words `calls=1` have the checker find one of the pictures unsafe.
    unsafe = [bool(call.shape.calls) and index == count - 1 for index in range(count)]
    images: list[JsonValue] = [{"url": url, "width": size[0], "height": size[1]} for url in urls]
    result: Json = {"images": images, "seed": 1, "has_nsfw_concepts": unsafe, "prompt": body["prompt"]}
    task = _open(call, "pictures-fal", media_wire.uuid(call), body["prompt"], media_fal.refusal, result=result)
    app = "/".join(name.split("/")[:2])
    return json_reply({"status": "IN_QUEUE", "queue_position": 0, **_queue_addresses(call, app, task)})


def _queue_addresses(call: Call, app: str, task: Task) -> Json:
    at = f"{media_wire.root(call)}{media_fal.PREFIX}/{app}/requests/{task.handle}"
    return {"request_id": task.handle, "response_url": at, "status_url": f"{at}/status", "cancel_url": f"{at}/cancel"}


def _queue_status(call: Call) -> Reply:
    task = _found(call, "pictures-fal", media_fal.refusal)
    state = media_wire.state(call, task)
    ended: Json = {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": task.takes_s}}
    running: Mapping[State, Json] = {
        State.QUEUED: {"status": "IN_QUEUE", "queue_position": 0},
        State.RUNNING: {"status": "IN_PROGRESS", "logs": []},
    }
    told = running.get(state, ended)
    return json_reply(told | _queue_addresses(call, call.params["app"], task), 200 if state.ended else 202)


def _queue_result(call: Call) -> Reply:
    task = _found(call, "pictures-fal", media_fal.refusal)
    if task.failure is Failure.MODERATION:
        error: Json = {"loc": ["body", "prompt"], "msg": "Flagged by a checker.", "type": "content_policy_violation"}
        raise Refusal(422, {"detail": [error]})
    if task.failure is not None:
        failed: Json = {"loc": ["body"], "msg": "Internal server error", "type": "internal_server_error"}
        raise Refusal(500, {"detail": [failed]})
    return json_reply(dict(_object(task.details, "result")))


def _object(holder: Mapping[str, JsonValue], name: str) -> Json:
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _dashscope_prompt(body: Json) -> str:
    given = _object(body, "input")
    if "messages" not in given:
        return str(given.get("prompt") or "")
    return " ".join(str(part["text"]) for part in _qwen_parts(body) if "text" in part)


def _qwen_parts(body: Json) -> list[Json]:
    messages = _object(body, "input").get("messages")
    return messages[0]["content"] if isinstance(messages, list) and messages else []


def _pixels(parameters: Json, otherwise: str) -> tuple[int, int]:
    width, _, height = str(parameters.get("size", otherwise)).partition("*")
    return int(width), int(height)


def _qwen(call: Call) -> Reply:
    body, parameters = call.body, _object(call.body, "parameters")
    if body.get("model") not in {"qwen-image-plus", "qwen-image", "qwen-image-edit", "qwen-image-edit-plus"}:
        raise media_dashscope.refusal(404, f"Model {body.get('model')} does not exist.", None)
    pictures = [str(part["image"]) for part in _qwen_parts(body) if "image" in part]
    if ("edit" in str(body["model"])) is not bool(pictures) or parameters.get("n", 1) != 1:
        raise media_dashscope.refusal(400, "The value of input.messages is invalid.", None)
    for picture in pictures:
        _read_picture(picture, lambda message: media_dashscope.refusal(400, message, None))
    if call.shape.refuse:
        raise media_dashscope.refusal(400, "Input data may contain inappropriate content.", "DataInspectionFailed")
    prompt = without_directives(_dashscope_prompt(body))
    (url,) = _addresses(call, parameters, prompt, _pixels(parameters, "1328*1328"), 1)
    message: Json = {"role": "assistant", "content": [{"image": url}]}
    output: Json = {"choices": [{"finish_reason": "stop", "message": message}]}
    usage: Json = {"image_count": 1, "width": 1328, "height": 1328}
    return json_reply({"output": output, "usage": usage, "request_id": call.unique_id("", 36)})


def _wan(call: Call) -> Reply:
    if call.headers.get("x-dashscope-async") != "enable":
        raise media_dashscope.refusal(403, "current user api does not support synchronous calls.", None)
    given, parameters = _object(call.body, "input"), _object(call.body, "parameters")
    if not str(call.body.get("model", "")).startswith("wan2.5-t2i") or not given.get("prompt"):
        raise media_dashscope.refusal(400, "The value of input.prompt is invalid.", None)
    prompt = without_directives(str(given["prompt"]))
    urls = _addresses(call, parameters, prompt, _pixels(parameters, "1280*1280"), int(parameters.get("n", 4)))
    results: list[JsonValue] = [{"url": url, "orig_prompt": prompt} for url in urls]
    if call.shape.calls:
        results[-1] = {"code": "DataInspectionFailed", "message": "Output data may contain inappropriate content."}
    handle = f"img-{media_wire.uuid(call)}"
    task = _open(call, "pictures-dashscope", handle, given["prompt"], media_dashscope.refusal, results=results)
    return json_reply({"output": {"task_status": "PENDING", "task_id": task.handle}, "request_id": "1"})


def _wan_task(call: Call) -> Reply:
    task = _found(call, "pictures-dashscope", media_dashscope.refusal)
    state = media_wire.state(call, task)
    word = {State.QUEUED: "PENDING", State.SUCCEEDED: "SUCCEEDED", State.FAILED: "FAILED", State.CANCELED: "CANCELED"}
    output: Json = {"task_id": task.handle, "task_status": word.get(state, "RUNNING")}
    if state is State.FAILED:
        moderated = task.failure is Failure.MODERATION
        output |= {"code": "DataInspectionFailed" if moderated else "InternalError", "message": "It failed."}
    if state is State.SUCCEEDED:
        output["results"] = task.details["results"]
    return json_reply({"output": output, "request_id": "1"})


def _bfl_key(call: Call) -> None:
    if not hmac.compare_digest(call.headers.get("x-key", ""), BFL_KEY):
        raise _bfl_refusal(403, "Not authenticated", None)


def _bfl_refusal(status: int, message: str, _: str | None) -> Refusal:
    return Refusal(status, {"detail": message})


def _flux(call: Call) -> Reply:
    name, body = call.params["model"], call.body
    if name not in _BFL:
        raise _bfl_refusal(404, "Not Found", None)
    _checked(body, _BFL[name], lambda message: _bfl_refusal(422, message, None))
    ratio = str(body.get("aspect_ratio", "1:1"))
    size = (int(body["width"]), int(body["height"])) if "width" in body else _PIXELS.get(ratio, (1024, 1024))
    (url,) = _addresses(call, {"output_format": "jpeg", **body}, without_directives(str(body["prompt"])), size, 1)
    task = _open(call, "pictures-bfl", media_wire.uuid(call), body["prompt"], _bfl_refusal, url=url)
    polling = f"{media_wire.root(call)}{BFL_PREFIX}/v1/get_result?id={task.handle}"
    return json_reply({"id": task.handle, "polling_url": polling})


def _flux_result(call: Call) -> Reply:
    task = _found(call, "pictures-bfl", _bfl_refusal)
    state = media_wire.state(call, task)
    result: JsonValue = {"sample": task.details["url"], "prompt": task.prompt} if state is State.SUCCEEDED else None
    word = {State.QUEUED: "Pending", State.RUNNING: "Pending", State.SUCCEEDED: "Ready"}.get(state, "Error")
    if state is State.FAILED and task.failure is Failure.MODERATION:
        word = "Content Moderated"
    return json_reply({"id": task.handle, "status": word, "result": result, "progress": None})
