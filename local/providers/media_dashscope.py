"""Simulates Wan's tasks on DashScope: submitted asynchronously only, kept for a day, cancelled while pending.

Source: https://www.alibabacloud.com/help/en/model-studio/legacy-wan-text-to-video-api-reference,
https://www.alibabacloud.com/help/en/model-studio/legacy-image-to-video-api-reference.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from local.providers import media_wire
from local.providers.json_value import Json
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "dashscope"
PREFIX = "/dashscope/api/v1"
API_KEY = "sk-simulated-dashscope-0001"

_PROMPT_MAX, _NEGATIVE_MAX = 1500, 500
_SEED_MAX = 2**31 - 1
_SIZES_720 = ("1280*720", "720*1280", "960*960", "1088*832", "832*1088")
_SIZES_1080 = ("1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632")
_RESOLUTIONS = ("720P", "1080P")
_STATES = {
    State.QUEUED: "PENDING",
    State.RUNNING: "RUNNING",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
    State.CANCELED: "CANCELED",
}
_ERRORS = {
    Failure.MODERATION: ("DataInspectionFailed", "Output data may contain inappropriate content."),
    Failure.INTERNAL: ("InternalError", "An internal error has occurred, please try again later."),
    Failure.INVALID: ("InvalidParameter.DataInspection", "Unable to download the media resource."),
}
_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling.RateQuota",
}


@dataclass(frozen=True, slots=True)
class _Model:
    """A model's task: whether it starts from an image, and the lengths that it takes."""

    image: bool
    durations_s: Collection[int]


_MODELS = {
    "wan2.6-t2v": _Model(image=False, durations_s=range(2, 16)),
    "wan2.6-i2v": _Model(image=True, durations_s=range(2, 16)),
    "wan2.6-i2v-flash": _Model(image=True, durations_s=range(2, 16)),
    "wan2.5-t2v-preview": _Model(image=False, durations_s=(5, 10)),
    "wan2.5-i2v-preview": _Model(image=True, durations_s=(5, 10)),
}


def wire() -> Wire:
    """Builds the wire: video synthesis and tasks."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", "/services/aigc/video-generation/video-synthesis", _submit),
            route("GET", "/tasks/(?P<id>[^/]+)", _get),
            route("POST", "/tasks/(?P<id>[^/]+)/cancel", _cancel),
        ),
        authorize=_authorize,
        question=lambda body: str(_object(body, "input").get("prompt") or ""),
        model=lambda call: str(call.body.get("model", "")),
        refusal=refusal,
        stamped=lambda call, body: {**body, "request_id": call.unique_id("", 36)},
    )


def refusal(status: int, message: str, code: str | None) -> Refusal:
    """Builds an error with a code and a message."""
    return Refusal(status, {"code": code or _CODES.get(status, "InternalError"), "message": message})


def _object(body: Json, name: str) -> Json:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(key, API_KEY):
        raise refusal(401, "Invalid API-key provided.", None)


def _submit(call: Call) -> Reply:
    if call.headers.get("x-dashscope-async") != "enable":
        raise refusal(403, "current user api does not support synchronous calls.", None)
    name = str(call.body.get("model", ""))
    if name not in _MODELS:
        raise refusal(404, f"Model {name} does not exist.", None)
    given, parameters = _object(call.body, "input"), _object(call.body, "parameters")
    _check(_MODELS[name], given, parameters)
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=name,
            prompt=str(given.get("prompt") or ""),
            form="mp4",
            duration_s=parameters.get("duration", 5),
            image_url=given.get("img_url"),
        ),
        refusal,
    )
    return _reply(call, {"task_status": "PENDING", "task_id": task.handle})


def _check(model: _Model, given: Json, parameters: Json) -> None:
    prompt = given.get("prompt")
    seed, duration_s = parameters.get("seed", 0), parameters.get("duration", 5)
    size, resolution = parameters.get("size", _SIZES_1080[0]), parameters.get("resolution", _RESOLUTIONS[-1])
    wrong = {
        "input.prompt": (not model.image and not prompt) or len(str(prompt or "")) > _PROMPT_MAX,
        "input.negative_prompt": len(str(given.get("negative_prompt") or "")) > _NEGATIVE_MAX,
        "input.img_url": model.image != media_wire.is_address(given.get("img_url")),
        "parameters.size": size not in (*_SIZES_720, *_SIZES_1080) or (model.image and "size" in parameters),
        "parameters.resolution": resolution not in _RESOLUTIONS or (not model.image and "resolution" in parameters),
        "parameters.duration": type(duration_s) is not int or duration_s not in model.durations_s,
        "parameters.seed": type(seed) is not int or not 0 <= seed <= _SEED_MAX,
    }
    for name in (name for name, found in wrong.items() if found):
        raise refusal(400, f"The value of {name} is invalid.", None)


def _get(call: Call) -> Reply:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None:
        return _reply(call, {"task_id": call.params["id"], "task_status": "UNKNOWN"})
    state = media_wire.state(call, task)
    output: Json = {"task_id": task.handle, "task_status": _STATES[state]}
    if state is State.FAILED and task.failure is not None:
        code, message = _ERRORS[task.failure]
        output |= {"code": code, "message": message}
    if state is not State.SUCCEEDED:
        return _reply(call, output)
    output |= {"orig_prompt": task.prompt, "video_url": media_wire.file_url(media_wire.root(call), task)}
    return _reply(call, output, {"duration": task.duration_s, "video_count": 1, "SR": 720})


def _cancel(call: Call) -> Reply:
    task = _known(call)
    if media_wire.state(call, task) is not State.QUEUED:
        message = "Failed to cancel the task, please confirm if the task is in PENDING status."
        raise refusal(400, message, "UnsupportedOperation")
    task.canceled = True
    return _reply(call)


def _known(call: Call) -> Task:
    task = call.memory.tasks.find(VENDOR, call.params["id"])
    if task is None:
        raise refusal(400, "The task does not exist.", "InvalidParameter")
    return task


def _reply(call: Call, output: Json | None = None, usage: Json | None = None) -> Reply:
    body: Json = {"request_id": call.unique_id("", 36)}
    if output is not None:
        body["output"] = output
    if usage is not None:
        body["usage"] = usage
    return json_reply(body)
