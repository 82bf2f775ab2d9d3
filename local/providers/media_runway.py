"""Simulates Runway's tasks, from a text or an image at separate addresses. Requests must name an API version.

Source: https://docs.dev.runwayml.com/api; values as https://github.com/runwayml/sdk-python declares them.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from local.providers import media_wire
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "runway"
PREFIX = "/runway"
API_KEY = "key_simulated_runway_0001"
VERSION = "2024-11-06"

_PROMPT_MAX = 1000
_SEED_MAX = 2**32 - 1
_WIDE_AND_TALL = ("1280:720", "720:1280")
_EVERY = (*_WIDE_AND_TALL, "1104:832", "832:1104", "960:960", "1584:672")
_VEO = (*_WIDE_AND_TALL, "1080:1920", "1920:1080")
_CREDITS_PER_S = 5
_ERRORS = {
    Failure.MODERATION: ("SAFETY.INPUT.TEXT", "Text did not pass content moderation."),
    Failure.INTERNAL: ("INTERNAL.BAD_OUTPUT.CODE01", "An unexpected error occurred."),
    Failure.INVALID: ("ASSET.INVALID", "Input image could not be decoded."),
}


@dataclass(frozen=True, slots=True)
class _Model:
    """The lengths and sizes that a model makes, whether it takes a text alone, and its other fields."""

    durations_s: Collection[int]
    from_text: Collection[str]
    from_image: Collection[str]
    needs_prompt: bool = False
    also: Collection[str] = ()


_MODELS = {
    "gen4_turbo": _Model(range(2, 11), (), _EVERY),
    "gen4.5": _Model(range(2, 11), _WIDE_AND_TALL, _EVERY, needs_prompt=True),
    "veo3.1": _Model((4, 6, 8), _VEO, _VEO, also=("audio", "negativePrompt")),
    "veo3.1_fast": _Model((4, 6, 8), _VEO, _VEO, also=("audio", "negativePrompt")),
}
_FIELDS = frozenset({"model", "promptText", "promptImage", "ratio", "duration", "seed", "contentModeration"})


def wire() -> Wire:
    """Builds the wire: tasks from texts and from images."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", "/v1/(?P<kind>text|image)_to_video", _submit),
            route("GET", "/v1/tasks/(?P<id>[^/]+)", _get),
            route("DELETE", "/v1/tasks/(?P<id>[^/]+)", _delete),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("promptText") or ""),
        model=lambda call: str(call.body.get("model", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, _code: str | None) -> Refusal:
    """Builds an error with one sentence."""
    return Refusal(status, {"error": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(key, API_KEY):
        raise refusal(401, "You provided an invalid API key.", None)
    if call.headers.get("x-runway-version") != VERSION:
        raise refusal(400, "The X-Runway-Version header is missing or not a version.", None)


def _submit(call: Call) -> Reply:
    body, from_image = call.body, call.params["kind"] == "image"
    wrong = _wrong(body, from_image=from_image)
    if wrong:
        issues = [{"path": [name], "message": f"Invalid {name}"} for name in wrong]
        raise Refusal(400, {"error": "Validation of body failed", "issues": issues})
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=body["model"],
            prompt=str(body.get("promptText") or ""),
            form="mp4",
            duration_s=body.get("duration", 5),
            image_url=body.get("promptImage"),
            details={"createdAt": datetime.fromtimestamp(call.now_s, UTC).isoformat()},
        ),
        refusal,
    )
    return json_reply({"id": task.handle, "estimatedCost": _cost(task)})


def _wrong(body: Json, *, from_image: bool) -> list[str]:
    model = _MODELS.get(body.get("model", ""))
    if model is None or not (from_image or model.from_text):
        return ["model"]
    prompt, seed, duration_s = body.get("promptText"), body.get("seed", 0), body.get("duration")
    wanted = model.needs_prompt or not from_image
    found = {
        "promptText": (wanted and not prompt) or len(str(prompt or "")) > _PROMPT_MAX,
        "promptImage": from_image != media_wire.is_address(body.get("promptImage")),
        "ratio": body.get("ratio") not in (model.from_image if from_image else model.from_text),
        "duration": ("duration" in body or model.needs_prompt)
        and (type(duration_s) is not int or duration_s not in model.durations_s),
        "seed": type(seed) is not int or not 0 <= seed <= _SEED_MAX,
    }
    unknown = sorted(body.keys() - _FIELDS - set(model.also))
    return [*unknown, *(name for name, is_wrong in found.items() if is_wrong)]


def _found(call: Call) -> Task:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None:
        raise refusal(404, "The task could not be found.", None)
    return task


def _get(call: Call) -> Reply:
    task = _found(call)
    payload: Json = {"id": task.handle, "createdAt": task.details["createdAt"]}
    match media_wire.state(call, task):
        case State.QUEUED:
            payload |= {"status": "PENDING", "estimatedCost": _cost(task)}
        case State.RUNNING:
            progress = media_wire.progress(call, task) / 100
            payload |= {"status": "RUNNING", "progress": progress, "estimatedCost": _cost(task)}
        case State.SUCCEEDED:
            payload |= {"status": "SUCCEEDED", "output": [media_wire.file_url(media_wire.root(call), task)]}
            payload["cost"] = _cost(task)
        case State.FAILED:
            code, words = _ERRORS[task.failure or Failure.INTERNAL]
            payload |= {"status": "FAILED", "failure": words, "failureCode": code, "cost": {"credits": 0}}
        case State.CANCELED:
            payload |= {"status": "CANCELLED", "cost": {"credits": 0}}
    return json_reply(payload)


def _cost(task: Task) -> JsonValue:
    return {"credits": round(_CREDITS_PER_S * task.duration_s)}


def _delete(call: Call) -> Reply:
    task = _found(call)
    task.canceled = True
    return Reply(204, (), b"")
