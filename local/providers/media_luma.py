"""Simulates Luma's generations: queued, dreaming, completed or failed, and removed once deleted.

Source: https://docs.lumalabs.ai/reference/creategeneration; values as https://github.com/lumalabs/lumaai-python
declares them.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from local.providers import media_wire
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task
from local.providers.media_wire import Order
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

VENDOR = "luma"
PREFIX = "/luma/dream-machine/v1"
API_KEY = "luma-simulated-key-0001"

_PROMPT_MIN, _PROMPT_MAX = 3, 5000
_DURATIONS_S = {"5s": 5, "9s": 9}
_VALUES = {
    "model": ("ray-2", "ray-flash-2"),
    "aspect_ratio": ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
    "duration": tuple(_DURATIONS_S),
    "resolution": ("540p", "720p", "1080p", "4k"),
    "generation_type": ("video",),
    "loop": (True, False),
}
_FIELDS = frozenset({*_VALUES, "prompt", "keyframes", "callback_url", "concepts"})
_STATES = {
    State.QUEUED: "queued",
    State.RUNNING: "dreaming",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
}
_REASONS = {
    Failure.MODERATION: "400: Contents failed moderation",
    Failure.INTERNAL: "500: Job failed",
    Failure.INVALID: "400: Unable to load the image of frame0",
}


def wire() -> Wire:
    """Builds the wire: generations of videos."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", "/generations/video", _submit),
            route("GET", "/generations/(?P<id>[^/]+)", _get),
            route("DELETE", "/generations/(?P<id>[^/]+)", _delete),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("prompt") or ""),
        model=lambda call: str(call.body.get("model", "")),
        refusal=refusal,
    )


def refusal(status: int, message: str, _code: str | None) -> Refusal:
    """Builds an error with a detail, which is a list if a field is wrong."""
    return Refusal(status, {"detail": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(key, API_KEY):
        raise refusal(403, "Not authenticated", None)


def _submit(call: Call) -> Reply:
    body = call.body
    wrong = _wrong(body)
    if wrong:
        raise Refusal(422, {"detail": [{"loc": ["body", name], "msg": f"Invalid {name}"} for name in wrong]})
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=body["model"],
            prompt=str(body.get("prompt") or ""),
            form="mp4",
            duration_s=_DURATIONS_S[body.get("duration", "5s")],
            image_url=((body.get("keyframes") or {}).get("frame0") or {}).get("url"),
            details={"request": body, "created_at": datetime.fromtimestamp(call.now_s, UTC).isoformat()},
        ),
        refusal,
    )
    return json_reply(_generation(call, task), 201)


def _wrong(body: Json) -> list[str]:
    prompt, keyframes = str(body.get("prompt") or ""), body.get("keyframes")
    found = [name for name, values in _VALUES.items() if name in body and body[name] not in values]
    if "model" not in body:
        found.append("model")
    if not _PROMPT_MIN <= len(prompt) <= _PROMPT_MAX and (prompt or keyframes is None):
        found.append("prompt")
    if keyframes is not None and not _are_images(keyframes):
        found.append("keyframes")
    return [*found, *sorted(body.keys() - _FIELDS)]


def _are_images(keyframes: JsonValue) -> bool:
    if not isinstance(keyframes, dict) or not keyframes or not keyframes.keys() <= {"frame0", "frame1"}:
        return False
    return all(
        isinstance(frame, dict) and frame.get("type") == "image" and media_wire.is_address(frame.get("url"))
        for frame in keyframes.values()
    )


def _found(call: Call) -> Task:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None or task.canceled:
        raise refusal(404, "Generation not found", None)
    return task


def _get(call: Call) -> Reply:
    return json_reply(_generation(call, _found(call)))


def _delete(call: Call) -> Reply:
    task = _found(call)
    task.canceled = True
    return Reply(204, (), b"")


def _generation(call: Call, task: Task) -> Json:
    state = media_wire.state(call, task)
    done = state is State.SUCCEEDED
    failed = state is State.FAILED and task.failure is not None
    return {
        "id": task.handle,
        "generation_type": "video",
        "state": _STATES[state],
        "failure_reason": _REASONS[task.failure] if failed and task.failure else None,
        "created_at": task.details["created_at"],
        "assets": {"video": media_wire.file_url(media_wire.root(call), task)} if done else None,
        "model": task.model,
        "request": task.details["request"],
    }
