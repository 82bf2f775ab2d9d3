"""Simulates fal's queue, with a status, a result or an error per request, and webhooks signed with Ed25519.

Source: https://fal.ai/docs/api-reference/inference-api, https://fal.ai/docs/documentation/model-apis/errors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from local.providers import media_wire
from local.providers.json_value import Json, JsonValue
from local.providers.media_files import MIME_TYPES
from local.providers.media_mp4 import HEIGHT, WIDTH
from local.providers.media_tasks import Failure, State, Task, attempt_in
from local.providers.media_webhooks import Notice
from local.providers.media_wire import Order
from local.providers.wire import Call, Headers, Refusal, Reply, Wire, json_reply, route

VENDOR = "fal"
PREFIX = "/fal"
API_KEY = "simulated-fal-key-id:simulated-fal-key-secret"
JWKS_PATH = "/.well-known/jwks.json"

_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the simulated fal's signing key").digest())
USER = "simulated-user"
_REQUEST = "/(?P<owner>[^/]+)/(?P<app>[^/]+)/requests/(?P<id>[^/]+)"
_DOCUMENTED = "https://docs.fal.ai/errors#"


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An endpoint's output and its member, its required input, and the values that it takes."""

    form: str
    member: str
    required: Collection[str]
    values: dict[str, Collection[JsonValue]]


_KLING_VALUES: dict[str, Collection[JsonValue]] = {"duration": ("5", "10"), "aspect_ratio": ("16:9", "9:16", "1:1")}
_LTX_VALUES: dict[str, Collection[JsonValue]] = {
    "duration": (6, 8, 10),
    "resolution": ("1080p", "1440p", "2160p"),
    "fps": (25, 50),
}
_FAST_VALUES = _LTX_VALUES | {"duration": range(6, 21, 2)}
_3D_VALUES: dict[str, Collection[JsonValue]] = {"generate_type": ("Normal", "LowPoly", "Geometry")}
_KLING, _LTX, _HAILUO = "fal-ai/kling-video/v2.5-turbo/pro", "fal-ai/ltx-2", "fal-ai/minimax/hailuo-02/standard"
_TEXT, _IMAGE, _BOTH = ("prompt",), ("input_image_url",), ("prompt", "image_url")
_ENDPOINTS = {
    f"{_KLING}/text-to-video": _Endpoint("mp4", "video", _TEXT, _KLING_VALUES),
    f"{_KLING}/image-to-video": _Endpoint("mp4", "video", _BOTH, _KLING_VALUES),
    f"{_LTX}/text-to-video": _Endpoint("mp4", "video", _TEXT, _LTX_VALUES),
    f"{_LTX}/image-to-video": _Endpoint("mp4", "video", _BOTH, _LTX_VALUES),
    f"{_LTX}/text-to-video/fast": _Endpoint("mp4", "video", _TEXT, _FAST_VALUES),
    f"{_LTX}/image-to-video/fast": _Endpoint("mp4", "video", _BOTH, _FAST_VALUES),
    f"{_HAILUO}/text-to-video": _Endpoint("mp4", "video", _TEXT, {"duration": ("6", "10")}),
    f"{_HAILUO}/image-to-video": _Endpoint("mp4", "video", _BOTH, {"duration": ("6", "10")}),
    "fal-ai/hunyuan3d-v3/text-to-3d": _Endpoint("glb", "model_glb", _TEXT, _3D_VALUES),
    "fal-ai/hunyuan3d-v3/image-to-3d": _Endpoint("glb", "model_glb", _IMAGE, _3D_VALUES),
    "fal-ai/hunyuan-3d/v3.1/pro/text-to-3d": _Endpoint("glb", "model_glb", _TEXT, _3D_VALUES),
    "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d": _Endpoint("glb", "model_glb", _IMAGE, _3D_VALUES),
    "fal-ai/hunyuan3d/v2": _Endpoint("glb", "model_mesh", _IMAGE, {}),
}
_ERRORS = {
    Failure.MODERATION: (422, "content_policy_violation", "The content could not be processed: flagged by a checker."),
    Failure.INTERNAL: (500, "internal_server_error", "Internal server error"),
    Failure.INVALID: (422, "image_load_error", "Failed to load the image."),
}


def wire() -> Wire:
    """Builds the wire: the queue, and the public keys of its webhooks."""
    return Wire(
        row=VENDOR,
        prefix=PREFIX,
        routes=(
            route("GET", JWKS_PATH, _keys),
            route("GET", f"{_REQUEST}/status", _status),
            route("GET", f"{_REQUEST}(?:/response)?", _result),
            route("PUT", f"{_REQUEST}/cancel", _cancel),
            route("POST", "/(?P<endpoint>[^/]+/.+)", _submit),
        ),
        authorize=_authorize,
        question=lambda body: str(body.get("prompt") or ""),
        model=lambda call: call.params.get("endpoint", ""),
        refusal=refusal,
        headers=_headers,
    )


def refusal(status: int, message: str, _code: str | None) -> Refusal:
    """Builds an error of the queue itself, which is a text."""
    return Refusal(status, {"detail": message})


def _authorize(call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    known = scheme == "Key" and hmac.compare_digest(key, API_KEY)
    if not known and not call.path.endswith(JWKS_PATH):
        raise refusal(401, "Authentication is required to access this application.", None)


def _headers(call: Call) -> Headers:
    return (("x-fal-request-id", call.params.get("id", call.unique_id("", 20))),)


def _keys(_: Call) -> Reply:
    public = base64.urlsafe_b64encode(_SIGNING_KEY.public_key().public_bytes_raw()).decode().rstrip("=")
    return json_reply({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "simulated", "x": public}]})


def _submit(call: Call) -> Reply:
    name = call.params["endpoint"]
    if name not in _ENDPOINTS:
        raise refusal(404, f"Application '{name}' not found", None)
    endpoint = _ENDPOINTS[name]
    _check(call.body, endpoint)
    url = call.query.get("fal_webhook")
    task = media_wire.open_task(
        call,
        Order(
            vendor=VENDOR,
            handle=media_wire.uuid(call),
            model=name,
            prompt=str(call.body.get("prompt") or ""),
            form=endpoint.form,
            duration_s=float(call.body.get("duration", 5)),
            attempt=attempt_in(url),
            image_url=call.body.get("image_url") or call.body.get("input_image_url"),
            details={"app": "/".join(name.split("/")[:2]), "member": endpoint.member},
        ),
        refusal,
    )
    at = media_wire.root(call)
    if url:
        call.memory.webhooks.expect(task, url, _noticed(task, at))
    return json_reply({"status": "IN_QUEUE", "queue_position": 0, **_addresses(task, at)})


def _check(body: Json, endpoint: _Endpoint) -> None:
    errors = [_error("missing", name, "Field required") for name in endpoint.required if not body.get(name)]
    errors += [
        _error("literal_error", name, f"Input should be one of {', '.join(map(repr, values))}")
        for name, values in endpoint.values.items()
        if name in body and (isinstance(body[name], bool) or body[name] not in values)
    ]
    errors += [
        _error("image_load_error", name, "Failed to load the image.")
        for name in endpoint.required
        if name.endswith("_url") and body.get(name) and not media_wire.is_address(body[name])
    ]
    if errors:
        raise Refusal(422, {"detail": errors}, (("x-fal-retryable", "false"),))


def _error(kind: str, name: str, message: str) -> Json:
    return {"loc": ["body", name], "msg": message, "type": kind, "url": f"{_DOCUMENTED}{kind}"}


def _addresses(task: Task, at: str) -> Json:
    address = f"{at}{PREFIX}/{task.details['app']}/requests/{task.handle}"
    return {
        "request_id": task.handle,
        "response_url": address,
        "status_url": f"{address}/status",
        "cancel_url": f"{address}/cancel",
    }


def _found(call: Call) -> Task:
    task = media_wire.poll_task(call, VENDOR, call.params["id"], refusal)
    if task is None or task.details["app"] != f"{call.params['owner']}/{call.params['app']}":
        raise refusal(404, "Request not found", None)
    return task


def _status(call: Call) -> Reply:
    task = _found(call)
    addresses = _addresses(task, media_wire.root(call))
    match media_wire.state(call, task):
        case State.QUEUED:
            return json_reply({"status": "IN_QUEUE", "queue_position": 0, **addresses}, 202)
        case State.RUNNING:
            return json_reply({"status": "IN_PROGRESS", "logs": [], **addresses}, 202)
        case ended:
            completed = {"status": "COMPLETED", "logs": [], "metrics": {"inference_time": task.takes_s}, **addresses}
            return json_reply(completed | _end(task, ended))


def _end(task: Task, state: State) -> Json:
    """Builds the status of a request that failed or was cancelled."""
    if state is State.CANCELED:
        return {"error": "The request was cancelled.", "error_type": "request_cancelled"}
    if task.failure is None:
        return {}
    return {"error": _ERRORS[task.failure][2], "error_type": _ERRORS[task.failure][1]}


def _result(call: Call) -> Reply:
    task = _found(call)
    match media_wire.state(call, task):
        case State.SUCCEEDED:
            return json_reply(_payload(task, media_wire.root(call)))
        case State.FAILED if task.failure is not None:
            status, kind, message = _ERRORS[task.failure]
            raise Refusal(status, {"detail": [_error(kind, "prompt", message)]}, (("x-fal-error-type", kind),))
        case State.CANCELED:
            raise refusal(400, "Request was cancelled", None)
        case _:
            raise refusal(400, "Request is still in progress", None)


def _payload(task: Task, at: str) -> Json:
    url = media_wire.file_url(at, task)
    file: Json = {"url": url, "content_type": MIME_TYPES[task.form], "file_name": f"output.{task.form}"}
    if task.form == "mp4":
        file |= {"width": WIDTH, "height": HEIGHT, "duration": task.duration_s}
    return {str(task.details["member"]): file, "seed": 1}


def _cancel(call: Call) -> Reply:
    task = _found(call)
    if media_wire.state(call, task).ended:
        return json_reply({"status": "ALREADY_COMPLETED"}, 400)
    task.canceled = True
    return json_reply({"status": "CANCELLATION_REQUESTED"}, 202)


def _noticed(task: Task, at: str) -> Callable[[int], Notice]:
    def notice(now_s: int) -> Notice:
        payload: Json = {"request_id": task.handle, "gateway_request_id": task.handle}
        if task.failure is None:
            payload |= {"status": "OK", "payload": _payload(task, at)}
        else:
            status, kind, message = _ERRORS[task.failure]
            payload |= {
                "status": "ERROR",
                "error": f"Invalid status code: {status}",
                "payload": {"detail": [_error(kind, "prompt", message)]},
            }
        body = orjson.dumps(payload)
        signed = "\n".join((task.handle, USER, str(now_s), hashlib.sha256(body).hexdigest())).encode()
        return Notice(
            {
                "content-type": "application/json",
                "x-fal-webhook-request-id": task.handle,
                "x-fal-webhook-user-id": USER,
                "x-fal-webhook-timestamp": str(now_s),
                "x-fal-webhook-signature": _SIGNING_KEY.sign(signed).hex(),
            },
            body,
        )

    return notice
