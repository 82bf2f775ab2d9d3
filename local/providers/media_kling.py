"""Simulates Kling's tasks, each kind at its own address, authorized by a token that the secret key signs.

Source: https://app.klingai.com/global/dev/document-api (general information, text to video, image to video).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re

import orjson

from local.providers import media_wire
from local.providers.json_value import Json
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "kling"
PREFIX = "/kling"
ACCESS_KEY = "simulated-kling-access-key-0001"
SECRET_KEY = "simulated-kling-secret-key-0001"

_KINDS = "text2video|image2video"
_FROM_IMAGE = "image2video"
_MODELS = re.compile(r"kling-v(?:1-6|2-master|2-1|2-1-master|2-5-turbo|2-6)")
_RATIOS = ("16:9", "9:16", "1:1")
_DURATIONS = ("5", "10")
_MODES = ("std", "pro")
_PROMPT_MAX = 2500
_STATES = {
    State.QUEUED: "submitted",
    State.RUNNING: "processing",
    State.SUCCEEDED: "succeed",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}
_MESSAGES = {
    Failure.MODERATION: "Failure to pass the risk control system",
    Failure.INTERNAL: "The server is busy, please try again later",
    Failure.INVALID: "The image could not be read",
}
# The service code of each status. A 400 is an invalid value unless the refusal sets another code.
_CODES = {400: 1201, 401: 1002, 404: 1203, 429: 1303, 500: 5000, 503: 5001}


def wire() -> Wire:
    """Builds the wire: both kinds of tasks."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", f"/v1/videos/(?P<kind>{_KINDS})", _submit),
            route("GET", f"/v1/videos/(?P<kind>{_KINDS})/(?P<id>[^/]+)", _get),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("prompt") or ""),
        model=lambda call: str(call.body.get("model_name", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, code: str | None) -> Refusal:
    """Builds Kling's envelope around a service code."""
    return Refusal(status, {"code": int(code or _CODES.get(status, 5000)), "message": message, "request_id": "sim"})


def _authorize(call: Call) -> None:
    authorization = call.headers.get("authorization", "")
    if not authorization:
        raise refusal(401, "Authorization is empty", "1001")
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3 or not authorization.startswith("Bearer "):
        raise refusal(401, "Authorization is invalid", "1002")
    head, claims = _decoded(parts[0]), _decoded(parts[1])
    signature = hmac.digest(SECRET_KEY.encode(), f"{parts[0]}.{parts[1]}".encode(), "sha256")
    expected = base64.urlsafe_b64encode(signature).decode().rstrip("=")
    if head.get("alg") != "HS256" or claims.get("iss") != ACCESS_KEY or not hmac.compare_digest(parts[2], expected):
        raise refusal(401, "Authorization is invalid", "1002")
    if claims.get("nbf", 0) > call.now_s:
        raise refusal(401, "Authorization is not yet valid", "1003")
    if claims.get("exp", 0) <= call.now_s:
        raise refusal(401, "Authorization has expired", "1004")


def _decoded(part: str) -> Json:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, dict):
        raise refusal(401, "Authorization is invalid", "1002")
    return found


def _submit(call: Call) -> Reply:
    kind, body = call.params["kind"], call.body
    _check(kind, body)
    external = body.get("external_task_id")
    if external and any(task.attempt == external for task in call.memory.tasks if task.vendor == VENDOR):
        raise refusal(400, "external_task_id is duplicated", None)
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=str(866_000_000_000_000_000 + call.now_s % 1_000_000 * 1_000_000_000 + call.serial),
            model=str(body["model_name"]),
            prompt=str(body.get("prompt") or ""),
            form="mp4",
            duration_s=int(body.get("duration", "5")),
            attempt=external,
            image_url=body.get("image"),
            details={"kind": kind, "created_at": call.now_s * 1000},
        ),
        refusal,
    )
    return json_reply(_envelope(task, State.QUEUED, media_wire.root(call)))


def _check(kind: str, body: Json) -> None:
    image = kind == _FROM_IMAGE
    wrong = {
        "model_name": _MODELS.fullmatch(str(body.get("model_name", ""))) is None,
        "prompt": len(str(body.get("prompt") or "")) > _PROMPT_MAX or (not image and not body.get("prompt")),
        "duration": body.get("duration", "5") not in _DURATIONS,
        "aspect_ratio": "aspect_ratio" in body and (image or body["aspect_ratio"] not in _RATIOS),
        "mode": body.get("mode", "std") not in _MODES,
        "image": image and not media_wire.is_address(body.get("image")),
    }
    for name in (name for name, found in wrong.items() if found):
        raise refusal(400, f"{name} value {body.get(name)!r} is invalid", None)


def _get(call: Call) -> Reply:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None or task.details["kind"] != call.params["kind"]:
        raise refusal(404, "The requested resource does not exist", None)
    return json_reply(_envelope(task, media_wire.state(call, task), media_wire.root(call)))


def _envelope(task: Task, state: State, at: str) -> Json:
    data: Json = {
        "task_id": task.handle,
        "task_status": _STATES[state],
        "task_info": {"external_task_id": task.attempt},
        "created_at": task.details["created_at"],
        "updated_at": task.details["created_at"],
    }
    if state is State.SUCCEEDED:
        video = {"id": task.handle, "url": media_wire.file_url(at, task), "duration": f"{task.duration_s:.1f}"}
        data["task_result"] = {"videos": [video]}
    if state is State.FAILED and task.failure is not None:
        data["task_status_msg"] = _MESSAGES[task.failure]
    return {"code": 0, "message": "SUCCEED", "request_id": "sim", "data": data}
