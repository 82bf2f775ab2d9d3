"""Simulates Meshy's tasks, each kind at its own address: a preview from a text, a textured model from an image.

Source: https://docs.meshy.ai/en/api/text-to-3d, https://docs.meshy.ai/en/api/image-to-3d.
"""

from __future__ import annotations

import hmac

from local.providers import media_wire
from local.providers.json_value import Json
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "meshy"
PREFIX = "/meshy"
API_KEY = "msy_simulated_key_0001"

_KINDS = "v2/text-to-3d|v1/image-to-3d"
_FROM_TEXT = "v2/text-to-3d"
_FORMATS = ("glb", "obj", "fbx", "stl", "usdz")
_MODELS = ("meshy-5", "meshy-6", "latest")
_PROMPT_MAX = 600
_STATES = {
    State.QUEUED: "PENDING",
    State.RUNNING: "IN_PROGRESS",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
    State.CANCELED: "CANCELED",
}
_MESSAGES = {
    Failure.MODERATION: "The content was flagged.",
    Failure.INTERNAL: "The server is busy. Please try again later.",
    Failure.INVALID: "The image could not be read.",
}


def wire() -> Wire:
    """Builds the wire: both kinds of tasks."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", f"/openapi/(?P<kind>{_KINDS})", _submit),
            route("GET", f"/openapi/(?P<kind>{_KINDS})/(?P<id>[^/]+)", _get),
            route("DELETE", f"/openapi/(?P<kind>{_KINDS})/(?P<id>[^/]+)", _delete),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("prompt") or ""),
        model=lambda call: str(call.body.get("ai_model", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, _code: str | None) -> Refusal:
    """Builds an error with only a message."""
    return Refusal(status, {"message": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(key, API_KEY):
        raise refusal(401, "Invalid API key", None)


def _submit(call: Call) -> Reply:
    kind, body = call.params["kind"], call.body
    _check(kind, body)
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=str(body.get("ai_model", "latest")),
            prompt=str(body.get("prompt") or ""),
            form=body.get("target_formats", ["glb"])[0],
            also=tuple(body.get("target_formats", _FORMATS)),
            image_url=body.get("image_url"),
            details={"kind": kind, "created_at": call.now_s * 1000},
        ),
        refusal,
    )
    return json_reply({"result": task.handle}, 202)


def _check(kind: str, body: Json) -> None:
    text = kind == _FROM_TEXT
    formats = body.get("target_formats", ["glb"])
    wrong = {
        "mode": text and body.get("mode") != "preview",
        "prompt": len(str(body.get("prompt") or "")) > _PROMPT_MAX or (text and not body.get("prompt")),
        "image_url": not text and not media_wire.is_address(body.get("image_url")),
        "ai_model": body.get("ai_model", "latest") not in _MODELS,
        "target_formats": not isinstance(formats, list) or not formats or not set(formats) <= set(_FORMATS),
    }
    for name in (name for name, found in wrong.items() if found):
        raise refusal(400, f"Invalid value for {name}: {body.get(name)!r}", None)


def _found(call: Call) -> Task:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None or task.details["kind"] != call.params["kind"]:
        raise refusal(404, "Task not found", None)
    return task


def _get(call: Call) -> Reply:
    task = _found(call)
    state, at = media_wire.state(call, task), media_wire.root(call)
    done = state is State.SUCCEEDED
    failed = state is State.FAILED and task.failure is not None
    return json_reply(
        {
            "id": task.handle,
            "model_urls": {form: media_wire.file_url(at, task, form) for form in task.also} if done else {},
            "thumbnail_url": "",
            "prompt": task.prompt,
            "progress": 0 if state is State.QUEUED else media_wire.progress(call, task),
            "status": _STATES[state],
            "created_at": task.details["created_at"],
            "preceding_tasks": 0,
            "texture_urls": [],
            "task_error": {"message": _MESSAGES[task.failure] if failed and task.failure else ""},
        }
    )


def _delete(call: Call) -> Reply:
    task = _found(call)
    task.canceled = True
    return json_reply({})
