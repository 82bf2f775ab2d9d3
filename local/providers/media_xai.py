"""Simulates xAI's deferred videos: an id at once, 202 while pending, then done, failed or expired.

Source: https://docs.x.ai/docs/api-reference, https://docs.x.ai/docs/model-capabilities/video/generation. xAI's own SDK
speaks gRPC, so only the adapter's tests use this wire.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping

from local.providers import media_wire
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "xai"
PREFIX = "/xai/v1"
API_KEY = "xai-simulated-key-0001"

_PROMPT_MAX = 4096
_RESOLUTIONS: Mapping[str, Collection[str]] = {
    "grok-imagine-video": ("480p", "720p"),
    "grok-imagine-video-1.5": ("480p", "720p", "1080p"),
}
_RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
_DURATIONS_S = range(1, 16)
_FIELDS = frozenset({"model", "prompt", "duration", "aspect_ratio", "resolution", "image", "user"})
_CODES = {
    400: "Client specified an invalid argument",
    401: "The caller does not have valid authentication credentials",
    404: "Some requested entity was not found",
    429: "Some resource has been exhausted",
}
_ERRORS = {
    Failure.INTERNAL: {"code": "internal_error", "message": "The video could not be generated."},
    Failure.INVALID: {"code": "invalid_argument", "message": "The image could not be read."},
}


def wire() -> Wire:
    """Builds the wire: generations of videos, and their results."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", "/videos/generations", _submit),
            route("GET", "/videos/(?P<id>[^/]+)", _get),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("prompt") or ""),
        model=lambda call: str(call.body.get("model", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, code: str | None) -> Refusal:
    """Builds an error with a sentence for the status and one for the case."""
    return Refusal(status, {"code": code or _CODES.get(status, "Internal error"), "error": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key:
        raise refusal(401, "No API key was provided.", None)
    if not hmac.compare_digest(key, API_KEY):
        raise refusal(400, "Incorrect API key provided. You can obtain an API key from the console.", None)


def _submit(call: Call) -> Reply:
    body = call.body
    model = str(body.get("model", ""))
    if model not in _RESOLUTIONS:
        raise refusal(404, f"The model {model} does not exist or your team does not have access to it.", None)
    for name in _wrong(body, model):
        raise refusal(400, f"Invalid argument: {name}", None)
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=model,
            prompt=str(body.get("prompt") or ""),
            form="mp4",
            duration_s=body.get("duration", 8),
            image_url=(body.get("image") or {}).get("url"),
        ),
        refusal,
    )
    return json_reply({"request_id": task.handle})


def _wrong(body: Json, model: str) -> list[str]:
    duration_s, prompt, image = body.get("duration", 8), body.get("prompt"), body.get("image")
    found = {
        "prompt": not prompt or len(str(prompt)) > _PROMPT_MAX,
        "duration": type(duration_s) is not int or duration_s not in _DURATIONS_S,
        "aspect_ratio": body.get("aspect_ratio", "16:9") not in _RATIOS,
        "resolution": body.get("resolution", "480p") not in _RESOLUTIONS[model],
        "image": image is not None and not (isinstance(image, dict) and media_wire.is_address(image.get("url"))),
    }
    return [*sorted(body.keys() - _FIELDS), *(name for name, is_wrong in found.items() if is_wrong)]


def _get(call: Call) -> Reply:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None:
        raise refusal(404, "The request was not found.", None)
    state = media_wire.state(call, task)
    if not state.ended:
        return json_reply({"status": "pending", "progress": media_wire.progress(call, task)}, 202)
    if state is State.FAILED and task.failure in _ERRORS:
        return json_reply({"status": "failed", "error": _ERRORS[task.failure]})
    return json_reply({"status": "done", "model": task.model, "progress": 100, "video": _video(call, task)})


def _video(call: Call, task: Task) -> JsonValue:
    """Builds the result. A video that broke the rules is done, but withheld."""
    if task.failure is Failure.MODERATION:
        return {"url": "", "duration": task.duration_s, "respect_moderation": False}
    url = media_wire.file_url(media_wire.root(call), task)
    return {"url": url, "duration": task.duration_s, "respect_moderation": True}
