"""Simulates Replicate's predictions: validated input, output at its own address, webhooks by Standard Webhooks.

Source: https://replicate.com/docs/reference/http, https://replicate.com/docs/topics/webhooks.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from local.providers import media_wire
from local.providers.json_value import Json, JsonValue
from local.providers.media_tasks import Failure, State, Task, attempt_in
from local.providers.media_webhooks import Notice
from local.providers.media_wire import Order
from local.providers.wire import Call, Headers, Refusal, Reply, Wire, json_reply, route

VENDOR = "replicate"
PREFIX = "/replicate"
API_KEY = "r8_simulated_replicate_key_0001"
WEBHOOK_SECRET = "whsec_c2ltdWxhdGVkLXJlcGxpY2F0ZS1zaWduaW5nLWtleSE="

_HUNYUAN_2 = "b1b9449a1277e10402781c5d41eb30c0a0683504fb23fab591ca9dfc2aabe1cb"
_STATES = {
    State.QUEUED: "starting",
    State.RUNNING: "processing",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
}
_ERRORS = {
    Failure.MODERATION: "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
    Failure.INTERNAL: "Prediction interrupted; please retry (code: PA)",
    Failure.INVALID: "The image could not be read.",
}
_TITLES = {
    401: "Unauthenticated",
    404: "Not Found",
    422: "Input validation failed",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


@dataclass(frozen=True, slots=True)
class _Model:
    """A model's output, its required input, and the values that it takes."""

    form: str
    required: Collection[str]
    values: dict[str, Collection[JsonValue]]
    images: Collection[str] = ()
    named: str | None = None


_RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21")
_MODELS = {
    "minimax/hailuo-02": _Model(
        "mp4",
        ("prompt",),
        {"duration": (6, 10), "resolution": ("512p", "768p", "1080p")},
        ("first_frame_image", "last_frame_image"),
    ),
    "bytedance/seedance-1-pro": _Model(
        "mp4",
        ("prompt",),
        {"duration": range(2, 13), "resolution": ("480p", "720p", "1080p"), "aspect_ratio": _RATIOS, "fps": (24,)},
        ("image", "last_frame_image"),
    ),
    "tencent/hunyuan-3d-3.1": _Model("glb", (), {"generate_type": ("Normal", "Geometry")}, ("image",)),
}
_VERSIONS = {_HUNYUAN_2: ("tencent/hunyuan3d-2", _Model("glb", ("image",), {}, ("image",), "mesh"))}


def wire() -> Wire:
    """Builds the wire: predictions by model and by version, and the secret of their webhooks."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("POST", "/v1/models/(?P<owner>[^/]+)/(?P<name>[^/]+)/predictions", _by_model),
            route("POST", "/v1/predictions", _by_version),
            route("GET", "/v1/predictions/(?P<id>[^/]+)", _get),
            route("POST", "/v1/predictions/(?P<id>[^/]+)/cancel", _cancel),
            route("GET", "/v1/webhooks/default/secret", lambda _: json_reply({"key": WEBHOOK_SECRET})),
        ),
        authorize=_authorize,
        question=_question,
        model=_model_name,
        refusal=refusal,
        headers=_headers,
    )


def refusal(status: int, message: str, _code: str | None) -> Refusal:
    """Builds Replicate's problem details (RFC 7807)."""
    return Refusal(status, {"title": _TITLES.get(status, "Error"), "detail": message, "status": status})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme not in {"Bearer", "Token"} or not hmac.compare_digest(key, API_KEY):
        raise refusal(401, "You did not pass a valid authentication token", None)


def _question(body: Json) -> str:
    given = body.get("input")
    return str(given.get("prompt") or "") if isinstance(given, dict) else ""


def _model_name(call: Call) -> str:
    named = "/".join(call.params[part] for part in ("owner", "name") if part in call.params)
    return named or str(call.body.get("version", ""))


def _headers(call: Call) -> Headers:
    return (("x-request-id", call.unique_id("", 26)),)


def _by_model(call: Call) -> Reply:
    name = _model_name(call)
    if name not in _MODELS:
        raise refusal(404, "The requested resource could not be found.", None)
    return _create(call, name, _MODELS[name])


def _by_version(call: Call) -> Reply:
    version = str(call.body.get("version", "")).rpartition(":")[2]
    if version not in _VERSIONS:
        raise refusal(422, "- version: Does not exist, or you do not have permission to access it\n", None)
    return _create(call, *_VERSIONS[version])


def _create(call: Call, name: str, model: _Model) -> Reply:
    given = _checked(call.body.get("input"), model)
    url = call.body.get("webhook")
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=call.unique_id("", 26).lower(),
            model=name,
            prompt=_question(call.body),
            form=model.form,
            duration_s=given.get("duration", 5),
            attempt=attempt_in(url),
            image_url=next((given[image] for image in model.images if image in given), None),
            details={"input": given, "created_at": _moment(call.now_s), "named": model.named},
        ),
        refusal,
    )
    at = media_wire.root(call)
    if url:
        call.memory.webhooks.expect(task, url, _noticed(task, call, at))
    return json_reply(_prediction(task, State.QUEUED, at), 201)


def _checked(given: JsonValue, model: _Model) -> Json:
    if not isinstance(given, dict):
        raise refusal(422, "- input: is required\n", None)
    wrong = [f"- input: {name} is required\n" for name in model.required if not given.get(name)]
    wrong += [
        f"- input.{name}: {name} must be one of the following: {', '.join(map(str, values))}\n"
        for name, values in model.values.items()
        if name in given and (isinstance(given[name], bool) or given[name] not in values)
    ]
    wrong += [
        f"- input.{name}: Does not match format 'uri'\n"
        for name in model.images
        if name in given and not media_wire.is_address(given[name])
    ]
    if model.form == "glb" and not model.required and bool(given.get("prompt")) == bool(given.get("image")):
        wrong.append("- input: Either prompt OR image must be provided, but not both\n")
    if wrong:
        raise refusal(422, "".join(wrong), None)
    return given


def _found(call: Call) -> Task:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None:
        raise refusal(404, "The requested resource could not be found.", None)
    return task


def _get(call: Call) -> Reply:
    task = _found(call)
    return json_reply(_prediction(task, media_wire.state(call, task), media_wire.root(call)))


def _cancel(call: Call) -> Reply:
    task = _found(call)
    if not media_wire.state(call, task).ended:
        task.canceled = True
    return json_reply(_prediction(task, media_wire.state(call, task), media_wire.root(call)))


def _prediction(task: Task, state: State, at: str) -> Json:
    address = f"{at}{PREFIX}/v1/predictions/{task.handle}"
    url = media_wire.file_url(at, task)
    named = task.details["named"]
    return {
        "id": task.handle,
        "model": task.model,
        "version": "hidden",
        "input": task.details["input"],
        "logs": "",
        "output": ({named: url} if named else url) if state is State.SUCCEEDED else None,
        "data_removed": False,
        "error": _ERRORS[task.failure] if task.failure and state is State.FAILED else None,
        "status": _STATES[state],
        "created_at": task.details["created_at"],
        "urls": {"get": address, "cancel": f"{address}/cancel"},
    }


def _noticed(task: Task, call: Call, at: str) -> Callable[[int], Notice]:
    identity = call.unique_id("msg_", 27)

    def notice(now_s: int) -> Notice:
        state = State.FAILED if task.failure else State.SUCCEEDED
        body = orjson.dumps(_prediction(task, state, at))
        content = f"{identity}.{now_s}.".encode() + body
        key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
        return Notice(
            {
                "content-type": "application/json",
                "webhook-id": identity,
                "webhook-timestamp": str(now_s),
                "webhook-signature": f"v1,{signature}",
            },
            body,
        )

    return notice


def _moment(now_s: int) -> str:
    return datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
